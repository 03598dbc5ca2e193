/** The scissors: the server resets this page's TCP connections, and refuses it for some seconds. */

import { useEffect, useState } from "preact/hooks";

import type { LineState } from "../line/line";
import { token } from "../line/token";

const REFUSED_FOR = 5000; // milliseconds; cut.py's REFUSED_FOR

interface CutProps {
  state: LineState;
  until: number;
  onCut(until: number): void;
}

export function Cut({ state, until, onCut }: CutProps) {
  const [now, setNow] = useState(Date.now());
  const [failed, setFailed] = useState(false);
  const left = Math.max(0, until - now);
  useEffect(() => {
    if (until <= Date.now()) return;
    const timer = setInterval(() => setNow(Date.now()), 200);
    const end = setTimeout(() => onCut(0), until - Date.now());
    return () => {
      clearInterval(timer);
      clearTimeout(end);
    };
  }, [until]);

  async function cut() {
    const answer = await fetch(`/cut?inspect=${token}`, { method: "POST" }).catch(() => null);
    setFailed(!answer?.ok);
    if (!answer?.ok) return;
    setNow(Date.now());
    onCut(Date.now() + REFUSED_FOR);
  }

  return (
    <div class="cut">
      <button class="button cut-button" type="button" disabled={left > 0 || state !== "open"} onClick={() => void cut()}>
        <Scissors />
        {left > 0 ? `Cut: ${Math.ceil(left / 1000)} s` : "Cut the line"}
      </button>
      <p class="unseen" role="status">
        {left > 0 ? "The line was cut. The server refuses this page for five seconds." : ""}
        {failed ? "The line could not be cut." : ""}
      </p>
    </div>
  );
}

function Scissors() {
  return (
    <svg viewBox="0 0 20 20" width="17" height="17" aria-hidden="true" class="scissors">
      <circle cx="5" cy="5.2" r="2.4" />
      <circle cx="5" cy="14.8" r="2.4" />
      <path d="M7.1 6.6 17 15M7.1 13.4 17 5" />
    </svg>
  );
}
