"""Reading updates before native code does."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from openline.documents.lib0 import Malformed, write_bytes, write_number
from openline.documents.updates import EMPTY, MAX_DEPTH, read_state_vector, read_update


def changes(seed: int, count: int = 40) -> tuple[Doc[Any], list[bytes]]:
    """A document of all kinds of types, and the updates that made it."""
    chance = random.Random(seed)
    doc: Doc[Any] = Doc(client_id=chance.randrange(2**32))
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text, things, items = doc.get("t", type=Text), doc.get("m", type=Map), doc.get("a", type=Array)
    tree = doc.get("x", type=XmlFragment)
    for turn in range(count):
        text.insert(0, chance.choice(["hello", "é", "\N{GRINNING FACE}", "line\n"]))
        things[f"k{turn % 3}"] = {"x": [1, None, True, "s", 1.5, -70000], "y": b"raw"}
        items.append(Map({"q": Text("z")}))
        tree.children.append(XmlElement("p", {"a": "b"}, [XmlText("hey")]))
        if turn % 3 == 0:
            text.format(0, 1, {"bold": True})
            text.insert_embed(0, {"image": "x"})
        if turn % 5 == 0:
            del items[0]
            del text[0:1]
    return doc, updates


def nested_values(depth: int) -> bytes:
    """An update with one value, an array in an array in an array."""
    return b"\x01\x01\x05\x00\x08\x01\x01t\x01" + b"\x75\x01" * depth + b"\x7e" + b"\x00"


@pytest.mark.parametrize("seed", range(3))
def test_it_says_what_the_native_document_then_has(seed: int) -> None:
    doc, updates = changes(seed)
    other: Doc[Any] = Doc()
    for data in updates:
        update = read_update(data)
        assert update.waits(read_state_vector(other.get_state())) or not update.ends
        other.apply_update(data)
        assert not update.waits(read_state_vector(other.get_state()))
    whole = read_update(doc.get_update())
    assert whole.ends == read_state_vector(doc.get_state())
    assert whole.types > 0


def test_an_update_that_brings_nothing_is_empty() -> None:
    assert read_update(EMPTY).empty
    assert not read_update(b"\x00\x01\x05\x01\x00\x01").empty


def test_what_builds_on_something_unknown_waits() -> None:
    doc: Doc[Any] = Doc(client_id=5)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("t", type=Text)
    text += "a"
    text += "b"
    del text[0:1]
    assert read_update(updates[1]).waits({})
    assert read_update(updates[2]).waits({})
    assert not read_update(updates[2]).waits({5: 2})


def test_values_are_nested_only_so_deep() -> None:
    # Native code recurses, and a hundred thousand of them end the process.
    read_update(nested_values(MAX_DEPTH - 1))
    with pytest.raises(Malformed, match="nested"):
        read_update(nested_values(MAX_DEPTH))
    with pytest.raises(Malformed, match="nested"):
        read_update(nested_values(300_000))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x00\x00rest",
        b"\x01\x01\x05\x00\x04\x01\x01t\x02\xff\xfe\x00",
        b"\x01\x01\x05\x00\x04\x01\x02\xff\xfe\x01a\x00",
        b"\x01\x01\x05\x00\x0b\x01\x01t\x01a\x00",
        b"\x01\x01\x05\x00\x07\x01\x01t\x09\x00",
        b"\x01\x01\x05\x00\x05\x01\x01t\x02{]\x00",
        b"\x01\x01\x05\x00\x08\x01\x01t\x01\x10\x00",
        b"\x01\x01\x05\x00\x08\x01\x01t\x01\x7d" + b"\xff" * 12 + b"\x00",
        write_number(2**50),
        b"\x01" + write_number(2**50) + b"\x05\x00",
        b"\x00\x01\x05" + write_number(2**50),
        b"\x01\x01\x05\x00\x08\x01\x01t" + write_number(2**50),
    ],
)
def test_what_is_no_update_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_update(data)


def test_whatever_is_changed_in_an_update_is_read_or_malformed() -> None:
    _, updates = changes(7)
    chance = random.Random(7)
    for _ in range(4000):
        data = bytearray(chance.choice(updates))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            data = data or bytearray(b"\x00")
        try:
            read_update(bytes(data))
        except Malformed:
            continue
        with contextlib.suppress(
            ValueError, RuntimeError
        ):  # it is stricter in places, but the process goes on
            Doc().apply_update(bytes(data))


def test_all_kinds_of_content_are_read() -> None:
    def item(kind: int, content: bytes) -> bytes:
        return b"\x01\x01\x05\x00" + bytes((kind,)) + b"\x01\x01t" + content + b"\x00"

    assert read_update(item(1, b"\x07")).ends == {5: 7}
    assert read_update(item(2, b"\x02" + write_bytes(b"1") + write_bytes(b"undefined"))).ends == {5: 2}
    assert read_update(item(3, write_bytes(b"raw"))).ends == {5: 1}
    assert read_update(item(5, write_bytes(b"{}"))).ends == {5: 1}
    assert read_update(item(6, write_bytes(b"bold") + write_bytes(b"true"))).ends == {5: 1}
    assert read_update(item(7, b"\x05" + write_bytes(b"hook"))).types == 1
    assert read_update(item(9, write_bytes(b"guid") + b"\x76\x00")).types == 1
    values = (
        b"\x7f\x7e\x7d\x05\x7c0000\x7b00000000\x7a00000000\x79\x78\x77\x01a\x76\x01\x01k\x7e\x75\x00\x74\x01x"
    )
    assert read_update(item(8, b"\x0c" + values)).ends == {5: 12}
    assert read_update(b"\x01\x02\x05\x03\x00\x02\x0a\x04\x00").ends == {5: 9}, "collected, and skipped"


def test_a_state_vector_is_read() -> None:
    doc, _ = changes(1)
    assert read_state_vector(b"\x00") == {}
    assert set(read_state_vector(doc.get_state())) == {doc.client_id}
    for data in (b"", b"\x01", b"\x01\x01", b"\x00\x00", write_number(2**50)):
        with pytest.raises(Malformed):
            read_state_vector(data)
