"""Making a document equal to what it was: the change, computed here, that turns the one into the other.

Texts (with formats and embedded values), maps, arrays and XML at the root, and whatever is nested in them. What is
equal stays as it is, with cursors and comments that hang on it. In texts and arrays that is what both begin and end
with, and nested types of the same kind are gone into; what lies between is replaced. Subdocuments, and shared types in
the midst of a text, are not brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from openline.documents.roots import RootKind, root_kinds

__all__ = ["make_equal"]

_TYPES: dict[RootKind, type[Any]] = {
    RootKind.TEXT: Text,
    RootKind.MAP: Map,
    RootKind.ARRAY: Array,
    RootKind.XML: XmlFragment,
}


def make_equal(doc: Doc[Any], old: Doc[Any]) -> None:
    """Change a document such that its shared types are equal to those of another.

    Args:
        doc: The document; changed in one transaction.
        old: What it will be equal to; nobody else's, for its types are asked for as what they are.

    Raises:
        RecursionError: types are nested more than some hundred deep. The document may be changed in part.
    """
    kinds = root_kinds(doc.get_update()) | root_kinds(old.get_update())
    with doc.transaction():
        for name, kind in kinds.items():
            _equal_type(doc.get(name, type=_TYPES[kind]), old.get(name, type=_TYPES[kind]))


def _equal_type(here: Any, there: Any) -> None:
    if isinstance(here, (Text, XmlText)):
        _equal_text(here, there)
    elif isinstance(here, Map):
        _equal_map(here, there)
    elif isinstance(here, Array):
        _equal_sequence(_ArrayItems(here), list(there))
    elif isinstance(here, (XmlFragment, XmlElement)):
        _equal_sequence(_Children(here), list(there.children))
    if isinstance(here, (XmlElement, XmlText)):
        _equal_attributes(here, there)


def _look(value: Any) -> Any:
    """Something that is equal for equal values."""
    if isinstance(value, (Text, XmlText)):
        runs: list[tuple[Any, dict[str, Any]]] = []
        for run, formats in value.diff():
            looks: dict[str, Any] = formats or {}
            # Runs are divided where formats begin and end, also those that have no effect.
            if runs and isinstance(run, str) and isinstance(runs[-1][0], str) and runs[-1][1] == looks:
                runs[-1] = runs[-1][0] + run, looks
            else:
                runs.append((run if isinstance(run, str) else _look(run), looks))
        own = _attributes(value) if isinstance(value, XmlText) else {}
        return type(value).__name__, runs, own
    if isinstance(value, Map):
        return "Map", {key: _look(value[key]) for key in value.keys()}  # noqa: SIM118  # it is no dict
    if isinstance(value, Array):
        return "Array", [_look(one) for one in value]
    if isinstance(value, XmlElement):
        return "XmlElement", value.tag, _attributes(value), [_look(one) for one in value.children]
    if isinstance(value, XmlFragment):
        return "XmlFragment", [_look(one) for one in value.children]
    if isinstance(value, Doc):
        return "Doc", value.guid
    return type(value).__name__, value


def _attributes(value: XmlElement | XmlText) -> dict[str, Any]:
    found: Any = value.attributes  # pairs, when it is gone through
    return dict(found)


def _is_shared(value: Any) -> bool:
    return isinstance(value, (Text, XmlText, Map, Array, XmlElement, XmlFragment))


def _same_kind(here: Any, there: Any) -> bool:
    return (
        _is_shared(here)
        and type(here) is type(there)
        and (not isinstance(here, XmlElement) or here.tag == there.tag)
    )


def _place(value: Any, put: Callable[[Any], Any]) -> None:
    """Put a value somewhere; a shared type is put there empty, and then made equal."""
    if isinstance(value, XmlElement):
        _equal_type(put(XmlElement(value.tag)), value)
    elif _is_shared(value):
        _equal_type(put(type(value)()), value)
    elif not isinstance(value, Doc):
        put(_plain(value))


def _plain(value: Any) -> Any:
    """A plain value as it can be put in: what comes out of it as a bytearray goes in as bytes."""
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in cast("dict[str, Any]", value).items()}
    return value


def _common(here: Sequence[Any], there: Sequence[Any]) -> tuple[int, int]:
    """How many both begin with, and then end with."""
    most = min(len(here), len(there))
    begin = 0
    while begin < most and here[begin] == there[begin]:
        begin += 1
    end = 0
    while end < most - begin and here[-1 - end] == there[-1 - end]:
        end += 1
    return begin, end


def _equal_text(here: Any, there: Any) -> None:
    """Replace what lies between the common begin and end, counted as the native code does: in bytes of UTF-8."""
    new = _pieces(there)
    begin, end = _common(old := _pieces(here), new)
    start = sum(_width(piece) for piece, _ in old[:begin])
    stop = start + sum(_width(piece) for piece, _ in old[begin : len(old) - end])
    if stop > start:
        del here[start:stop]
    # Formats that are not named are taken over from what stands before.
    unset: dict[str, Any] = {key: None for _, look in (*old, *new) for key, _ in look}
    at = begin
    while at < len(new) - end:
        piece, look = new[at]
        attributes = unset | dict(look)
        text = ""
        while at < len(new) - end and isinstance(new[at][0], str) and new[at][1] == look:
            text += new[at][0]
            at += 1
        if text:
            here.insert(start, text, attributes)
            start += len(text.encode())
        else:
            at += 1
            if not _is_shared(piece.value):
                here.insert_embed(start, _plain(piece.value), attributes)
                start += 1


class _Embedded:
    """A value in a text."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Embedded) and _look(self.value) == _look(other.value)

    __hash__ = None  # type: ignore[assignment]


