/** This browser's own clients: one of each technique, as one would write it. */

import type { Technique } from "./techniques";

export interface Message {
  n: number;
  /** When it was made, in milliseconds since 1970 by the server's clock. */
  at: number;
}

export interface Client {
  end(): void;
}

export interface Wants {
  /** Milliseconds between two polls. */
  every(): number;
  message(message: Message): void;
}

const RETRY = 1000; // milliseconds

export function startClient(technique: Technique, host: string, wants: Wants): Client {
  switch (technique) {
    case "polling":
    case "long_polling":
      return asking(`http://${host}/`, technique === "polling" ? wants.every : () => 0, wants);
    case "server_sent_events":
      return listening(`http://${host}/`, wants);
    case "websocket":
      return onLine(`ws://${host}/`, wants);
  }
}

function asking(url: string, pause: () => number, wants: Wants): Client {
  const ending = new AbortController();
  let last = 0;
  const rest = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  void (async () => {
    while (!ending.signal.aborted) {
      try {
        const answer = await fetch(`${url}?after=${last}`, { signal: ending.signal });
        if (answer.status === 200) {
          const messages = (await answer.json()) as Message[];
          for (const message of messages) {
            if (last > 0) wants.message(message); // the first had been there before
            last = message.n;
          }
        } else if (answer.status !== 204) await rest(RETRY);
        if (pause() > 0) await rest(pause());
      } catch {
        await rest(RETRY);
      }
    }
  })();
  return { end: () => ending.abort() };
}

function listening(url: string, wants: Wants): Client {
  const source = new EventSource(url);
  let first = true;
  source.onmessage = (event: MessageEvent<string>) => {
    if (!first) wants.message(JSON.parse(event.data) as Message);
    first = false;
  };
  return { end: () => source.close() };
}

function onLine(url: string, wants: Wants): Client {
  let socket: WebSocket | null = null;
  let timer = 0;
  const open = () => {
    socket = new WebSocket(url);
    socket.onmessage = (event: MessageEvent<string>) => wants.message(JSON.parse(event.data) as Message);
    socket.onclose = () => (timer = window.setTimeout(open, RETRY));
  };
  open();
  return {
    end() {
      clearTimeout(timer);
      if (socket) socket.onclose = null;
      socket?.close();
    },
  };
}
