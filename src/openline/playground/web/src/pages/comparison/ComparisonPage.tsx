/** WebSocket beside HTTP: one stream of messages by four techniques at once, measured while one looks. */

import "./comparison.css";

import { Frame } from "../../frame/Frame";
import { Charts } from "./Charts";
import { Controls } from "./Controls";
import { Figures } from "./Figures";
import { useComparison, type Comparison } from "./useComparison";
import { Verdicts } from "./Verdicts";

export function ComparisonPage() {
  return (
    <Frame
      name="comparison"
      title="WebSocket beside HTTP"
      label="Comparison"
      lead={
        <>
          The same stream of messages four times at once, each byte counted on the socket. Move the sliders: HTTP is the
          better choice more often than one thinks, and here you see when.
        </>
      }
    >
      <Measured />
    </Frame>
  );
}

function Measured() {
  const comparison = useComparison();
  return (
    <div class="comparison">
      <section class="card" aria-labelledby="stream-title">
        <div class="card-head">
          <h2 id="stream-title">One stream, four ways</h2>
          <Status comparison={comparison} />
        </div>
        {location.protocol === "https:" && (
          <p class="notice">
            This page came over TLS, and the four servers speak without it: what this browser's own clients would get is
            not shown. The figures are those of the clients beside the servers.
          </p>
        )}
        <Controls comparison={comparison} />
        <Figures comparison={comparison} />
        <Charts moments={comparison.moments} />
      </section>
      <Verdicts verdicts={comparison.verdicts} />
      <How comparison={comparison} />
    </div>
  );
}

function Status({ comparison }: { comparison: Comparison }) {
  const { phase, left, why } = comparison;
  if (phase === "running") return <span class="quiet status">Running for {minutes(left)} more, for all who look at it</span>;
  if (phase === "starting") return <span class="quiet status" role="status">Six processes are starting…</span>;
  return (
    <>
      <span class="quiet status" role="status">Stopped: {why}</span>
      <button class="button small" type="button" disabled={comparison.state !== "open" || phase === "stopping"} onClick={comparison.run}>
        Run it again
      </button>
    </>
  );
}

function How({ comparison }: { comparison: Comparison }) {
  return (
    <details class="card how">
      <summary>How this is measured</summary>
      <ul>
        <li>
          Each technique has a server process of its own, with a clock that makes the messages
          {comparison.software && `: ${comparison.software}`}. HTTP connections are kept alive; nothing is compressed.
          The clocks tick a quarter of a period apart, so that none waits behind the others.
        </li>
        <li>
          Before each server stands a relay, in one more process, and counts what it reads from one socket and writes to the
          other: start lines, header fields, chunk sizes, handshakes, frame headers. TCP's own headers are not in it. Its
          hop is in all latencies alike.
        </li>
        <li>
          CPU is that of the server process alone, the making of the messages included; clients run in a process of their
          own and send the header fields that Chromium sends. Cookies would come on top.
        </li>
        <li>
          Latency is counted from the making of a message, by one machine's clock. “In this browser” are this page's own
          four clients; the difference of the clocks is estimated by questions over the page's line.
        </li>
        <li>Figures look back six seconds, or further where messages are rare. It stops by itself after five minutes.</li>
      </ul>
    </details>
  );
}

function minutes(seconds: number): string {
  return seconds >= 90 ? `${Math.round(seconds / 60)} minutes` : `${Math.max(0, seconds)} s`;
}
