"""A listener that is watched: it does all that it did, and its beginning and end are told to somebody else, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openline import Listener, ServerConnection
from openline.engine.base import Message


class Watched(Listener):
    """Passes everything on.

    Args:
        inner: The listener.
        opened: Called first, with the connection.
        closed: Called last, with the connection.
    """

    __slots__ = ("_closed", "_inner", "_opened")

    def __init__(
        self,
        inner: Listener,
        opened: Callable[[ServerConnection], None],
        closed: Callable[[ServerConnection], None],
    ) -> None:
        self._inner = inner
        self._opened = opened
        self._closed = closed

    def on_open(self, ws: Any) -> None:
        self._opened(ws)
        self._inner.on_open(ws)

    def on_message(self, ws: Any, message: Message) -> None:
        self._inner.on_message(ws, message)

    def on_close(self, ws: Any, code: int, reason: str) -> None:
        try:
            self._inner.on_close(ws, code, reason)
        finally:  # who counts what is open must not be left with a line that is not
            self._closed(ws)

    def on_drain(self, ws: Any) -> None:
        self._inner.on_drain(ws)

    def on_overrun(self, ws: Any) -> bool:
        return self._inner.on_overrun(ws)
