/** What is published in a room, and what this page sends: the other end of the server's chat_commands.py. */

export const SIGNS = ["like", "love", "laugh", "star", "look", "done"] as const;
export type Sign = (typeof SIGNS)[number];

export interface Author {
  user: string;
  name: string;
  color: number;
  bot: boolean;
}

export type Happening =
  | { type: "message"; id: string; text: string; at: number }
  | { type: "edit"; id: string; text: string; at: number }
  | { type: "reaction"; id: string; sign: Sign; on: boolean; at: number }
  | { type: "mute"; user: string; until: number; at: number };

/** The key is made up here, anew for each, and stays the same however often it is sent: the server takes it once. */
export type Action =
  | { type: "message"; key: string; text: string }
  | { type: "edit"; key: string; of: string; text: string }
  | { type: "reaction"; key: string; of: string; sign: Sign; on: boolean }
  | { type: "mute"; key: string; user: string; minutes: number };

export type Notice = { type: "typing"; on: boolean } | { type: "read"; at: number };

export function newKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(12))))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

export function idOf(user: string, key: string): string {
  return `${user}.${key}`;
}

export function keyOf(id: string): string {
  return id.slice(id.indexOf(".") + 1);
}

export function userOf(id: string): string {
  return id.slice(0, id.indexOf("."));
}

interface Info {
  user: string;
  connInfo?: { name?: unknown; color?: unknown; bot?: unknown };
}

export function authorOf(info: Info | undefined): Author {
  const { name, color, bot } = info?.connInfo ?? {};
  return {
    user: info?.user ?? "",
    name: typeof name === "string" ? name : "Somebody",
    color: typeof color === "number" ? color : 0,
    bot: bot === true,
  };
}
