/** The pages of the playground. A further one is a folder here, a row below, and a name in the server's pages/__init__.py. */

import type { ComponentType } from "preact";

export interface Page {
  path: string;
  title: string;
  load: () => Promise<ComponentType>;
}

type Module = Record<string, ComponentType>;

const modules = import.meta.glob<Module>("./*/*Page.tsx");

function page(path: string, title: string, component: string): Page {
  const folder = path === "/" ? "start" : path.slice(1);
  return {
    path,
    title,
    load: async () => (await modules[`./${folder}/${component}.tsx`]!())[component]!,
  };
}

const start = page("/", "Start", "StartPage");

export const pages: Page[] = [
  start,
  page("/chat", "Chat", "ChatPage"),
  page("/live", "Live updates", "LivePage"),
  page("/editing", "Editing", "EditingPage"),
  page("/game", "Game", "GamePage"),
  page("/notifications", "Notifications", "NotificationsPage"),
  page("/comparison", "Beside HTTP", "ComparisonPage"),
  page("/security", "Security", "SecurityPage"),
];

export function pageAt(path: string): Page {
  return pages.find((page) => page.path === path) ?? start;
}
