import { useEffect, useRef } from "preact/hooks";

/** Call something before each picture that the browser draws, for as long as the component is there. */
export function useEachFrame(draw: () => void): void {
  const latest = useRef(draw);
  latest.current = draw;
  useEffect(() => {
    let handle = requestAnimationFrame(function next() {
      latest.current();
      handle = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(handle);
  }, []);
}
