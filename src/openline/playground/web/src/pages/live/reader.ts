/** One line to the hub, and what came on it: the newest value of each symbol that is looked at. */

import { Centrifuge, type Subscription } from "centrifuge";

import type { LineState } from "../../line/line";
import { myColor, myName } from "../../visitor/visitor";
import { Meter } from "./meter";

export interface Quote {
  price: number;
  /** Of the change that this value came by, on the server: 1, 2, 3 … */
  number: number;
  /** Against the value before: 1 up, -1 down, 0 the same. */
  move: -1 | 0 | 1;
  /** When it changed, by the server's clock. */
  at: number;
}

interface Value {
  n: number;
  p: number;
  t: number;
}

export interface Counts {
  /** Values that came. */
  values: number;
  /** Changes that a newer one had replaced by then. */
  merged: number;
  /** Values that were older than one that had come before: there are none. */
  older: number;
  frames: number;
  bytes: number;
}

const CLOCK_QUESTIONS = 5;
const TOO_LONG = 60_000; // milliseconds without a value after which the last one says nothing of the lag

export class Reader {
  readonly client: Centrifuge;
  readonly quotes = new Map<string, Quote>();
  /** What has changed since it was last asked for. */
  readonly fresh = new Set<string>();
  state: LineState = "connecting";
  private readonly meter: Meter;
  private values = 0;
  private merged = 0;
  private older = 0;
  private lagSum = 0;
  private lagCount = 0;
  private lastLag: { at: number; lag: number } | null = null;
  private offset = 0; // of the server's clock against ours, in milliseconds
  private looked = new Set<string>();

  /**
   * @param url Where to.
   * @param states Told how the line is.
   * @param watched A channel whose payloads' sizes are to be known.
   */
  constructor(url: string, states: (state: LineState) => void, watched = "") {
    this.meter = new Meter(watched);
    this.client = new Centrifuge(url, {
      minReconnectDelay: 400,
      maxReconnectDelay: 5_000,
      websocket: this.meter.Socket,
      data: { name: myName(), color: myColor() },
    });
    let opened = false;
    const become = (state: LineState) => states((this.state = state));
    this.client.on("connecting", () => become(opened ? "lost" : "connecting"));
    this.client.on("disconnected", () => become("lost"));
    this.client.on("connected", () => {
      opened = true;
      become("open");
      void this.compareClocks();
    });
  }

  get patch() {
    return this.meter.patch;
  }

  get counts(): Counts {
    const { frames, bytes } = this.meter;
    return { values: this.values, merged: this.merged, older: this.older, frames, bytes };
  }

  /** Subscribe to these symbols, and to no others. */
  look(symbols: Iterable<string>): void {
    const wanted = new Set(symbols);
    this.client.startBatching();
    for (const symbol of this.looked)
      if (!wanted.has(symbol)) {
        const subscription = this.client.getSubscription(`market:${symbol}`);
        if (subscription) end(this.client, subscription);
        this.quotes.delete(symbol);
      }
    for (const symbol of wanted)
      if (!this.looked.has(symbol)) {
        const subscription = this.client.newSubscription(`market:${symbol}`);
        subscription.on("publication", ({ data }) => this.take(symbol, data as Value));
        subscription.subscribe();
      }
    this.client.stopBatching();
    this.looked = wanted;
  }

  /** How old values were on arrival since the last question, on average, in milliseconds. Null: nothing is known. */
  takeLag(): number | null {
    const lag = this.lagCount ? this.lagSum / this.lagCount : null;
    const now = Date.now();
    if (lag !== null) this.lastLag = { at: now, lag };
    this.lagSum = this.lagCount = 0;
    const last = this.lastLag;
    return lag ?? (last && this.state === "open" && now - last.at < TOO_LONG ? last.lag + (now - last.at) : null);
  }

  private take(symbol: string, { n, p, t }: Value): void {
    const before = this.quotes.get(symbol);
    this.values += 1;
    if (before && n <= before.number) {
      this.older += 1;
      return;
    }
    if (before) this.merged += n - before.number - 1;
    const move = !before || p === before.price ? (before?.move ?? 0) : p > before.price ? 1 : -1;
    this.quotes.set(symbol, { price: p, number: n, move, at: t });
    this.fresh.add(symbol);
    this.lagSum += Math.max(Date.now() + this.offset - t, 0);
    this.lagCount += 1;
  }

  /** The quickest of some answers says best what the server's clock shows. */
  private async compareClocks(): Promise<void> {
    let quickest = Infinity;
    try {
      for (let question = 0; question < CLOCK_QUESTIONS; question += 1) {
        const asked = Date.now();
        const { data } = await this.client.rpc("market.clock", null);
        const took = Date.now() - asked;
        if (took < quickest) {
          quickest = took;
          this.offset = (data as number) - asked - took / 2;
        }
      }
    } catch {
      // The line was lost; it is asked again when it is back.
    }
  }
}

function end(client: Centrifuge, subscription: Subscription): void {
  subscription.unsubscribe();
  subscription.removeAllListeners();
  client.removeSubscription(subscription);
}
