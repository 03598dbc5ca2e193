/** Editing: one document in which everybody types, and what it was before. */

import "./editing.css";

import { useEffect, useRef } from "preact/hooks";

import { Frame } from "../../frame/Frame";
import { useHub } from "../../hub/useHub";
import { editorIn } from "./codemirror";
import { People } from "./People";
import type { SharedDocument } from "./shared";
import { edits, Status } from "./Status";
import { useShared } from "./useShared";
import { useVersions } from "./versions";
import { VersionList } from "./VersionList";

const READ = "?view=read";

export function EditingPage() {
  return (
    <Frame
      name="editing"
      title="Editing"
      label="Document"
      lead={
        <>
          One document that many write in at once: Yjs in the browser, its own copy on the server. Open{" "}
          <a href="/editing" target="_blank" rel="noopener">
            a second window
          </a>{" "}
          and type in both; then cut the line, and type on.
        </>
      }
    >
      <EditingApp />
    </Frame>
  );
}

function EditingApp() {
  const readOnly = new URLSearchParams(location.search).get("view") === "read";
  const { hub, state } = useHub({ aside: true }); // first: the inspector shows the handshake of the line that opens last
  const { shared, told } = useShared(readOnly);
  const versions = useVersions(hub);
  const { merge, refused, words } = told;
  useEffect(() => {
    if (!merge) return;
    const timer = setTimeout(() => shared.forgetMerge(), 12_000);
    return () => clearTimeout(timer);
  }, [merge]);

  return (
    <section class="card doc" aria-labelledby="doc-title">
      <header class="doc-head">
        <div class="doc-names">
          <h2 id="doc-title">field-notes.md</h2>
          <Status told={told} readOnly={readOnly} />
        </div>
        <People people={told.people} />
        {readOnly ? (
          <a class="button small doc-share" href="/editing">
            Write here
          </a>
        ) : (
          <a class="button small doc-share" href={READ} target="_blank" rel="noopener">
            Read-only view
          </a>
        )}
      </header>
      {refused && (
        <p class="notice" role="alert">
          The server does not let this page in: {refused}. The editor does not try again.
        </p>
      )}
      {merge && (
        <p class="doc-merge" role="status">
          <strong>Merged.</strong> {edits(merge.mine)} of yours went up
          {merge.theirs > 0 ? `, and ${merge.theirs.toLocaleString("en")} characters of others came down.` : "."}
        </p>
      )}
      <div class="doc-body">
        <Paper shared={shared} />
        <aside class="doc-aside">
          <VersionList versions={versions} readOnly={readOnly} online={state === "open" && told.line === "open"} />
          <p class="doc-words quiet">{words.toLocaleString("en")} words</p>
        </aside>
      </div>
    </section>
  );
}

function Paper({ shared }: { shared: SharedDocument }) {
  const paper = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const editor = editorIn(paper.current!, shared);
    return () => editor.destroy();
  }, [shared]);
  return <div class="doc-paper" ref={paper} />;
}
