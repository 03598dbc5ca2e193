"""The histogram of `openline bench`: exact counts, values within 1/32."""

from __future__ import annotations

import random
import statistics

import pytest

from openline.cli.load.histogram import Histogram


def test_nothing_counted_is_zero() -> None:
    histogram = Histogram()
    assert (histogram.count, histogram.mean, histogram.percentile(99)) == (0, 0.0, 0.0)
    assert list(histogram.rows()) == []


def test_percentiles_are_within_a_thirty_second_of_the_exact_ones() -> None:
    chance = random.Random(1)
    values = [chance.lognormvariate(-8, 1.5) for _ in range(20_000)]
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    values.sort()
    for percent in (1, 50, 90, 99, 99.9, 100):
        exact = values[max(0, -(-len(values) * percent // 100).__int__() - 1)]
        assert exact <= histogram.percentile(percent) * 1.000001
        assert histogram.percentile(percent) <= exact * (1 + 1 / 32) + 1e-9
    assert histogram.mean == pytest.approx(statistics.fmean(values))
    assert (histogram.shortest, histogram.longest) == (values[0], values[-1])


def test_rows_hold_every_value_once_below_their_edge() -> None:
    values = [1e-9, 63e-9, 64e-9, 65e-9, 1e-6, 1e-3, 2.5e-3, 1.0, 100.0]
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    rows = list(histogram.rows())
    assert sum(count for _, count in rows) == len(values)
    edges = [edge for edge, _ in rows]
    assert edges == sorted(edges)
    below = 0
    for edge, count in rows:
        below += count
        assert below == sum(value <= edge + 1e-12 for value in values)


def test_what_is_longer_than_the_range_is_counted_at_its_end() -> None:
    histogram = Histogram()
    histogram.add(1e9)
    histogram.add(-1.0)
    assert histogram.count == 2
    assert histogram.longest == 1e9
    assert sum(count for _, count in histogram.rows()) == 2
