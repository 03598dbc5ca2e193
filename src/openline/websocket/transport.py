"""``ws.transport``, for programs that look through the connection at what carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openline.protocol.states import State

if TYPE_CHECKING:
    from openline.engine.base import Line

__all__ = ["Transport"]


class Transport:
    """A thin view of the line, with the names of `asyncio.Transport`; there is no such object below it."""

    __slots__ = ("_line",)

    def __init__(self, line: Line) -> None:
        self._line = line

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As `asyncio.BaseTransport.get_extra_info`: ``peername``, ``sockname``, ``socket``, ``ssl_object``, ..."""
        return self._line.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Bytes that are queued in this process."""
        return self._line.unsent

    def is_closing(self) -> bool:
        """Whether the connection is closing or closed."""
        return self._line.state in (State.CLOSING, State.CLOSED)

    def close(self) -> None:
        """Close TCP once all that is queued has left, without a closing handshake."""
        self._line.close_descriptor()

    def abort(self) -> None:
        """Close TCP now; what is queued is lost."""
        self._line.abort()