def _pieces(text: Any) -> list[tuple[Any, tuple[tuple[str, Any], ...]]]:
    pieces: list[tuple[Any, tuple[tuple[str, Any], ...]]] = []
    for run, attributes in text.diff():
        known: dict[str, Any] = attributes or {}
        look = tuple(sorted(known.items()))
        if isinstance(run, str):
            pieces += [(character, look) for character in run]
        else:
            pieces.append((_Embedded(run), look))
    return pieces


def _width(piece: Any) -> int:
    return len(piece.encode()) if isinstance(piece, str) else 1


def _equal_map(here: Any, there: Any) -> None:
    for key in [key for key in here.keys() if key not in there.keys()]:  # noqa: SIM118
        del here[key]
    for key in there.keys():  # noqa: SIM118
        value = there[key]
        known = here[key] if key in here.keys() else None  # noqa: SIM118
        if known is not None and _same_kind(known, value):
            _equal_type(known, value)
        elif known is None or _look(known) != _look(value):
            _place(value, lambda made, key=key: _put_key(here, key, made))


def _put_key(here: Any, key: str, value: Any) -> Any:
    here[key] = value
    return here[key]


def _equal_attributes(here: Any, there: Any) -> None:
    old, new = _attributes(here), _attributes(there)
    for key in old.keys() - new.keys():
        del here.attributes[key]
    for key, value in new.items():
        if key not in old or old[key] != value:
            here.attributes[key] = value


class _ArrayItems:
    """The items of an array, as a sequence to be changed."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def all(self) -> list[Any]:
        return list(self._array)

    def remove(self, start: int, stop: int) -> None:
        del self._array[start:stop]

    def insert(self, index: int, value: Any) -> Any:
        self._array.insert(index, value)
        return self._array[index]


class _Children:
    """The children of XML, likewise."""

    def __init__(self, parent: Any) -> None:
        self._children = parent.children

    def all(self) -> list[Any]:
        return list(self._children)

    def remove(self, start: int, stop: int) -> None:
        del self._children[start:stop]

    def insert(self, index: int, value: Any) -> Any:
        self._children.insert(index, value)
        return self._children[index]


def _equal_sequence(items: _ArrayItems | _Children, there: list[Any]) -> None:
    here = items.all()
    begin, end = _common([_look(one) for one in here], [_look(one) for one in there])
    old, new = here[begin : len(here) - end], there[begin : len(there) - end]
    if len(old) == len(new) and all(map(_same_kind, old, new)):
        for known, value in zip(old, new, strict=True):
            _equal_type(known, value)
        return
    if old:
        items.remove(begin, begin + len(old))
    for index, value in enumerate(new):
        _place(value, lambda made, index=index: items.insert(begin + index, made))
