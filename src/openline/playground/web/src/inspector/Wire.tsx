/** The line itself, drawn: two ends, and a dot on its way for each frame that passes. */

import "./wire.css";

import { useEffect, useRef } from "preact/hooks";

import type { LineState } from "../line/line";
import { opcodes } from "./opcodes";
import type { Frame, Sender, Watched } from "./records";
import { bytesInWords } from "./wording";

const words: Record<LineState, string> = {
  connecting: "Opening the line",
  open: "The line is open",
  lost: "The line is lost",
};

const JOURNEY = 900; // milliseconds
const MOST_DOTS = 24;

export function Wire({ watched, state }: { watched: Watched; state: LineState }) {
  const track = useRef<HTMLDivElement>(null);
  const seen = useRef(0);
  useEffect(() => {
    const fresh = watched.entries.filter((entry) => entry.id >= seen.current && entry.kind === "frame");
    seen.current = watched.nextId;
    fresh.forEach((frame, index) => track.current && send(track.current, frame as Frame, index * 60));
  }, [watched.nextId]);
  return (
    <div class={`wire ${state}`}>
      <End name="This page" from="page" watched={watched} />
      <div class="between">
        <div class="track" ref={track} aria-hidden="true" />
        <p class="wire-state" role="status">
          {words[state]}
        </p>
      </div>
      <End name={location.host} from="server" watched={watched} />
    </div>
  );
}

function End({ name, from, watched }: { name: string; from: Sender; watched: Watched }) {
  const { frames, bytes } = watched.traffic[from];
  return (
    <div class={`end from-${from}`}>
      <p>
        <span class="end-name">{name}</span>
        <span class="end-traffic">
          {frames.toLocaleString("en")} {frames === 1 ? "frame" : "frames"}
          <span class="end-bytes"> · {bytesInWords(bytes)}</span>
        </span>
      </p>
    </div>
  );
}

function send(track: HTMLElement, frame: Frame, delay: number) {
  if (track.childElementCount >= MOST_DOTS || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const dot = document.createElement("span");
  dot.className = `dot from-${frame.from}`;
  dot.textContent = opcodes[frame.opcode]?.name ?? "?";
  track.append(dot);
  const ends = frame.from === "page" ? ["0%", "100%"] : ["100%", "0%"];
  const steps = ends.map((left) => ({ left, opacity: 0.2 }));
  const journey = dot.animate([steps[0]!, { opacity: 1, offset: 0.15 }, { opacity: 1, offset: 0.85 }, steps[1]!], {
    duration: JOURNEY,
    delay,
    easing: "cubic-bezier(0.4, 0, 0.3, 1)",
    fill: "both",
  });
  journey.onfinish = () => dot.remove();
}
