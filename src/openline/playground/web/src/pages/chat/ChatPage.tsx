/** The first page: a chat room, and beside it the line that carries it. */

import "./chat.css";

import { useEffect, useState } from "preact/hooks";

import { Inspector } from "../../inspector/Inspector";
import { framesPassed } from "../../inspector/records";
import { useInspector } from "../../inspector/useInspector";
import { Wire } from "../../inspector/Wire";
import { Composer } from "./Composer";
import { Conversation } from "./Conversation";
import { People } from "./People";
import { useRoom } from "./useRoom";

const PATIENCE = 1500; // milliseconds that the chat waits for its inspector

export function ChatPage() {
  const inspection = useInspector();
  const [ready, setReady] = useState(false);
  useEffect(() => {
    if (inspection.feed === "open") setReady(true);
    const timer = setTimeout(() => setReady(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [inspection.feed]);
  const { room, state, say, rename, typing } = useRoom(ready);
  const [side, setSide] = useState<"chat" | "line">("chat");

  return (
    <div class={`chat-page shows-${side}`}>
      <div class="intro">
        <h1>A chat, and the line it runs on</h1>
        <p>
          Everything said here travels over one WebSocket. Beside it you see that very line: its handshake, and each
          frame as it passes. Open{" "}
          <a href="/" target="_blank" rel="noopener">
            a second window
          </a>{" "}
          and talk to yourself.
        </p>
      </div>
      <Wire watched={inspection.watched} state={state} />
      <div class="sides" role="group" aria-label="What is shown">
        <button type="button" aria-pressed={side === "chat"} onClick={() => setSide("chat")}>
          Chat
        </button>
        <button type="button" aria-pressed={side === "line"} onClick={() => setSide("line")}>
          Line <span class="count">{framesPassed(inspection.watched)}</span>
        </button>
      </div>
      <section class="card chat" aria-labelledby="chat-title">
        <People room={room} rename={rename} />
        <Conversation room={room} />
        <Composer room={room} open={state === "open"} say={say} typing={typing} />
      </section>
      <Inspector inspection={inspection} />
    </div>
  );
}
