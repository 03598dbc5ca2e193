"""The client's opening handshake, against servers that send bytes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Callable

import pytest

from openline import ConnectionClosedOK, InvalidStatus, SecurityError, connect
from openline.exceptions import (
    InvalidHandshake,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidUpgrade,
    NegotiationError,
)
from openline.websocket.client_opening import MAX_BODY_SIZE

from .wire import Wire, byte_server, server_frame

pytestmark = pytest.mark.engine


def accept_of(request: bytes) -> str:
    """RFC 6455 section 4.2.2, item 5.4."""
    (key,) = (line for line in request.decode().split("\r\n") if line.startswith("Sec-WebSocket-Key: "))
    digest = hashlib.sha1(
        key.removeprefix("Sec-WebSocket-Key: ").encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    )
    return base64.b64encode(digest.digest()).decode()


def switching(
    request: bytes, *, extra: str = "", accept: str | None = None, upgrade: str = "websocket"
) -> bytes:
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {upgrade}\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept or accept_of(request)}\r\n{extra}\r\n"
    ).encode()


def answering(make: Callable[[bytes], bytes], *, byte_by_byte: bool = False, hold: bool = False):  # type: ignore[no-untyped-def]
    """A server that answers a handshake with bytes, and closes; with ``hold``, when the client has."""

    async def talk(wire: Wire) -> None:
        answer = make(await wire.read_head_of_request())
        for part in [answer[i : i + 1] for i in range(len(answer))] if byte_by_byte else [answer]:
            try:
                wire.send(part)
                await wire.writer.drain()
            except ConnectionError:
                return
            if byte_by_byte:
                await asyncio.sleep(0)
        if hold:
            with contextlib.suppress(ConnectionError):
                await wire.read_to_end()

    return byte_server(talk)


CLOSE = server_frame(8, b"\x03\xe8")


@pytest.mark.parametrize("byte_by_byte", [False, True])
async def test_frames_behind_the_head(byte_by_byte: bool) -> None:
    async with answering(
        lambda request: switching(request) + server_frame(1, b"early") + CLOSE, byte_by_byte=byte_by_byte
    ) as port:
        ws = await connect(f"ws://127.0.0.1:{port}/")
        assert await ws.recv() == "early"
        with pytest.raises(ConnectionClosedOK):
            await ws.recv()


async def test_interim_responses_are_passed_over() -> None:
    """RFC 9110 section 15.2."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    async with answering(lambda request: hint + hint + switching(request) + CLOSE) as port:
        ws = await connect(f"ws://127.0.0.1:{port}/")
        await ws.wait_closed()
    async with answering(lambda request: hint * 2000, hold=True) as port:
        with pytest.raises(SecurityError, match="interim"):
            await connect(f"ws://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda request: b"", InvalidMessage),
        (lambda request: b"HTTP/1.1 101 Swi", InvalidMessage),
        (lambda request: b"SSH-2.0-OpenSSH_9.9\r\n\r\n", InvalidMessage),
        (lambda request: b"HTTP/1.1 101 OK\r\nbad header\r\n\r\n", InvalidMessage),
        (lambda request: b"HTTP/1.1 200 " + b"x" * 70_000, SecurityError),
        (lambda request: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", SecurityError),
        (lambda request: switching(request, accept="wrong"), InvalidHeaderValue),
        (lambda request: switching(request, upgrade="h2c"), InvalidUpgrade),
        (lambda request: switching(request, extra="Sec-WebSocket-Protocol: chat\r\n"), NegotiationError),
        (lambda request: switching(request, extra="Sec-WebSocket-Extensions: x-other\r\n"), NegotiationError),
    ],
)
async def test_section_4_1_bad_answers(make: Callable[[bytes], bytes], error: type[InvalidHandshake]) -> None:
    async with answering(make) as port:
        with pytest.raises(error):
            await connect(f"ws://127.0.0.1:{port}/")


async def test_connection_lost_in_the_handshake_says_so() -> None:
    async with answering(lambda request: b"HTTP/1.1 101") as port:
        with pytest.raises(InvalidMessage) as info:
            await connect(f"ws://127.0.0.1:{port}/")
        assert isinstance(info.value.__cause__, EOFError)


REFUSED = b"HTTP/1.1 403 Forbidden\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (REFUSED + b"Content-Length: 4\r\n\r\nnope", b"nope"),
        (REFUSED + b"Content-Length: 0\r\n\r\n", b""),
        (REFUSED + b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n2\r\npe\r\n0\r\n\r\n", b"nope"),
        (REFUSED + b"\r\nnope", b"nope"),
        (REFUSED + b"Content-Length: 10\r\n\r\nnope", b"nope"),
        (REFUSED + b"Content-Length: bad\r\n\r\nnope", b""),
    ],
)
@pytest.mark.parametrize("byte_by_byte", [False, True])
async def test_body_of_a_refusal(answer: bytes, body: bytes, byte_by_byte: bool) -> None:
    async with answering(lambda request: answer, byte_by_byte=byte_by_byte) as port:
        with pytest.raises(InvalidStatus) as info:
            await connect(f"ws://127.0.0.1:{port}/")
        assert info.value.response.status_code == 403
        assert info.value.response.body == body


async def test_body_of_a_refusal_is_not_waited_for_longer_than_it_is() -> None:
    async with answering(lambda request: REFUSED + b"Content-Length: 4\r\n\r\nnope", hold=True) as port:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/")


async def test_body_of_a_refusal_is_bounded() -> None:
    size = 4 * MAX_BODY_SIZE
    answer = REFUSED + f"Content-Length: {size}\r\n\r\n".encode() + bytes(size)
    async with answering(lambda request: answer) as port:
        with pytest.raises(InvalidStatus) as info:
            await connect(f"ws://127.0.0.1:{port}/")
        assert len(info.value.response.body) == MAX_BODY_SIZE


async def test_every_handshake_has_its_own_key() -> None:
    keys: set[str] = set()

    def answer(request: bytes) -> bytes:
        keys.add(accept_of(request))
        return switching(request) + CLOSE

    async with answering(answer) as port:
        for _ in range(5):
            await (await connect(f"ws://127.0.0.1:{port}/")).wait_closed()
    assert len(keys) == 5
