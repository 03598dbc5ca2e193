/** Who is in the room: faces in its head, and the whole list behind them; there one is renamed, and others are muted. */

import { useEffect, useRef, useState } from "preact/hooks";

import { Avatar } from "../../visitor/Avatar";
import type { Chat } from "./chat";
import type { Author } from "./events";
import type { Presence } from "./presence";
import type { Room } from "./room";

const MOST_FACES = 4;
const LONGEST_NAME = 32; // as the server has it
const MINUTES = 1; // of a mute

interface Props {
  chat: Chat;
  room: Room;
  presence: Presence;
}

export function People({ chat, room, presence }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const elsewhere = ({ target }: Event) => {
      if (!box.current?.contains(target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
    };
  }, [open]);

  const people: Author[] = presence.people;
  const others = people.filter((person) => person.user !== chat.me.user);
  const faces = [...others, ...(others.length ? [] : chat.bots)].slice(0, MOST_FACES);
  const count = Math.max(people.length, 1);
  return (
    <div
      class="people"
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        setOpen(false);
        button.current?.focus();
      }}
    >
      <button
        ref={button}
        type="button"
        class="people-button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <span class="faces" aria-hidden="true">
          {faces.map((person) => (
            <span key={person.user} class="face">
              <Avatar name={person.name} color={person.color} />
            </span>
          ))}
          <span class="face is-me">
            <Avatar name={chat.me.name} color={chat.me.color} />
          </span>
        </span>
        <span class="count" aria-hidden="true">
          {count}
        </span>
        <span class="unseen">{count === 1 ? "1 person is here" : `${count} people are here`}. Show who</span>
      </button>
      {open && (
        <div class="people-list card" role="group" aria-label="Who is here">
          <ul>
            <li>
              <Me chat={chat} isFirst={presence.moderator === chat.me.user} />
            </li>
            {[...others, ...chat.bots].map((person) => (
              <li key={person.user} class="person">
                <Avatar name={person.name} color={person.color} />
                <span class="person-name">
                  <bdi>{person.name}</bdi>
                  <Marks bot={person.bot} moderator={person.user === presence.moderator} muted={room.mutedUntil(person.user) > 0} />
                </span>
                {presence.moderator === chat.me.user && (
                  <MuteButton room={room} person={person} muted={room.mutedUntil(person.user) > 0} />
                )}
              </li>
            ))}
          </ul>
          <p class="people-note">Whoever has been here for longest is the room’s moderator, and may mute others for a minute.</p>
        </div>
      )}
    </div>
  );
}

function MuteButton({ room, person, muted }: { room: Room; person: Author; muted: boolean }) {
  return (
    <button
      type="button"
      class="button small"
      aria-label={`${muted ? "Unmute" : "Mute"} ${person.name}`}
      onClick={() => room.outbox.add({ type: "mute", user: person.user, minutes: muted ? 0 : MINUTES })}
    >
      {muted ? "Unmute" : "Mute"}
    </button>
  );
}

function Marks({ bot, moderator, muted }: { bot: boolean; moderator: boolean; muted: boolean }) {
  return (
    <>
      {bot && <span class="mark-tag">bot</span>}
      {moderator && <span class="mark-tag">moderator</span>}
      {muted && <span class="mark-tag is-muted">muted</span>}
    </>
  );
}

function Me({ chat, isFirst }: { chat: Chat; isFirst: boolean }) {
  const [editing, setEditing] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const { name, color } = chat.me;
  const done = (wanted: string | null) => {
    setEditing(false);
    const next = wanted?.trim().slice(0, LONGEST_NAME);
    if (next && next !== name) chat.rename(next);
    requestAnimationFrame(() => button.current?.focus());
  };
  return (
    <div class="person">
      <Avatar name={name} color={color} />
      {editing ? (
        <form
          class="name-form"
          onSubmit={(event) => {
            event.preventDefault();
            done(String(new FormData(event.currentTarget).get("name")));
          }}
        >
          <input
            name="name"
            aria-label="Your name"
            defaultValue={name}
            maxLength={LONGEST_NAME}
            autocomplete="off"
            ref={(input) => input?.select()}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              event.stopPropagation();
              done(null);
            }}
          />
          <button type="submit" class="button small">
            Keep
          </button>
        </form>
      ) : (
        <>
          <span class="person-name">
            <bdi class="my-name">{name}</bdi>
            <span class="mark-tag">you</span>
            <Marks bot={false} moderator={isFirst} muted={false} />
          </span>
          <button ref={button} type="button" class="button small" onClick={() => setEditing(true)}>
            Rename
          </button>
        </>
      )}
    </div>
  );
}
