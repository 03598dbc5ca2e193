/** Who has a room open, who types there, and how far each has read. */

import type { Centrifuge, ClientInfo, Subscription } from "centrifuge";

import { authorOf, type Author, type Notice } from "./events";

const TYPING_FOR = 4_000; // milliseconds that somebody is shown typing after he was last heard to
const TYPING_EVERY = 2_500; // that one says so
const READ_AFTER = 500; // that a read mark waits, for further messages

export interface Person extends Author {
  since: number;
}

interface Client extends Person {
  client: string;
}

export class Presence {
  people: Person[] = []; // who has been here for longest comes first
  marks = new Map<string, number>();
  private readonly clients = new Map<string, Client>();
  private readonly typists = new Map<string, { who: Author; timer: number }>();
  private readonly subscription: Subscription;
  private toldTyping = 0; // when one said so; 0: one does not type
  private mark = 0;
  private timer = 0;
  private ended = false;

  constructor(
    private readonly hub: Centrifuge,
    readonly room: string,
    private readonly changed: () => void,
  ) {
    this.subscription = hub.newSubscription(`chat-here:${room}`);
    this.subscription.on("subscribed", ({ data }) => {
      const { marks = {} } = data as { marks?: Record<string, number> };
      for (const [user, at] of Object.entries(marks)) this.moved(user, at);
      this.toldTyping = 0;
      void this.ask();
      if (this.mark) void this.tell({ type: "read", at: this.mark });
    });
    this.subscription.on("join", ({ info }) => this.come(info));
    this.subscription.on("leave", ({ info }) => {
      this.clients.delete(info.client);
      if (![...this.clients.values()].some((one) => one.user === info.user)) {
        this.marks.delete(info.user);
        this.stopped(info.user);
      }
      this.sort();
    });
    this.subscription.on("publication", ({ data, info }) => this.hear(data as Notice, authorOf(info)));
    this.subscription.subscribe();
  }

  /** Who has been here for longest, and may mute others. */
  get moderator(): string {
    return this.people[0]?.user ?? "";
  }

  get typing(): Author[] {
    return [...this.typists.values()].map(({ who }) => who);
  }

  end(): void {
    clearTimeout(this.timer);
    this.ended = true;
    if (this.mark) void this.tell({ type: "read", at: this.mark });
    if (this.toldTyping) void this.tell({ type: "typing", on: false });
    for (const { timer } of this.typists.values()) clearTimeout(timer);
    this.subscription.removeAllListeners();
    this.hub.removeSubscription(this.subscription);
  }

  /** One types, or has stopped. */
  type(on: boolean): void {
    if (on ? Date.now() - this.toldTyping < TYPING_EVERY : !this.toldTyping) return;
    this.toldTyping = on ? Date.now() : 0;
    void this.tell({ type: "typing", on });
  }

  /** One has read up to there. */
  readTo(at: number): void {
    if (at <= this.mark) return;
    this.mark = at;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.tell({ type: "read", at: this.mark }), READ_AFTER);
  }

  /** Somebody has said something, and types no more. */
  stopped(user: string): void {
    clearTimeout(this.typists.get(user)?.timer);
    if (this.typists.delete(user)) this.changed();
  }

  private async ask(): Promise<void> {
    try {
      const { clients } = await this.subscription.presence();
      this.clients.clear();
      for (const info of Object.values(clients)) this.come(info);
      this.sort();
    } catch {
      // The line was cut; it is asked again on the next one.
    }
  }

  private come(info: ClientInfo): void {
    const { since } = (info.chanInfo ?? {}) as { since?: number };
    this.clients.set(info.client, { ...authorOf(info), client: info.client, since: since ?? Infinity });
    this.sort();
  }

  private sort(): void {
    const users = new Map<string, Person>();
    const clients = [...this.clients.values()].sort((a, b) => a.since - b.since || (a.client < b.client ? -1 : 1));
    for (const one of clients) if (!users.has(one.user)) users.set(one.user, one);
    this.people = [...users.values()];
    this.changed();
  }

  private hear(notice: Notice, who: Author): void {
    if (notice.type === "read") this.moved(who.user, notice.at);
    else if (!notice.on) this.stopped(who.user);
    else {
      clearTimeout(this.typists.get(who.user)?.timer);
      const timer = window.setTimeout(() => this.stopped(who.user), TYPING_FOR);
      this.typists.set(who.user, { who, timer });
    }
    this.changed();
  }

  private moved(user: string, at: number): void {
    this.marks.set(user, Math.max(at, this.marks.get(user) ?? 0));
  }

  private async tell(notice: Notice): Promise<void> {
    if (this.subscription.state !== "subscribed") return;
    try {
      await this.subscription.publish(notice);
    } catch {
      // Of typing nothing is left to be told later. A read mark is told again: here, or on the next line.
      if (notice.type === "read" && !this.ended) this.timer = window.setTimeout(() => void this.tell({ type: "read", at: this.mark }), 2_000);
    }
  }
}
