/** A room that this page follows: its messages, how far they are read, and what is on the way to it. */

import type { Centrifuge, PublicationContext, SubscribedContext, Subscription } from "centrifuge";

import { authorOf, keyOf, userOf, type Author, type Happening } from "./events";
import { Outbox } from "./outbox";
import { Timeline, unread } from "./timeline";

const PAGE = 50; // publications that are loaded at once
const ENOUGH = 12; // messages that loading older ones brings at least: some pages hold nothing but signs
const UNRECOVERABLE = 112;

export interface Events {
  changed(): void;
  /** The visitor is this user; another one than before, where the server has forgotten him. */
  known(user: string): void;
  /** Somebody else has said something, just now. */
  heard(room: Room, by: Author, text: string): void;
}

export class Room {
  timeline = new Timeline();
  readonly outbox: Outbox;
  me = ""; // one's own user id
  read = 0; // the read mark: milliseconds since 1970
  private readonly mutes = new Map<string, { at: number; until: number }>();
  loaded = false; // the newest page of history is here
  loading = false;
  complete = false; // and the oldest
  missed = 0; // messages that were recovered after the line was last cut
  private readonly subscription: Subscription;
  private incoming = this.timeline; // where publications go; another one while the history is loaded anew
  private recovering = false;
  private epoch = "";

  constructor(
    hub: Centrifuge,
    readonly name: string,
    readonly topic: string,
    private readonly events: Events,
  ) {
    this.subscription = hub.newSubscription(`chat:${name}`);
    this.outbox = new Outbox((action) => this.subscription.publish(action), events.changed);
    this.subscription.on("subscribing", () => this.outbox.pause());
    this.subscription.on("subscribed", (context) => this.subscribed(context));
    this.subscription.on("publication", (context) => this.take(context, true));
    this.subscription.subscribe();
  }

  get title(): string {
    return this.name[0]!.toUpperCase() + this.name.slice(1);
  }

  get unread(): number {
    return unread(this.timeline.entries(), this.read, this.me);
  }

  get newest(): number {
    return this.timeline.entries().at(-1)?.at ?? 0;
  }

  /** Until when somebody is muted here, in milliseconds since 1970; 0: he is not. */
  mutedUntil(user: string): number {
    const until = this.mutes.get(user)?.until ?? 0;
    return until > Date.now() ? until : 0;
  }

  end(): void {
    this.subscription.unsubscribe();
    this.subscription.removeAllListeners();
  }

  /** Load what was said before; at most one such request is under way. */
  async loadOlder(): Promise<void> {
    if (this.loading || this.complete || !this.loaded) return;
    this.loading = true;
    this.events.changed();
    try {
      for (let found = 0; found < ENOUGH && !this.complete; ) {
        const timeline = this.timeline;
        const since = { offset: timeline.oldest, epoch: this.epoch };
        const { publications } = await this.subscription.history({ limit: PAGE, since, reverse: true });
        if (timeline !== this.incoming) return; // it is loaded anew
        for (const one of publications) if (this.take(one, false) === "message") found++;
        this.complete = publications.length === 0 || timeline.oldest === 1;
      }
    } catch (error) {
      if ((error as { code?: number }).code === UNRECOVERABLE) void this.load();
      // Else the line is cut; whoever scrolls asks once more.
    } finally {
      this.loading = false;
      this.events.changed();
    }
  }

  private subscribed({ recovered, data, hasRecoveredPublications }: SubscribedContext): void {
    const { you, marks } = data as { you: string; marks: Record<string, number> };
    if (you !== this.me) this.events.known(you);
    this.me = you;
    this.read = Math.max(this.read, marks[you] ?? 0);
    this.missed = 0;
    if (!this.loaded || !recovered) {
      void this.load();
      return;
    }
    this.recovering = hasRecoveredPublications;
    // The publications that were recovered come now, before anything else can: then it is known what has arrived.
    setTimeout(() => {
      this.recovering = false;
      this.outbox.resume();
      this.events.changed();
    });
  }

  private async load(): Promise<void> {
    const timeline = (this.incoming = new Timeline());
    try {
      const { publications, epoch } = await this.subscription.history({ limit: PAGE, reverse: true });
      if (timeline !== this.incoming) return;
      for (const one of publications) this.take(one, false);
      this.timeline = timeline;
      this.epoch = epoch;
      this.loaded = true;
      this.complete = publications.length === 0 || timeline.oldest === 1;
      this.outbox.resume();
      this.events.changed();
    } catch {
      // The line was cut; it is done on the next one, since `loaded` stays what it was, or is recovered.
      this.loaded = false;
    }
  }

  private take(context: PublicationContext, live: boolean): Happening["type"] | null {
    const happening = context.data as Happening;
    const by = authorOf(context.info);
    if (!this.incoming.take(context.offset ?? 0, happening, by)) return null;
    if (happening.type === "message") {
      if (userOf(happening.id) === this.me) this.outbox.arrived(keyOf(happening.id));
      else if (this.recovering) this.missed++;
      else if (live) this.events.heard(this, by, happening.text);
    }
    if (happening.type === "mute" && happening.at >= (this.mutes.get(happening.user)?.at ?? 0))
      this.mutes.set(happening.user, happening);
    if (live) {
      if (this.incoming.trim()) this.complete = false;
      this.events.changed();
    }
    return happening.type;
  }
}
