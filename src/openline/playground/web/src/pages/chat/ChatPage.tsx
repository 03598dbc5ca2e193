/** The chat: rooms on the left, and the conversation of the one that is open. */

import "./chat.css";
import "./conversation.css";

import { useEffect, useRef, useState } from "preact/hooks";

import { Frame } from "../../frame/Frame";
import type { LineState } from "../../line/line";
import { Composer } from "./Composer";
import { Conversation } from "./Conversation";
import type { Message } from "./timeline";
import { People } from "./People";
import { Rooms } from "./Rooms";
import { useChat } from "./useChat";

export function ChatPage() {
  return (
    <Frame
      name="chat"
      title="Chat"
      lead={
        <>
          Rooms, presence, history and moderation on one WebSocket.{" "}
          <a href="/chat" target="_blank" rel="noopener">
            A second window
          </a>{" "}
          is your other device; a private one is somebody else. Cut the line, and write on.
        </>
      }
    >
      <ChatApp />
    </Frame>
  );
}

const BACK_FOR = 6_000; // milliseconds that one is told what was recovered
const RENAMING = 7_000; // milliseconds in which the line may be opened anew without a word: one has asked for it

function ChatApp() {
  const { chat, state } = useChat();
  const { room, presence } = chat;
  const [editing, setEditing] = useState<Message | null>(null);
  const drawer = useRef<HTMLDialogElement>(null);
  const back = useBack(state);
  useEffect(() => setEditing(null), [room]);
  const elsewhere = chat.rooms.filter((one) => one !== room).reduce((sum, one) => sum + one.unread, 0);
  const title = useRef(document.title);
  useEffect(() => {
    document.title = chat.unread ? `(${chat.unread}) ${title.current}` : title.current;
  }, [chat.unread]);

  const waiting = chat.rooms.reduce((sum, one) => sum + one.outbox.list.filter((each) => each.state !== "sent").length, 0);
  useKept(waiting > 0);

  if (!room || !presence)
    return (
      <section class="card chat is-empty" aria-label="Chat">
        <p class="quiet">{state === "lost" ? "The line is lost; it is opened again …" : "The line is being opened …"}</p>
      </section>
    );
  const rooms = (
    <Rooms
      rooms={chat.rooms}
      current={room}
      open={(one) => {
        chat.open(one);
        drawer.current?.close();
      }}
    />
  );
  const missed = chat.rooms.reduce((sum, one) => sum + one.missed, 0);
  const renaming = Date.now() - chat.renamedAt < RENAMING;
  return (
    <section class="card chat" aria-labelledby="chat-title">
      <div class="chat-body">
        <nav class="rooms-rail" aria-label="Rooms">
          {rooms}
        </nav>
        <dialog
          ref={drawer}
          class="rooms-drawer"
          aria-label="Rooms"
          onClick={(event) => event.target === drawer.current && drawer.current?.close()}
        >
          {rooms}
        </dialog>
        <div class="room">
          <header class="room-head">
            <button class="rooms-button" type="button" aria-haspopup="dialog" onClick={() => drawer.current?.showModal()}>
              <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
                <path d="M3 5.5h14M3 10h14M3 14.5h9" />
              </svg>
              <span class="unseen">Rooms</span>
              {elsewhere > 0 && (
                <span class="badge">
                  {elsewhere}
                  <span class="unseen"> new elsewhere</span>
                </span>
              )}
            </button>
            <div class="room-name">
              <h2 id="chat-title">{room.title}</h2>
              <p>{room.topic}</p>
            </div>
            <People chat={chat} room={room} presence={presence} />
          </header>
          <Banner state={renaming ? "open" : state} waiting={waiting} back={back && !renaming} missed={missed} />
          <Conversation key={room.name} chat={chat} room={room} presence={presence} edit={setEditing} editing={editing} />
          <Composer key={`composer ${room.name}`} chat={chat} room={room} presence={presence} editing={editing} edit={setEditing} />
        </div>
      </div>
      <p class="unseen" aria-live="polite">
        {chat.announcement}
      </p>
    </section>
  );
}

/** Have the browser ask before it leaves a page on which something still waits to be sent. */
function useKept(waits: boolean): void {
  useEffect(() => {
    if (!waits) return;
    const ask = (event: Event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [waits]);
}

/** Whether the line came back a moment ago. */
function useBack(state: LineState): boolean {
  const [back, setBack] = useState(false);
  const was = useRef(state);
  useEffect(() => {
    const before = was.current;
    was.current = state;
    if (state !== "open" || before !== "lost") return setBack(false);
    setBack(true);
    const timer = setTimeout(() => setBack(false), BACK_FOR);
    return () => clearTimeout(timer);
  }, [state]);
  return back;
}

function Banner({ state, waiting, back, missed }: { state: LineState; waiting: number; back: boolean; missed: number }) {
  let text = "";
  if (state === "lost")
    text = waiting
      ? `The line is cut. What you wrote waits (${waiting}), and goes out once it is back.`
      : "The line is cut. Write on: it goes out once the line is back.";
  else if (back)
    text =
      missed > 0
        ? `The line is back. ${missed === 1 ? "One message that you missed is" : `${missed} messages that you missed are`} here.`
        : "The line is back, and you missed nothing.";
  return (
    <p class={`banner ${text ? "is-shown" : ""} ${state === "lost" ? "is-lost" : "is-back"}`} role="status">
      {text}
    </p>
  );
}
