/** The page's line: figures come down, wishes go up; and this browser's own clients while the servers run. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { useFrame } from "../../frame/frame";
import { Line, type LineState } from "../../line/line";
import { startClient, type Client } from "./clients";
import { Clock } from "./clock";
import { each, techniques, type Each } from "./techniques";

export interface Figures {
  bytes_per_message: number | null;
  bytes_per_second: number;
  latency: number | null;
  latency_99: number | null;
  requests: number;
  cpu: number;
  cpu_per_message: number | null;
  messages: number;
  lost: number;
  open: number;
}

export interface Settings {
  rate: number;
  size: number;
  clients: number;
  every: number;
}

export interface Verdict {
  question: string;
  answer: string[];
  because: string;
}

export interface Way {
  bytes: number;
  milliseconds: number;
}

export type Once = Record<"get" | "get_again" | "websocket" | "websocket_again", Way>;

export interface Moment {
  at: number;
  figures: Each<Figures | null>;
}

export interface Comparison {
  state: LineState;
  phase: string;
  why: string;
  /** What serves: uvicorn and openline, with their versions; and the loop under all of them. */
  software: string;
  settings: Settings | null;
  bounds: Record<keyof Settings, [number, number]> | null;
  moments: Moment[];
  verdicts: Verdict[];
  once: Once | null;
  /** The median age of what this browser's own clients got lately, in milliseconds. */
  here: Each<number | null>;
  /** Seconds until it stops by itself. */
  left: number;
  set(wish: Partial<Settings>): void;
  run(): void;
}

type Told = { type: string } & Record<string, unknown>;

const KEPT = 120; // moments, a second each
const AGES = 64; // of a technique's newest messages in this browser
const ASK_CLOCK = 5_000; // milliseconds

export function useComparison(): Comparison {
  const { ready, token, report } = useFrame();
  const [state, setState] = useState<LineState>("connecting");
  const [phase, setPhase] = useState({ phase: "starting", why: "", software: "" });
  const [ports, setPorts] = useState<Each<number> | null>(null);
  const [bounds, setBounds] = useState<Comparison["bounds"]>(null);
  const [settings, setSettings] = useState<Settings | null>(null);
  const [told, setTold] = useState<Pick<Comparison, "verdicts" | "once" | "left">>({ verdicts: [], once: null, left: 0 });
  const [moments, setMoments] = useState<Moment[]>([]);
  const [here, setHere] = useState<Each<number | null>>(each(() => null));
  const clock = useMemo(() => new Clock(), []);
  const ages = useMemo(() => each<number[]>(() => []), []);
  const line = useRef<Line | null>(null);
  const every = useRef(1000);
  every.current = (settings?.every ?? 1) * 1000;

  useEffect(() => {
    if (!ready) return;
    let timer = 0;
    const askClock = () => line.current?.send({ clock: Clock.now() });
    const take = (data: unknown) => {
      const message = data as Told;
      switch (message.type) {
        case "hello":
          setPorts(message.ports as Each<number>);
          setBounds(message.bounds as Comparison["bounds"]);
          setSettings(message.settings as Settings);
          break;
        case "settings":
          setSettings(message.settings as Settings);
          for (const technique of techniques) ages[technique].length = 0;
          break;
        case "phase":
          setPhase({
            phase: message.phase as string,
            why: (message.why as string | undefined) ?? "",
            software: software(message),
          });
          if (message.phase === "starting") setMoments([]);
          break;
        case "clock":
          clock.answer(message.sent as number, message.at as number);
          break;
        case "figures":
          setTold(message as unknown as Pick<Comparison, "verdicts" | "once" | "left">);
          setMoments((before) => [...before.slice(1 - KEPT), message as unknown as Moment]);
          setHere(each((technique) => median(ages[technique])));
          break;
      }
    };
    line.current = new Line(`/lines/comparison?inspect=${token}`, {
      message: take,
      state(next) {
        setState(next);
        report(next);
        if (next === "open") for (let nth = 0; nth < 5; nth++) setTimeout(askClock, nth * 100);
      },
    });
    line.current.open();
    timer = window.setInterval(askClock, ASK_CLOCK);
    return () => {
      clearInterval(timer);
      line.current?.end();
    };
  }, [ready]);

  const runs = phase.phase === "running";
  useEffect(() => {
    if (!ports || !runs || location.protocol !== "http:") return;
    const clients: Client[] = techniques.map((technique) =>
      startClient(technique, `${hostname()}:${ports[technique]}`, {
        every: () => every.current,
        message({ at }) {
          if (!clock.known) return;
          const list = ages[technique];
          list.push(clock.age(at));
          if (list.length > AGES) list.shift();
        },
      }),
    );
    return () => clients.forEach((client) => client.end());
  }, [ports, runs]);

  return {
    ...phase,
    ...told,
    state,
    settings,
    bounds,
    moments,
    here,
    set: (wish) => line.current?.send({ set: wish }),
    run: () => line.current?.send({ run: true }),
  };
}

function hostname(): string {
  return location.hostname; // with its brackets, where it is an IPv6 address
}

function software(message: Told): string {
  const used = message.software as Each<string> | undefined;
  return used ? `${used.polling} and ${used.websocket}, all on ${message.loop as string}` : "";
}

function median(list: number[]): number | null {
  if (list.length === 0) return null;
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
