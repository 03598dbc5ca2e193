/** The switch for the slow reader, and both readers side by side. */

import { useRef } from "preact/hooks";

import { useEachFrame } from "./frames";
import { type Market, type Rates, SLOW_RATE } from "./market";
import { Plot } from "./Plot";
import { Legend } from "./PriceChart";
import type { Reader } from "./reader";
import { bytes, count, lag, price, share } from "./wording";

export function Readers({ market }: { market: Market }) {
  const on = market.slow !== null;
  return (
    <section class="card readers" aria-labelledby="readers-title">
      <header class="card-head">
        <h2 id="readers-title">Who reads slowly</h2>
        <label class="switch">
          <input type="checkbox" role="switch" checked={on} onChange={(event) => market.setSlow(event.currentTarget.checked)} />
          <span>Slow reader</span>
        </label>
        {on && <Legend />}
      </header>
      <p class="quiet how">
        {on ? (
          <>
            A second line of this page, to the same prices, through which the server passes only {SLOW_RATE / 1000} kB a second, like a
            phone in a train. What it has no room for waits there, 32 KiB at most; then its turns are passed over, and what is left out
            is merged. So it gets less, but never something older, and the fast reader does not notice.
          </>
        ) : (
          <>Switch on a second line that takes 16 kB a second, less than a third of what comes, and see what it gets.</>
        )}
      </p>
      <table class="beside">
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">What</span>
            </th>
            <th scope="col" class="of-fast">
              Fast reader
            </th>
            <th scope="col" class="of-slow">
              Slow reader
            </th>
          </tr>
        </thead>
        <tbody>
          <Row name={`${market.selected || "Price"} now`}>
            <Price market={market} of={() => market.fast} />
            <Price market={market} of={() => market.slow} />
          </Row>
          <Figures name="Values a second" pulse={market} write={(rates) => count(rates.values)} />
          <Figures name="Merged" pulse={market} write={(rates) => share(rates.merged, rates.values)} />
          <Figures name="Age on arrival" pulse={market} write={(rates) => lag(rates.lag)} />
          <Figures name="Bytes a second" pulse={market} write={(rates) => bytes(rates.bytes)} />
          <Figures name="Older than one before" pulse={market} write={(rates) => (rates.older ? count(rates.older) : "none, ever")} />
        </tbody>
      </table>
      <h3 class="lag-title">Age of values on arrival</h3>
      <Plot
        label="How old values were on arrival, in the last minute"
        rows={() => market.recorder.lags}
        write={(value) => lag(value)}
        height={130}
        fromZero
      />
    </section>
  );
}

function Row({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      {children}
    </tr>
  );
}

function Figures({ name, pulse: market, write }: { name: string; pulse: Market; write: (rates: Rates) => string }) {
  const { fast, slow } = market.pulse;
  return (
    <Row name={name}>
      <td data-reader="fast">{fast ? write(fast) : "–"}</td>
      <td data-reader="slow">{market.slow && slow ? write(slow) : "–"}</td>
    </Row>
  );
}

function Price({ market, of }: { market: Market; of: () => Reader | null }) {
  const cell = useRef<HTMLTableCellElement>(null);
  useEachFrame(() => {
    const text = price(of()?.quotes.get(market.selected)?.price);
    if (cell.current && cell.current.textContent !== text) cell.current.textContent = text;
  });
  return <td ref={cell} />;
}
