/**
 * What a room remembers, put together. Publications may be taken in any order: a page that scrolls back sees an edit before
 * the message that it changes, so the newest of each holds, by its place in the room's stream.
 */

import { idOf, userOf, type Action, type Author, type Happening, type Sign } from "./events";

export interface Reaction {
  sign: Sign;
  by: Author[];
}

export interface Message {
  kind: "message";
  id: string;
  by: Author;
  text: string;
  at: number; // milliseconds since 1970
  edited: boolean;
  takenBack: boolean;
  reactions: Reaction[];
}

export interface Muting {
  kind: "mute";
  id: string;
  by: Author;
  user: string;
  until: number;
  at: number;
}

export type Entry = Message | Muting;

interface Said {
  offset: number;
  by: Author;
  text: string;
  at: number;
}

interface Signed {
  offset: number;
  by: Author;
  sign: Sign;
  on: boolean;
}

export const MOST = 2_000; // of the room's publications; beyond, the oldest are let go and can be loaded again

export class Timeline {
  private readonly said = new Map<string, Said>();
  private readonly edits = new Map<string, { offset: number; text: string }>();
  private readonly signs = new Map<string, Map<string, Signed>>();
  private readonly mutes = new Map<number, Muting>();
  private readonly offsets = new Set<number>();
  private sorted: Entry[] | null = null;
  oldest = 0; // the offset of the first that is known; 0: none is

  /** Take a publication; false: it was known. */
  take(offset: number, happening: Happening, by: Author): boolean {
    if (this.offsets.has(offset)) return false;
    this.offsets.add(offset);
    this.oldest = this.oldest ? Math.min(this.oldest, offset) : offset;
    this.sorted = null;
    switch (happening.type) {
      case "message":
        this.said.set(happening.id, { offset, by, text: happening.text, at: happening.at });
        break;
      case "edit":
        if (offset > (this.edits.get(happening.id)?.offset ?? 0)) this.edits.set(happening.id, { offset, text: happening.text });
        break;
      case "reaction": {
        const { id, sign, on } = happening;
        const signs = this.signs.get(id) ?? new Map<string, Signed>();
        this.signs.set(id, signs);
        const name = `${sign} ${by.user}`;
        if (offset > (signs.get(name)?.offset ?? 0)) signs.set(name, { offset, by, sign, on });
        break;
      }
      case "mute": {
        const { user, until, at } = happening;
        this.mutes.set(offset, { kind: "mute", id: `mute.${offset}`, by, user, until, at });
      }
    }
    return true;
  }

  has(id: string): boolean {
    return this.said.has(id);
  }

  get size(): number {
    return this.offsets.size;
  }

  /** Let go of the oldest publications, such that `MOST` remain; true: there were more. */
  trim(): boolean {
    if (this.offsets.size <= MOST) return false;
    const kept = new Set([...this.offsets].sort((a, b) => a - b).slice(-MOST));
    this.oldest = Math.min(...kept);
    const old = (offset: number) => offset < this.oldest;
    for (const offset of this.offsets) if (old(offset)) this.offsets.delete(offset);
    for (const [id, said] of this.said) if (old(said.offset)) this.said.delete(id);
    for (const [id, edit] of this.edits) if (old(edit.offset)) this.edits.delete(id);
    for (const [id, signs] of this.signs) {
      for (const [name, signed] of signs) if (old(signed.offset)) signs.delete(name);
      if (!signs.size) this.signs.delete(id);
    }
    for (const offset of this.mutes.keys()) if (old(offset)) this.mutes.delete(offset);
    this.sorted = null;
    return true;
  }

  /** What is to be shown, oldest first. */
  entries(): Entry[] {
    if (this.sorted) return this.sorted;
    const entries: [number, Entry][] = [...this.mutes].map(([offset, muting]) => [offset, muting]);
    for (const [id, { offset, by, text, at }] of this.said) {
      const edit = this.edits.get(id);
      entries.push([
        offset,
        {
          kind: "message",
          id,
          by,
          text: edit?.text ?? text,
          at,
          edited: edit !== undefined,
          takenBack: edit?.text === "",
          reactions: grouped(this.signs.get(id)),
        },
      ]);
    }
    this.sorted = entries.sort(([a], [b]) => a - b).map(([, entry]) => entry);
    return this.sorted;
  }
}

function grouped(signs: Map<string, Signed> | undefined): Reaction[] {
  const groups = new Map<Sign, Author[]>();
  for (const { sign, by, on } of [...(signs?.values() ?? [])].sort((a, b) => a.offset - b.offset))
    if (on) groups.set(sign, [...(groups.get(sign) ?? []), by]);
  return [...groups].map(([sign, by]) => ({ sign, by }));
}

/** How the room will look once what waits has gone out: one's own edits and signs are shown at once. */
export function foreseen(entries: Entry[], waiting: Action[], me: Author): Entry[] {
  const changes = waiting.filter((action) => action.type === "edit" || action.type === "reaction");
  if (!changes.length) return entries;
  return entries.map((entry) =>
    entry.kind === "message" ? changes.reduce((message, action) => changed(message, action, me), entry) : entry,
  );
}

function changed(message: Message, action: Action, me: Author): Message {
  if (action.type === "edit" && message.id === idOf(me.user, action.of))
    return { ...message, text: action.text, edited: true, takenBack: action.text === "" };
  if (action.type !== "reaction" || message.id !== action.of) return message;
  const others = (by: Author[]) => by.filter((author) => author.user !== me.user);
  const reactions = message.reactions.map((one) => (one.sign === action.sign ? { ...one, by: others(one.by) } : one));
  if (action.on) {
    const same = reactions.find((one) => one.sign === action.sign);
    if (same) same.by = [...same.by, me];
    else reactions.push({ sign: action.sign, by: [me] });
  }
  return { ...message, reactions: reactions.filter((one) => one.by.length) };
}

/** Messages of others behind a read mark. */
export function unread(entries: Entry[], mark: number, me: string): number {
  let count = 0;
  for (let at = entries.length - 1; at >= 0; at--) {
    const entry = entries[at]!;
    if (entry.at <= mark) break;
    if (entry.kind === "message" && !entry.takenBack && userOf(entry.id) !== me) count++;
  }
  return count;
}
