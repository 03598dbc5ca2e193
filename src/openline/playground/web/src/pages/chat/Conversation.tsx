/** What was said in a room: it follows the newest, unless one scrolls back; then older pages are loaded. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Chat } from "./chat";
import { idOf, keyOf, userOf, type Author } from "./events";
import { MessageRow } from "./MessageRow";
import type { Waiting } from "./outbox";
import type { Presence } from "./presence";
import type { Room } from "./room";
import { foreseen, type Entry, type Message } from "./timeline";

const NEAR = 60; // pixels from an end
const SAME_BREATH = 180_000; // milliseconds in which somebody's messages stand under one name

const NOBODY: Author[] = [];

interface Props {
  chat: Chat;
  room: Room;
  presence: Presence;
  editing: Message | null;
  edit(message: Message): void;
}

interface Row {
  message: Message;
  waiting: Waiting | null;
}

export function Conversation({ chat, room, presence, editing, edit }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const height = useRef(0);
  const oldest = useRef(0);
  const [behind, setBehind] = useState(0); // messages that came while one looked at older ones
  const counted = useRef("");
  const [active, setActive] = useState(""); // the message that the arrow keys have reached
  const { me } = chat;
  const entries = room.timeline.entries();
  const waiting = room.outbox.list;
  const shown = useMemo(() => foreseen(entries, waiting.map((one) => one.action), me), [entries, waiting, me]);
  const sent: Row[] = waiting.flatMap((one) =>
    one.action.type === "message" && !room.timeline.has(idOf(me.user, one.action.key))
      ? [{ waiting: one, message: onItsWay(one.action.key, one.action.text, one.at, me) }]
      : [],
  );
  const refused = waiting.filter((one) => one.state === "failed" && one.action.type !== "message");
  const last = entries.at(-1);
  const readers = readersOf(entries, presence, me);

  const toEnd = () => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  const look = () => {
    if (follows.current && document.visibilityState === "visible") {
      chat.seen();
      setBehind(0);
    }
  };
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    if (follows.current) toEnd();
    // What is loaded comes above what one looks at, which stays where it is.
    else if (room.timeline.oldest < oldest.current) element.scrollTop += element.scrollHeight - height.current;
    oldest.current = room.timeline.oldest;
    height.current = element.scrollHeight;
    if (!follows.current && last && last.id !== counted.current && counted.current) {
      const from = entries.findIndex((entry) => entry.id === counted.current);
      const others = entries.slice(from + 1).filter((entry) => entry.kind === "message" && userOf(entry.id) !== me.user);
      if (from >= 0 && others.length) setBehind((count) => count + others.length);
    }
    counted.current = last?.id ?? "";
    look();
  });
  useEffect(() => {
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [chat]);
  // One's own message is looked at where it comes.
  const written = waiting.at(-1)?.action;
  useLayoutEffect(() => {
    if (written?.type !== "message") return;
    follows.current = true;
    toEnd();
  }, [written]);
  // A page that does not fill the window cannot be scrolled back.
  useEffect(() => {
    const element = scroller.current;
    if (element && room.loaded && element.scrollHeight <= element.clientHeight) void room.loadOlder();
  }, [room.loaded, entries]);

  const move = (event: KeyboardEvent) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const rows = [...(scroller.current?.querySelectorAll<HTMLElement>(".said") ?? [])];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 ? rows.at(-1) : rows[at + (event.key === "ArrowUp" ? -1 : 1)];
    if (!next) return;
    event.preventDefault();
    setActive(next.dataset.id ?? "");
    next.focus();
  };
  return (
    <div class="conversation-box">
      <div
        class="conversation"
        ref={scroller}
        tabIndex={0}
        role="region"
        aria-label={`What was said in ${room.title}. Arrow keys go from one to the next`}
        onKeyDown={move}
        onScroll={({ currentTarget: element }) => {
          follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
          if (element.scrollTop < NEAR) void room.loadOlder();
          look();
        }}
      >
        <Beginning room={room} count={entries.length} />
        <ol class="messages">
          {rowsOf(shown, chat.unreadLine, me.user).map(({ entry, day, continued, first }) => (
            <Line key={entry.kind === "message" ? keyOf(entry.id) : entry.id} day={day} first={first}>
              {entry.kind === "message" ? (
                <MessageRow
                  message={entry}
                  waiting={null}
                  me={me}
                  room={room}
                  continued={continued}
                  active={active === entry.id}
                  edited={editing?.id === entry.id}
                  edit={edit}
                  readers={readers.get(entry.id) ?? NOBODY}
                />
              ) : (
                <p class="happened">
                  {entry.by.user === me.user ? "You" : entry.by.name}{" "}
                  {entry.until - entry.at > 1_000 ? "muted" : "unmuted"} {entry.user === me.user ? "you" : knownName(entry.user, chat, presence, entries)}
                  {entry.until - entry.at > 1_000 && ` for ${minutes(entry.until - entry.at)}`}
                </p>
              )}
            </Line>
          ))}
          {sent.map(({ message, waiting }, index) => (
            <Line key={keyOf(message.id)} day="" first={false}>
              <MessageRow
                message={message}
                waiting={waiting}
                me={me}
                room={room}
                continued={index > 0 || continues(message, shown.at(-1))}
                active={active === message.id}
                edited={false}
                edit={edit}
                readers={NOBODY}
              />
            </Line>
          ))}
        </ol>
      </div>
      {behind > 0 && (
        <button
          type="button"
          class="to-end"
          onClick={() => {
            follows.current = true;
            toEnd();
            look();
          }}
        >
          {behind === 1 ? "One new message" : `${behind} new messages`}
          <svg viewBox="0 0 16 16" width="13" height="13" aria-hidden="true">
            <path d="M8 3v9.5M4 8.8l4 4 4-4" />
          </svg>
        </button>
      )}
      {refused.map((one) => (
        <p key={one.action.key} class="refused" role="alert">
          {one.why}
          <button
            type="button"
            class="link"
            onClick={() => room.outbox.discard(one.action.key)}
          >
            Dismiss
          </button>
        </p>
      ))}
      <p class="typing">{whoTypes(presence.typing.filter((one) => one.user !== me.user).map((one) => one.name))}</p>
    </div>
  );
}

function Beginning({ room, count }: { room: Room; count: number }) {
  if (!room.loaded) return <p class="beginning quiet">Loading …</p>;
  if (room.complete)
    return (
      <div class="beginning">
        <h3>#{room.name}</h3>
        <p class="quiet">{count ? "Here the room begins." : "Nothing has been said here yet. Be the first."}</p>
      </div>
    );
  return (
    <p class="beginning">
      <button type="button" class="link" disabled={room.loading} onClick={() => void room.loadOlder()}>
        {room.loading ? "Loading …" : "Show what was said before"}
      </button>
    </p>
  );
}

function Line({ day, first, children }: { day: string; first: boolean; children: preact.ComponentChildren }) {
  return (
    <li>
      {day && (
        <p class="day">
          <span>{day}</span>
        </p>
      )}
      {first && (
        <p class="unread-line">
          <span>New</span>
        </p>
      )}
      {children}
    </li>
  );
}

interface Shown {
  entry: Entry;
  day: string;
  continued: boolean;
  first: boolean;
}

function rowsOf(entries: Entry[], line: number, me: string): Shown[] {
  let before: Entry | undefined;
  let open = line > 0;
  return entries.map((entry) => {
    const day = before && dayOf(before.at) === dayOf(entry.at) ? "" : dayOf(entry.at);
    const first = open && entry.at > line && entry.kind === "message" && userOf(entry.id) !== me;
    if (first) open = false;
    const continued = !day && !first && entry.kind === "message" && continues(entry, before);
    before = entry;
    return { entry, day, continued, first };
  });
}

function continues(message: Message, before: Entry | undefined): boolean {
  return (
    before?.kind === "message" &&
    before.by.user === message.by.user &&
    before.by.name === message.by.name &&
    message.at - before.at < SAME_BREATH
  );
}

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

function dayOf(at: number): string {
  const day = DAY.format(at);
  if (day === DAY.format(Date.now())) return "Today";
  return day === DAY.format(Date.now() - 86_400_000) ? "Yesterday" : day;
}

function minutes(milliseconds: number): string {
  const count = Math.round(milliseconds / 60_000);
  return count === 1 ? "a minute" : `${count} minutes`;
}

function knownName(user: string, chat: Chat, presence: Presence, entries: Entry[]): string {
  const known = [...presence.people, ...chat.bots].find((one) => one.user === user);
  return known?.name ?? entries.findLast((entry) => entry.by.user === user)?.by.name ?? "somebody";
}

/** Others who are here, by the last message that each has read; whose own that is has no need to be told. */
function readersOf(entries: Entry[], presence: Presence, me: Author): Map<string, Author[]> {
  const readers = new Map<string, Author[]>();
  for (const person of presence.people) {
    const at = presence.marks.get(person.user) ?? 0;
    const last = person.user === me.user ? undefined : entries.findLast((entry) => entry.at <= at);
    if (last && last.by.user !== person.user) readers.set(last.id, [...(readers.get(last.id) ?? []), person]);
  }
  return readers;
}

function onItsWay(key: string, text: string, at: number, me: Author): Message {
  return { kind: "message", id: idOf(me.user, key), by: me, text, at, edited: false, takenBack: false, reactions: [] };
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
