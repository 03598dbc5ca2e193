import { useEffect, useRef, useState } from "preact/hooks";

import type { Room } from "./room";

const LONGEST_LINE = 1000; // characters, as the room has it
const STOPPED = 3000; // milliseconds without a key after which one no longer types

interface Props {
  room: Room;
  open: boolean;
  say(text: string): boolean;
  typing(on: boolean): void;
}

export function Composer({ room, open, say, typing }: Props) {
  const [text, setText] = useState("");
  const timer = useRef(0);
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => () => clearTimeout(timer.current), []);

  const type = (next: string) => {
    setText(next);
    clearTimeout(timer.current);
    typing(next.trim() !== "");
    timer.current = window.setTimeout(() => typing(false), STOPPED);
  };
  const submit = () => {
    clearTimeout(timer.current);
    const typed = box.current?.value ?? ""; // what stands there now, drawn already or not
    if (typed.trim() && say(typed)) setText("");
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {room.refusal && (
        <p class="refusal" role="alert">
          {room.refusal}
        </p>
      )}
      <textarea
        ref={box}
        aria-label="Your line"
        placeholder={open ? "Say something" : "The line is being opened …"}
        rows={1}
        maxLength={LONGEST_LINE}
        value={text}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          submit();
        }}
      />
      <button type="submit" class="button primary" disabled={!open || !text.trim()}>
        Send
      </button>
    </form>
  );
}
