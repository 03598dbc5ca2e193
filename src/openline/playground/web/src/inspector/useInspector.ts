/** The inspector's own line: what it brings, and a way to ask for sample frames. */

import { useEffect, useMemo, useReducer, useState } from "preact/hooks";

import { Line, type LineState } from "../line/line";
import { token } from "../line/token";
import { nothing, watch, type FeedRecord, type Watched } from "./records";

export type Sample = "ping" | "fragments" | "binary" | "medium" | "large" | "close";

export interface Inspection {
  watched: Watched;
  feed: LineState;
  ask(sample: Sample): void;
  clear(): void;
}

type Action = FeedRecord[] | "clear";

export function useInspector(): Inspection {
  const [watched, dispatch] = useReducer<Watched, Action>(
    (before, action) => (action === "clear" ? { ...before, entries: [] } : watch(before, action)),
    nothing,
  );
  const [feed, setFeed] = useState<LineState>("connecting");
  const line = useMemo(
    () =>
      new Line(`/lines/inspector?inspect=${token}`, {
        message: (data) => Array.isArray(data) && dispatch(data as FeedRecord[]),
        state: setFeed,
      }),
    [],
  );
  useEffect(() => {
    line.open();
    return () => line.end();
  }, [line]);
  return { watched, feed, ask: (sample) => line.send({ ask: sample }), clear: () => dispatch("clear") };
}
