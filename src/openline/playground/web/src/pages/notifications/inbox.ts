/** One device's copy of the inbox: every change is applied once and in order, however often and late it comes. */

import type { Centrifuge, Subscription } from "centrifuge";

export interface Item {
  id: string;
  number: number;
  /** When it was sent, in milliseconds since 1970; likewise when it goes by itself. */
  time: number;
  expires?: number;
  topic: string;
  read: boolean;
  data: { title: string; text: string };
}

export interface InboxState {
  /** Newest first. */
  items: readonly Item[];
  unread: number;
  /** Changes so far: the next one has this number and one more. */
  revision: number;
  /** What gives the next page; null: there is none. */
  more: number | null;
  /** Whether the inbox was read at least once. */
  loaded: boolean;
  preferences: Readonly<Record<string, Mode>>;
  topics: readonly string[];
}

export type Mode = "push" | "inbox" | "off";

interface Page {
  channel: string;
  items: Item[];
  more: number | null;
  unread: number;
  revision: number;
}

type Change =
  | { event: "new"; item: Item }
  | { event: "read"; ids: string[]; read: boolean }
  | { event: "read_all"; through: number }
  | { event: "removed"; ids: string[] }
  | { event: "preference"; topic: string; mode: Mode | "" }
  | { event: "topic"; topic: string; following: boolean }
  | { event: "cleared" };

type Event = Change & { revision: number; unread: number };

const PAGE = 30;
const MOST = 200; // items that are kept here; older ones are asked for again
const MOST_WAITING = 200; // events that come while the inbox is being read
const ACKNOWLEDGE_AFTER = 400; // milliseconds, so that many are acknowledged at once
const LONGEST_TIMER = 2 ** 31 - 1;

const EMPTY: InboxState = {
  items: [],
  unread: 0,
  revision: 0,
  more: null,
  loaded: false,
  preferences: {},
  topics: [],
};

