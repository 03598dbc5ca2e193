/** The inspector's own line: what it brings, and a way to ask for sample frames. */

import { useEffect, useMemo, useReducer, useState } from "preact/hooks";

import { Line, type LineState } from "../line/line";
import { token } from "../line/token";
import { nothing, watch, type FeedRecord, type Sample, type Watched } from "./records";

export interface Inspection {
  watched: Watched;
  feed: LineState;
  ask(sample: Sample): void;
  clear(): void;
}

const MOMENT = 80; // milliseconds
const LONGER = 400; // where a moment brings many
const MANY = 3;

type Action = FeedRecord[] | "clear";

export function useInspector(): Inspection {
  const [watched, dispatch] = useReducer<Watched, Action>(
    (before, action) => (action === "clear" ? { ...before, entries: [] } : watch(before, action)),
    nothing,
  );
  const [feed, setFeed] = useState<LineState>("connecting");
  const line = useMemo(() => {
    const waiting = new Batch<FeedRecord>(dispatch);
    return new Line(`/lines/inspector?inspect=${token}`, {
      message: (data) => Array.isArray(data) && waiting.add(data as FeedRecord[]),
      state: setFeed,
    });
  }, []);
  useEffect(() => {
    line.open();
    return () => line.end();
  }, [line]);
  return { watched, feed, ask: (sample) => line.send({ ask: sample }), clear: () => dispatch("clear") };
}

/** Gathers what comes within a moment: a busy line must not have the list drawn for each of its frames. */
class Batch<Item> {
  private items: Item[] = [];
  private since = 0;
  private moment = MOMENT;

  constructor(private readonly done: (items: Item[]) => void) {}

  add(items: Item[]): void {
    if (!this.items.length) {
      this.since = performance.now();
      setTimeout(() => this.flush(), this.moment);
    }
    this.items.push(...items);
  }

  private flush(): void {
    const batch = this.items.splice(0);
    const moments = Math.max((performance.now() - this.since) / MOMENT, 1);
    this.moment = batch.length / moments > MANY ? LONGER : MOMENT;
    this.done(batch);
  }
}
