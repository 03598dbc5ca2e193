/** The rooms, with what is new in each. */

import type { Room } from "./room";
import type { Message } from "./timeline";

interface Props {
  rooms: Room[];
  current: Room;
  open(room: Room): void;
}

export function Rooms({ rooms, current, open }: Props) {
  return (
    <>
      <p class="rooms-title" aria-hidden="true">
        Rooms
      </p>
      <ul class="rooms">
        {rooms.map((room) => {
          const last = room.timeline.entries().findLast((entry) => entry.kind === "message");
          const unread = room === current ? 0 : room.unread;
          return (
            <li key={room.name}>
              <button
                type="button"
                class={`room-button ${unread ? "has-unread" : ""}`}
                aria-current={room === current ? "true" : undefined}
                onClick={() => open(room)}
              >
                <span class="hash" aria-hidden="true">
                  #
                </span>
                <span class="room-button-name">{room.title}</span>
                {unread > 0 && (
                  <span class="badge">
                    {unread}
                    <span class="unseen"> new</span>
                  </span>
                )}
                <span class="room-button-last">
                  {last?.kind === "message" ? `${whoSaid(last, room)}: ${last.takenBack ? "…" : last.text}` : room.topic}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function whoSaid({ by }: Message, room: Room): string {
  return by.user === room.me ? "You" : (by.name.split(" ")[0] ?? "");
}
