/** What a page's application is given by the frame around it. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";

import type { LineState } from "../line/line";

export interface FrameContext {
  /** Whether lines may be opened: the inspector is to see them from their first byte. */
  ready: boolean;
  /** To be put on the URL of each line, as `?inspect=TOKEN`: by it lines are shown, and cut. */
  token: string;
  /** Until when the server refuses this page's lines, in milliseconds since 1970; 0: it does not. */
  cutUntil: number;
  /** Say how the page's main line is. */
  report(state: LineState): void;
}

export const Context = createContext<FrameContext>({ ready: false, token: "", cutUntil: 0, report: () => undefined });

export function useFrame(): FrameContext {
  return useContext(Context);
}
