import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { useToken, type TokenLine } from "./useToken";

export function Token() {
  const line = useToken();
  const log = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [line.events]);
  return (
    <section class="card" aria-labelledby="token-title">
      <div class="card-head">
        <h2 id="token-title">A token that expires</h2>
        <label class="holds">
          <input type="checkbox" checked={line.held} onChange={(event) => line.hold(event.currentTarget.checked)} />
          Hold the next one back
        </label>
      </div>
      <p class="explained">
        A line lives for hours, and a token should not. This one is good for 15 seconds: the SDK fetches another and sends a{" "}
        <code>refresh</code> on the same line. Hold it back, and the server closes the line three seconds later.
      </p>
      <div class="token">
        <Countdown line={line} />
        <div ref={log} class="token-events" tabIndex={0} role="log" aria-label="What happened to the token">
          <ol>
          {line.events.map((event) => (
            <li key={event.number} class={`from-${event.from} ${event.bad ? "bad" : ""}`}>
              <span aria-hidden="true">{event.from === "page" ? "↑" : event.from === "server" ? "↓" : "·"}</span>
              <strong>{event.what}</strong>
              <span>{event.detail}</span>
            </li>
          ))}
          </ol>
        </div>
      </div>
    </section>
  );
}

const RADIUS = 42;
const AROUND = 2 * Math.PI * RADIUS;

function Countdown({ line }: { line: TokenLine }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, line.expires - now);
  const whole = Math.max(1, line.expires - line.given);
  const part = Math.min(1, left / whole);
  const words = line.state !== "open" ? (line.held ? "shut out" : "connecting") : left > 0 ? "left" : "expired";
  return (
    <div class={`countdown is-${line.state} ${left > 0 ? "" : "is-over"}`}>
      <svg viewBox="0 0 100 100" width="112" height="112" aria-hidden="true">
        <circle class="around" cx="50" cy="50" r={RADIUS} />
        <circle class="left" cx="50" cy="50" r={RADIUS} stroke-dasharray={`${AROUND * part} ${AROUND}`} transform="rotate(-90 50 50)" />
      </svg>
      <p>
        <strong>{Math.ceil(left / 1000)} s</strong>
        <span>{words}</span>
      </p>
    </div>
  );
}
