import type { Person } from "./room";

const TINTS = 8;

/** Two letters on a tint of one's own. Decoration: the name stands beside it. */
export function Avatar({ id, name }: Pick<Person, "id" | "name">) {
  return (
    <span class={`avatar tint-${id % TINTS}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(" ");
  const last = words.length > 1 ? words[words.length - 1] : "";
  return [words[0], last].map((word) => [...(word ?? "")][0] ?? "").join("");
}
