/** The four techniques, in the order in which they stand everywhere. */

export const techniques = ["polling", "long_polling", "server_sent_events", "websocket"] as const;
export type Technique = (typeof techniques)[number];

export const names: Record<Technique, string> = {
  polling: "Polling",
  long_polling: "Long polling",
  server_sent_events: "Server-sent events",
  websocket: "WebSocket",
};

/** Tokens of the styles, one colour for each; the line's dash tells them apart without colour. */
export const colors: Record<Technique, string> = {
  polling: "--rose",
  long_polling: "--amber",
  server_sent_events: "--teal",
  websocket: "--page",
};

export const dashes: Record<Technique, number[]> = {
  polling: [2, 3],
  long_polling: [7, 4],
  server_sent_events: [9, 3, 2, 3],
  websocket: [],
};

export type Each<T> = Record<Technique, T>;

export function each<T>(make: (technique: Technique) => T): Each<T> {
  return Object.fromEntries(techniques.map((technique) => [technique, make(technique)])) as Each<T>;
}
