/** The name by which this tab enters the room: chosen before, or one that anybody would like. */

const manners = ["Calm", "Quick", "Bright", "Gentle", "Clever", "Merry", "Bold", "Quiet", "Sunny", "Nimble"];
const animals = ["Heron", "Otter", "Lynx", "Robin", "Badger", "Marten", "Swift", "Hare", "Falcon", "Newt"];

const KEY = "name"; // of the session's storage: each tab is somebody else

export function nameToEnterWith(): string {
  try {
    const kept = sessionStorage.getItem(KEY);
    if (kept) return kept;
  } catch {
    // No storage here: a new name each time.
  }
  return `${any(manners)} ${any(animals)}`;
}

export function keepName(name: string): void {
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // No storage here: the name holds until the page is left.
  }
}

function any(words: string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? "";
}
