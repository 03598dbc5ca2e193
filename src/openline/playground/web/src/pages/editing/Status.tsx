/** How the document is: stored, on its way, or waiting for the line. */

import type { Told } from "./shared";

export function Status({ told, readOnly }: { told: Told; readOnly: boolean }) {
  const { look, text } = wording(told, readOnly);
  return (
    <p class={`doc-status is-${look}`} role="status">
      <span class="doc-dot" aria-hidden="true" />
      {text}
    </p>
  );
}

function wording({ line, synced, unsaved, refused }: Told, readOnly: boolean): { look: string; text: string } {
  if (refused) return { look: "refused", text: "Not allowed" };
  if (line === "lost") return { look: "waiting", text: unsaved ? `${edits(unsaved)} waiting for the line` : "Offline: write on" };
  if (line === "connecting" || !synced) return { look: "busy", text: "Opening …" };
  if (readOnly) return { look: "read", text: "Read only" };
  return unsaved ? { look: "busy", text: "Saving …" } : { look: "saved", text: "Saved" };
}

export function edits(count: number): string {
  return count === 1 ? "1 edit" : `${count.toLocaleString("en")} edits`;
}
