/** The chat on the page's line; the page is drawn anew whenever something has changed in it. */

import { useEffect, useMemo, useReducer } from "preact/hooks";

import { useHub } from "../../hub/useHub";
import type { LineState } from "../../line/line";
import { Chat } from "./chat";

export function useChat(): { chat: Chat; state: LineState } {
  const { hub, state } = useHub();
  const [, redraw] = useReducer((times: number) => times + 1, 0);
  const chat = useMemo(() => new Chat(hub, () => redraw(undefined)), [hub]);
  useEffect(() => () => chat.end(), [chat]);
  return { chat, state };
}
