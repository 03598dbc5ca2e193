/** A line whose token lives for some seconds: the SDK asks for the next one in time, unless it is held back. */

import { Centrifuge } from "centrifuge";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { useFrame } from "../../frame/frame";

export interface TokenEvent {
  number: number;
  at: number;
  from: "page" | "server" | "nobody";
  what: string;
  detail: string;
  bad?: boolean;
}

export interface TokenLine {
  state: "open" | "connecting" | "closed";
  /** When the token ends and when it was given, in milliseconds since 1970; 0: there is none. */
  expires: number;
  given: number;
  events: TokenEvent[];
  held: boolean;
  hold(held: boolean): void;
}

const KEPT = 40;

export function useToken(): TokenLine {
  const { ready, token } = useFrame();
  const [state, setState] = useState<TokenLine["state"]>("connecting");
  const [events, setEvents] = useState<TokenEvent[]>([]);
  const [term, setTerm] = useState({ given: 0, expires: 0 });
  const [held, setHeld] = useState(false);
  const release = useRef<(() => void) | null>(null);
  const holding = useRef(false);
  const numbers = useRef(0);

  const client = useMemo(() => {
    const note = (event: Omit<TokenEvent, "number" | "at">) =>
      setEvents((before) => [...before, { ...event, number: numbers.current++, at: Date.now() }].slice(-KEPT));

    async function getToken(): Promise<string> {
      if (holding.current) {
        note({ from: "nobody", what: "getToken waits", detail: "you hold the next token back" });
        await new Promise<void>((resolve) => (release.current = resolve));
      }
      const answer = await fetch("/security/token");
      const given = await answer.text();
      const claims = claimsOf(given);
      setTerm({ given: Date.now(), expires: claims.exp * 1000 });
      note({ from: "nobody", what: "getToken", detail: `a token for ${Math.max(0, Math.round(claims.exp - Date.now() / 1000))} s` });
      return given;
    }

    /** The browser's WebSocket, which tells what passes. */
    class Watched extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        this.addEventListener("message", (event: MessageEvent<unknown>) => tell("server", event.data));
        this.addEventListener("close", ({ code, reason }) => {
          if (code !== 1000 && code !== 1005) note({ from: "server", what: `close ${code}`, detail: reason || "no reason", bad: true });
        });
      }

      override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
        tell("page", data);
        super.send(data as string);
      }
    }

    function tell(from: "page" | "server", data: unknown) {
      if (typeof data !== "string") return;
      for (const line of data.split("\n")) {
        const event = wordsOf(line);
        if (event) note({ from, ...event });
      }
    }

    const url = new URL(`/security/connection/websocket?inspect=${token}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const made = new Centrifuge(url.href, { getToken, websocket: Watched, minReconnectDelay: 400, maxReconnectDelay: 3000 });
    made.on("connecting", () => setState("connecting"));
    made.on("connected", () => setState("open"));
    made.on("disconnected", () => setState("closed"));
    return made;
  }, []);

  useEffect(() => {
    if (!ready) return;
    client.connect();
    return () => client.disconnect();
  }, [ready]);

  return {
    state,
    ...term,
    events,
    held,
    hold(next) {
      holding.current = next;
      setHeld(next);
      if (!next) release.current?.();
    },
  };
}

function claimsOf(token: string): { exp: number } {
  const part = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(part)) as { exp: number };
}

/** A frame of the Centrifuge protocol in words; null for those that only keep the line alive. */
function wordsOf(line: string): Omit<TokenEvent, "number" | "at" | "from"> | null {
  const frame = JSON.parse(line) as Record<string, { token?: string; ttl?: number; code?: number; message?: string } | undefined>;
  for (const verb of ["connect", "refresh"] as const) {
    const body = frame[verb];
    if (body?.token) return { what: verb, detail: `token …${body.token.slice(-8)}` };
    if (body?.ttl) return { what: `${verb}ed`, detail: `expires in ${body.ttl} s` };
  }
  if (frame.error) return { what: `error ${frame.error.code}`, detail: frame.error.message ?? "", bad: true };
  return null;
}
