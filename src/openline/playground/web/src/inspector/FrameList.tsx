import { useState } from "preact/hooks";

import { FrameDetail } from "./FrameDetail";
import { FrameRow } from "./FrameRow";
import { opcodes } from "./opcodes";
import { MOST_FRAMES, type Passed, type Watched } from "./records";
import type { Sample } from "./useInspector";

const filters = {
  all: { label: "All", shows: () => true },
  data: { label: "Messages", shows: (frame: Passed) => !opcodes[frame.opcode]?.control },
  control: { label: "Control", shows: (frame: Passed) => opcodes[frame.opcode]?.control ?? false },
};
type Filter = keyof typeof filters;

const samples: [sample: Sample, label: string, hint: string][] = [
  ["ping", "Ping", "The server asks whether this page is alive; the browser answers by itself"],
  ["fragments", "Fragments", "One message in several frames"],
  ["binary", "Binary", "24 random bytes"],
  ["medium", "300 bytes", "Longer than 125: the length takes two more bytes"],
  ["large", "70,000 bytes", "Longer than 65,535: the length takes eight more bytes"],
  ["close", "Close", "The closing handshake; the page then opens a new line"],
];

interface Props {
  watched: Watched;
  ask(sample: Sample): void;
  clear(): void;
}

export function FrameList({ watched, ask, clear }: Props) {
  const [filter, setFilter] = useState<Filter>("all");
  const [openId, setOpenId] = useState<number | null>(null);
  // While somebody reads a frame the list stands still; what passes meanwhile is counted, and shown on demand.
  const [heldAt, setHeldAt] = useState<number | null>(null);

  const toggle = (id: number) => {
    const closing = id === openId;
    setOpenId(closing ? null : id);
    setHeldAt(closing ? null : (heldAt ?? watched.passed));
  };
  const reset = () => {
    setOpenId(null);
    setHeldAt(null);
    clear();
  };
  const matching = watched.frames.filter(filters[filter].shows);
  const shown = heldAt === null ? matching : matching.filter((frame) => frame.id < heldAt);
  const held = matching.length - shown.length;
  const forgotten = watched.passed > MOST_FRAMES && watched.frames.length === MOST_FRAMES;

  return (
    <div class="card frames">
      <header class="card-head">
        <h3>
          Frames <span class="count">{watched.passed.toLocaleString("en")}</span>
        </h3>
        <fieldset class="filters">
          <legend class="unseen">Which frames</legend>
          {Object.entries(filters).map(([name, { label }]) => (
            <label key={name}>
              <input
                class="unseen"
                type="radio"
                name="filter"
                checked={filter === name}
                onChange={() => setFilter(name as Filter)}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        <button type="button" class="button small" onClick={reset}>
          Clear
        </button>
      </header>
      <div class="samples" role="group" aria-labelledby="samples-title">
        <span id="samples-title">Have the server send</span>
        {samples.map(([sample, label, hint]) => (
          <button key={sample} type="button" class="button small" title={hint} onClick={() => ask(sample)}>
            {label}
          </button>
        ))}
      </div>
      {watched.missed > 0 && (
        <p class="notice">
          {watched.missed.toLocaleString("en")} records were dropped on the way, since this page could not keep up.
        </p>
      )}
      {held > 0 && (
        <button type="button" class="held" onClick={() => setHeldAt(watched.passed)}>
          The list stands still while you look. Show {held === 1 ? "the new frame" : `${held} new frames`}
        </button>
      )}
      <div class="frame-columns" aria-hidden="true">
        <span>Time</span>
        <span />
        <span>Opcode</span>
        <span>FIN</span>
        <span>RSV</span>
        <span>Mask</span>
        <span>Length</span>
        <span>First bytes</span>
      </div>
      {shown.length === 0 ? (
        <p class="quiet empty">Nothing yet. Type a line in the chat, or have the server send something.</p>
      ) : (
        <ol class="frame-list" reversed onKeyDown={moveByArrows} aria-label="Frames, the newest first">
          {shown.toReversed().map((frame) => (
            <li key={frame.id} class={`frame from-${frame.from}`}>
              <FrameRow frame={frame} open={frame.id === openId} toggle={() => toggle(frame.id)} />
              {frame.id === openId && <FrameDetail frame={frame} />}
            </li>
          ))}
        </ol>
      )}
      {forgotten && <p class="quiet empty">Older frames are forgotten: the list keeps {MOST_FRAMES}.</p>}
    </div>
  );
}

function moveByArrows(event: KeyboardEvent & { currentTarget: HTMLOListElement }) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || !(event.target instanceof HTMLButtonElement)) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLButtonElement>(".frame-row")];
  const next = rows[rows.indexOf(event.target) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}
