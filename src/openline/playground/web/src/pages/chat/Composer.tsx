/** Where one writes, and edits what one has written. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Chat } from "./chat";
import { keyOf, userOf } from "./events";
import { MOST_WAITING } from "./outbox";
import type { Presence } from "./presence";
import type { Room } from "./room";
import type { Message } from "./timeline";

const LONGEST = 2_000; // characters, as the server has it
const STOPPED = 3_000; // milliseconds without a key after which one no longer types

interface Props {
  chat: Chat;
  room: Room;
  presence: Presence;
  editing: Message | null;
  edit(message: Message | null): void;
}

const drafts = new Map<string, string>(); // by room: what one has begun to write

export function Composer({ chat, room, presence, editing, edit }: Props) {
  const [text, setText] = useState(drafts.get(room.name) ?? "");
  const box = useRef<HTMLTextAreaElement>(null);
  const timer = useRef(0);
  const before = useRef("");
  const muted = useMuted(room.mutedUntil(chat.me.user));
  const full = room.outbox.list.length >= MOST_WAITING;
  useEffect(() => () => clearTimeout(timer.current), []);
  useLayoutEffect(() => {
    if (!editing) return;
    before.current = text;
    setText(editing.text);
    box.current?.focus();
  }, [editing]);

  const stop = () => {
    clearTimeout(timer.current);
    presence.type(false);
  };
  const write = (next: string) => {
    setText(next);
    if (editing) return;
    drafts.set(room.name, next);
    clearTimeout(timer.current);
    presence.type(next.trim() !== "");
    timer.current = window.setTimeout(stop, STOPPED);
  };
  const endEditing = () => {
    edit(null);
    setText(before.current);
    box.current?.focus();
  };
  const submit = () => {
    const typed = (box.current?.value ?? "").trim(); // what stands there now, drawn already or not
    if (editing) {
      if (typed !== editing.text && typed) room.outbox.add({ type: "edit", of: keyOf(editing.id), text: typed });
      endEditing();
      return;
    }
    if (!typed || muted || !room.outbox.add({ type: "message", text: typed })) return;
    stop();
    setText("");
    drafts.delete(room.name);
    chat.unreadLine = 0;
  };
  const editLast = () => {
    const last = room.timeline
      .entries()
      .findLast((entry) => entry.kind === "message" && userOf(entry.id) === chat.me.user && !entry.takenBack);
    if (last?.kind === "message") edit(last);
  };
  const waiting = room.outbox.list.filter((one) => one.state === "waiting" || one.state === "sending").length;
  return (
    <form
      class={`composer ${editing ? "is-editing" : ""}`}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <p class="hint" role="status">
        {hint({ editing: editing !== null, muted, full, slow: room.outbox.slow, waiting })}
        {editing && (
          <button type="button" class="link" onClick={endEditing}>
            Cancel
          </button>
        )}
      </p>
      <textarea
        ref={box}
        aria-label={editing ? "Edit your message" : `Message to ${room.title}`}
        placeholder={muted ? "You are muted" : `Message to ${room.title}`}
        rows={1}
        maxLength={LONGEST}
        value={text}
        readOnly={muted > 0}
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === "Escape" && editing) endEditing();
          if (event.key === "ArrowUp" && !text && !editing) {
            event.preventDefault();
            editLast();
          }
          if (event.key !== "Enter" || event.shiftKey) return;
          event.preventDefault();
          submit();
        }}
      />
      <button type="submit" class="button primary" disabled={!text.trim() || muted > 0 || (full && !editing)}>
        {editing ? "Keep" : "Send"}
      </button>
    </form>
  );
}

interface HintProps {
  editing: boolean;
  muted: number;
  full: boolean;
  slow: boolean;
  waiting: number;
}

function hint({ editing, muted, full, slow, waiting }: HintProps): string {
  if (editing) return "You edit your message.";
  if (muted) return `The moderator has muted you here, for another ${muted} s.`;
  if (full) return `${MOST_WAITING} messages wait. No more fit until some are out.`;
  if (slow) return `Not so fast: ${waiting} ${waiting === 1 ? "message waits" : "messages wait"} for a moment.`;
  return "";
}

/** Seconds until one may speak again, as they pass; 0: one may. */
function useMuted(until: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!until) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [until]);
  return until ? Math.max(0, Math.ceil((until - now) / 1_000)) : 0;
}
