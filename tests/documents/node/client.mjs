// An editor on Node: Yjs and the provider of y-websocket, as they come. Does what the lines of its standard input say,
// tells what happens in lines of JSON, and ends with its input.
import { createInterface } from "node:readline";
import { WebsocketProvider } from "y-websocket";
import WebSocket from "ws";
import * as Y from "yjs";

const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const doc = new Y.Doc();
const text = doc.getText("t");
let provider;

const tellText = () => say({ event: "text", text: text.toString() });
const tellPeople = () => {
  const people = [...provider.awareness.getStates()].map(([client, state]) => ({ client, ...state }));
  say({ event: "people", people });
};

const commands = {
  open({ server, name, params }) {
    provider = new WebsocketProvider(server, name, doc, {
      WebSocketPolyfill: WebSocket,
      params,
      disableBc: true,
      maxBackoffTime: 200,
    });
    provider.on("status", ({ status }) => say({ event: "status", status }));
    provider.on("sync", (synced) => synced && say({ event: "synced" }));
    provider.on("closed", ({ code, reason }) => say({ event: "closed", code, reason }));
    provider.awareness.on("change", tellPeople);
    doc.on("update", tellText);
    say({ event: "made", client: doc.clientID });
  },
  insert({ at, text: what }) {
    text.insert(at < 0 ? text.length : at, what);
  },
  delete({ at, length }) {
    text.delete(at, length);
  },
  say({ user }) {
    provider.awareness.setLocalStateField("user", user);
  },
  cut() {
    provider.ws?.terminate();
  },
  disconnect() {
    provider.disconnect();
  },
  connect() {
    provider.connect();
  },
  tell: () => tellText(),
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { do: what, ...rest } = JSON.parse(line);
    commands[what](rest);
  })
  .on("close", () => process.exit(0));
