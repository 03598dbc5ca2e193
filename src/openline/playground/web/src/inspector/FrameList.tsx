import { Component } from "preact";
import { useRef, useState } from "preact/hooks";

import { FrameDetail } from "./FrameDetail";
import { FrameRow } from "./FrameRow";
import { opcodes } from "./opcodes";
import { framesPassed, MOST_ENTRIES, type Closed, type Entry, type Garbled, type Refused, type Sample, type Watched } from "./records";

const filters = {
  all: { label: "All", shows: () => true },
  data: { label: "Data", shows: (entry: Entry) => !isControl(entry) },
  control: { label: "Control", shows: isControl },
};
type Filter = keyof typeof filters;

const samples: [sample: Sample, label: string, hint: string][] = [
  ["ping", "Ping", "The server asks whether this page is alive; the browser answers by itself"],
  ["fragments", "Fragments", "One message in several frames"],
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
    setHeldAt(closing ? null : (heldAt ?? watched.nextId));
  };
  const latest = useRef(toggle);
  latest.current = toggle;
  const reset = () => {
    setOpenId(null);
    setHeldAt(null);
    clear();
  };
  const matching = watched.entries.filter(filters[filter].shows);
  const shown = heldAt === null ? matching : matching.filter((entry) => entry.id < heldAt);
  const held = matching.length - shown.length;

  return (
    <div class="card frames">
      <header class="card-head">
        <h3>
          Frames <span class="count">{framesPassed(watched).toLocaleString("en")}</span>
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
        {samples.filter(([sample]) => watched.samples.includes(sample)).map(([sample, label, hint]) => (
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
        <button type="button" class="held" onClick={() => setHeldAt(watched.nextId)}>
          The list stands still while you look. Show {held === 1 ? "what is new" : `${held} new ones`}
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
        <p class="quiet empty">Nothing yet. Do something on the page, or have the server send something.</p>
      ) : (
        <ol class="frame-list" reversed onKeyDown={moveByArrows} aria-label="Frames, the newest first">
          {shown.toReversed().map((entry) => (
            <Row key={entry.id} entry={entry} open={entry.id === openId} toggle={latest} />
          ))}
        </ol>
      )}
      {watched.entries.length === MOST_ENTRIES && (
        <p class="quiet empty">What is older is forgotten: the list keeps {MOST_ENTRIES}.</p>
      )}
    </div>
  );
}

interface RowProps {
  entry: Entry;
  open: boolean;
  toggle: { current(id: number): void };
}

/** One row; drawn once, for a busy line has hundreds of them, and most stay as they are. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps) {
    return next.entry !== this.props.entry || next.open !== this.props.open;
  }

  override render({ entry, open, toggle }: RowProps) {
    if (entry.kind !== "frame") return <li class="line-end">{ending(entry)}</li>;
    return (
      <li class={`passed from-${entry.from}`}>
        <FrameRow frame={entry} open={open} toggle={() => toggle.current(entry.id)} />
        {open && <FrameDetail frame={entry} />}
      </li>
    );
  }
}

function ending(entry: Closed | Garbled | Refused): string {
  if (entry.kind === "refused") {
    return `The server answered a handshake with 503: this page's line was cut, for ${entry.seconds} more seconds.`;
  }
  if (entry.kind === "garbled") return `What the ${entry.from} sent from here on is no frame: ${entry.why}`;
  const how = [entry.code && ` with code ${entry.code}`, entry.reason && ` (${entry.reason})`];
  return `The line ended${how.filter(Boolean).join("")}. What stands above passed on a new one.`;
}

function isControl(entry: Entry): boolean {
  return entry.kind !== "frame" || (opcodes[entry.opcode]?.control ?? false);
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
