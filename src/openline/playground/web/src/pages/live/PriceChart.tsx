import { useRef } from "preact/hooks";

import { useEachFrame } from "./frames";
import type { Market } from "./market";
import { Plot } from "./Plot";
import { change, price } from "./wording";

export function PriceChart({ market }: { market: Market }) {
  const now = useRef<HTMLElement>(null);
  const since = useRef<HTMLElement>(null);
  const listed = market.bySymbol.get(market.selected);
  useEachFrame(() => {
    const quote = market.fast.quotes.get(market.selected);
    if (!now.current || !since.current) return;
    now.current.textContent = price(quote?.price);
    since.current.textContent = quote && listed ? `${change(quote.price, listed.opened)} since it opened` : "";
  });
  return (
    <section class="card chart" aria-labelledby="chart-title">
      <header class="card-head">
        <h2 id="chart-title">{listed ? `${listed.symbol} · ${listed.name}` : "Price"}</h2>
        <strong class="now" ref={now} />
        <span class="quiet" ref={since} />
        {market.slow && <Legend />}
      </header>
      <Plot
        label={`The price of ${listed?.name ?? "the symbol"} in the last minute`}
        rows={() => market.recorder.prices}
        write={price}
        height={170}
        stepped
      />
    </section>
  );
}

export function Legend() {
  return (
    <p class="legend">
      <span class="of-fast">fast reader</span>
      <span class="of-slow">slow reader</span>
    </p>
  );
}
