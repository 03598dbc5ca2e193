/** Live updates: a watchlist, charts, a slow reader beside a fast one, and a score that comes in patches. */

import "uplot/dist/uPlot.min.css";
import "./live.css";
import "./readers.css";

import { Frame } from "../../frame/Frame";
import { Meters } from "./Meters";
import { PriceChart } from "./PriceChart";
import { Readers } from "./Readers";
import { Ticker } from "./Ticker";
import { useMarket } from "./useMarket";
import { Watchlist } from "./Watchlist";

export function LivePage() {
  return (
    <Frame
      name="live"
      title="Live updates"
      label="Market"
      lead={
        <>
          500 prices change 20,000 times a second. This page subscribes to those that it shows, and gets the newest of each, ten
          times a second, in one frame. What changed in between is merged.
        </>
      }
    >
      <LiveApp />
    </Frame>
  );
}

function LiveApp() {
  const market = useMarket();
  return (
    <div class="live">
      <Meters pulse={market.pulse} />
      <Watchlist market={market} />
      <PriceChart market={market} />
      <Readers market={market} />
      <Ticker score={market.score} />
    </div>
  );
}
