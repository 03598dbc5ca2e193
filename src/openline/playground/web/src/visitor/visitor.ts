/** What the visitor calls himself, and his colour; kept by the browser. Who he is, the server knows by its cookie. */

const NAME = "openline.name";
const COLOR = "openline.color";
export const COLORS = 8; // visitors.py's; tint-0 … tint-7 in the styles

const FIRST = "Amber Brave Calm Clever Gentle Happy Jolly Keen Lively Lucky Merry Mighty Nimble Quick Quiet Sunny Swift Witty";
const SECOND = "Badger Crane Dolphin Falcon Fox Hare Heron Koala Lynx Marten Otter Owl Panda Puffin Raven Robin Seal Wren";

export function myName(): string {
  return kept(NAME, () => `${any(FIRST)} ${any(SECOND)}`);
}

export function setMyName(name: string): void {
  keep(NAME, name);
}

/** A number below COLORS. */
export function myColor(): number {
  return Number(kept(COLOR, () => String(Math.floor(Math.random() * COLORS)))) % COLORS || 0;
}

function any(words: string): string {
  const list = words.split(" ");
  return list[Math.floor(Math.random() * list.length)]!;
}

const here = new Map<string, string>(); // where the browser keeps nothing for us

function kept(key: string, make: () => string): string {
  try {
    const found = localStorage.getItem(key);
    if (found) return found;
  } catch {
    // Storage may be forbidden.
  }
  const before = here.get(key);
  if (before) return before;
  const made = make();
  keep(key, made);
  return made;
}

function keep(key: string, value: string): void {
  here.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it holds for as long as the page does.
  }
}
