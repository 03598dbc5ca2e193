"""The state of one document: the native Yjs document, and what it keeps back.

An update may come before another that it builds on. The native document holds such a one, but leaves it out of what it
gives out; so it is kept here as well, until what it waits for has come.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from pycrdt import Doc, TransactionEvent

from openline.documents.lib0 import Malformed
from openline.documents.updates import EMPTY, Update, read_state_vector

__all__ = ["Broken", "SharedState", "TooLarge"]

_MOST_PENDING = 1000
"""Updates that may wait for others: the native code goes through all of them with each that comes."""


class TooLarge(Exception):
    """It would be larger than it may be; nothing was changed."""


class Broken(Exception):
    """An update was taken apart well and could not be put in. The state is of no use any more: make another.

    Attributes:
        too_large: It could not, since too much waits for others.
    """

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


class SharedState:
    """A document's content.

    Args:
        max_size: Bytes that the full state may have.
        max_types: Shared types that it may hold inside of those at its root.
        max_pending: Bytes of updates that may wait for others.

    Attributes:
        doc: The native document.
        size: Bytes of its full state, by estimate: never less than it has.
        types: Shared types in it, likewise.
    """

    def __init__(self, *, max_size: int, max_types: int, max_pending: int) -> None:
        # Half of the numbers that a client may choose: enough never to meet another, and short on the wire.
        self.doc: Doc[object] = Doc(client_id=secrets.randbits(32))  # type: ignore[type-var]
        self.size = 0
        self.types = 0
        self._pending: dict[bytes, Update] = {}  # as they were read, too: they are looked at with each update
        self._pending_size = 0
        self._max_size = max_size
        self._max_types = max_types
        self._max_pending = max_pending
        self._changes: list[bytes] = []
        self.doc.observe(self._changed)

    @property
    def pending(self) -> list[bytes]:
        """Updates that wait for others, as they came."""
        return list(self._pending)

    def _changed(self, event: TransactionEvent) -> None:
        self._changes.append(event.update)

    def load(self, updates: Iterable[bytes]) -> None:
        """Put in what was stored: it has been read before.

        Raises:
            Broken: it cannot be put in.
        """
        try:
            with self.doc.transaction():
                for data in updates:
                    self.doc.apply_update(data)
                    self.size += len(data)
        except BaseException as error:
            raise _as_broken(error) from error
        self._changes.clear()

    def apply(self, data: bytes, update: Update) -> list[bytes]:
        """Put in an update.

        Args:
            data: The update.
            update: What it says of itself.

        Returns:
            What is new for everybody else, and to be stored: mostly ``data`` itself. Empty: it was known.

        Raises:
            Malformed: it cannot be decoded.
            TooLarge: it would pass a bound. Nothing was changed.
            Broken: see there.
        """
        if self.size + len(data) > self._max_size:
            self.measure()
            if self.size + len(data) > self._max_size:
                raise TooLarge(f"the document may have {self._max_size} bytes")
        if update.types and self.types + update.types > self._max_types:
            raise TooLarge(f"the document may hold {self._max_types} shared types")
        self._changes.clear()
        try:
            self.doc.apply_update(data)
        except ValueError as error:
            raise Malformed(str(error)) from None
        except BaseException as error:
            raise _as_broken(error) from error
        news = self._news(data, update)
        if news:
            self.types += update.types
            self.size += sum(map(len, news))
        return news

    def _news(self, data: bytes, update: Update) -> list[bytes]:
        changes, self._changes = self._changes, []
        if changes == [data] and not self._pending:
            return changes
        state = read_state_vector(self.doc.get_state())
        if self._pending:
            # What was waiting and came in now is part of the change.
            for one in [one for one, read in self._pending.items() if not read.waits(state)]:
                del self._pending[one]
                self._pending_size -= len(one)
        if not update.waits(state):
            return changes
        if data not in self._pending:
            size = self._pending_size + len(data)
            if size > self._max_pending or len(self._pending) >= _MOST_PENDING:
                # The native document keeps it now, where it cannot be counted.
                raise Broken("too much waits for others", too_large=True)
            self._hold(data, update)
            changes.append(data)
        return changes

    def _hold(self, data: bytes, update: Update) -> None:
        self._pending[data] = update
        self._pending_size += len(data)

    def hold_back(self, updates: Iterable[tuple[bytes, Update]]) -> None:
        """Of updates that were loaded and read, keep those that still wait for others."""
        state: dict[int, int] | None = None
        for data, update in updates:
            state = read_state_vector(self.doc.get_state()) if state is None else state
            if data not in self._pending and update.waits(state):
                self._hold(data, update)

    def change(self) -> list[bytes]:
        """Return what was changed at `doc` itself since the last call of anything here."""
        changes, self._changes = self._changes, []
        self.size += sum(map(len, changes))
        return changes

    def vector(self) -> bytes:
        """Return the state vector."""
        return self.doc.get_state()

    def missing(self, vector: bytes) -> bytes:
        """Return the update that somebody of this state vector lacks.

        Raises:
            Malformed: it is no state vector.
        """
        read_state_vector(vector)
        try:
            return self.doc.get_update(vector)
        except ValueError as error:
            raise Malformed(str(error)) from None

    def full(self) -> list[bytes]:
        """Return all of it: the full state, and what waits."""
        self.size = len(state := self.doc.get_update())
        return [state, *self._pending] if state != EMPTY or self._pending else []

    def measure(self) -> None:
        """Make `size` exact."""
        self.size = len(self.doc.get_update()) + sum(map(len, self._pending))


def _as_broken(error: BaseException) -> Broken:
    """Make it an error of ours; also a panic of the native code, which is no `Exception`."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    return Broken(f"{type(error).__name__}: {error}")
