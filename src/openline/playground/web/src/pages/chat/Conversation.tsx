import { useLayoutEffect, useRef } from "preact/hooks";

import { Avatar } from "./Avatar";
import { typing, type ChatLine, type Room } from "./room";

const NEAR_THE_END = 80; // pixels
const SAME_BREATH = 120_000; // milliseconds in which somebody's lines stand under one name

export function Conversation({ room }: { room: Room }) {
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && follows.current) element.scrollTop = element.scrollHeight;
  }, [room.lines]);
  return (
    <>
      <div
        class="conversation"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-label="What was said"
        onScroll={({ currentTarget: element }) => {
          follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_THE_END;
        }}
      >
        {room.lines.length === 0 && <p class="quiet empty">Nobody has said anything yet.</p>}
        <ol>
          {room.lines.map((line, index) => (
            <Said key={line.id} line={line} mine={room.mine.has(line.by)} continued={continues(line, room.lines[index - 1])} />
          ))}
        </ol>
      </div>
      <p class="typing" aria-live="off">
        {whoTypes(typing(room).map((person) => person.name))}
      </p>
    </>
  );
}

function Said({ line, mine, continued }: { line: ChatLine; mine: boolean; continued: boolean }) {
  const time = new Date(line.at);
  return (
    <li class={`said ${mine ? "mine" : ""} ${continued ? "continued" : ""}`}>
      {!continued && (
        <p class="said-by">
          {!mine && <Avatar id={line.by} name={line.name} />}
          <bdi>{mine ? "You" : line.name}</bdi>
          <time dateTime={time.toISOString()}>{time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}</time>
        </p>
      )}
      <p class="said-text" dir="auto">
        {line.text}
      </p>
    </li>
  );
}

function continues(line: ChatLine, before: ChatLine | undefined): boolean {
  return before !== undefined && before.by === line.by && before.name === line.name && line.at - before.at < SAME_BREATH;
}

function whoTypes(names: string[]): preact.ComponentChildren {
  if (names.length === 0) return null;
  const who = names.length > 2 ? `${names.length} people` : names.join(" and ");
  return (
    <>
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {who} {names.length === 1 ? "is" : "are"} typing
    </>
  );
}
