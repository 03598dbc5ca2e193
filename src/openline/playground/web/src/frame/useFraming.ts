/** What a page with lines has at its root: the inspector of its lines, and the context for whoever opens them. */

import { useEffect, useMemo, useState } from "preact/hooks";

import { useInspector, type Inspection } from "../inspector/useInspector";
import type { LineState } from "../line/line";
import { token } from "../line/token";
import type { FrameContext } from "./frame";

const PATIENCE = 1500; // milliseconds that lines wait for the inspector

export interface Framing {
  inspection: Inspection;
  state: LineState;
  context: FrameContext;
  setCutUntil(until: number): void;
}

export function useFraming(): Framing {
  const inspection = useInspector();
  const [ready, setReady] = useState(false);
  const [state, report] = useState<LineState>("connecting");
  const [cutUntil, setCutUntil] = useState(0);
  useEffect(() => {
    if (inspection.feed === "open") setReady(true);
    const timer = setTimeout(() => setReady(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [inspection.feed]);
  const context = useMemo(() => ({ ready, token, cutUntil, report }), [ready, cutUntil]);
  return { inspection, state, context, setCutUntil };
}
