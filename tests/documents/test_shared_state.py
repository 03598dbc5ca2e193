"""The content of one document."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from openline.documents import shared_state
from openline.documents.lib0 import Malformed, write_number
from openline.documents.shared_state import Broken, SharedState, TooLarge
from openline.documents.updates import EMPTY, read_update

from .test_updates import nested_values


def made(**bounds: int) -> SharedState:
    return SharedState(**{"max_size": 2**20, "max_types": 100, "max_pending": 1000} | bounds)


def apply(state: SharedState, data: bytes) -> list[bytes]:
    return state.apply(data, read_update(data))


def typed(*texts: str) -> list[bytes]:
    """The updates of somebody who types."""
    doc: Doc[Any] = Doc(client_id=7)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("t", type=Text)
    for one in texts:
        text += one
    return updates


def text_of(state: SharedState) -> str:
    return str(state.doc.get("t", type=Text))


def waiting_update(client: int, structs: int) -> bytes:
    """Structs of a client of which the first is missing."""
    begin = write_number(1) + write_number(structs) + write_number(client) + write_number(1)
    return begin + b"\x00\x01" * structs + b"\x00"


def test_what_waits_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # A large one takes a second to be read, and it may wait for ever.
    state = made()
    apply(state, waiting_update(7, 100))
    monkeypatch.setattr(shared_state, "read_update", None, raising=False)
    doc: Doc[Any] = Doc()
    doc["t"] = Text("abc")
    apply(state, doc.get_update())
    assert text_of(state) == "abc"
    assert len(state.pending) == 1


def test_many_small_updates_that_wait_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_state, "_MOST_PENDING", 3)
    state = made()
    for client in range(1, 4):
        apply(state, waiting_update(client, 1))
    with pytest.raises(Broken, match="waits") as caught:
        apply(state, waiting_update(4, 1))
    assert caught.value.too_large


def test_what_is_new_is_returned_and_what_is_known_is_not() -> None:
    state = made()
    first, second = typed("a", "b")
    assert apply(state, first) == [first]
    assert apply(state, first) == []
    assert apply(state, second) == [second]
    assert state.full() == [state.doc.get_update()]
    assert state.size >= len(state.doc.get_update())


def test_of_what_is_known_in_part_the_rest_is_new() -> None:
    state = made()
    doc: Doc[Any] = Doc(client_id=7)
    doc["t"] = Text("ab")
    whole = doc.get_update()
    apply(state, whole)
    doc["t"] += "c"
    (news,) = apply(state, doc.get_update())
    assert news != doc.get_update()
    assert read_update(news).ends == {7: 3}
    assert text_of(state) == "abc"


def test_what_came_before_what_it_builds_on_is_kept_and_given_out() -> None:
    state = made()
    first, second, third = typed("a", "b", "c")
    apply(state, first)
    assert apply(state, third) == [third], "the others, and the store, get it nevertheless"
    assert state.pending == [third]
    assert apply(state, third) == [], "it is known"
    # The native document leaves it out of its full state; ours does not.
    assert third in state.full()
    assert text_of(state) == "a"
    news = apply(state, second)
    assert state.pending == []
    assert text_of(state) == "abc"
    late: Doc[Any] = Doc()
    for one in [first, *news]:
        late.apply_update(one)
    assert str(late.get("t", type=Text)) == "abc", "who came between has not had the third"


def test_what_waits_is_bounded() -> None:
    state = made(max_pending=15)
    updates = typed(*"abcdefghij")
    apply(state, updates[1])
    with pytest.raises(Broken) as raised:
        apply(state, updates[3])
    assert raised.value.too_large


def test_the_size_is_bounded_and_measured_before_it_is_refused() -> None:
    state = made(max_size=300)
    doc: Doc[Any] = Doc(client_id=7)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("t", type=Text)
    for _ in range(200):
        text += "a"
        assert apply(state, updates.pop())
    before = state.vector()
    text += "a" * 100
    with pytest.raises(TooLarge):
        apply(state, updates.pop())
    assert state.vector() == before


def test_the_number_of_types_is_bounded() -> None:
    state = made(max_types=3)
    doc: Doc[Any] = Doc(client_id=7)
    doc["m"] = Map({"a": Map(), "b": Map()})
    apply(state, doc.get_update())
    assert state.types == 2
    doc["m"]["c"] = Map({"d": Map()})
    with pytest.raises(TooLarge, match="types"):
        apply(state, doc.get_update())


def test_what_cannot_be_put_in_makes_the_state_useless() -> None:
    state = made()
    apply(state, b"\x01\x01\x05\x00\x04\x01\x01t\x02ab\x00")
    with pytest.raises(Broken):
        # Its parent is two characters, and no type.
        apply(state, b"\x01\x01\x06\x00\x04\x00\x05\x00\x01x\x00")


def test_what_cannot_be_decoded_changes_nothing() -> None:
    state = made()
    with pytest.raises(Malformed):
        state.apply(nested_values(2)[:-3], read_update(EMPTY))
    assert state.full() == []


def test_what_was_stored_is_loaded() -> None:
    state = made()
    updates = typed("a", "b", "c", "d")
    state.load([updates[0], updates[2], updates[3]])
    state.hold_back([(one, read_update(one)) for one in (updates[0], updates[2], updates[3])])
    assert state.pending == updates[2:]
    apply(state, updates[1])
    assert (text_of(state), state.pending) == ("abcd", [])
    with pytest.raises(Broken):
        made().load([b"\x05"])


def test_changes_of_the_server_are_taken_from_it() -> None:
    state = made()
    with state.doc.transaction():
        state.doc["t"] = Text("hello")
    (change,) = state.change()
    assert state.change() == []
    assert read_update(change).ends


def test_what_somebody_lacks() -> None:
    state = made()
    for data in typed("a", "b"):
        apply(state, data)
    other: Doc[Any] = Doc()
    other.apply_update(state.missing(other.get_state()))
    assert str(other.get("t", type=Text)) == "ab"
    for vector in (b"", b"\x01", b"\x01\x05"):
        with pytest.raises(Malformed):
            state.missing(vector)
