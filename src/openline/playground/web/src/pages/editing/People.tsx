/** Who has the document open. */

import { Avatar } from "../../visitor/Avatar";
import type { Person } from "./shared";

const MOST_FACES = 5;

export function People({ people }: { people: Person[] }) {
  const shown = people.slice(0, MOST_FACES);
  const more = people.length - shown.length;
  return (
    <ul class="doc-people" aria-label="Who has this document open">
      {shown.map((person) => {
        const what = `${person.name}${person.me ? " (you)" : ""}${person.reads ? ", reading" : ""}`;
        return (
          <li key={person.client} title={what} class={person.reads ? "reads" : undefined}>
            <Avatar name={person.name} color={person.color} />
            <span class="unseen">{what}</span>
          </li>
        );
      })}
      {more > 0 && <li class="doc-more">+{more}</li>}
    </ul>
  );
}
