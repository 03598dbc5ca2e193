import { opcodes } from "./opcodes";
import type { Passed } from "./records";
import { clock, preview, reservedBits } from "./wording";

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
      data-opcode={name}
      data-from={frame.from}
      onClick={toggle}
    >
      <span class="time">{clock(frame.at)}</span>
      <span class="direction">
        <span aria-hidden="true">{frame.from === "page" ? "↑" : "↓"}</span>
        <span class="unseen">{frame.from === "page" ? "to the server" : "from the server"}</span>
      </span>
      <span class={`opcode op-${name.toLowerCase()}`}>{name}</span>
      <Flag name="FIN" on={frame.fin} />
      <span class="rsv">
        <span class="unseen">RSV </span>
        {reservedBits(frame)}
      </span>
      <Flag name="MASK" on={frame.mask !== null} />
      <span class="length">
        {frame.length.toLocaleString("en")}
        <span class="unseen"> bytes</span>
      </span>
      <span class="first-bytes">{preview(frame)}</span>
    </button>
  );
}

function Flag({ name, on }: { name: string; on: boolean }) {
  return (
    <span class={on ? "flag on" : "flag"}>
      {name}
      <span class="unseen">{on ? " set" : " not set"}</span>
    </span>
  );
}
