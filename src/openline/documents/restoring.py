"""Making a document equal to what it was: the change, computed here, that turns the one into the other.

Texts (with formats and embedded values), maps, arrays and XML at the root, and whatever is nested in them. What is
equal stays as it is, with cursors and comments that hang on it. In texts and arrays that is what both begin and end
with, and nested types of the same kind are gone into; what lies between is replaced. Subdocuments, and shared types in
the midst of a text, are not brought back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

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
        doc: The document; changed in one transaction, or in several where many items come back (see `_Steps`).
        old: What it will be equal to; nobody else's, for its types are asked for as what they are.

    Raises:
        RecursionError: types are nested more than some hundred deep. The document may be changed in part.
    """
    kinds = root_kinds(doc.get_update()) | root_kinds(old.get_update())
    with _Steps(doc) as steps:
        change = _Change(steps)
        look = change.looks.of
        for name, kind in kinds.items():
            change.equal(look(doc.get(name, type=_TYPES[kind])), look(old.get(name, type=_TYPES[kind])))


class _Steps:
    """Transactions one after the other, each with a bounded number of inserts.

    Within a transaction each item stands by itself, and the place of an insert is looked for from the first on: 20,000
    in one take half a minute. At its end neighbours become one.
    """

    MOST = 250
    """Inserts in one transaction."""

    def __init__(self, doc: Doc[Any]) -> None:
        self._doc = doc
        self._count = 0
        self._transaction = doc.transaction()

    def __enter__(self) -> Self:
        self._transaction.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._transaction.__exit__(kind, error, traceback)

    def count(self) -> None:
        """Something was inserted."""
        self._count += 1
        if self._count % self.MOST == 0:
            self._transaction.__exit__(None, None, None)
            self._transaction = self._doc.transaction()
            self._transaction.__enter__()


class Run(NamedTuple):
    """A part of a text that has one format throughout.

    Attributes:
        text: What it says; None: it is an embedded value.
        value: The embedded value.
        number: Names what it looks like apart from its text: equal ones have equal numbers.
        formats: The formats.
    """

    text: str | None
    value: Any
    number: int
    formats: dict[str, Any]


class Look(NamedTuple):
    """What a value looks like, as far down as it goes; each value is looked at once.

    Attributes:
        number: Names it: values that look the same have the same number.
        value: The value.
        parts: What is in it, if it is an array or XML.
        keys: What is in it, if it is a map; its attributes, if it is XML.
        runs: What is in it, if it is a text.
    """

    number: int
    value: Any
    parts: list[Look]
    keys: dict[str, Look]
    runs: list[Run]


