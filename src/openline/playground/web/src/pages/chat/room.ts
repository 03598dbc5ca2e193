/** What this page knows of the room: the messages of openline.playground.chat_room, put together. */

export interface Person {
  id: number;
  name: string;
  typing: boolean;
}

export interface ChatLine {
  id: number;
  by: number;
  name: string;
  text: string;
  at: number; // milliseconds since 1970
}

export interface Room {
  me: number; // 0: not in the room
  mine: ReadonlySet<number>; // the numbers this page has had in the room: a new one with each line it opened
  people: Person[];
  lines: ChatLine[];
  refusal: string | null;
}

type Message =
  | { type: "welcome"; you: number; people: Person[]; history: ChatLine[] }
  | { type: "joined"; person: Person }
  | { type: "left"; id: number }
  | { type: "renamed"; id: number; name: string }
  | { type: "typing"; id: number; on: boolean }
  | { type: "said"; line: ChatLine }
  | { type: "refused"; why: string };

export const outside: Room = { me: 0, mine: new Set(), people: [], lines: [], refusal: null };

const MOST_LINES = 300;

export function hear(room: Room, message: unknown): Room {
  if (typeof message !== "object" || message === null) return room; // a binary sample of the inspector's
  return react(room, message as Message);
}

function react(room: Room, message: Message): Room {
  switch (message.type) {
    case "welcome":
      return {
        me: message.you,
        mine: new Set([...room.mine, message.you]),
        people: message.people,
        lines: message.history,
        refusal: null,
      };
    case "joined":
      return { ...room, people: [...room.people, message.person] };
    case "left":
      return { ...room, people: room.people.filter((person) => person.id !== message.id) };
    case "renamed":
      return change(room, message.id, { name: message.name });
    case "typing":
      return change(room, message.id, { typing: message.on });
    case "said":
      return {
        ...change(room, message.line.by, { typing: false }),
        lines: [...room.lines.slice(1 - MOST_LINES), message.line],
        refusal: message.line.by === room.me ? null : room.refusal,
      };
    case "refused":
      return { ...room, refusal: message.why };
    default:
      return room; // a sample of the inspector's, or a message newer than this page
  }
}

function change(room: Room, id: number, fields: Partial<Person>): Room {
  return { ...room, people: room.people.map((person) => (person.id === id ? { ...person, ...fields } : person)) };
}

export function myName(room: Room): string {
  return room.people.find((person) => person.id === room.me)?.name ?? "";
}

export function typing(room: Room): Person[] {
  return room.people.filter((person) => person.typing && person.id !== room.me);
}
