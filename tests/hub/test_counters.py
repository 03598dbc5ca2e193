"""What a hub counts."""

from __future__ import annotations

from openline.hub.counters import LATENCY_EDGES, Counters, Latencies


def test_a_duration_is_in_the_first_bucket_whose_edge_is_above_it() -> None:
    for place, edge in enumerate(LATENCY_EDGES):
        latencies = Latencies()
        latencies.observe(edge * 0.999)
        latencies.observe(edge)
        assert latencies.buckets[place] == 1, edge
        assert latencies.buckets[place + 1] == 1, edge


def test_what_is_longer_than_the_last_edge_is_in_the_open_bucket() -> None:
    latencies = Latencies()
    latencies.observe(LATENCY_EDGES[-1] * 1000)
    assert latencies.buckets[-1] == 1
    assert len(latencies.buckets) == len(LATENCY_EDGES) + 1


def test_durations_are_summed_and_a_clock_that_went_back_adds_nothing() -> None:
    latencies = Latencies()
    for seconds in (0.5, 0.25, -3.0):
        latencies.observe(seconds)
    assert latencies.total == 0.75
    assert latencies.count == 3
    assert latencies.buckets[0] == 1


def test_several_of_the_same_are_counted_at_once() -> None:
    latencies = Latencies()
    latencies.observe(0.5, 3)
    latencies.observe(-1.0, 2)
    assert (latencies.count, latencies.total, latencies.buckets[0]) == (5, 1.5, 2)


def test_what_happens_is_counted_by_its_name_or_code() -> None:
    counters = Counters()
    counters.count_command("publish")
    counters.count_command("publish")
    counters.count_error(103)
    counters.count_disconnect(3008)
    counters.count_drop("drop_oldest", 3)
    counters.count_drop("drop_oldest")
    assert counters.commands == {"publish": 2}
    assert counters.errors == {103: 1}
    assert counters.disconnects == {3008: 1}
    assert counters.drops == {"drop_oldest": 4}


def test_recoveries_are_counted_by_their_outcome() -> None:
    counters = Counters()
    for recovered in (True, False, True):
        counters.count_recovery(recovered)
    assert (counters.recovered, counters.unrecovered) == (2, 1)
