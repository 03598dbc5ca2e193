"""The match that comes in patches."""

from __future__ import annotations

import copy
import json
from itertools import pairwise

from openline.hub.subprotocols.fossil import create_delta
from openline.playground.pages.live_match import Match


def test_it_ends_and_begins_anew() -> None:
    match = Match(1)
    minutes = [match.play()["minute"] for _ in range(300)]
    assert minutes[:90] == list(range(1, 91))
    assert minutes[90:98] == [90] * 7 + [1], "after a break"
    assert max(minutes) == 90


def test_the_state_stays_small_and_adds_up() -> None:
    match = Match(2)
    goals = 0
    for _ in range(400):
        state = match.play()
        assert 300 < len(json.dumps(state)) < 900
        assert len(state["events"]) <= 4
        home, away = state["teams"]
        assert home["ball"] + away["ball"] == 100
        for team in state["teams"]:
            assert 0 <= team["goals"] <= team["shots"]
        goals = max(goals, home["goals"] + away["goals"])
    assert goals > 0


def test_a_patch_is_much_less_than_the_whole() -> None:
    match = Match(3)
    states = [json.dumps(copy.deepcopy(match.play())).encode() for _ in range(80)]
    patches = [create_delta(before, after) for before, after in pairwise(states)]
    assert sum(len(patch or b"") for patch in patches) < sum(map(len, states)) / 4
