/** What the line of this page has cost so far, counted on it. */

import type { Watched } from "../../inspector/records";

export function Facts({ watched }: { watched: Watched }) {
  const { request, response, entries } = watched;
  const heads = entries.flatMap((entry) => (entry.kind === "frame" ? [entry.header.length / 2] : []));
  return (
    <dl class="facts">
      <Fact value={request && response ? request.size + response.size : null}>
        for the handshake, once. Over HTTP, every question and answer has heads like these.
      </Fact>
      <Fact value={heads.length ? heads.reduce((sum, head) => sum + head) / heads.length : null}>
        for the head of a frame, on average so far: that is all that a message takes besides itself.
      </Fact>
    </dl>
  );
}

function Fact({ value, children }: { value: number | null; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{children}</dt>
      <dd>
        {value === null ? "…" : value.toLocaleString("en", { maximumFractionDigits: 1 })} <small>bytes</small>
      </dd>
    </div>
  );
}
