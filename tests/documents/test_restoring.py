"""Making a document what it was."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from openline.documents.restoring import _look, make_equal

from .test_updates import changes

ROOTS: tuple[tuple[str, type[Any]], ...] = (("t", Text), ("m", Map), ("a", Array), ("x", XmlFragment))


def copy_of(doc: Doc[Any]) -> Doc[Any]:
    copy: Doc[Any] = Doc()
    copy.apply_update(doc.get_update())
    return copy


def content(doc: Doc[Any]) -> Any:
    return [_look(doc.get(name, type=kind)) for name, kind in ROOTS]


def tree() -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc["t"] = Text("héllo \N{GRINNING FACE} world")
    doc["t"].format(0, 6, {"bold": True})
    doc["t"].insert_embed(3, {"image": 1})
    doc["m"] = Map({"a": 1, "b": Map({"c": 2, "d": Array([1])}), "gone": Text("x")})
    doc["a"] = Array(["x", "y", Map({"q": Text("z")}), 3])
    doc["x"] = XmlFragment([XmlElement("p", {"a": "b"}, [XmlText("hey")]), XmlElement("hr")])
    return doc


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
