/** All that the page knows: the symbols, which of them are looked at, and what its one or two readers got of them. */

import { hubUrl } from "../../hub/useHub";
import type { LineState } from "../../line/line";
import { followMatch, SCORE, type Score } from "./match";
import { Reader, type Counts } from "./reader";
import { Recorder, STEP } from "./recorder";

export interface Symbol {
  symbol: string;
  name: string;
  opened: number;
}

/** What happened in the last second. */
export interface Rates extends Counts {
  lag: number | null;
}

export interface Pulse {
  /** Changes on the server, of all symbols. */
  changes: number | null;
  fast: Rates | null;
  slow: Rates | null;
}

export const SLOW_RATE = 16_000; // bytes a second
const PAGES = { wide: 50, narrow: 16 };

export class Market {
  symbols: Symbol[] = [];
  bySymbol = new Map<string, Symbol>();
  query = "";
  page = 0;
  selected = "";
  readonly fast: Reader;
  slow: Reader | null = null;
  slowState: LineState = "connecting";
  readonly recorder = new Recorder();
  pulse: Pulse = { changes: null, fast: null, slow: null };
  score: Score | null = null;
  size = matchMedia("(min-width: 640px)").matches ? PAGES.wide : PAGES.narrow;
  private changesBefore: { changes: number; at: number } | null = null;
  private before: { at: number; fast: Counts; slow: Counts | null } | null = null;
  private timers: number[] = [];
  private lags = { fast: null as number | null, slow: null as number | null };

  /**
   * @param token The page's.
   * @param report Told how the main line is.
   * @param changed Told that something else than prices has changed.
   */
  constructor(
    private readonly token: string,
    report: (state: LineState) => void,
    private readonly changed: () => void,
  ) {
    this.fast = new Reader(
      hubUrl(token),
      (state) => {
        report(state);
        if (state === "open") void this.begin();
        changed();
      },
      SCORE,
    );
    followMatch(this.fast, (score) => {
      this.score = score;
      changed();
    });
  }

  open(): void {
    this.fast.client.connect();
    this.timers.push(window.setInterval(() => this.record(), STEP), window.setInterval(() => void this.measure(), 1_000));
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.fast.client.disconnect();
    this.slow?.client.disconnect();
  }

  /** The symbols that match what is searched for. */
  get found(): Symbol[] {
    const query = this.query.trim().toLowerCase();
    if (!query) return this.symbols;
    return this.symbols.filter(({ symbol, name }) => `${symbol} ${name}`.toLowerCase().includes(query));
  }

  get pages(): number {
    return Math.max(Math.ceil(this.found.length / this.size), 1);
  }

  /** Those that are shown. */
  get shown(): Symbol[] {
    return this.found.slice(this.page * this.size, (this.page + 1) * this.size);
  }

  search(query: string): void {
    this.query = query;
    this.turn(0);
  }

  turn(page: number): void {
    this.page = Math.min(Math.max(page, 0), this.pages - 1);
    this.look();
    this.changed();
  }

  select(symbol: string): void {
    this.selected = symbol;
    this.look();
    this.changed();
  }

  /** Add a second reader, which is slow; or end it. */
  setSlow(on: boolean): void {
    if (on === (this.slow !== null)) return;
    if (on) {
      const url = new URL(hubUrl(this.token));
      url.pathname = "/live/thin";
      url.searchParams.set("rate", String(SLOW_RATE));
      this.slow = new Reader(url.href, (state) => {
        this.slowState = state;
        this.changed();
      });
      this.look();
      this.slow.client.connect();
    } else {
      this.slow?.client.disconnect();
      this.slow = null;
    }
    this.before = null;
    this.changed();
  }

  private look(): void {
    const looked = new Set(this.shown.map(({ symbol }) => symbol));
    if (this.selected) looked.add(this.selected);
    this.fast.look(looked);
    this.slow?.look(looked);
  }

  private async begin(): Promise<void> {
    if (this.symbols.length) return;
    const { data } = await this.fast.client.rpc("market.symbols", null);
    const listing = (data as { symbols: [string, string, number][] }).symbols;
    this.symbols = listing.map(([symbol, name, opened]) => ({ symbol, name, opened }));
    this.bySymbol = new Map(this.symbols.map((one) => [one.symbol, one]));
    this.selected = this.symbols[0]?.symbol ?? "";
    this.turn(0);
  }

  private record(): void {
    this.recorder.record(this.selected, this.fast, this.slow);
    const last = this.recorder.lags[0].length - 1;
    this.lags = { fast: this.recorder.lags[1][last] ?? null, slow: this.recorder.lags[2][last] ?? null };
  }

  private async measure(): Promise<void> {
    const now = performance.now();
    const fast = this.fast.counts;
    const slow = this.slow?.counts ?? null;
    const before = this.before;
    this.before = { at: now, fast, slow };
    if (before) {
      const seconds = (now - before.at) / 1000;
      this.pulse = {
        changes: this.pulse.changes,
        fast: { ...rates(fast, before.fast, seconds), lag: this.lags.fast },
        slow: slow && before.slow && { ...rates(slow, before.slow, seconds), lag: this.lags.slow },
      };
    }
    this.changed();
    if (this.fast.state !== "open") {
      this.changesBefore = null;
      this.pulse.changes = null;
      return;
    }
    try {
      const { data } = await this.fast.client.rpc("market.meter", null);
      const meter = data as { changes: number; at: number };
      const last = this.changesBefore;
      this.changesBefore = meter;
      if (last && meter.at > last.at) this.pulse.changes = (meter.changes - last.changes) / (meter.at - last.at);
    } catch {
      // The line was lost while it was asked.
    }
  }
}

/** A second's; those that are to stay at nothing are shown as a sum. */
function rates(now: Counts, before: Counts, seconds: number): Counts {
  const per = (name: keyof Counts) => (now[name] - before[name]) / seconds;
  return { values: per("values"), merged: per("merged"), older: now.older, frames: per("frames"), bytes: per("bytes") };
}
