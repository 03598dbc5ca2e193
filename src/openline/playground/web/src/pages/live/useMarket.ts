import { useEffect, useMemo, useReducer } from "preact/hooks";

import { useFrame } from "../../frame/frame";
import { Market } from "./market";

/** The page's market; its line is opened as soon as the frame is ready. */
export function useMarket(): Market {
  const { ready, token, report } = useFrame();
  const [, changed] = useReducer((count: number, _: void) => count + 1, 0);
  const market = useMemo(() => new Market(token, report, () => changed()), []);
  useEffect(() => {
    if (!ready) return;
    market.open();
    return () => market.close();
  }, [market, ready]);
  return market;
}
