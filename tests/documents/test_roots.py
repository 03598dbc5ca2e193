"""The kinds of types at the root."""

from __future__ import annotations

from typing import Any

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment

from openline.documents.roots import RootKind, root_kinds

from .test_updates import changes


def test_the_content_tells_the_kind() -> None:
    doc, _ = changes(1)
    assert root_kinds(doc.get_update()) == {
        "t": RootKind.TEXT,
        "m": RootKind.MAP,
        "a": RootKind.ARRAY,
        "x": RootKind.XML,
    }


def test_neighbours_tell_it_where_the_first_is_deleted() -> None:
    doc: Doc[Any] = Doc()
    doc["t"] = Text("hello")
    doc["a"] = Array([1, 2, Map()])
    doc["x"] = XmlFragment([XmlElement("p"), XmlElement("q")])
    doc["m"] = Map({"k": 1})
    del doc["t"][0:1]
    del doc["a"][0:2]
    del doc["x"].children[0]
    doc["m"]["k"] = 2
    assert root_kinds(doc.get_update()) == {
        "t": RootKind.TEXT,
        "m": RootKind.MAP,
        "a": RootKind.ARRAY,
        "x": RootKind.XML,
    }


def test_what_is_empty_is_of_no_kind() -> None:
    doc: Doc[Any] = Doc()
    doc["t"] = Text("hello")
    doc["t"].clear()
    assert root_kinds(doc.get_update()) == {}
    assert root_kinds(b"\x00\x00") == {}


def test_neighbours_in_a_circle_or_unknown_are_nobodys() -> None:
    # Two items of client 5, each of which says that it stands beside the other; and one beside something unknown.
    circle = b"\x01\x02\x05\x00\x84\x05\x01\x01a\x84\x05\x00\x01b\x00"
    assert root_kinds(circle) == {}
    assert root_kinds(b"\x01\x01\x05\x00\x84\x06\x01\x01a\x00") == {}
    assert root_kinds(b"\x01\x01\x05\x09\x84\x05\x01\x01a\x00") == {}
