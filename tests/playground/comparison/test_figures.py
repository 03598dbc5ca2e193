"""Figures: differences of counters, over a window that is long enough."""

from __future__ import annotations

from openline.playground.comparison.figures import LONGEST_WINDOW, WINDOW, Sample, Window, sample_of


def windowed(*samples: Sample) -> Window:
    window = Window()
    for sample in samples:
        window.add(sample)
    return window


def test_one_sample_says_nothing() -> None:
    assert Window().figures() is None
    assert windowed(Sample(0.0)).figures() is None


def test_figures_are_differences() -> None:
    before = Sample(10.0, received=100, sent=1_000, requests=5, delivered=10, messages=10, cpu=1.0)
    after = Sample(
        12.0,
        received=300,
        sent=5_000,
        requests=9,
        delivered=30,
        messages=20,
        cpu=1.1,
        lost=2,
        open=7,
        latencies=(3.0, 9.0),
    )
    figures = windowed(before, after).figures()
    assert figures is not None
    assert figures.bytes_per_message == 4_200 / 20
    assert figures.bytes_per_second == 2_100
    assert (figures.latency, figures.latency_99) == (3.0, 9.0)
    assert (figures.requests, figures.messages, figures.lost, figures.open) == (2.0, 10.0, 2, 7)
    assert round(figures.cpu, 9) == 0.05
    assert figures.cpu_per_message is not None
    assert round(figures.cpu_per_message) == 5_000


def test_where_nothing_came_nothing_is_divided() -> None:
    figures = windowed(Sample(0.0), Sample(1.0, received=50, requests=1)).figures()
    assert figures is not None
    assert (figures.bytes_per_message, figures.cpu_per_message, figures.latency) == (None, None, None)
    assert (figures.bytes_per_second, figures.requests) == (50, 1)


def test_old_samples_are_forgotten_when_enough_was_seen() -> None:
    frequent = windowed(
        *(Sample(float(at), messages=at, delivered=at, requests=at * at) for at in range(100))
    )
    figures = frequent.figures()
    assert figures is not None
    first = 99 - WINDOW
    assert figures.requests == (99**2 - first**2) / WINDOW


def test_where_messages_are_rare_it_looks_back_further() -> None:
    rare = windowed(*(Sample(float(at), messages=at // 10, requests=at) for at in range(200)))
    assert WINDOW < rare._samples[-1].at - rare._samples[0].at <= LONGEST_WINDOW
    silent = windowed(*(Sample(float(at)) for at in range(200)))
    assert silent._samples[-1].at - silent._samples[0].at == LONGEST_WINDOW


def test_what_has_changed_is_measured_anew() -> None:
    window = windowed(Sample(0.0), Sample(1.0))
    window.clear()
    assert window.figures() is None


def test_a_sample_takes_of_each_report_what_is_its_techniques() -> None:
    meter = {"cpu": 1, "polling": {"received": 1, "sent": 2, "connections": 3, "open": 4}}
    server = {"messages": 5, "requests": 6, "delivered": 7, "cpu": 8.5}
    crowd = {"polling": {"messages": 9, "lost": 10, "latencies": [1.5, 2.5]}}
    assert sample_of(3.0, "polling", meter, server, crowd) == Sample(
        3.0, 1, 2, 6, 7, 5, 8.5, 10, 4, (1.5, 2.5)
    )
    crowd["polling"]["latencies"] = None
    assert sample_of(3.0, "polling", meter, server, crowd).latencies is None
