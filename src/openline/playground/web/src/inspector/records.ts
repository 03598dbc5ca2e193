/** What the inspector's feed sends, and what the page makes of it: lines, each with its handshake and its frames. */

export interface Head {
  start: string;
  headers: [name: string, value: string][];
  size: number; // bytes on the wire
}

export type Sender = "page" | "server";

export interface Frame {
  kind: "frame";
  line: number;
  at: number; // milliseconds since 1970, on the server's clock
  from: Sender;
  fin: boolean;
  rsv: number; // 0x40 RSV1, 0x20 RSV2, 0x10 RSV3
  opcode: number;
  length: number;
  mask: string | null; // this and the rest in hex
  header: string;
  wire: string; // the payload's first bytes as they passed ...
  payload: string; // ... and unmasked
}

interface Opened {
  kind: "opened";
  line: number;
  at: number;
  request: Head;
  response: Head;
  samples: Sample[]; // what the server can send on this line, for the visitor to look at
}

export type Sample = "ping" | "fragments" | "medium" | "large" | "close";

/** A handshake that was refused, since the line had been cut. */
export interface Refused {
  kind: "refused";
  line: number;
  at: number;
  request: Head;
  seconds: number; // for which it will be refused yet
}

export interface Closed {
  kind: "closed";
  line: number;
  at: number;
  code: number | null;
  reason: string | null;
}

export interface Garbled {
  kind: "garbled";
  line: number;
  at: number;
  from: Sender;
  why: string;
}

interface Missed {
  kind: "missed";
  count: number;
}

export type FeedRecord = Frame | Opened | Refused | Closed | Garbled | Missed;

/** What stands in the list, numbered so that it can be found again: a frame, or what ended them. */
export type Entry = (Frame | Refused | Closed | Garbled) & { id: number };
export type Passed = Frame & { id: number };

export interface Traffic {
  frames: number;
  bytes: number;
}

export interface Watched {
  line: number; // 0: none yet
  request: Head | null;
  response: Head | null;
  samples: Sample[];
  entries: Entry[]; // oldest first
  nextId: number;
  missed: number; // records that the server had to drop
  traffic: Record<Sender, Traffic>;
}

export const MOST_ENTRIES = 250;

export const nothing: Watched = {
  line: 0,
  request: null,
  response: null,
  samples: [],
  entries: [],
  nextId: 0,
  missed: 0,
  traffic: { page: { frames: 0, bytes: 0 }, server: { frames: 0, bytes: 0 } },
};

export function watch(watched: Watched, records: FeedRecord[]): Watched {
  return records.reduce(apply, watched);
}

function apply(watched: Watched, record: FeedRecord): Watched {
  if (record.kind === "missed") return { ...watched, missed: watched.missed + record.count };
  switch (record.kind) {
    case "opened":
      // The newest line's handshake is shown; frames of all of them are.
      return record.line < watched.line ? watched : { ...watched, ...pickHandshake(record), line: record.line };
    case "refused":
    case "closed":
    case "garbled":
      return enter(watched, record);
    case "frame":
      return enter({ ...watched, traffic: counting(watched.traffic, record) }, record);
  }
}

function pickHandshake({ request, response, samples }: Opened): Pick<Watched, "request" | "response" | "samples"> {
  return { request, response, samples };
}

function enter(watched: Watched, entry: Frame | Refused | Closed | Garbled): Watched {
  const entries = [...watched.entries.slice(1 - MOST_ENTRIES), { ...entry, id: watched.nextId }];
  return { ...watched, entries, nextId: watched.nextId + 1 };
}

function counting(traffic: Watched["traffic"], frame: Frame): Watched["traffic"] {
  const { frames, bytes } = traffic[frame.from];
  return { ...traffic, [frame.from]: { frames: frames + 1, bytes: bytes + frame.header.length / 2 + frame.length } };
}

export function framesPassed(watched: Watched): number {
  return watched.traffic.page.frames + watched.traffic.server.frames;
}
