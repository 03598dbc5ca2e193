/** What the inspector's feed sends, and what the page makes of it: lines, each with its handshake and its frames. */

export interface Head {
  start: string;
  headers: [name: string, value: string][];
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
}

interface Closed {
  kind: "closed";
  line: number;
  at: number;
  code: number | null;
  reason: string | null;
}

interface Garbled {
  kind: "garbled";
  line: number;
  at: number;
  start: string;
}

interface Missed {
  kind: "missed";
  count: number;
}

export type FeedRecord = Frame | Opened | Closed | Garbled | Missed;

/** A frame as it stands in the list, numbered so that it can be found again. */
export interface Passed extends Frame {
  id: number;
}

export interface Traffic {
  frames: number;
  bytes: number;
}

export interface Watched {
  line: number; // 0: none yet
  request: Head | null;
  response: Head | null;
  openedAt: number;
  closed: Closed | null;
  frames: Passed[]; // oldest first
  passed: number; // frames ever, those included that are no longer in the list
  missed: number; // records that the server had to drop
  traffic: Record<Sender, Traffic>;
}

export const MOST_FRAMES = 250;

export const nothing: Watched = {
  line: 0,
  request: null,
  response: null,
  openedAt: 0,
  closed: null,
  frames: [],
  passed: 0,
  missed: 0,
  traffic: { page: { frames: 0, bytes: 0 }, server: { frames: 0, bytes: 0 } },
};

export function watch(watched: Watched, records: FeedRecord[]): Watched {
  return records.reduce(apply, watched);
}

function apply(watched: Watched, record: FeedRecord): Watched {
  if (record.kind === "missed") return { ...watched, missed: watched.missed + record.count };
  if (record.line < watched.line) return watched; // the end of a line that another has taken the place of
  const current = record.line === watched.line ? watched : { ...watched, ...fresh, line: record.line };
  switch (record.kind) {
    case "opened":
      return { ...current, request: record.request, response: record.response, openedAt: record.at };
    case "closed":
      return { ...current, closed: record };
    case "frame":
      return passing(current, record);
    case "garbled":
      return current;
  }
}

const fresh = { request: null, response: null, openedAt: 0, closed: null };

function passing(watched: Watched, frame: Frame): Watched {
  const before = watched.traffic[frame.from];
  const bytes = frame.header.length / 2 + frame.length;
  return {
    ...watched,
    frames: [...watched.frames.slice(1 - MOST_FRAMES), { ...frame, id: watched.passed }],
    passed: watched.passed + 1,
    traffic: { ...watched.traffic, [frame.from]: { frames: before.frames + 1, bytes: before.bytes + bytes } },
  };
}
