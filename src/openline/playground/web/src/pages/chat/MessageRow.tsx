/** A message: its text, the signs below it, and what can be done with it. */

import { useEffect, useRef, useState } from "preact/hooks";

import { Avatar } from "../../visitor/Avatar";
import { keyOf, SIGNS, type Author, type Sign } from "./events";
import type { Waiting } from "./outbox";
import type { Room } from "./room";
import { SIGN_NAMES, SignIcon } from "./signs";
import type { Message } from "./timeline";

interface Props {
  message: Message;
  /** Where it is one's own, and on its way. */
  waiting: Waiting | null;
  me: Author;
  room: Room;
  continued: boolean;
  /** The arrow keys have reached it: its buttons can be tabbed to. */
  active: boolean;
  /** It is being edited. */
  edited: boolean;
  edit(message: Message): void;
  readers: Author[];
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function MessageRow({ message, waiting, me, room, continued, active, edited, edit, readers }: Props) {
  const mine = message.by.user === me.user;
  const react = (sign: Sign) => {
    const on = !message.reactions.some((one) => one.sign === sign && one.by.some(({ user }) => user === me.user));
    room.outbox.add({ type: "reaction", of: message.id, sign, on });
  };
  const classes = ["said", mine && "mine", continued && "continued", edited && "is-edited", message.by.bot && "by-bot", waiting && `is-${waiting.state}`];
  return (
    <article class={classes.filter(Boolean).join(" ")} tabIndex={-1} data-id={message.id} aria-label={`${mine ? "You" : message.by.name}, ${TIME.format(message.at)}`}>
      {!continued && (
        <p class="said-by">
          {!mine && <Avatar name={message.by.name} color={message.by.color} />}
          <bdi>{mine ? "You" : message.by.name}</bdi>
          {message.by.bot && <span class="mark-tag">bot</span>}
          <time dateTime={new Date(message.at).toISOString()}>{TIME.format(message.at)}</time>
        </p>
      )}
      <div class="said-body">
        {message.takenBack ? (
          <p class="said-text is-taken-back">{mine ? "You took this message back" : "This message was taken back"}</p>
        ) : (
          <p class="said-text" dir="auto">
            {message.text}
            {message.edited && <span class="edited"> edited</span>}
          </p>
        )}
        {!waiting && !message.takenBack && (
          <Actions active={active} mine={mine} react={react} edit={() => edit(message)} takeBack={() => room.outbox.add({ type: "edit", of: keyOf(message.id), text: "" })} />
        )}
      </div>
      {message.reactions.length > 0 && !message.takenBack && (
        <ul class="reactions" aria-label="Signs">
          {message.reactions.map(({ sign, by }) => {
            const own = by.some(({ user }) => user === me.user);
            const names = by.map(({ user, name }) => (user === me.user ? "you" : name)).join(", ");
            return (
              <li key={sign}>
                <button type="button" class="reaction" aria-pressed={own} title={names} tabIndex={active ? 0 : -1} onClick={() => react(sign)}>
                  <SignIcon sign={sign} />
                  <span class="reaction-count" aria-hidden="true">
                    {by.length}
                  </span>
                  <span class="unseen">
                    {SIGN_NAMES[sign]}: {names}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
      {waiting && <Delivery waiting={waiting} room={room} />}
      {readers.length > 0 && (
        <p class="readers" title={`Read by ${readers.map(({ name }) => name).join(", ")}`}>
          <span class="unseen">Read by {readers.map(({ name }) => name).join(", ")}</span>
          {readers.slice(0, 6).map(({ user, name, color }) => (
            <Avatar key={user} name={name} color={color} />
          ))}
        </p>
      )}
    </article>
  );
}

interface ActionsProps {
  active: boolean;
  mine: boolean;
  react(sign: Sign): void;
  edit(): void;
  takeBack(): void;
}

function Actions({ active, mine, react, edit, takeBack }: ActionsProps) {
  const [picking, setPicking] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!picking) return;
    box.current?.querySelector<HTMLElement>(".sign-button")?.focus();
    const elsewhere = ({ target }: Event) => {
      if (!box.current?.contains(target as Node)) setPicking(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    return () => document.removeEventListener("pointerdown", elsewhere);
  }, [picking]);
  const tabIndex = active ? 0 : -1;
  return (
    <div
      class={`actions ${picking ? "is-open" : ""}`}
      ref={box}
      role="group"
      aria-label="What to do with it"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !picking) return;
        event.stopPropagation();
        setPicking(false);
        box.current?.closest<HTMLElement>(".said")?.focus();
      }}
    >
      {picking ? (
        SIGNS.map((sign) => (
          <button
            key={sign}
            type="button"
            class="action sign-button"
            aria-label={SIGN_NAMES[sign]}
            title={SIGN_NAMES[sign]}
            onClick={() => {
              setPicking(false);
              box.current?.closest<HTMLElement>(".said")?.focus();
              react(sign);
            }}
          >
            <SignIcon sign={sign} />
          </button>
        ))
      ) : (
        <>
          <button type="button" class="action" aria-label="React" title="React" aria-expanded={false} tabIndex={tabIndex} onClick={() => setPicking(true)}>
            <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
              <path d="M16.5 8.2A7 7 0 1 1 11.6 3.2M7.2 11.6a3.4 3.4 0 0 0 5.6 0M7.6 8v.6M12.4 8v.6M15.5 2v5M13 4.5h5" />
            </svg>
          </button>
          {mine && (
            <>
              <button type="button" class="action" aria-label="Edit" title="Edit" tabIndex={tabIndex} onClick={edit}>
                <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
                  <path d="M3.5 16.5l.9-3.7 8.7-8.7a1.7 1.7 0 0 1 2.4 0l.4.4a1.7 1.7 0 0 1 0 2.4l-8.7 8.7z" />
                </svg>
              </button>
              <button type="button" class="action" aria-label="Take back" title="Take back" tabIndex={tabIndex} onClick={takeBack}>
                <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">
                  <path d="M3.5 5.5h13M8 5.5V3.7h4v1.8M5.2 5.5l.8 11h8l.8-11M8.4 8.5l.2 5M11.6 8.5l-.2 5" />
                </svg>
              </button>
            </>
          )}
        </>
      )}
    </div>
  );
}

function Delivery({ waiting, room }: { waiting: Waiting; room: Room }) {
  const { action, state, why } = waiting;
  if (state === "failed")
    return (
      <p class="delivery" role="alert">
        Not sent. {why}
        <button type="button" class="link" onClick={() => room.outbox.again(action.key)}>
          Try again
        </button>
        <button type="button" class="link" onClick={() => room.outbox.discard(action.key)}>
          Discard
        </button>
      </p>
    );
  const text = state !== "waiting" ? "Sending …" : room.outbox.open ? "Waits its turn" : "Waits for the line";
  return <p class="delivery">{text}</p>;
}
