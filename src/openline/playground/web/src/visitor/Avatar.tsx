/** Somebody's initials on his colour. The name stands beside it, or is said by whoever shows it. */

import "./avatar.css";

export function Avatar({ name, color }: { name: string; color: number }) {
  return (
    <span class={`avatar tint-${color}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => (word ? [...word][0] : ""))
    .join("");
}
