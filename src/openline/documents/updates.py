"""What a Yjs update (encoding v1) says of itself, read without applying it.

Every update is read here before the native decoder of ``pycrdt`` sees it, which trusts more than a stranger deserves:
values nested deep enough overflow its stack and end the process. It is read in one pass, in time proportional to its
bytes. The reader also says what a server has to know: which structs and deletions it brings (so that what still waits
for others is noticed), and how many shared types.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from openline.documents.lib0 import Malformed, read_bytes, read_number

__all__ = ["EMPTY", "Content", "Item", "Update", "read_state_vector", "read_update"]

EMPTY = b"\x00\x00"
"""The update that brings nothing."""

MAX_DEPTH = 100
"""How deep plain values may be nested in one another."""

_GC, _DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOC, _SKIP = range(11)
_ORIGIN, _RIGHT_ORIGIN, _PARENT_SUB = 0x80, 0x40, 0x20
_XML = (3, 5, 6)


class Content:
    """What an item is, as far as it tells of which kind its parent is."""

    DELETED, TEXT, XML, OTHER = range(4)


class Item(NamedTuple):
    """An item of an update, for who wants to know where it stands.

    Attributes:
        client: Whose it is.
        clock: Its place among that client's.
        length: How many places it takes.
        neighbour: An item beside it, of the same parent: client and clock. None: its parent is named.
        root: The name of the type at the root that it stands in. None: it stands deeper, or beside ``neighbour``.
        keyed: It is the value of a key.
        content: One of `Content`.
    """

    client: int
    clock: int
    length: int
    neighbour: tuple[int, int] | None
    root: str | None
    keyed: bool
    content: int


class Update:
    """What an update brings.

    Attributes:
        ends: For each client whose structs it has, the clock behind the last of them.
        deleted: For each client of whose structs it deletes some, the clock behind the last of these.
        types: How many shared types it makes.
        items: Its items, where they were asked for; else None.
    """

    __slots__ = ("deleted", "ends", "items", "types")

    def __init__(self, items: list[Item] | None = None) -> None:
        self.ends: dict[int, int] = {}
        self.deleted: dict[int, int] = {}
        self.types = 0
        self.items = items

    @property
    def empty(self) -> bool:
        """Whether it brings nothing at all."""
        return not self.ends and not self.deleted

    def waits(self, state: dict[int, int]) -> bool:
        """Tell whether a document of this state, to which it was applied, still keeps some of it back."""
        return any(state.get(client, 0) < end for client, end in self.ends.items()) or any(
            state.get(client, 0) < end for client, end in self.deleted.items()
        )


def read_update(data: bytes, *, items: bool = False) -> Update:
    """Read an update.

    Args:
        data: The update.
        items: Keep its items.

    Raises:
        Malformed: it is none, or is nested too deep.
    """
    update = Update([] if items else None)
    try:
        at = _read_structs(data, update)
        at = _read_deletions(data, at, update)
    except IndexError:
        raise Malformed("the update ends in the middle") from None
    except UnicodeDecodeError:
        raise Malformed("a text of the update is not UTF-8") from None
    if at != len(data):
        raise Malformed("there is something behind the update")
    return update


def _read_structs(data: bytes, update: Update) -> int:
    clients, at = read_number(data, 0)
    for _ in range(clients):
        count, at = read_number(data, at)
        client, at = read_number(data, at)
        clock, at = read_number(data, at)
        for _ in range(count):
            info = data[at]
            kind = info & 0x1F
            at += 1
            if kind in (_GC, _SKIP):
                length, at = read_number(data, at)
            else:
                length, at = _read_item(data, at, info, update, client, clock)
            clock += length
        if count:
            update.ends[client] = max(clock, update.ends.get(client, 0))
    return at


def _read_item(data: bytes, at: int, info: int, update: Update, client: int, clock: int) -> tuple[int, int]:
    kind = info & 0x1F
    neighbour = root = None
    keyed = False
    if info & _RIGHT_ORIGIN and not info & _ORIGIN:
        neighbour, at = _read_id(data, at)
    elif info & _ORIGIN:
        neighbour, at = _read_id(data, at)
        if info & _RIGHT_ORIGIN:
            _, at = _read_id(data, at)
    else:
        named, at = read_number(data, at)
        if named == 1:
            root, at = _read_text(data, at)
        else:
            _, at = _read_id(data, at)
        if info & _PARENT_SUB:
            keyed = True
            _, at = _read_text(data, at)
    content = Content.TEXT
    if kind == _STRING:
        text, at = _read_text(data, at)
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    else:
        length, at, content = _read_content(data, at, kind, update)
    if update.items is not None:
        update.items.append(Item(client, clock, length, neighbour, root, keyed, content))
    return length, at


def _read_content(data: bytes, at: int, kind: int, update: Update) -> tuple[int, int, int]:
    if kind == _DELETED:
        length, at = read_number(data, at)
        return length, at, Content.DELETED
    if kind == _ANY:
        count, at = read_number(data, at)
        return count, _skip_values(data, at, count), Content.OTHER
    if kind == _TYPE:
        reference, at = read_number(data, at)
        if reference > 6:
            raise Malformed(f"shared type {reference} is not known")
        if reference in (3, 5):  # an element of XML, and a hook: both have a name
            _, at = _read_text(data, at)
        update.types += 1
        return 1, at, Content.XML if reference in _XML else Content.OTHER
    if kind == _FORMAT:
        _, at = _read_text(data, at)
        return 1, _skip_json(data, at), Content.TEXT
    if kind == _EMBED:
        return 1, _skip_json(data, at), Content.TEXT
    if kind == _BINARY:
        _, at = read_bytes(data, at)
        return 1, at, Content.OTHER
    if kind == _JSON:
        count, at = read_number(data, at)
        for _ in range(count):
            at = _skip_json(data, at)
        return count, at, Content.OTHER
    if kind == _DOC:
        _, at = _read_text(data, at)
        update.types += 1
        return 1, _skip_values(data, at, 1), Content.OTHER
    raise Malformed(f"content {kind} is not known")


def _read_id(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    client, at = read_number(data, at)
    clock, at = read_number(data, at)
    return (client, clock), at


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    raw, at = read_bytes(data, at)
    return raw.decode(), at


def _skip_json(data: bytes, at: int) -> int:
    text, at = _read_text(data, at)
    if text != "undefined":
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            raise Malformed("a value of the update is not JSON") from None
    return at


_FIXED = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}
"""Bytes behind the tag of a plain value: undefined, null, float32, float64, bigint, false, true."""


def _skip_values(data: bytes, at: int, count: int) -> int:
    """Skip plain values, without recursion."""
    left = [count]  # what is still to come, at each depth
    keyed = [False]
    while left:
        if not left[-1]:
            left.pop()
            keyed.pop()
            continue
        left[-1] -= 1
        if keyed[-1]:
            _, at = _read_text(data, at)
        tag = data[at]
        at += 1
        fixed = _FIXED.get(tag)
        if fixed is not None:
            at += fixed
        elif tag == 125:
            at = _skip_integer(data, at)
        elif tag == 119:
            _, at = _read_text(data, at)
        elif tag == 116:
            _, at = read_bytes(data, at)
        elif tag in (117, 118):
            if len(left) >= MAX_DEPTH:
                raise Malformed(f"values are nested more than {MAX_DEPTH} deep")
            inner, at = read_number(data, at)
            left.append(inner)
            keyed.append(tag == 118)
        else:
            raise Malformed(f"value {tag} is not known")
    return at


def _skip_integer(data: bytes, at: int) -> int:
    for end in range(at, at + 10):
        if data[end] < 0x80:
            return end + 1
    raise Malformed("an integer does not end")


def _read_deletions(data: bytes, at: int, update: Update) -> int:
    clients, at = read_number(data, at)
    for _ in range(clients):
        client, at = read_number(data, at)
        count, at = read_number(data, at)
        end = update.deleted.get(client, 0)
        for _ in range(count):
            clock, at = read_number(data, at)
            length, at = read_number(data, at)
            end = max(end, clock + length)
        if count:
            update.deleted[client] = end
    return at


def read_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector: for each client the clock behind its last struct.

    Raises:
        Malformed: it is none.
    """
    state: dict[int, int] = {}
    count, at = read_number(data, 0)
    for _ in range(count):
        client, at = read_number(data, at)
        clock, at = read_number(data, at)
        state[client] = clock
    if at != len(data):
        raise Malformed("there is something behind the state vector")
    return state
