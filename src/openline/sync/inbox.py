"""What has arrived for a thread: messages and fragments, put there in the loop's thread."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from openline.protocol.states import State
from openline.websocket.client_connection import ClientConnection
from openline.websocket.listener import Listener
from openline.websocket.server_connection import ServerConnection

if TYPE_CHECKING:
    from openline.protocol.events import Fragment
    from openline.websocket.connection import Connection

__all__ = ["Inbox", "InboxClientConnection", "InboxServerConnection"]

Item = tuple[str | bytes, bool]


class Inbox(Listener):
    """A queue from the loop's thread to the one that receives; its bound is the ``max_queue`` of the connection.

    An item is a message, or a fragment of one, and whether the message ends with it. None is the end of the connection.
    """

    __slots__ = ("_ended", "_items", "_paused")

    def __init__(self) -> None:
        self._items: SimpleQueue[Item | None] = SimpleQueue()
        self._paused = False
        self._ended = False

    # In the loop's thread.

    def on_message(self, ws: Connection, message: str | bytes) -> None:
        """A whole message."""
        self.put(ws, message, True)

    def put(self, ws: Connection, data: str | bytes, end: bool) -> None:
        """Add a message, or a fragment of one; at the bound, reading pauses."""
        high = ws.options.max_queue_high
        full = high is not None and self._items.qsize() + 1 >= high
        if full and ws.state is not State.OPEN:
            # As without threads: while the connection closes, what finds no room is thrown away, and all after it.
            self._ended = True
        if self._ended:
            return
        self._items.put((data, end))
        if full and not self._paused:
            self._paused = True
            ws.pause()

    def on_close(self, ws: Connection, code: int, reason: str) -> None:
        """The connection is closed."""
        self._items.put(None)

    def go_on(self, ws: Connection) -> None:
        """There is room again."""
        if self._paused:
            self._paused = False
            ws.resume()

    # In the thread that receives.

    def get(self, ws: Connection, timeout: float | None) -> Item | None:
        """Wait for the next item; None for ever after the last.

        Raises:
            TimeoutError: if none comes within ``timeout`` seconds.
        """
        try:
            item = (
                self._items.get(timeout=timeout)
                if timeout is None or timeout > 0
                else self._items.get_nowait()
            )
        except Empty:
            raise TimeoutError("no message came in time") from None
        if item is None:
            self._items.put(None)
        elif self._paused and self._items.qsize() <= (ws.options.max_queue_low or 0):
            ws.loop.call_soon_threadsafe(self.go_on, ws)
        return item

    def __bool__(self) -> bool:
        return not self._items.empty()


class InboxServerConnection(ServerConnection):
    """A connection whose messages go into an inbox."""

    for_threads: Any = None
    """The object by which threads know it."""

    def opened(self, *args: Any, **kwargs: Any) -> None:
        """Take the place of a listener."""
        super().opened(*args, **{**kwargs, "listener": Inbox()})

    def _receive_fragment(self, fragment: Fragment) -> None:
        self.listener.put(self, fragment.data, fragment.fin)


class InboxClientConnection(ClientConnection):
    """The same for clients."""

    def opened(self, *args: Any, **kwargs: Any) -> None:
        """Take the place of a listener."""
        super().opened(*args, **{**kwargs, "listener": Inbox()})

    def _receive_fragment(self, fragment: Fragment) -> None:
        self.listener.put(self, fragment.data, fragment.fin)