export class Inbox {
  state = EMPTY;
  /** Changes that came once more, and were not applied again. */
  repeated = 0;
  private channel: Subscription | null = null;
  private waiting: Event[] | null = null;
  private acknowledged = 0;
  private acknowledging: ReturnType<typeof setTimeout> | undefined;
  private expiring: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly hub: Centrifuge,
    private readonly changed: () => void,
  ) {
    hub.on("connected", this.connected);
  }

  close(): void {
    this.hub.off("connected", this.connected);
    this.channel?.removeAllListeners();
    clearTimeout(this.acknowledging);
    clearTimeout(this.expiring);
  }

  // What the user does. The change comes back by the channel, as to every other device.

  read(ids: string[], read = true): Promise<unknown> {
    return this.hub.rpc("inbox.read", { ids, read });
  }

  /** Up to what is shown here: what has come since, nobody has seen. */
  readAll(): Promise<unknown> {
    return this.hub.rpc("inbox.read_all", { through: this.state.items[0]?.number ?? 0 });
  }

  remove(ids: string[]): Promise<unknown> {
    return this.hub.rpc("inbox.remove", { ids });
  }

  prefer(topic: string, mode: Mode): Promise<unknown> {
    return this.hub.rpc("inbox.prefer", { topic, mode });
  }

  follow(topic: string, on: boolean): Promise<unknown> {
    return this.hub.rpc("inbox.follow", { topic, on });
  }

  async older(): Promise<void> {
    if (this.state.more === null) return;
    const { data } = (await this.hub.rpc("inbox.list", { limit: PAGE, before: this.state.more })) as { data: Page };
    const known = new Set(this.state.items.map((item) => item.id));
    const items = [...this.state.items, ...data.items.filter((item) => !known.has(item.id))];
    this.become({ items, more: data.more });
  }

  // What the server says.

  private readonly connected = async (): Promise<void> => {
    if (this.channel) return; // the SDK subscribes again, and recovers
    try {
      const { data } = (await this.hub.rpc("inbox.list", { limit: 0 })) as { data: Page };
      this.channel = this.hub.getSubscription(data.channel) ?? this.hub.newSubscription(data.channel);
    } catch {
      return; // the line went; it will be connected again
    }
    this.channel.on("publication", ({ data: event }) => this.hear(event as Event));
    this.channel.on("subscribed", ({ recovered }) => {
      if (!recovered || !this.state.loaded) void this.load();
    });
    this.channel.subscribe();
  };

  /** Read the inbox anew; events that come meanwhile wait for it. */
  private async load(): Promise<void> {
    if (this.waiting) return;
    this.waiting = [];
    let page: Page;
    let wishes: { preferences: Record<string, Mode>; topics: string[] };
    try {
      page = ((await this.hub.rpc("inbox.list", { limit: PAGE })) as { data: Page }).data;
      // After the page: a change that comes in between is in here, and its event comes once more, which does no harm.
      wishes = ((await this.hub.rpc("inbox.preferences", {})) as { data: typeof wishes }).data;
    } catch {
      this.waiting = null; // the line went; `subscribed` comes again
      return;
    }
    const events: Event[] = this.waiting;
    this.waiting = null;
    const { items, unread, revision, more } = page;
    const { preferences, topics } = wishes;
    this.become({ items, unread, revision, more, loaded: true, preferences, topics });
    for (const event of events) this.hear(event);
  }

  private hear(event: Event): void {
    if (this.waiting) {
      if (this.waiting.length < MOST_WAITING) this.waiting.push(event);
      return;
    }
    const { revision } = this.state;
    if (event.revision <= revision) {
      this.repeated += 1;
    } else if (event.revision > revision + 1) {
      void this.load();
    } else {
      this.become({ ...this.apply(event), unread: event.unread, revision: event.revision });
    }
  }

  private apply(change: Change): Partial<InboxState> {
    const { items, preferences, topics } = this.state;
    switch (change.event) {
      case "new":
        return { items: [change.item, ...items].slice(0, MOST) };
      case "read": {
        const ids = new Set(change.ids);
        return { items: items.map((item) => (ids.has(item.id) ? { ...item, read: change.read } : item)) };
      }
      case "read_all":
        return { items: items.map((item) => (item.number <= change.through ? { ...item, read: true } : item)) };
      case "removed": {
        const ids = new Set(change.ids);
        return { items: items.filter((item) => !ids.has(item.id)) };
      }
      case "preference": {
        const { [change.topic]: _, ...others } = preferences;
        return { preferences: change.mode ? { ...others, [change.topic]: change.mode } : others };
      }
      case "topic": {
        const others = topics.filter((one) => one !== change.topic);
        return { topics: change.following ? [...others, change.topic] : others };
      }
      case "cleared":
        return { items: [], preferences: {}, topics: [], more: null };
    }
  }

  private become(next: Partial<InboxState>): void {
    this.state = { ...this.state, ...next };
    this.expire();
    this.acknowledge();
    this.changed();
  }

  /** Drop what has expired: the server says nothing of that, since all know when it will be. */
  private expire(): void {
    clearTimeout(this.expiring);
    const now = Date.now();
    const over = this.state.items.filter((item) => item.expires !== undefined && item.expires <= now);
    if (over.length) {
      const unread = this.state.unread - over.filter((item) => !item.read).length;
      const items = this.state.items.filter((item) => !over.includes(item));
      this.state = { ...this.state, items, unread: Math.max(unread, 0) };
    }
    const next = Math.min(...this.state.items.map((item) => item.expires ?? Infinity));
    if (next < Infinity) this.expiring = setTimeout(() => this.become({}), Math.min(next - now + 5, LONGEST_TIMER));
  }

  private acknowledge(): void {
    const newest = this.state.items[0]?.number ?? 0;
    if (newest <= this.acknowledged || this.acknowledging !== undefined) return;
    this.acknowledging = setTimeout(() => {
      this.acknowledging = undefined;
      const number = this.state.items[0]?.number ?? 0;
      this.hub.rpc("inbox.ack", { number }).then(
        () => (this.acknowledged = Math.max(this.acknowledged, number)),
        () => undefined, // the line went; with the next change
      );
    }, ACKNOWLEDGE_AFTER);
  }
}
