/** What each line of the opening handshake is for (RFC 6455, sections 1.3 and 4). */

export interface HeaderNote {
  note: string;
  section?: string;
  /** Makes the handshake; the rest is shown on demand. */
  essential?: true;
}

export const requestLine: HeaderNote = {
  note: "An ordinary GET. The token is for this page’s inspector.",
  section: "4.1",
  essential: true,
};

export const statusLine: HeaderNote = {
  note: "From the next byte on, both sides speak WebSocket.",
  section: "4.2.2",
  essential: true,
};

const notes: Record<string, HeaderNote> = {
  // Request
  origin: {
    note: "Who asks, by the browser’s word. Strangers are refused.",
    section: "10.2",
    essential: true,
  },
  "sec-websocket-key": {
    note: "16 random bytes that the server has to answer.",
    section: "4.1",
    essential: true,
  },
  "sec-websocket-version": { note: "The version of RFC 6455.", section: "4.1", essential: true },
  // Both
  upgrade: { note: "The protocol to change to.", section: "4.1", essential: true },
  connection: { note: "Upgrade is meant for this connection alone.", section: "4.1", essential: true },
  "sec-websocket-protocol": { note: "The application’s own protocol on top of WebSocket.", section: "1.9", essential: true },
  // Response
  "sec-websocket-accept": {
    note: "The answer to the key, which proves understanding.",
    section: "4.2.2",
    essential: true,
  },
  // What every handshake of a browser has, and this one would do without
  host: { note: "The host and port that are meant.", section: "4.1" },
  "sec-websocket-extensions": {
    note: "An offer of compression. Declined here, to keep the frames legible.",
    section: "9.1",
  },
  // What browsers add to any request, and servers to any response
  "user-agent": { note: "The browser and the system it runs on." },
  "accept-encoding": { note: "For plain responses; a WebSocket does not look at it." },
  "accept-language": { note: "The visitor’s languages." },
  "cache-control": { note: "Tells caches on the way to keep out of it." },
  pragma: { note: "The same, for caches from the days of HTTP/1.0." },
  cookie: { note: "Sent as with any request: why a server has to check the Origin." },
  "sec-fetch-dest": { note: "What the request is for, by the browser’s word." },
  "sec-fetch-mode": { note: "That it is a WebSocket’s, by the browser’s word." },
  "sec-fetch-site": { note: "Whether the page asks its own server or another’s." },
  "sec-gpc": { note: "The visitor does not want to be tracked." },
  dnt: { note: "The older way to say that one does not want to be tracked." },
  date: { note: "The server’s clock." },
  server: { note: "The server’s software." },
};

export function noteOf(name: string): HeaderNote {
  return notes[name.toLowerCase()] ?? { note: "Not part of WebSocket." };
}
