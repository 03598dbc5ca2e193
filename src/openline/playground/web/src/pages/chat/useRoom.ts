/** The chat's line: enters the room whenever it opens, and turns what comes over it into a Room. */

import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";

import { Line, type LineState } from "../../line/line";
import { token } from "../../line/token";
import { keepName, nameToEnterWith } from "./name";
import { hear, myName, outside, type Room } from "./room";

export interface Conversation {
  room: Room;
  state: LineState;
  say(text: string): boolean;
  rename(name: string): void;
  typing(on: boolean): void;
}

/** @param ready Whether the line may be opened: the inspector is to see it from its first byte. */
export function useRoom(ready: boolean): Conversation {
  const [room, dispatch] = useReducer(hear, outside);
  const [state, setState] = useState<LineState>("connecting");
  const wasTyping = useRef(false);
  const line = useMemo(() => {
    const created: Line = new Line(`/lines/chat?inspect=${token}`, {
      message: dispatch,
      state: (next) => {
        setState(next);
        if (next === "open") created.send({ type: "enter", name: nameToEnterWith() });
      },
    });
    return created;
  }, []);
  useEffect(() => {
    if (!ready) return;
    line.open();
    return () => line.end();
  }, [line, ready]);

  const name = myName(room);
  useEffect(() => {
    if (name) keepName(name);
  }, [name]);

  return {
    room,
    state,
    say: (text) => {
      wasTyping.current = false;
      return line.send({ type: "say", text });
    },
    rename: (wanted) => line.send({ type: "rename", name: wanted }),
    typing: (on) => {
      if (on !== wasTyping.current && line.send({ type: "typing", on })) wasTyping.current = on;
    },
  };
}
