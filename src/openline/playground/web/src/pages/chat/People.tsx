import { useRef, useState } from "preact/hooks";

import { Avatar } from "./Avatar";
import { myName, type Room } from "./room";

const MOST_AVATARS = 6;
const LONGEST_NAME = 24; // as the room has it

export function People({ room, rename }: { room: Room; rename(name: string): void }) {
  const others = room.people.filter((person) => person.id !== room.me);
  const shown = others.slice(-MOST_AVATARS);
  return (
    <header class="card-head people">
      <h2 id="chat-title">The room</h2>
      <ul class="avatars" aria-label={room.people.length === 1 ? "You are alone here" : `${room.people.length} people are here`}>
        {shown.map((person) => (
          <li key={person.id} title={person.name} class={person.typing ? "is-typing" : ""}>
            <Avatar {...person} />
            <span class="unseen">{person.name}</span>
          </li>
        ))}
        {others.length > shown.length && <li class="more">+{others.length - shown.length}</li>}
      </ul>
      <MyName name={myName(room)} id={room.me} rename={rename} />
    </header>
  );
}

function MyName({ name, id, rename }: { name: string; id: number; rename(name: string): void }) {
  const [editing, setEditing] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const done = (wanted: string | null) => {
    setEditing(false);
    if (wanted !== null && wanted.trim() && wanted !== name) rename(wanted);
    requestAnimationFrame(() => button.current?.focus());
  };
  if (!editing)
    return (
      <button ref={button} type="button" class="my-name" disabled={!name} onClick={() => setEditing(true)}>
        <Avatar id={id} name={name} />
        <span class="unseen">You are </span>
        <bdi>{name || "…"}</bdi>
        <span class="unseen">. Change your name</span>
        <Pencil />
      </button>
    );
  return (
    <form
      class="name-form"
      onSubmit={(event) => {
        event.preventDefault();
        done(new FormData(event.currentTarget).get("name") as string);
      }}
    >
      <input
        name="name"
        aria-label="Your name"
        defaultValue={name}
        maxLength={LONGEST_NAME}
        autocomplete="off"
        ref={(input) => input?.select()}
        onKeyDown={(event) => event.key === "Escape" && done(null)}
      />
      <button type="submit" class="button small">
        Keep
      </button>
    </form>
  );
}

function Pencil() {
  return (
    <svg viewBox="0 0 16 16" width="13" height="13" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" aria-hidden="true">
      <path d="M2.5 13.5l.7-3L10.7 3a1.4 1.4 0 0 1 2 0l.3.3a1.4 1.4 0 0 1 0 2L5.5 12.8z" />
    </svg>
  );
}
