"""Pings and pongs (RFC 6455 sections 5.5.2 and 5.5.3): those of the user, those of the peer, and the keepalive's."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from openline.exceptions import ConcurrencyError
from openline.protocol.close_codes import CloseCode
from openline.protocol.frames import Opcode
from openline.protocol.states import State
from openline.websocket.keepalive import Facts, LastPing, Verdict, after_ping, judge
from openline.websocket.sending import Sending

if TYPE_CHECKING:
    from openline.engine.base import BytesLike

__all__ = ["Pinging"]

MAX_PENDING_PINGS = 1024
"""Pings of the user that may wait for their pong on one connection: a peer that never answers must not cost memory."""


class Pinging(Sending):
    """The part of a connection that pings, and finds out whether the peer lives."""

    __slots__ = ()

    # What users call.

    async def ping(self, data: str | BytesLike | None = None) -> Awaitable[float]:
        """Send a ping.

        It overtakes messages that wait to be sent: it leaves at the next frame boundary. The answer to it acknowledges
        all earlier pings as well (RFC 6455 section 5.5.3)::

            pong = await ws.ping()
            latency = await pong  # only to wait for the answer

        Cancel: safe.

        Args:
            data: At most 125 bytes to be sent back; text as UTF-8. None: four random bytes.

        Returns:
            An awaitable of the latency in seconds. It need not be awaited; it raises `ConnectionClosed` when the
            connection ends before the answer came.

        Raises:
            ConnectionClosed: the connection is closed.
            ConcurrencyError: a ping with the same data, or 1024 others, still wait for their answer.
            ProtocolError: ``data`` is longer than 125 bytes.
            TypeError: ``data`` is neither str nor bytes-like.
        """
        payload = None if data is None else _control_payload(data)
        await self._check_open()
        pings = self.pings
        if pings is not None:
            if payload in pings:
                raise ConcurrencyError("already waiting for a pong with the same data")
            if len(pings) >= MAX_PENDING_PINGS:
                raise ConcurrencyError(f"already waiting for {MAX_PENDING_PINGS} pongs")
        pong: asyncio.Future[float] = self.loop.create_future()
        self._send_ping(self._unused_payload() if payload is None else payload, pong)
        return pong

    async def pong(self, data: str | BytesLike = b"") -> None:
        """Send a pong that nobody asked for, as a heartbeat in one direction (RFC 6455 section 5.5.3).

        Cancel: safe.

        Args:
            data: At most 125 bytes; text as UTF-8.

        Raises:
            ConnectionClosed: the connection is closed.
            ProtocolError: ``data`` is longer than 125 bytes.
            TypeError: ``data`` is neither str nor bytes-like.
        """
        payload = _control_payload(data)
        await self._check_open()
        # In its place among the messages: an urgent pong would replace an answer that waits to leave.
        protocol = self._sender()
        protocol.send_pong(payload)
        self._queue_frames(b"".join(protocol.take_output()))
        self._settle()
        await self._let_drain()

    # What the peer sends.

    def _answer_ping(self, payload: bytes) -> None:
        """Answer, also after our own Close frame: only the peer's ends that duty (RFC 6455 section 5.5.2)."""
        self._settle()
        protocol = self._sender()
        protocol.send_pong(payload)
        self._queue_urgent(Opcode.PONG, b"".join(protocol.take_output()))

    def _acknowledge(self, payload: bytes) -> None:
        """A pong came: it answers its ping and all earlier ones; a pong that answers none is ignored."""
        pings = self.pings
        if not pings or payload not in pings:
            return
        now = time.monotonic()
        last_ping = self.extra.last_ping
        for earlier in list(pings):
            pong, sent = pings.pop(earlier)
            self.latency = now - sent
            if last_ping is not None and earlier == last_ping.payload:
                last_ping.answered = True
            if pong is not None and not pong.done():
                pong.set_result(self.latency)
            if earlier == payload:
                break
        if not pings:
            self.pings = None

    def _fail_pings(self) -> None:
        """The connection is lost: no pong will come."""
        pings, self.pings = self.pings, None
        for pong, _ in (pings or {}).values():
            if pong is not None and not pong.done():
                pong.set_exception(self._closed_error())
                # Whoever does not await it does not want to hear of it in the log either.
                pong.exception()

    def _send_ping(self, payload: bytes, pong: asyncio.Future[float] | None) -> None:
        self._settle()
        protocol = self._sender()
        protocol.send_ping(payload)
        if self.pings is None:
            self.pings = {}
        self.pings[payload] = (pong, time.monotonic())
        self._queue_urgent(Opcode.PING, b"".join(protocol.take_output()))
        self._settle()

    def _unused_payload(self) -> bytes:
        payload = secrets.token_bytes(4)
        while self.pings is not None and payload in self.pings:
            payload = secrets.token_bytes(4)
        return payload

    # The keepalive; its rules are in `keepalive`.

    def _start_keepalive(self) -> None:
        interval = self.options.ping_interval
        if interval is not None:
            now = time.monotonic()
            last_ping = self.extra.last_ping = LastPing(b"", now, 0, 0, behind=False)
            last_ping.due = now + interval
        self.set_deadline(interval)

    def _keep_alive(self) -> None:
        """The time has come to ask whether the peer lives."""
        interval, timeout = self.options.ping_interval, self.options.ping_timeout
        last_ping = self.extra.last_ping
        if interval is None or last_ping is None:
            return
        now = time.monotonic()
        verdict, due = judge(last_ping, Facts(now, self.heard, self.unread(), self.taken), interval, timeout)
        match verdict:
            case Verdict.WAIT:
                last_ping.due = due
            case Verdict.PING:
                last_ping = self._send_keepalive_ping(last_ping, now)
                due = last_ping.due = after_ping(last_ping, interval, timeout)
            case Verdict.DEAD:
                self._give_up()
                return
        if self.state is State.OPEN:
            self.set_deadline(due - now)

    def _send_keepalive_ping(self, previous: LastPing, now: float) -> LastPing:
        if self.pings is not None:
            # A peer that lives but answers no ping must not fill the table.
            self.pings.pop(previous.payload, None)
        payload = self._unused_payload()
        taken, before = self.taken, self.written
        self._send_ping(payload, None)
        # An upper bound of where the ping stands in the stream: it may overtake what is queued.
        leaves = self.written
        ping = LastPing(payload, now, leaves, taken, behind=before > taken)
        self.extra.last_ping = ping
        return ping

    def _give_up(self) -> None:
        """The peer is dead: tell it nevertheless, as far as the kernel still takes it, and abort."""
        self._fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout", TimeoutError("keepalive ping timeout"))
        self.flush()
        self.abort()


def _control_payload(data: object) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(cast("BytesLike", data))
    raise TypeError(f"data must be str or bytes-like, not {type(data).__name__}")
