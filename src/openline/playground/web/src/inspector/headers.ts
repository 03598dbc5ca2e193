/** What each line of the opening handshake is for (RFC 6455, sections 1.3 and 4). */

export interface HeaderNote {
  note: string;
  section?: string;
  /** Belongs to WebSocket itself; the rest is what the browser says to every server. */
  essential?: true;
}

export const requestLine: HeaderNote = {
  note: "An ordinary HTTP/1.1 GET. The token tells the server which page’s inspector wants to see this line.",
  section: "4.1",
  essential: true,
};

export const statusLine: HeaderNote = {
  note: "101: from the next byte on, both sides speak WebSocket. Any other status, and there is no line.",
  section: "4.2.2",
  essential: true,
};

const notes: Record<string, HeaderNote> = {
  // Request
  host: { note: "The host and port meant, since one address can serve many.", section: "4.1", essential: true },
  origin: {
    note: "The page that asks. Browsers set it and no script can change it, so the server can refuse strangers.",
    section: "10.2",
    essential: true,
  },
  "sec-websocket-key": {
    note: "16 random bytes in base64. Only a server that knows WebSocket can give the right answer.",
    section: "4.1",
    essential: true,
  },
  "sec-websocket-version": { note: "13, the version of the RFC.", section: "4.1", essential: true },
  // Both
  upgrade: { note: "The protocol to change to.", section: "4.1", essential: true },
  connection: { note: "Says that Upgrade is meant for this connection, not for what lies behind it.", section: "4.1", essential: true },
  "sec-websocket-protocol": { note: "The application’s own protocol on top of WebSocket.", section: "1.9", essential: true },
  "sec-websocket-extensions": {
    note: "Changes to the frames themselves. Browsers offer compression; this page keeps its frames legible and goes without.",
    section: "9.1",
    essential: true,
  },
  // Response
  "sec-websocket-accept": {
    note: "The SHA-1 of the key and a fixed GUID, in base64: proof that the request was understood.",
    section: "4.2.2",
    essential: true,
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