class Looks:
    """Gives numbers to what values look like, so that comparing two takes no longer for large ones."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def _number(self, *look: Any) -> int:
        return self._numbers.setdefault(look, len(self._numbers))

    def of(self, value: Any) -> Look:
        """Look at a value, and at all that is in it."""
        kind = type(value).__name__
        parts: list[Look] = []
        keys: dict[str, Look] = {}
        runs: list[Run] = []
        more: Any = ""
        if isinstance(value, (Text, XmlText)):
            runs = self._runs(value)
            more = tuple((run.text, run.number) for run in runs)
        elif isinstance(value, Map):
            keys = {key: self.of(value[key]) for key in value.keys()}  # noqa: SIM118  # it is no dict
        elif isinstance(value, Array):
            parts = [self.of(one) for one in value]
        elif isinstance(value, (XmlElement, XmlFragment)):
            parts = [self.of(one) for one in value.children]
            more = value.tag if isinstance(value, XmlElement) else ""
        elif isinstance(value, Doc):
            more = value.guid
        else:
            return Look(self._number(_key(value)), value, parts, keys, runs)
        if isinstance(value, (XmlElement, XmlText)):
            keys = {key: self.of(one) for key, one in _attributes(value).items()}
        numbers = tuple(part.number for part in parts)
        named = frozenset((key, one.number) for key, one in keys.items())
        return Look(self._number(kind, more, numbers, named), value, parts, keys, runs)

    def _runs(self, text: Any) -> list[Run]:
        runs: list[Run] = []
        for part, attributes in text.diff():
            formats: dict[str, Any] = attributes or {}
            look = _key(formats)
            if not isinstance(part, str):
                runs.append(Run(None, part, self._number("embedded", look, self.of(part).number), formats))
                continue
            number = self._number("text", look)
            # Runs are divided where formats begin and end, also those that have no effect.
            if runs and runs[-1].number == number:
                runs[-1] = runs[-1]._replace(text=(runs[-1].text or "") + part)
            else:
                runs.append(Run(part, None, number, formats))
        return runs


def _key(value: Any) -> Any:
    """Something hashable that is equal for equal plain values; their maps have no order."""
    if isinstance(value, dict):
        return "dict", frozenset((key, _key(one)) for key, one in cast("dict[str, Any]", value).items())
    if isinstance(value, list):
        return "list", tuple(map(_key, cast("list[Any]", value)))
    return type(value).__name__, repr(value)


def _attributes(value: XmlElement | XmlText) -> dict[str, Any]:
    found: Any = value.attributes  # pairs, when it is gone through
    return dict(found)


def _is_shared(value: Any) -> bool:
    return isinstance(value, (Text, XmlText, Map, Array, XmlElement, XmlFragment))


def _same_kind(here: Look, there: Look) -> bool:
    old, new = here.value, there.value
    return (
        _is_shared(old) and type(old) is type(new) and (not isinstance(old, XmlElement) or old.tag == new.tag)
    )


class _Change:
    """Makes values equal to others."""

    def __init__(self, steps: _Steps) -> None:
        self.looks = Looks()
        self._steps = steps

    def equal(self, here: Look, there: Look) -> None:
        """Make a shared type look like another of its kind."""
        if here.number == there.number:
            return
        value = here.value
        if isinstance(value, (Text, XmlText)):
            _equal_text(value, here.runs, there.runs)
        elif isinstance(value, Map):
            self._equal_map(value, here.keys, there.keys)
        elif isinstance(value, Array):
            self._equal_sequence(_ArrayItems(value), here.parts, there.parts)
        else:
            self._equal_sequence(_Children(value), here.parts, there.parts)
        if isinstance(value, (XmlElement, XmlText)):
            _equal_attributes(value, here.keys, there.keys)

    def _place(self, there: Look, put: Callable[[Any], Any]) -> None:
        """Put a value somewhere; a shared type is put there empty, and then made equal."""
        value = there.value
        if isinstance(value, XmlElement):
            self.equal(self.looks.of(put(XmlElement(value.tag))), there)
        elif _is_shared(value):
            self.equal(self.looks.of(put(type(value)())), there)
        elif not isinstance(value, Doc):
            put(_plain(value))

    def _equal_map(self, here: Any, old: dict[str, Look], new: dict[str, Look]) -> None:
        for key in old.keys() - new.keys():
            del here[key]
        for key, value in new.items():
            known = old.get(key)
            if known is not None and _same_kind(known, value):
                self.equal(known, value)
            elif known is None or known.number != value.number:
                self._place(value, lambda made, key=key: _put_key(here, key, made))

    def _equal_sequence(self, items: _ArrayItems | _Children, here: list[Look], there: list[Look]) -> None:
        begin = _common([one.number for one in here], [one.number for one in there])
        end = min(
            _common([one.number for one in reversed(here)], [one.number for one in reversed(there)]),
            min(len(here), len(there)) - begin,
        )
        old, new = here[begin : len(here) - end], there[begin : len(there) - end]
        if len(old) == len(new) and all(map(_same_kind, old, new)):
            for known, value in zip(old, new, strict=True):
                self.equal(known, value)
            return
        if old:
            items.remove(begin, begin + len(old))
        new = [value for value in new if not isinstance(value.value, Doc)]
        for index, value in enumerate(new, begin):
            self._place(value, lambda made, index=index: items.insert(index, made))
            self._steps.count()


def _common(here: Sequence[Any], there: Sequence[Any]) -> int:
    """How much both begin with."""
    most = min(len(here), len(there))
    if here[:most] == there[:most]:
        return most
    low, high = 0, most  # that much is common, and that much is not
    while high - low > 1:
        middle = (low + high) // 2
        if here[low:middle] == there[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _plain(value: Any) -> Any:
    """A plain value as it can be put in: what comes out of it as a bytearray goes in as bytes."""
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in cast("dict[str, Any]", value).items()}
    return value


def _equal_text(here: Any, old: list[Run], new: list[Run]) -> None:
    """Replace what lies between the common begin and end, counted as the native code does: in bytes of UTF-8."""
    most = min(_length(old), _length(new))
    begin = _common_runs(old, new)
    end = min(_common_runs(_turned(old), _turned(new)), most - begin)
    before = _cut(old, 0, begin)
    start = sum(map(_width, before))
    stop = start + sum(map(_width, _cut(old, begin, _length(old) - end)))
    if stop > start:
        del here[start:stop]
    last = before[-1].formats if before else {}
    for run in _cut(new, begin, _length(new) - end):
        # Formats that are not named are taken over from what stands before.
        formats = dict.fromkeys(last) | run.formats
        if run.text is not None:
            here.insert(start, run.text, formats)
        elif _is_shared(run.value):
            continue
        else:
            here.insert_embed(start, _plain(run.value), formats)
        start += _width(run)
        last = run.formats


def _length(runs: list[Run]) -> int:
    return sum(1 if run.text is None else len(run.text) for run in runs)


def _width(run: Run) -> int:
    return 1 if run.text is None else len(run.text.encode())


def _turned(runs: list[Run]) -> list[Run]:
    return [run if run.text is None else run._replace(text=run.text[::-1]) for run in reversed(runs)]


def _cut(runs: list[Run], start: int, stop: int) -> list[Run]:
    """The part of a text between two places, in characters and embedded values."""
    found: list[Run] = []
    at = 0
    for run in runs:
        length = 1 if run.text is None else len(run.text)
        first, last = max(start - at, 0), min(stop - at, length)
        if first < last:
            found.append(run if run.text is None else run._replace(text=run.text[first:last]))
        at += length
    return found


def _common_runs(here: list[Run], there: list[Run]) -> int:
    """How many characters and embedded values both begin with."""
    common = i = j = a = b = 0  # runs, and characters of these that are compared
    while i < len(here) and j < len(there) and here[i].number == there[j].number:
        one, other = here[i].text, there[j].text
        if one is None or other is None:
            common, i, j = common + 1, i + 1, j + 1
            continue
        size = min(len(one) - a, len(other) - b)
        same = _common(one[a : a + size], other[b : b + size])
        common, a, b = common + same, a + same, b + same
        if same < size:
            break
        if a == len(one):
            i, a = i + 1, 0
        if b == len(other):
            j, b = j + 1, 0
    return common


def _put_key(here: Any, key: str, value: Any) -> Any:
    here[key] = value
    return here[key]


def _equal_attributes(here: Any, old: dict[str, Look], new: dict[str, Look]) -> None:
    for key in old.keys() - new.keys():
        del here.attributes[key]
    for key, value in new.items():
        if key not in old or old[key].number != value.number:
            here.attributes[key] = value.value


class _ArrayItems:
    """The items of an array, as a sequence to be changed."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def remove(self, start: int, stop: int) -> None:
        del self._array[start:stop]

    def insert(self, index: int, value: Any) -> Any:
        self._array.insert(index, value)
        return self._array[index] if _is_shared(value) else None  # to find its place takes time


class _Children:
    """The children of XML, likewise."""

    def __init__(self, parent: Any) -> None:
        self._children = parent.children

    def remove(self, start: int, stop: int) -> None:
        del self._children[start:stop]

    def insert(self, index: int, value: Any) -> Any:
        self._children.insert(index, value)
        return self._children[index]
