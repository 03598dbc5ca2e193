"""A match whose whole state is published with every change: of half a kilobyte little differs from the one before."""

from __future__ import annotations

import random
from typing import Any

__all__ = ["Match"]

_TEAMS = ("Rovers", "Wanderers")
_PLAYERS = (
    ("Abel", "Brandt", "Costa", "Diallo", "Eriksen", "Farah", "Gruber", "Haas", "Ito", "Jansen", "Kovac"),
    ("Lund", "Moreau", "Novak", "Okafor", "Petrov", "Quinn", "Rossi", "Silva", "Tanaka", "Urban", "Vidal"),
)
_WHISTLE = 90
_BREAK = 8
"""Steps between two matches."""
_TOLD = 4
"""Events that the state holds."""


class Match:
    """Goes on by a minute with each step, and begins anew some steps after its end.

    Args:
        seed: Of what happens; None: something else each time.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._state: dict[str, Any] = {}
        self._over = _BREAK

    def play(self) -> dict[str, Any]:
        """Let a minute pass; return the whole state."""
        state = self._state
        if not state or state["minute"] >= _WHISTLE:
            self._over += 1
            if self._over < _BREAK:
                return state
            self._over = 0
            state = self._state = self._kick_off()
        state["minute"] += 1
        side = self._random.randrange(2)
        share = min(max(state["teams"][0]["ball"] + self._random.choice((-1, 0, 0, 1)), 35), 65)
        state["teams"][0]["ball"], state["teams"][1]["ball"] = share, 100 - share
        team = state["teams"][side]
        chance = self._random.random()
        if chance < 0.03:
            team["goals"] += 1
            team["shots"] += 1
            self._tell("goal", side)
        elif chance < 0.2:
            team["shots"] += 1
            self._tell("shot", side)
        elif chance < 0.23:
            self._tell("card", side)
        return state

    def _kick_off(self) -> dict[str, Any]:
        teams = [
            {"name": name, "goals": 0, "shots": 0, "ball": 50, "players": list(players)}
            for name, players in zip(_TEAMS, _PLAYERS, strict=True)
        ]
        return {"minute": 0, "teams": teams, "events": []}

    def _tell(self, what: str, side: int) -> None:
        events = self._state["events"]
        player = self._random.choice(_PLAYERS[side])
        events.append({"minute": self._state["minute"], "what": what, "team": side, "player": player})
        del events[:-_TOLD]
