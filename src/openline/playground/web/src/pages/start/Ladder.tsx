/** The line of this page as a ladder: the question, the agreement, and then whatever either side says. */

import { useState } from "preact/hooks";

import { useHub } from "../../hub/useHub";
import { opcodes } from "../../inspector/opcodes";
import type { Entry, Head } from "../../inspector/records";
import type { Inspection } from "../../inspector/useInspector";
import { preview } from "../../inspector/wording";

const SHOWN = 5; // frames
const ASKED = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Origin"];
const AGREED = ["Upgrade", "Connection", "Sec-WebSocket-Accept"];

export function Ladder({ inspection }: { inspection: Inspection }) {
  const { request, response, entries } = inspection.watched;
  const frames = entries.filter((entry) => entry.kind === "frame").slice(-SHOWN);
  return (
    <div class="card ladder">
      <div class="lanes" aria-hidden="true">
        <span class="lane from-page">This page</span>
        <span class="lane from-server">The server</span>
      </div>
      <Rung from="page" kind="HTTP" label="One question">
        {request ? <HeadText head={request} names={ASKED} /> : "…"}
      </Rung>
      <Rung from="server" kind="HTTP" label="The agreement">
        {response ? <HeadText head={response} names={AGREED} /> : "…"}
      </Rung>
      <p class="turn">From here on it is a WebSocket: no more heads, only frames.</p>
      <ol class="rungs">
        {frames.map((entry) => (
          <li key={entry.id}>
            <FrameRung entry={entry} />
          </li>
        ))}
      </ol>
      <Say />
    </div>
  );
}

function Rung({ from, kind, label, children }: { from: "page" | "server"; kind: string; label: string; children: preact.ComponentChildren }) {
  return (
    <div class={`rung from-${from}`}>
      <p class="arrow">
        <span class="rung-kind">{kind}</span> {label}
      </p>
      <pre>{children}</pre>
    </div>
  );
}

function HeadText({ head, names }: { head: Head; names: string[] }) {
  const shown = names.flatMap((name) => head.headers.filter(([other]) => other.toLowerCase() === name.toLowerCase()));
  return (
    <>
      {head.start.replace(/\?\S+/, "")}
      {shown.map(([name, value]) => (
        <>
          {"\n"}
          <span class={/key|accept/i.test(name) ? "telling" : undefined}>
            {name}: {value}
          </span>
        </>
      ))}
    </>
  );
}

function FrameRung({ entry }: { entry: Entry }) {
  if (entry.kind !== "frame") return null;
  const size = entry.header.length / 2 + entry.length;
  return (
    <div class={`rung from-${entry.from} is-frame`}>
      <p class="arrow">
        <span class="rung-kind">{opcodes[entry.opcode]?.name ?? "?"}</span>
        <span class="rung-bytes">{size} bytes</span>
        <span class="rung-text">{preview(entry)}</span>
      </p>
    </div>
  );
}

/** A word for the server, which says it back. */
function Say() {
  const { hub, state } = useHub();
  const [text, setText] = useState("Hello!");
  const [took, setTook] = useState<string>("");
  async function say(event: Event) {
    event.preventDefault();
    const begin = performance.now();
    try {
      await hub.rpc("start.echo", text);
      setTook(`There and back in ${(performance.now() - begin).toFixed(1)} ms`);
    } catch {
      setTook("The line is lost: it was not said");
    }
  }
  return (
    <form class="say" onSubmit={(event) => void say(event)}>
      <label class="unseen" for="say">
        What to say
      </label>
      <input id="say" value={text} maxLength={200} autoComplete="off" onInput={(event) => setText(event.currentTarget.value)} />
      <button class="button primary" type="submit" disabled={state !== "open"}>
        Say it
      </button>
      <p class="quiet" role="status">
        {took}
      </p>
    </form>
  );
}
