"""The other end: states are applied exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.rooms import BadState, View
from openline.rooms.messages import FULL, STATE, STATE_HEAD

from .players import Ship, Spark

KINDS = [kind.schema.description() for kind in (Ship, Spark)]


def state(tick: int, base: int, *parts: str, gone: int = 0, entered: int = 0, changed: int = 0) -> bytes:
    flags = 0 if base else FULL
    head = STATE_HEAD.pack(STATE, flags, tick, base, 5, 9, 111, gone, entered, changed)
    return head + bytes.fromhex("".join(parts))


WHOLE = state(3, 0, "0100 00 0a00 1400 02 026869", "0200 01 0300 0400", entered=2)


def test_what_comes_changes_and_goes() -> None:
    view = View(KINDS)
    said = view.apply(WHOLE)
    assert said == (3, 5, 9, 111, True)
    ship = {"kind": "ship", "x": 5.0, "y": 10.0, "score": 2, "name": "hi"}
    assert view.entities == {1: ship, 2: {"kind": "spark", "x": 3, "y": 4}}
    assert not view.apply(state(4, 3, "0200", "0100 09 0c00 0178", gone=1, changed=1)).full
    assert view.entities == {1: {**ship, "x": 6.0, "name": "x"}}
    assert view.tick == 4


def test_what_it_sends() -> None:
    view = View(KINDS)
    assert view.input(1, b"\xff") == bytes.fromhex("01 00000000 01000000 ff")
    view.apply(WHOLE)
    assert view.input(2, b"") == bytes.fromhex("01 03000000 02000000")
    assert view.acknowledgement() == bytes.fromhex("02 03000000")


def test_a_state_against_another_than_the_last_is_refused() -> None:
    view = View(KINDS)
    with pytest.raises(BadState, match="against 3"):
        view.apply(state(4, 3))
    view.apply(WHOLE)
    view.apply(state(4, 3))
    with pytest.raises(BadState, match="but the last was 4"):
        view.apply(state(6, 5))
    assert view.tick == 0
    assert not view.entities
    assert view.apply(WHOLE).full


@pytest.mark.parametrize(
    "message",
    [
        b"",
        WHOLE[:-1],
        WHOLE + b"\x00",
        state(4, 3, "0900", gone=1),
        state(4, 3, "0900 01 0c00", changed=1),
        state(4, 0, "0900 07", entered=1),
        state(4, 0, "0900 00 0a00 1400 02 05ff", entered=1),
        state(4, 0, "0900 00 0a00 1400 02 01ff", entered=1),
    ],
)
def test_what_is_malformed_is_refused_and_forgotten(message: bytes) -> None:
    view = View(KINDS)
    view.apply(WHOLE)
    with pytest.raises(BadState):
        view.apply(message)
    assert view.tick == 0


@given(st.binary(max_size=60))
def test_any_bytes_are_applied_or_refused(message: bytes) -> None:
    view = View(KINDS)
    try:
        view.apply(WHOLE[: STATE_HEAD.size] + message)
    except BadState:
        assert view.tick == 0
