/** The line inspector: the handshake of this page's own line, and every frame that passes on it. Any page can stand beside it. */

import "./inspector.css";
import "./wire.css";

import { FrameList } from "./FrameList";
import { Handshake } from "./Handshake";
import type { Inspection } from "./useInspector";

export function Inspector({ inspection }: { inspection: Inspection }) {
  const { watched, feed, ask, clear } = inspection;
  return (
    <section class="inspector" aria-labelledby="inspector-title">
      <h2 id="inspector-title" class="unseen">
        Line inspector
      </h2>
      {feed === "lost" && (
        <p class="notice" role="status">
          The inspector has lost its own line to the server and is opening a new one. Frames that pass meanwhile are not shown.
        </p>
      )}
      <Handshake watched={watched} />
      <FrameList watched={watched} ask={ask} clear={clear} />
    </section>
  );
}
