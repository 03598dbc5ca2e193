"""The three that must agree: the bare protocol, and the lines of both engines behind real sockets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import NamedTuple

from openline.protocol.connection import Closed, Event, Failed, Fragment, Message, Ping, Protocol
from openline.protocol.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from openline.protocol.states import Side

from ..conformance.lines import keep_silent, opened
from ..conformance.peer import CONT, End, Peer, turn_loop
from .streams import MAX_SIZE, Stream


class Sent(NamedTuple):
    """A frame of the subject."""

    opcode: int
    payload: bytes


class Outcome(NamedTuple):
    """What came of a stream.

    Attributes:
        messages: What the application was given.
        sent: Frames that the peer got.
        close: Close code and reason as the application saw them.
    """

    messages: list[str | bytes]
    sent: list[Sent]
    close: tuple[int | None, str | None]


def through_protocol(stream: Stream, pieces: Sequence[bytes]) -> tuple[Outcome, list[Event]]:
    """Feed the bare protocol; its events come along, to be compared on their own."""
    side = Side.SERVER if stream.masked else Side.CLIENT
    extensions = (PerMessageDeflate(False, False, 15, 15),) if stream.deflate else ()
    protocol = Protocol(side, max_size=MAX_SIZE, extensions=extensions, mask=lambda size: bytes(size))
    events: list[Event] = []
    messages: list[str | bytes] = []
    parts: list[str] | list[bytes] = []
    for event in (event for piece in pieces for event in protocol.receive_data(piece)):
        events.append(event)
        match event:
            case Message():
                messages.append(event.data)
            case Fragment():
                parts.append(event.data)  # type: ignore[arg-type]
                if event.fin:
                    messages.append(type(event.data)().join(parts))  # type: ignore[arg-type]
                    parts.clear()
            case Ping() | Closed() | Failed():
                pass
    # Pongs are the receiver's: the newest of each run could stand for the others, but nothing is blocked here.
    sent = [_decode(frame) for frame in protocol.take_output()]
    pongs = [Sent(0xA, event.payload) for event in events if isinstance(event, Ping)]
    events += protocol.receive_eof()
    close = protocol.close_rcvd
    return Outcome(
        messages, pongs + sent, (1006, "") if close is None else (close.code, close.reason)
    ), events


def _decode(frame: bytes) -> Sent:
    """All that the protocol sends by itself is short; its mask is zeros."""
    masked = frame[1] >> 7
    assert frame[1] & 0x7F <= 125
    return Sent(frame[0] & 0x0F, frame[2 + 4 * masked :])


def through_engine(stream: Stream, engine: str, *, listener: bool, loop_factory: object = None) -> Outcome:
    """Send it to a connection on one of the engines, over a real socket and in a loop of its own."""
    before = os.environ.get("OPENLINE_ENGINE")
    os.environ["OPENLINE_ENGINE"] = engine
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:  # type: ignore[arg-type]
            return runner.run(_converse(stream, listener))
    finally:
        if before is None:
            del os.environ["OPENLINE_ENGINE"]
        else:
            os.environ["OPENLINE_ENGINE"] = before


async def _converse(stream: Stream, listener: bool) -> Outcome:
    side = ("server" if stream.masked else "client") + ("-listener" if listener else "")
    factory = ServerPerMessageDeflateFactory if stream.masked else ClientPerMessageDeflateFactory
    async with opened(
        side,  # type: ignore[arg-type]
        keep_silent,
        extension_header="permessage-deflate" if stream.deflate else None,
        extensions=[factory()] if stream.deflate else None,
        max_size=MAX_SIZE,
    ) as line:
        sending = asyncio.ensure_future(_send(line.peer, stream.pieces()))
        sent = []
        while not isinstance(frame := await line.peer.receive(), End):
            assert frame.opcode != CONT, "nothing that is sent here is fragmented"
            sent.append(Sent(frame.opcode, frame.payload))
        assert frame is End.FIN
        await sending
        line.peer.close()
        close = await line.app.ended()
        return Outcome(line.app.received, sent, close)


async def _send(peer: Peer, pieces: Sequence[bytes]) -> None:
    """Send it all, and shut the peer's side down. The subject reads on to the end, whatever it thinks of it."""
    for piece in pieces:
        await peer.send(piece)
        if len(pieces) > 1:
            await turn_loop()
    peer.fin()
