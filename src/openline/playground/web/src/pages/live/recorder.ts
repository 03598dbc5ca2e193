/** The last minute, in steps of a fifth of a second, for the charts. */

import type { Reader } from "./reader";

export const STEP = 200; // milliseconds
const KEPT = 300;

/** Times in seconds, and two rows of values: of the fast reader and of the slow one. */
export type Rows = [number[], (number | null)[], (number | null)[]];

export class Recorder {
  prices: Rows = [[], [], []];
  lags: Rows = [[], [], []];
  private symbol = "";

  /** Take down how it is now. */
  record(symbol: string, fast: Reader, slow: Reader | null): void {
    const now = Date.now() / 1000;
    if (symbol !== this.symbol) {
      this.symbol = symbol;
      this.prices = [[], [], []];
    }
    const price = (reader: Reader | null) => (reader?.state === "open" ? (reader.quotes.get(symbol)?.price ?? null) : null);
    push(this.prices, now, price(fast), price(slow));
    push(this.lags, now, fast.takeLag(), slow?.takeLag() ?? null);
  }
}

function push(rows: Rows, now: number, fast: number | null, slow: number | null): void {
  rows[0].push(now);
  rows[1].push(fast);
  rows[2].push(slow);
  if (rows[0].length > KEPT) for (const row of rows) row.shift();
}
