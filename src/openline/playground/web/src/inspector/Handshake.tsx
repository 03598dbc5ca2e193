import { useEffect, useState } from "preact/hooks";

import { noteOf, requestLine, statusLine, type HeaderNote } from "./headers";
import type { Head, Watched } from "./records";

export function Handshake({ watched }: { watched: Watched }) {
  const [all, setAll] = useState(false);
  const { request, response } = watched;
  if (!request || !response)
    return (
      <div class="card handshake">
        <h3>Opening handshake</h3>
        <p class="quiet">Waiting for the line to open …</p>
      </div>
    );
  const hidden = others(request).length + others(response).length;
  return (
    <div class="card handshake">
      <header class="card-head">
        <h3>Opening handshake</h3>
        <p class="quiet">
          HTTP for one request and one response; then the same TCP connection speaks WebSocket.
        </p>
      </header>
      <div class="heads">
        <HeadBlock title="This page asks" from="page" head={request} start={requestLine} all={all} />
        <HeadBlock title="The server agrees" from="server" head={response} start={statusLine} all={all}>
          <AcceptProof request={request} response={response} />
        </HeadBlock>
      </div>
      {hidden > 0 && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show only what makes the handshake" : `Show the other ${hidden} lines`}
        </button>
      )}
    </div>
  );
}

interface HeadBlockProps {
  title: string;
  from: "page" | "server";
  head: Head;
  start: HeaderNote;
  all: boolean;
  children?: preact.ComponentChildren;
}

function HeadBlock({ title, from, head, start, all, children }: HeadBlockProps) {
  const shown = all ? head.headers : head.headers.filter(([name]) => noteOf(name).essential);
  return (
    <section class={`head from-${from}`} aria-label={title}>
      <h4>
        <span class="direction" aria-hidden="true">
          {from === "page" ? "↑" : "↓"}
        </span>
        {title}
      </h4>
      <dl>
        <HeadLine note={start}>
          <span class="start-line">{shortened(head.start)}</span>
        </HeadLine>
        {shown.map(([name, value], index) => (
          <HeadLine key={index} note={noteOf(name)}>
            <span class="header-name">{name}:</span> {value}
          </HeadLine>
        ))}
      </dl>
      {children}
    </section>
  );
}

function HeadLine({ note, children }: { note: HeaderNote; children: preact.ComponentChildren }) {
  return (
    <div class={note.essential ? "head-line" : "head-line other"}>
      <dt>{children}</dt>
      <dd>
        {note.note}
        {note.section && <span class="section"> § {note.section}</span>}
      </dd>
    </div>
  );
}

/** The answer to the key, worked out once more by this page (where it may: browsers keep SHA-1 for secure origins). */
function AcceptProof({ request, response }: { request: Head; response: Head }) {
  const key = valueOf(request, "sec-websocket-key");
  const accept = valueOf(response, "sec-websocket-accept");
  const [expected, setExpected] = useState<string | null>(null);
  useEffect(() => {
    let current = true;
    void acceptFor(key).then((value) => current && setExpected(value));
    return () => {
      current = false;
    };
  }, [key]);
  if (expected === null) return null;
  const agrees = expected === accept;
  return (
    <div class="proof">
      <p>This page works it out too:</p>
      <p class="proof-sum">
        base64(SHA-1(<b class="from-page">{key}</b> + {GUID}))
      </p>
      <p class={agrees ? "verdict" : "verdict wrong"}>
        {agrees ? "✓ the same, so the server speaks WebSocket" : `✗ ${expected}: not the same`}
      </p>
    </div>
  );
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

async function acceptFor(key: string): Promise<string | null> {
  if (!crypto.subtle) return null;
  const text = new TextEncoder().encode(key + GUID);
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-1", text))));
}

function valueOf(head: Head, name: string): string {
  return head.headers.find(([other]) => other.toLowerCase() === name)?.[1] ?? "";
}

function others(head: Head) {
  return head.headers.filter(([name]) => !noteOf(name).essential);
}

/** The token in the request line, cut to its beginning: it is long, and nobody's business on a screenshot. */
function shortened(start: string): string {
  return start.replace(/(inspect=.{4})\S+/, "$1…");
}
