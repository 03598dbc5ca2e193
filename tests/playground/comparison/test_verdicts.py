"""Verdicts follow the figures, whichever technique they favour."""

from __future__ import annotations

from dataclasses import replace

from openline.playground.comparison.figures import Figures
from openline.playground.comparison.once import Way
from openline.playground.comparison.settings import Settings
from openline.playground.comparison.verdicts import Verdict, judge

EQUAL = Figures(
    bytes_per_message=250.0,
    bytes_per_second=25_000.0,
    latency=1.0,
    latency_99=2.0,
    requests=1.0,
    cpu=0.02,
    cpu_per_message=20.0,
    messages=100.0,
    lost=0,
    open=20,
)
FIGURES = {
    "polling": replace(EQUAL, latency=500.0, cpu=0.03, bytes_per_second=30_000.0),
    "long_polling": replace(EQUAL, latency=1.5, cpu=0.1, bytes_per_second=90_000.0, requests=100.0),
    "server_sent_events": EQUAL,
    "websocket": replace(EQUAL, cpu=0.01, bytes_per_second=24_000.0),
}
ONCE = {
    "get": Way(833, 1.1),
    "get_again": Way(833, 0.4),
    "websocket": Way(777, 1.3),
    "websocket_again": Way(213, 0.2),
}


def verdict(question: str, figures: dict[str, Figures], settings: Settings | None = None) -> Verdict:
    found = judge(figures, settings or Settings(), ONCE)
    return next(each for each in found if each.question.startswith(question))


def with_(name: str, **fields: float) -> dict[str, Figures]:
    return {**FIGURES, name: replace(FIGURES[name], **fields)}  # type: ignore[arg-type]


def test_of_equally_fast_ones_the_cheapest_comes_first() -> None:
    answer = verdict("It must be there at once", FIGURES).answer
    assert answer == ("websocket", "server_sent_events", "long_polling")
    answer = verdict("It must be there at once", with_("long_polling", latency=30.0)).answer
    assert answer == ("websocket", "server_sent_events")


def test_where_it_may_be_old_polling_wins_when_it_is_cheaper() -> None:
    assert verdict("It may be 1 s old", FIGURES).answer == ("websocket",)
    assert verdict("It may be 1 s old", with_("polling", cpu=0.005)).answer == ("polling",)
    because = verdict("It may be 10 s old", FIGURES, Settings(rate=0.1, every=10.0)).because
    assert "1.0 messages on average" in because
    assert "90%" in verdict("It may be 1 s old", FIGURES, Settings(rate=0.1, every=1.0)).because


def test_traffic_and_cpu_name_the_cheapest_and_its_equals() -> None:
    assert verdict("Traffic is dear", FIGURES).answer == ("websocket", "server_sent_events")
    assert verdict("Traffic is dear", with_("polling", bytes_per_second=1_000.0)).answer == ("polling",)
    assert verdict("There are many clients", FIGURES).answer == ("websocket",)
    assert verdict("There are many clients", with_("polling", cpu=0.0101)).answer == ("websocket", "polling")
    assert (
        "at the end of its core" in verdict("There are many clients", with_("long_polling", cpu=0.97)).because
    )


def test_server_sent_events_are_enough_where_they_cost_about_as_much() -> None:
    assert verdict("Only the server speaks", FIGURES).answer == ("server_sent_events", "websocket")
    for worse in ({"bytes_per_second": 40_000.0}, {"latency": 5.0}, {"cpu": 0.9}):
        assert verdict("Only the server speaks", with_("server_sent_events", **worse)).answer == (
            "websocket",
        )


def test_long_polling_must_be_worth_it() -> None:
    assert verdict("A proxy", FIGURES).answer == ("long_polling",)
    assert verdict("A proxy", with_("long_polling", cpu=0.95)).answer == ("polling",)
    assert verdict("A proxy", with_("polling", latency=1.0)).answer == ("polling",)


def test_single_questions_are_judged_by_what_they_took() -> None:
    by_question = {each.question: each.answer for each in judge({}, Settings(), ONCE)}
    assert by_question == {"One question, one answer": ("get",), "Question after question": ("websocket",)}
    other = {**ONCE, "websocket": Way(300, 0.5), "websocket_again": Way(900, 0.2)}
    by_question = {each.question: each.answer for each in judge({}, Settings(), other)}
    assert by_question == {"One question, one answer": ("websocket",), "Question after question": ("get",)}


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert judge({}, Settings(), None) == []
    silent = {
        **FIGURES,
        "polling": replace(EQUAL, latency=None, bytes_per_message=None, cpu_per_message=None),
    }
    assert judge(silent, Settings(), None) == []
    assert judge({**FIGURES, "polling": None}, Settings(), None) == []


def test_a_server_that_does_nothing_is_divided_by_without_harm() -> None:
    idle = {name: replace(seen, cpu=0.0, bytes_per_second=0.0) for name, seen in FIGURES.items()}
    assert len(judge(idle, Settings(), ONCE)) == 8
