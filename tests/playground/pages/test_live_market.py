"""The market that does not exist."""

from __future__ import annotations

from openline.playground.pages.live_market import SYMBOLS, Market


def test_500_symbols_each_with_a_name_of_its_own() -> None:
    listing = Market(1).listing()
    assert (
        len({symbol for symbol, _, _ in listing}) == len({name for _, name, _ in listing}) == SYMBOLS == 500
    )
    assert listing[0][:2] == ("ALAI", "Alder Air")
    assert all(opened > 0 for _, _, opened in listing)


def test_the_changes_of_a_symbol_are_counted_without_a_gap() -> None:
    market = Market(1)
    seen: dict[str, int] = {}
    for count in (0, 1, 5000):
        changes = market.move(count)
        assert len(changes) == count
        for channel, change in changes:
            assert change["n"] == seen.get(channel, 0) + 1
            seen[channel] = change["n"]
    assert market.changes == sum(seen.values()) == 5001
    assert len(seen) == SYMBOLS, "all of them move"
    assert {channel.partition(":")[0] for channel in seen} == {"market"}


def test_prices_walk_and_stay_within_reason() -> None:
    market = Market(1)
    opened = {f"market:{symbol}": price for symbol, _, price in market.listing()}
    newest = {channel: change["p"] for channel, change in market.move(100_000)}
    ratios = [newest[channel] / opened[channel] for channel in opened]
    assert 0.8 < min(ratios) < 0.999
    assert 1.001 < max(ratios) < 1.25
