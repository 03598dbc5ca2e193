/** The page's line, by which it hears what the tap hears; and the tapped line that this browser opens itself. */

import { useEffect, useRef, useState } from "preact/hooks";

import { useFrame } from "../../frame/frame";
import { Line, type LineState } from "../../line/line";
import type { CertificateText, OnTheWire, Over, Refused, Told } from "./records";

export interface Heard {
  number: number;
  record: OnTheWire;
}

export interface Overheard {
  state: LineState;
  /** Which of the two lines a client in the server speaks, since this browser cannot. */
  ours: Over;
  ports: Record<Over | "foreign", number> | null;
  certificate: CertificateText | null;
  /** Why there is no TLS; empty: there is. */
  missing: string;
  heard: Record<Over, Heard[]>;
  refused: Refused | null;
  token: string;
  /** Say something on both lines. */
  say(text: string): void;
  forgetRefusal(): void;
}

interface Hello {
  type: "hello";
  ports: Record<Over | "foreign", number>;
  ours: Over;
  certificate: CertificateText | null;
  missing: string;
}

interface Batch {
  type: "overheard";
  records: Told[];
}

const KEPT = 60; // records of each line
const RETRY = 1000; // milliseconds

export function useOverheard(): Overheard {
  const { ready, token, report } = useFrame();
  const [state, setState] = useState<LineState>("connecting");
  const [hello, setHello] = useState<Hello | null>(null);
  const [heard, setHeard] = useState<Record<Over, Heard[]>>({ ws: [], wss: [] });
  const [refused, setRefused] = useState<Refused | null>(null);
  const numbers = useRef(0);
  const line = useRef<Line | null>(null);
  const own = useRef<WebSocket | null>(null);

  useEffect(() => {
    if (!ready) return;
    const hear = (records: Told[]) => {
      const news: Record<Over, Heard[]> = { ws: [], wss: [] };
      for (const record of records) {
        if (record.kind === "refused") setRefused(record);
        else if (record.kind !== "missed") news[record.over].push({ number: numbers.current++, record });
      }
      setHeard((before) => ({
        ws: [...before.ws, ...news.ws].slice(-KEPT),
        wss: [...before.wss, ...news.wss].slice(-KEPT),
      }));
    };
    line.current = new Line(`/lines/security?inspect=${token}`, {
      message(data) {
        const message = data as Hello | Batch;
        if (message.type === "hello") setHello(message);
        else hear(message.records);
      },
      state(next) {
        setState(next);
        report(next);
        if (next !== "open") setHello(null);
      },
    });
    line.current.open();
    return () => line.current?.end();
  }, [ready]);

  useEffect(() => {
    if (!hello) return;
    const over: Over = hello.ours === "wss" ? "ws" : "wss";
    let timer = 0;
    const open = () => {
      own.current = new WebSocket(`${over}://${location.hostname}:${hello.ports[over]}/?watch=${token}`);
      own.current.onclose = () => (timer = window.setTimeout(open, RETRY));
    };
    open();
    return () => {
      clearTimeout(timer);
      if (own.current) own.current.onclose = null;
      own.current?.close();
    };
  }, [hello]);

  return {
    state,
    ours: hello?.ours ?? "wss",
    ports: hello?.ports ?? null,
    certificate: hello?.certificate ?? null,
    missing: hello?.missing ?? "",
    heard,
    refused,
    token,
    say(text) {
      line.current?.send({ say: text });
      if (own.current?.readyState === WebSocket.OPEN) own.current.send(text);
    },
    forgetRefusal: () => setRefused(null),
  };
}
