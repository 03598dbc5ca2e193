"""``connect`` for threads."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Literal, cast, overload

from openline.sync.connection import ClientConnection
from openline.sync.inbox import InboxClientConnection
from openline.sync.loop_thread import LoopThread, loop_thread
from openline.websocket.bind import Path
from openline.websocket.client import connect as async_connect
from openline.websocket.client import unix_connect as async_unix_connect
from openline.websocket.lines import check_connection_class
from openline.websocket.reconnect import backoff, process_exception

__all__ = ["connect", "reconnect", "unix_connect"]


@overload
def connect(uri: str, *, legacy: Literal[True] | None = None, **kwargs: Any) -> ClientConnection: ...
@overload
def connect(uri: str, *, legacy: Literal[False], **kwargs: Any) -> reconnect: ...
def connect(uri: str, *, legacy: bool | None = None, **kwargs: Any) -> ClientConnection | reconnect:
    """Connect to the WebSocket server at ``uri``, and wait until the connection is open.

    ::

        with connect("ws://localhost:8765") as ws:
            ws.send("hello")
            print(ws.recv())

    Args:
        uri: ``ws://`` or ``wss://`` URI.
        legacy: False: return a `reconnect` instead, as later versions of ``websockets`` will.
        kwargs: As those of `openline.connect`, except ``listener``. ``source_address`` and ``address``, names of
            ``socket.create_connection``, are understood too.

    Raises:
        As `openline.connect`.
    """
    connecting = reconnect(uri, **kwargs)
    return connecting if legacy is False else connecting.open()


def unix_connect(path: Path | None = None, uri: str | None = None, **kwargs: Any) -> ClientConnection:
    """Connect to a WebSocket server on a Unix socket.

    Args:
        path: Where the socket lives. None: ``sock`` is given.
        uri: For the handshake. None: ``ws://localhost/``, or ``wss://localhost/`` if ``ssl`` is given.
        kwargs: As those of `connect`, except those that concern TCP.
    """
    connection_class = check_connection_class(kwargs.pop("create_connection", None), ClientConnection)
    connecting = async_unix_connect(path, uri, **_translated(kwargs), create_connection=InboxClientConnection)
    return _open(loop_thread(), connecting, connection_class)


class reconnect:
    """Connect, and connect again whenever the connection is closed.

    ::

        for ws in reconnect("ws://localhost:8765"):
            try:
                ...
            except ConnectionClosed:
                continue

    It can also be entered by ``with``, which connects once.

    Args:
        uri: ``ws://`` or ``wss://`` URI.
        process_exception: See `openline.connect`.
        reconnect_delays: See `openline.connect`.
        create_connection: A subclass of `openline.sync.ClientConnection`. None: that itself.
        kwargs: See `connect`.
    """

    def __init__(
        self,
        uri: str,
        *,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        reconnect_delays: Callable[[], Iterator[float]] = backoff,
        create_connection: type[ClientConnection] | None = None,
        **kwargs: Any,
    ) -> None:
        self._connection_class = check_connection_class(create_connection, ClientConnection)
        self._connecting = async_connect(uri, **_translated(kwargs), create_connection=InboxClientConnection)
        self._process_exception = process_exception
        self._reconnect_delays = reconnect_delays
        self._connection: ClientConnection | None = None

    def open(self) -> ClientConnection:
        """Connect once; closing is the caller's."""
        return _open(loop_thread(), self._connecting, self._connection_class)

    def __enter__(self) -> ClientConnection:
        if self._connection is not None:
            raise RuntimeError("reconnect() isn't reentrant")
        self._connection = self.open()
        return self._connection

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._connection is not None
        connection, self._connection = self._connection, None
        connection.__exit__(exc_type, exc_value, traceback)

    def __iter__(self) -> Iterator[ClientConnection]:
        delays: Iterator[float] | None = None
        while True:
            try:
                connection = self.open()
            except Exception as exc:
                fatal = self._process_exception(exc)
                if fatal is exc:
                    raise
                if fatal is not None:
                    raise fatal from exc
                delays = delays or iter(self._reconnect_delays())
                delay = next(delays)
                self._connecting.logger.info(
                    "connect failed; reconnecting in %.1f seconds: %s",
                    delay,
                    traceback.format_exception_only(exc)[0].strip(),
                )
                time.sleep(delay)
            else:
                delays = None
                with connection:
                    yield connection


def _open(
    thread: LoopThread, connecting: async_connect, connection_class: type[ClientConnection]
) -> ClientConnection:
    async def open_in_loop() -> ClientConnection:
        return connection_class(cast("InboxClientConnection", await connecting), thread)

    return thread.run(open_in_loop())


def _translated(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Turn the keyword arguments of ``socket.create_connection`` into those of `openline.connect`."""
    if kwargs.get("listener") is not None:
        raise TypeError("listener: only openline.connect() takes one, since its callbacks run in the loop")
    if "timeout" in kwargs:
        raise TypeError("timeout: use open_timeout, which bounds all of connecting")
    if "source_address" in kwargs:
        kwargs["local_addr"] = kwargs.pop("source_address")
    if "address" in kwargs:
        kwargs["host"], kwargs["port"] = kwargs.pop("address")
    # As in websockets.sync, None stands for what is not given.
    return {
        name: value for name, value in kwargs.items() if value is not None or name not in _NONE_IS_DEFAULT
    }


_NONE_IS_DEFAULT = frozenset({"ssl", "sock", "server_hostname", "proxy_ssl", "proxy_server_hostname"})
