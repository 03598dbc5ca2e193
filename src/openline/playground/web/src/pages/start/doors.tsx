/** The other pages, as doors. */

import type { ComponentChildren } from "preact";

export interface DoorProps {
  path: string;
  title: string;
  words: string;
  module: string;
  icon: ComponentChildren;
}

export const doors: DoorProps[] = [
  {
    path: "/chat",
    title: "Chat",
    words: "Rooms, presence, typing, reactions. Cut the line in the middle of a sentence: nothing is lost, nothing comes twice.",
    module: "openline.hub",
    icon: <path d="M4 6.5A2.5 2.5 0 0 1 6.500 4h11A2.500 2.500 0 0 1 20 6.500v7a2.500 2.500 0 0 1-2.500 2.500H11l-4.500 4v-4A2.500 2.500 0 0 1 4 13.500z M8 8.700h8M8 12h5" />,
  },
  {
    path: "/live",
    title: "Live updates",
    words: "500 prices, 20,000 changes a second. Each screen gets the newest of what it looks at, as fast as it can take it.",
    module: "conflation and deltas",
    icon: <path d="M3 17l5-6 4 3.500 4-7 5 4.500M3 21h18" />,
  },
  {
    path: "/editing",
    title: "Editing together",
    words: "One document, many cursors. What you type while you are cut off merges when the line is back.",
    module: "openline.documents",
    icon: <path d="M5 20h14M6 15.500 15.500 6l2.500 2.500L8.500 18H6z M9 4.500 11 6.500" />,
  },
  {
    path: "/game",
    title: "Game",
    words: "An arena at 30 ticks a second, in frames of a few dozen bytes. The server decides; your ship still flies at once.",
    module: "openline.rooms",
    icon: <path d="M12 3l7 17-7-4-7 4z M12 10v2.500" />,
  },
  {
    path: "/notifications",
    title: "Notifications",
    words: "An inbox that waits for you. Read on one device, gone on the other; pushed to a browser that is closed.",
    module: "openline.notifications",
    icon: <path d="M6 16.500V11a6 6 0 0 1 12 0v5.500l1.500 2h-15z M10 20.500a2 2 0 0 0 4 0" />,
  },
];

export const further: DoorProps[] = [
  {
    path: "/comparison",
    title: "When should I use it?",
    words: "The same messages by polling, long polling, server-sent events and WebSocket, counted on the socket. HTTP wins, too.",
    module: "measured here",
    icon: <path d="M5 20V10M10 20V4M15 20v-7M20 20v-4" />,
  },
  {
    path: "/security",
    title: "Is it secure?",
    words: "What somebody on the wire reads of ws:// and of wss://, and what happens to a foreign page that tries your cookie.",
    module: "byte for byte",
    icon: <path d="M12 3l7.500 3v5.500c0 4.500-3 8-7.500 9.500-4.500-1.500-7.500-5-7.500-9.500V6z M9 11.800l2.200 2.200 4-4.300" />,
  },
];

export function Door({ path, title, words, module, icon }: DoorProps) {
  return (
    <li class="card door">
      <svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true">
        {icon}
      </svg>
      <h3>
        <a href={path}>{title}</a>
      </h3>
      <p>{words}</p>
      <p class="door-module">{module}</p>
    </li>
  );
}
