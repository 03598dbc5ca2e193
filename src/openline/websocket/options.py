"""What can be set on a connection: names, units, defaults, and the meaning of 0 and None."""

from __future__ import annotations

import contextvars
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from openline.protocol.close_codes import CloseCode

if TYPE_CHECKING:
    from openline.websocket.connection import Connection

__all__ = ["Host", "LoggerLike", "Options"]

LoggerLike: TypeAlias = "logging.Logger | logging.LoggerAdapter[Any]"

DEFAULT_MAX_SIZE = 2**20
DEFAULT_MAX_QUEUE = 16
DEFAULT_WRITE_LIMIT = 2**15
DEFAULT_MAX_UNSENT = 2**24
# Microseconds; half of what one turn of the reactor may take.
MAX_BUSY_POLL = 1000

# The ratio of asyncio's own low-water mark to its high one.
_LOW_PART = 4


class Host(Protocol):
    """Who made a connection and wants to know of its beginning and its end: a server."""

    def connection_made(self, ws: Connection, /) -> None:
        """The line is attached; the place to begin the opening handshake."""

    def connection_lost(self, ws: Connection, /) -> None:
        """The connection is gone, and everybody who waited for it was told."""


@dataclass(slots=True, kw_only=True, eq=False)
class Options:
    """What all connections of one ``serve`` or ``connect`` share; `Options.of` makes it from their arguments.

    Attributes:
        ping_interval: Seconds from one keepalive ping to the next; None: none are sent.
        ping_timeout: Seconds after a keepalive ping in which the peer must give a sign of life; None: for ever.
        close_timeout: Seconds for the closing handshake, the end of TCP included; None: for ever.
        max_message_size: Bytes of a message, uncompressed; None: no bound.
        max_fragment_size: Bytes of one frame of a message, uncompressed; None: no bound but the message's.
        too_big_code: With which a larger message fails the connection: 1009 (RFC 6455 section 7.4.1), or one that a
            protocol on top has for it.
        max_queue_high: Received messages (while streaming: fragments) that may wait; at this number reading stops.
            None: no bound. 0: as 1.
        max_queue_low: Number at which reading goes on.
        write_high: Unsent bytes above which ``send`` waits.
        write_low: Unsent bytes at which it goes on.
        max_unsent: Unsent bytes that a connection may own; what would pass it aborts the connection. None: no bound.
        busy_poll: Microseconds that the native engine keeps polling after its last event before it hands the loop back;
            0: it does not. The longest of what a loop's connections ask for holds for all of them.
        logger: Where events are logged.
        host: The server; None for a client.
        context: The context in which callbacks and handlers run, each in a copy.
        overruns: How many connections were aborted because of ``max_unsent``; counts up.
    """

    ping_interval: float | None = 20
    ping_timeout: float | None = 20
    close_timeout: float | None = 10
    max_message_size: int | None = DEFAULT_MAX_SIZE
    max_fragment_size: int | None = None
    too_big_code: int = CloseCode.MESSAGE_TOO_BIG
    max_queue_high: int | None = DEFAULT_MAX_QUEUE
    max_queue_low: int | None = DEFAULT_MAX_QUEUE // _LOW_PART
    write_high: int = DEFAULT_WRITE_LIMIT
    write_low: int = DEFAULT_WRITE_LIMIT // _LOW_PART
    max_unsent: int | None = DEFAULT_MAX_UNSENT
    busy_poll: int = 0
    logger: LoggerLike = field(default_factory=lambda: logging.getLogger("openline"))
    host: Host | None = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    overruns: int = 0

    @classmethod
    def of(
        cls,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_size: int | None | tuple[int | None, int | None] = DEFAULT_MAX_SIZE,
        max_queue: int | None | tuple[int | None, int | None] = DEFAULT_MAX_QUEUE,
        write_limit: int | tuple[int, int | None] = DEFAULT_WRITE_LIMIT,
        max_unsent: int | None = DEFAULT_MAX_UNSENT,
        busy_poll: int = 0,
        logger: LoggerLike,
        host: Host | None = None,
    ) -> Options:
        """Make options from the arguments of ``serve`` and ``connect``; checks them.

        Args:
            ping_interval: See `Options`.
            ping_timeout: See `Options`.
            close_timeout: See `Options`.
            max_size: Bytes of a message, or (bytes of a message, bytes of a fragment).
            max_queue: High-water mark, or (high, low); a low mark that is not given is a quarter of the high one.
            write_limit: High-water mark, or (high, low), likewise.
            max_unsent: See `Options`.
            busy_poll: See `Options`.
            logger: See `Options`.
            host: See `Options`.

        Raises:
            ValueError: a number is negative, a time is not above 0, a high mark is below its low one, or ``busy_poll``
                is above 1,000.
        """
        message_size, fragment_size = max_size if isinstance(max_size, tuple) else (max_size, None)
        queue_high, queue_low = _marks("max_queue", max_queue)
        write_high, write_low = _marks("write_limit", write_limit)
        if write_high is None or write_low is None:
            raise ValueError("write_limit must be a number of bytes")
        for name, seconds in {"ping_interval": ping_interval, "ping_timeout": ping_timeout}.items():
            if seconds is not None and seconds <= 0:
                raise ValueError(f"{name} must be positive, or None")
        for name, number in {
            "close_timeout": close_timeout,
            "max_size": message_size,
            "max_size of a fragment": fragment_size,
            "max_unsent": max_unsent,
        }.items():
            if number is not None and number < 0:
                raise ValueError(f"{name} must not be negative")
        if not 0 <= busy_poll <= MAX_BUSY_POLL:
            raise ValueError(f"busy_poll must be a number of microseconds from 0 to {MAX_BUSY_POLL}")
        return cls(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_message_size=message_size,
            max_fragment_size=fragment_size,
            max_queue_high=queue_high,
            max_queue_low=queue_low,
            write_high=write_high,
            write_low=write_low,
            max_unsent=max_unsent,
            busy_poll=busy_poll,
            logger=logger,
            host=host,
        )


def _marks(name: str, value: int | None | tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    """Split a limit into its high and its low mark; where one is missing, the other gives it."""
    high, low = value if isinstance(value, tuple) else (value, None)
    if high is None and low is not None:
        high = low * _LOW_PART
    elif high is not None and low is None:
        low = high // _LOW_PART
    if low is not None and high is not None and not 0 <= low <= high:
        raise ValueError(f"{name}: 0 <= low <= high must hold")
    return high, low
