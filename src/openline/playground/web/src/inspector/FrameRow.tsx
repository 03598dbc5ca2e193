import { opcodes } from "./opcodes";
import type { Passed } from "./records";
import { clock, inSentence, preview } from "./wording";

interface Props {
  frame: Passed;
  open: boolean;
  toggle(): void;
}

export function FrameRow({ frame, open, toggle }: Props) {
  const name = opcodes[frame.opcode]?.name ?? `0x${frame.opcode.toString(16)}`;
  return (
    <button
      type="button"
      class="frame-row"
      aria-expanded={open}
      aria-label={inSentence(frame)}
      data-opcode={name}
      data-from={frame.from}
      onClick={toggle}
    >
      <span class="time">{clock(frame.at)}</span>
      <span class="direction">{frame.from === "page" ? "↑" : "↓"}</span>
      <span class={`opcode op-${name.toLowerCase()}`}>{name}</span>
      <span class={frame.fin ? "flag on" : "flag"}>FIN</span>
      <span class="rsv">{(frame.rsv >> 4).toString(2).padStart(3, "0")}</span>
      <span class={frame.mask ? "flag on" : "flag"}>MASK</span>
      <span class="length">{frame.length.toLocaleString("en")}</span>
      <span class="first-bytes">{preview(frame)}</span>
    </button>
  );
}
