"""Making a document what it was."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from openline.documents.restoring import Looks, make_equal

from .test_updates import changes

LOOKS = Looks()
ROOTS: tuple[tuple[str, type[Any]], ...] = (("t", Text), ("m", Map), ("a", Array), ("x", XmlFragment))


def copy_of(doc: Doc[Any]) -> Doc[Any]:
    copy: Doc[Any] = Doc()
    copy.apply_update(doc.get_update())
    return copy


def content(doc: Doc[Any]) -> Any:
    return [LOOKS.of(doc.get(name, type=kind)).number for name, kind in ROOTS]


def tree() -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc["t"] = Text("héllo \N{GRINNING FACE} world")
    doc["t"].format(0, 6, {"bold": True})
    doc["t"].insert_embed(3, {"image": 1})
    doc["m"] = Map({"a": 1, "b": Map({"c": 2, "d": Array([1])}), "gone": Text("x")})
    doc["a"] = Array(["x", "y", Map({"q": Text("z")}), 3])
    doc["x"] = XmlFragment([XmlElement("p", {"a": "b"}, [XmlText("hey")]), XmlElement("hr")])
    return doc


def test_a_long_array_comes_back_in_several_transactions_a_short_one_in_one() -> None:
    for size, transactions in ((3 * 250 - 1, 3), (100, 1)):
        doc: Doc[Any] = Doc()
        doc["a"] = Array(list(range(size)))
        old = copy_of(doc)
        doc["a"].clear()
        updates: list[bytes] = []
        doc.observe(lambda event, updates=updates: updates.append(event.update))
        make_equal(doc, old)
        assert doc["a"].to_py() == list(range(size))
        assert len(updates) == transactions


def test_everything_at_the_root_is_as_it_was() -> None:
    doc = tree()
    old = copy_of(doc)
    other = copy_of(doc)
    doc["t"].insert(2, "ZZ")
    doc["t"].format(1, 8, {"em": True})
    doc["m"]["b"]["c"] = 3
    doc["m"]["new"] = [1]
    del doc["m"]["gone"]
    del doc["a"][1]
    doc["a"][1]["q"].insert(0, "k")
    doc["x"].children.append(XmlElement("q"))
    doc["x"].children[0].attributes["a"] = "c"
    doc["x"].children[0].attributes["n"] = "d"
    doc["x"].children[0].children[0].insert(1, "é")
    assert content(doc) != content(old)
    make_equal(doc, old)
    assert content(doc) == content(old)
    # And by the change alone, for others.
    other.apply_update(doc.get_update(other.get_state()))
    assert content(other) == content(old)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_came_between(seed: int) -> None:
    doc, _ = changes(seed, 15)
    old = copy_of(doc)
    chance = random.Random(seed)
    text, items, things = doc["t"], doc["a"], doc["m"]
    for _ in range(20):
        at = chance.randrange(len(str(text)))
        start = len(str(text)[:at].encode())
        if chance.random() < 0.5:
            text.insert(0, "é")
        elif str(text)[at].isascii():
            del text[start : start + 1]
        del items[chance.randrange(len(items))]
        items.insert(chance.randrange(len(items)), Array([chance.random()]))
        things[f"k{chance.randrange(5)}"] = chance.random()
    make_equal(doc, old)
    assert content(doc) == content(old)


def test_what_is_equal_stays() -> None:
    doc = tree()
    old = copy_of(doc)
    before = doc.get_update()
    make_equal(doc, old)
    assert doc.get_update() == before
    doc["t"] += "!"
    doc["m"]["b"]["c"] = 5
    vector = doc.get_state()
    make_equal(doc, old)
    assert len(doc.get_update(vector)) < 80, "only what differs is changed"


def test_what_was_not_there_is_emptied_and_what_is_gone_comes_back() -> None:
    empty: Doc[Any] = Doc()
    doc = tree()
    full = copy_of(doc)
    make_equal(doc, empty)
    assert content(doc) == content(Doc())
    make_equal(doc, full)
    assert content(doc) == content(full)


def test_types_within_a_text_are_left_out() -> None:
    doc: Doc[Any] = Doc()
    doc["t"] = Text("ab")
    doc["t"].insert_embed(1, Map({"k": 1}))
    old = copy_of(doc)
    doc["t"].clear()
    make_equal(doc, old)
    assert str(doc["t"]) == "ab"


def formatted(text: Any, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, 8)):
        size = len(str(text))
        begin = chance.randrange(size + 1)
        what = chance.randrange(4)
        if what == 0:
            text.insert(
                begin, "xyz"[: chance.randrange(1, 4)], {chance.choice("biu"): chance.choice([True, 2])}
            )
        elif what == 1:
            text.insert(begin, chance.choice("pq"))
        elif what == 2:
            end = chance.randrange(begin, size + 1)
            if end > begin:
                text.format(begin, end, {chance.choice("biu"): chance.choice([True, 2, None])})
        elif begin < size:
            del text[begin : chance.randrange(begin, size) + 1]


@pytest.mark.parametrize("seed", range(100))
def test_formats_are_as_they_were_and_run_on_into_nothing_else(seed: int) -> None:
    chance = random.Random(seed)
    doc: Doc[Any] = Doc()
    doc["t"] = Text("abc")
    formatted(doc["t"], chance)
    old = copy_of(doc)
    formatted(doc["t"], chance)
    other = copy_of(doc)
    make_equal(doc, old)
    assert content(doc) == content(old)
    other.apply_update(doc.get_update(other.get_state()))
    assert content(other) == content(old)


def test_what_is_nested_deep_is_looked_at_once() -> None:
    # Looked at once a level, it takes minutes, and the loop would stand still.
    def nested(number: int) -> Doc[Any]:
        doc: Doc[Any] = Doc()
        inner = doc.get("a", type=Array)
        with doc.transaction():
            for _ in range(300):
                inner.append(Array([]))
                inner = inner[0]
            inner.extend([number] * 10_000)
        return doc

    doc, old = nested(1), nested(2)
    make_equal(doc, old)
    assert content(doc) == content(old)


def test_long_texts_are_compared_as_a_whole() -> None:
    doc: Doc[Any] = Doc()
    doc["t"] = Text("é" + "x" * 1_000_000 + "!")
    old = copy_of(doc)
    del doc["t"][500_000:500_010]
    vector = doc.get_state()
    make_equal(doc, old)
    assert content(doc) == content(old)
    assert len(doc.get_update(vector)) < 100


def test_subdocuments_leave_no_gap() -> None:
    doc: Doc[Any] = Doc()
    doc["a"] = Array([1, Doc({"t": Text("x")}), 2])
    old = copy_of(doc)
    doc["a"].clear()
    make_equal(doc, old)
    assert list(doc["a"]) == [1, 2]
