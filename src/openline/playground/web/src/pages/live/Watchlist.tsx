import { useRef } from "preact/hooks";

import { useEachFrame } from "./frames";
import type { Market, Symbol } from "./market";
import type { Quote } from "./reader";
import { change, price } from "./wording";

const SIGNS = { "1": "▲", "0": "·", "-1": "▼" } as const;

/** The prices that are looked at. What changes all the time is written into the cells, and not rendered. */
export function Watchlist({ market }: { market: Market }) {
  const grid = useRef<HTMLUListElement>(null);
  const cells = useRef(new Map<string, Cell>());
  useEachFrame(() => {
    for (const symbol of market.fast.fresh) {
      const quote = market.fast.quotes.get(symbol);
      const listed = market.bySymbol.get(symbol);
      if (quote && listed) cells.current.get(symbol)?.show(quote, listed);
    }
    market.fast.fresh.clear();
  });
  const { found, shown, page, pages, size } = market;
  const first = page * size + 1;
  return (
    <section class="card watchlist" aria-labelledby="watchlist-title">
      <header class="card-head">
        <h2 id="watchlist-title">Watchlist</h2>
        <label class="search">
          <span class="unseen">Search symbols</span>
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <circle cx="7" cy="7" r="4.5" />
            <path d="m10.5 10.5 3 3" />
          </svg>
          <input
            type="search"
            placeholder="Search 500 symbols"
            autocomplete="off"
            maxLength={40}
            value={market.query}
            onInput={(event) => market.search(event.currentTarget.value)}
          />
        </label>
        <nav class="turning" aria-label="Pages of the watchlist">
          <button class="button small" type="button" disabled={page === 0} onClick={() => market.turn(page - 1)}>
            <span aria-hidden="true">←</span>
            <span class="unseen">Back</span>
          </button>
          <span class="count" role="status">
            {found.length ? `${first}–${first + shown.length - 1} of ${found.length}` : "none"}
          </span>
          <button class="button small" type="button" disabled={page >= pages - 1} onClick={() => market.turn(page + 1)}>
            <span aria-hidden="true">→</span>
            <span class="unseen">On</span>
          </button>
        </nav>
      </header>
      {shown.length ? (
        <ul class="quotes" ref={grid}>
          {shown.map((one) => (
            <QuoteCell
              key={one.symbol}
              listed={one}
              selected={one.symbol === market.selected}
              quote={market.fast.quotes.get(one.symbol)}
              select={() => market.select(one.symbol)}
              cells={cells.current}
            />
          ))}
        </ul>
      ) : (
        <p class="quiet nothing">
          {market.symbols.length ? `No symbol is called “${market.query}”.` : "The symbols are on their way …"}
        </p>
      )}
    </section>
  );
}

class Cell {
  private text: string[] = [];

  constructor(private readonly element: HTMLElement) {}

  show(quote: Quote, listed: Symbol): void {
    const [sign, cost, since] = this.element.querySelectorAll<HTMLElement>(".sign, .price, .since");
    const text = [SIGNS[`${quote.move}`], price(quote.price), change(quote.price, listed.opened)];
    [sign, cost, since].forEach((part, at) => {
      if (part && this.text[at] !== text[at]) part.textContent = text[at]!;
    });
    this.text = text;
    this.element.dataset.move = String(quote.move);
    this.element.dataset.since = String(Math.sign(quote.price - listed.opened));
  }
}

interface CellProps {
  listed: Symbol;
  selected: boolean;
  quote: Quote | undefined;
  select: () => void;
  cells: Map<string, Cell>;
}

function QuoteCell({ listed, selected, quote, select, cells }: CellProps) {
  const keep = (element: HTMLButtonElement | null) => {
    if (!element) return void cells.delete(listed.symbol);
    const cell = new Cell(element);
    cells.set(listed.symbol, cell);
    if (quote) cell.show(quote, listed);
  };
  return (
    <li>
      <button class="quote" type="button" ref={keep} aria-pressed={selected} title={listed.name} onClick={select}>
        <span class="symbol">{listed.symbol}</span>
        <span class="sign" aria-hidden="true" />
        <span class="price" />
        <span class="since" />
      </button>
    </li>
  );
}
