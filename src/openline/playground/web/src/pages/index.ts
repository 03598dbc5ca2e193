/** The pages of the playground. A further one is a folder beside this file, a row here, and a path in server.py's PAGES. */

import type { ComponentType } from "preact";

export interface Page {
  path: string;
  title: string;
  load: () => Promise<ComponentType>;
}

const chat: Page = { path: "/", title: "Chat", load: async () => (await import("./chat/ChatPage")).ChatPage };

export const pages: Page[] = [chat];

export function pageAt(path: string): Page {
  return pages.find((page) => page.path === path) ?? chat;
}
