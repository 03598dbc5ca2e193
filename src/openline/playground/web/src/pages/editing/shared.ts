/** The document on its line: what is in it, who is here, and what is not stored yet. Knows nothing of the page. */

import * as decoding from "lib0/decoding";
import { Awareness } from "y-protocols/awareness";
import { messageYjsSyncStep1 } from "y-protocols/sync";
import { messageSync, WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

import type { LineState } from "../../line/line";
import { myColor, myName } from "../../visitor/visitor";
import { Unsaved } from "./unsaved";

export const NAME = "field-notes";

export interface Person {
  client: number;
  name: string;
  color: number;
  reads: boolean;
  me: boolean;
}

/** What happened while the line was lost, to be told when it is back. */
export interface Merge {
  mine: number;
  theirs: number;
}

export interface Told {
  line: LineState;
  synced: boolean;
  refused: string;
  unsaved: number;
  people: Person[];
  merge: Merge | null;
  words: number;
}

interface Said {
  user?: { name?: unknown; color?: unknown; reads?: unknown };
}

const FIRST: Told = { line: "connecting", synced: false, refused: "", unsaved: 0, people: [], merge: null, words: 0 };

export class SharedDocument {
  readonly doc = new Y.Doc();
  readonly text = this.doc.getText("text");
  readonly undo = new Y.UndoManager(this.text);
  readonly awareness = new Awareness(this.doc);
  told = FIRST;
  private provider: WebsocketProvider;
  private readonly unsaved = new Unsaved(this.doc);
  private opened = false;
  private before = new Map<number, number>();
  private waiting = 0;
  private due = 0;

  constructor(
    readonly readOnly: boolean,
    token: string,
    private readonly changed: (told: Told) => void,
  ) {
    const base = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/documents`;
    const params: Record<string, string> = { inspect: token, name: myName() };
    if (readOnly) params.view = "read";
    this.provider = new WebsocketProvider(base, NAME, this.doc, {
      connect: false,
      awareness: this.awareness,
      params,
      disableBc: true, // two windows of one browser meet on the server, like everybody
    });
    this.sayWho();
    this.listen();
  }

  open(): void {
    this.provider.connect();
  }

  close(): void {
    clearTimeout(this.due);
    this.provider.destroy();
    this.doc.destroy();
  }

  sayWho(): void {
    this.awareness.setLocalStateField("user", { name: myName(), color: myColor(), reads: this.readOnly });
  }

  private listen(): void {
    const { provider } = this;
    provider.on("status", ({ status }) => this.follow(status));
    provider.on("sync", (synced: boolean) => this.sync(synced));
    provider.on("closed", ({ reason }: { reason: string }) => this.tell({ refused: reason || "denied", line: "lost" }));
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== provider) this.unsaved.made(update);
      this.tellSoon();
    });
    this.awareness.on("change", () => this.tell({ people: this.people() }));
    this.overhear();
  }

  /** See what the server sends, before the provider does. */
  private overhear(): void {
    const handle = this.provider.messageHandlers[messageSync]!;
    this.provider.messageHandlers[messageSync] = (encoder, decoder, ...rest) => {
      const copy = decoding.clone(decoder);
      const step = decoding.readVarUint(copy);
      const body = decoding.readVarUint8Array(copy);
      if (step === messageYjsSyncStep1) this.unsaved.confirmState(body);
      else this.unsaved.confirm(body);
      handle(encoder, decoder, ...rest);
      this.tellSoon();
    };
  }

  private follow(status: "connected" | "connecting" | "disconnected"): void {
    if (status === "connected") {
      this.opened = true;
      this.tell({ line: "open", refused: "" });
    } else if (!this.told.refused) {
      if (status === "disconnected") this.before = Y.decodeStateVector(Y.encodeStateVector(this.doc));
      this.tell({ line: this.opened ? "lost" : "connecting" });
    }
  }

  private sync(synced: boolean): void {
    if (synced && this.before.size) {
      const now = Y.decodeStateVector(Y.encodeStateVector(this.doc));
      let theirs = 0;
      for (const [client, clock] of now) {
        if (client !== this.doc.clientID) theirs += clock - (this.before.get(client) ?? 0);
      }
      const mine = this.waiting;
      this.waiting = 0;
      this.before = new Map();
      if (mine || theirs) this.tell({ merge: { mine, theirs } });
    }
    this.tell({ synced });
  }

  forgetMerge(): void {
    this.tell({ merge: null });
  }

  private people(): Person[] {
    const people: Person[] = [];
    for (const [client, state] of this.awareness.getStates()) {
      const { user } = state as Said;
      if (typeof user?.name !== "string") continue;
      const color = typeof user.color === "number" && user.color >= 0 && user.color < 8 ? Math.floor(user.color) : 0;
      const name = user.name.slice(0, 32);
      people.push({ client, name, color, reads: user.reads === true, me: client === this.doc.clientID });
    }
    return people.sort((a, b) => Number(b.me) - Number(a.me) || a.client - b.client);
  }

  private tellSoon(): void {
    if (this.due) return;
    this.due = window.setTimeout(() => {
      this.due = 0;
      const unsaved = this.unsaved.count;
      if (this.told.line !== "open") this.waiting = unsaved;
      this.tell({ unsaved, words: (this.text.toString().match(/[\p{L}\p{N}]+/gu) ?? []).length });
    }, 60);
  }

  private tell(news: Partial<Told>): void {
    this.told = { ...this.told, ...news };
    this.changed(this.told);
  }
}
