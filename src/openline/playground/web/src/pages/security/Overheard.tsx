import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { Bytes, bytesOf } from "./Bytes";
import type { OnTheWire, Over, OverheardFrame, TLSRecord } from "./records";
import type { Heard, Overheard } from "./useOverheard";

const SECRET = "The password is swordfish";

export function OnTheWireOf({ overheard }: { overheard: Overheard }) {
  const [text, setText] = useState(SECRET);
  return (
    <section class="card" aria-labelledby="wire-title">
      <div class="card-head">
        <h2 id="wire-title">What somebody on the wire sees</h2>
      </div>
      <p class="explained">
        Between this page and the server sits a tap, as in any café’s router. The same words go over two lines to the same
        code; here is every byte that the tap sees of each.
      </p>
      <form
        class="secret"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim()) overheard.say(text.trim());
        }}
      >
        <label class="unseen" for="secret">
          What is said on both lines
        </label>
        <input id="secret" value={text} maxLength={120} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
        <button class="button primary" disabled={overheard.state !== "open" || !text.trim()}>
          Say it on both lines
        </button>
      </form>
      <div class="two-lines">
        <Column over="ws" overheard={overheard} />
        <Column over="wss" overheard={overheard} />
      </div>
    </section>
  );
}

function Column({ over, overheard }: { over: Over; overheard: Overheard }) {
  const heard = overheard.heard[over];
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    if (log.current && follows.current) log.current.scrollTop = log.current.scrollHeight;
  }, [heard]);
  const ours = overheard.ours === over;
  return (
    <div class={`tapped of-${over}`}>
      <h3>
        <code>{over}://</code> <span class="verdict-of">{over === "ws" ? "everything" : "sizes and times"}</span>
      </h3>
      <p class="quiet">
        {!ours && "Opened by this browser."}
        {ours && over === "ws" && "A page that came over TLS may not open this one, so a client in the server does."}
        {ours && over === "wss" && overheard.missing}
        {ours && over === "wss" && !overheard.missing && (
          <>
            Your browser does not trust the certificate below, so a client in the server speaks this line. With{" "}
            <code>demo --tls</code> it is your own.
          </>
        )}
      </p>
      <div
        class="scroller"
        ref={log}
        tabIndex={0}
        role="log"
        aria-label={`Overheard on ${over}`}
        onScroll={({ currentTarget: element }) => {
          follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
        }}
      >
        {heard.length === 0 && <p class="quiet">Nothing has passed yet.</p>}
        <ol>
          {heard.map((one) => (
            <Passed key={one.number} heard={one} />
          ))}
        </ol>
      </div>
    </div>
  );
}

function Passed({ heard: { record } }: { heard: Heard }) {
  return (
    <li class={`passed from-${record.from}`}>
      <p class="who">
        <span aria-hidden="true">{record.kind === "ended" ? "×" : record.from === "page" ? "↑" : "↓"}</span> {titleOf(record)}
      </p>
      {record.kind === "http" && <Head lines={record.lines} />}
      {record.kind === "frame" && <Frame frame={record} />}
      {record.kind === "tls" && <Record record={record} />}
    </li>
  );
}

function titleOf(record: OnTheWire): string {
  const sender = record.kind !== "ended" && record.from === "page" ? "to the server" : "to the page";
  switch (record.kind) {
    case "http":
      return record.lines[0] ?? "";
    case "frame":
      return `${record.opcode === 1 ? "Text" : record.opcode === 8 ? "Close" : "Frame"} ${sender}, ${record.length} bytes`;
    case "tls":
      return `TLS ${record.name} ${sender}, ${record.length} bytes`;
    case "garbled":
      return "Bytes that are no frames";
    case "ended":
      return "The connection has ended";
  }
}

function Head({ lines }: { lines: string[] }) {
  const cookie = lines.find((line) => line.toLowerCase().startsWith("cookie:"));
  return (
    <>
      <details>
        <summary>{lines.length - 1} header fields, to be read by everybody</summary>
        <pre tabIndex={0}>{lines.slice(1).join("\n")}</pre>
      </details>
      {cookie && (
        <p class="reads">
          reads your cookie: <mark>{cookie.slice(8).trim()}</mark>
        </p>
      )}
    </>
  );
}

function Frame({ frame }: { frame: OverheardFrame }) {
  const payload = bytesOf(frame.wire);
  const mask = frame.mask ? bytesOf(frame.mask) : null;
  return (
    <>
      <Bytes hex={frame.header + frame.wire} header={frame.header.length / 2} />
      {mask && payload.length > 0 && (
        <p class="unmasked">
          The key <code>{spaced(frame.mask ?? "")}</code> stands before it:{" "}
          <code>
            {hex(payload[0]!)} xor {hex(mask[0]!)} = {hex(payload[0]! ^ mask[0]!)}
          </code>
          {frame.text && (
            <>
              {" "}
              or <q>{frame.text[0]}</q>, and so on.
            </>
          )}
        </p>
      )}
      {frame.text !== null && (
        <p class="reads">
          reads: <mark>{frame.text}</mark>
        </p>
      )}
    </>
  );
}

function Record({ record }: { record: TLSRecord }) {
  return (
    <>
      <Bytes hex={record.header + record.wire} header={5} rows={4} />
      {record.server_name && (
        <p class="reads">
          reads whom you talk to: <mark>{record.server_name}</mark>
        </p>
      )}
      {record.name === "application data" && <p class="reads nothing">reads nothing</p>}
    </>
  );
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function spaced(text: string): string {
  return (text.match(/../g) ?? []).join(" ");
}
