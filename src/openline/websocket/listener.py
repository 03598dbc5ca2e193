"""The callback API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from openline.engine.base import Message
    from openline.websocket.connection import Connection

_C = TypeVar("_C", bound="Connection")

__all__ = ["Listener", "make_listener"]


class Listener:
    """Gets what happens on a connection by callbacks: no task, no queue, no wake-up between the socket and your code.

    Override what you need. Give an instance to ``serve`` and all connections share it; give a subclass (or, as
    ``listener=``, any function that is called with the connection) and each gets its own.

    The callbacks of a connection are called one after the other, in the thread of the loop, in a copy of the context in
    which ``serve`` or ``connect`` was called. They must not block. A callback that raises is logged with its traceback,
    and the connection is failed with code 1011; `on_close` still follows.
    """

    __slots__ = ()

    def on_open(self, ws: Any) -> None:
        """The opening handshake has succeeded; called before anything else.

        Args:
            ws: The `ServerConnection` or `ClientConnection`.
        """

    def on_message(self, ws: Any, message: Message) -> None:
        """A message came, whole.

        What is sent in here leaves in one system call with what the other messages of the same read cause.

        Args:
            ws: The connection.
            message: str for text, bytes for binary.
        """

    def on_close(self, ws: Any, code: int, reason: str) -> None:
        """The connection is closed, TCP included; called exactly once after `on_open`, and nothing after it.

        Args:
            ws: The connection.
            code: The close code received; 1006 if there was none, 1005 if the peer's Close frame was empty.
            reason: The close reason received.
        """

    def on_drain(self, ws: Any) -> None:
        """More than ``write_limit`` bytes waited to be sent, and now few do: the time to go on sending.

        Args:
            ws: The connection.
        """

    def on_overrun(self, ws: Any) -> bool:
        """More than ``max_unsent`` bytes would wait to be sent: the peer does not keep up.

        Args:
            ws: The connection.

        Returns:
            False (the default): abort the connection. True: this callback has ended it, or has made room by
            `drop_unsent`; what was about to be sent is lost in any case.
        """
        return False


def make_listener(listener: Listener | type[Listener] | Callable[[_C], Listener], ws: _C) -> Listener:
    """Make the listener of a connection from what ``serve`` or ``connect`` was given.

    Raises:
        TypeError: if that is no `Listener`; besides whatever the program's own code raises.
    """
    if isinstance(listener, Listener):
        return listener
    made: object = listener() if isinstance(listener, type) else listener(ws)
    if not isinstance(made, Listener):
        raise TypeError(
            f"listener must be a Listener, a subclass, or a function that returns one, not {made!r}"
        )
    return made
