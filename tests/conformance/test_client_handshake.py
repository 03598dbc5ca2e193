"""RFC 6455 sections 3 and 4.1: what a client sends to open a connection, and which answers it takes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme

from . import subject
from .lines import QUIET, accept_value, accepted, header_values, listening, upgrade_response
from .peer import CLOSE, PING, TEXT, End, Peer, chop, close_payload, encode, turn_loop

pytestmark = pytest.mark.engine

errors = subject.exceptions


@contextlib.asynccontextmanager
async def dialled(target: str = "/", **options: Any) -> AsyncIterator[tuple[Peer, asyncio.Task[Any]]]:
    """A raw server that has accepted the subject's connection; the task is that of `connect`."""
    with listening() as listener:
        uri = f"ws://127.0.0.1:{listener.getsockname()[1]}{target}"
        task = asyncio.ensure_future(_connect(uri, options))
        peer = await accepted(listener)
        try:
            yield peer, task
        finally:
            peer.close()
            if task.done() and not task.cancelled() and task.exception() is None:
                await task.result().close()
            elif not task.done():
                task.cancel()
                await asyncio.wait([task])


async def _connect(uri: str, options: dict[str, Any]) -> Any:
    return await subject.connect(uri, proxy=None, **(QUIET | options))


async def converse(peer: Peer, task: asyncio.Task[Any]) -> None:
    """A message each way and a clean close: the connection is established for real."""
    ws = await task
    await peer.send_frame(TEXT, b"Hello")
    assert await ws.recv() == "Hello"
    await ws.send("Hello")
    await peer.expect(TEXT, b"Hello")
    await peer.send_close(1000)
    await peer.expect_close(1000)
    peer.fin()
    await peer.expect_end(End.FIN)
    await ws.wait_closed()


async def opening(peer: Peer) -> tuple[str, bytes]:
    """The request line, and the head."""
    head = await peer.read_head()
    return head.split(b"\r\n", 1)[0].decode(), head


# The request


async def test_4_1_the_request_has_what_it_must() -> None:
    async with dialled("/chat?room=1") as (peer, task):
        line, head = await opening(peer)
        assert line == "GET /chat?room=1 HTTP/1.1"
        port = peer.sock.getsockname()[1]
        assert header_values(head, "Host") == [f"127.0.0.1:{port}"]
        assert [value.lower() for value in header_values(head, "Upgrade")] == ["websocket"]
        assert [value.lower() for value in header_values(head, "Connection")] == ["upgrade"]
        assert header_values(head, "Sec-WebSocket-Version") == ["13"]
        (key,) = header_values(head, "Sec-WebSocket-Key")
        assert re.fullmatch(r"[A-Za-z0-9+/]{22}==", key)
        assert len(base64.b64decode(key, validate=True)) == 16
        for absent in ("Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length"):
            assert header_values(head, absent) == []
        for raw in head[:-4].split(b"\r\n")[1:]:
            assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t\x20-\x7e]*", raw), raw
        await peer.send(upgrade_response(head))
        await converse(peer, task)


async def test_4_1_item_7_each_handshake_has_a_key_of_its_own() -> None:
    keys = set()
    for _ in range(20):
        async with dialled() as (peer, _):
            keys |= set(header_values(await peer.read_head(), "Sec-WebSocket-Key"))
    assert len(keys) == 20


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("", "GET / HTTP/1.1"),
        ("/", "GET / HTTP/1.1"),
        ("?a=b", "GET /?a=b HTTP/1.1"),
        ("/a/b;c?d=e&f", "GET /a/b;c?d=e&f HTTP/1.1"),
        ("/%20%2F?%23", "GET /%20%2F?%23 HTTP/1.1"),
    ],
)
async def test_3_the_resource_name_is_built_from_the_uri(target: str, line: str) -> None:
    async with dialled(target) as (peer, _):
        assert (await opening(peer))[0] == line


async def test_3_characters_above_ascii_are_escaped() -> None:
    async with dialled("/caf\u00e9?\u00fc") as (peer, _):
        assert (await opening(peer))[0] == "GET /caf%C3%A9?%C3%BC HTTP/1.1"


@pytest.mark.parametrize(
    "uri",
    [
        "ws://127.0.0.1:1/#fragment",
        "ws://127.0.0.1:1/path#",
        "http://127.0.0.1:1/",
        "//127.0.0.1:1/",
        "127.0.0.1:1",
        "ws:///path",
        "ws://",
        "ws://127.0.0.1:port/",
        "ws://127.0.0.1:65536/",
        "ws://user@127.0.0.1:1/",
        "",
    ],
)
async def test_3_a_uri_that_is_none_of_websocket_is_refused(uri: str) -> None:
    if subject.NAME == "websockets" and uri.endswith(("#", ":port/", ":65536/")):
        pytest.skip("websockets lets ValueError through, or an empty fragment")
    with pytest.raises(errors.InvalidURI):
        await subject.connect(uri, proxy=None, open_timeout=5)


async def test_4_1_items_8_and_10_origin_subprotocols_and_more_headers() -> None:
    options: dict[str, Any] = {
        "origin": "http://example.com",
        "subprotocols": ["chat", "superchat"],
        "additional_headers": {"Cookie": "a=b"},
        "user_agent_header": None,
    }
    async with dialled(**options) as (peer, task):
        _, head = await opening(peer)
        assert header_values(head, "Origin") == ["http://example.com"]
        offered = ",".join(header_values(head, "Sec-WebSocket-Protocol"))
        assert [name.strip() for name in offered.split(",")] == ["chat", "superchat"]
        assert header_values(head, "Cookie") == ["a=b"]
        assert header_values(head, "User-Agent") == []
        await peer.send(upgrade_response(head)[:-2] + b"Sec-WebSocket-Protocol: superchat\r\n\r\n")
        assert (await task).subprotocol == "superchat"
        await converse(peer, task)


async def test_4_1_user_information_becomes_an_authorization_header() -> None:
    with listening() as listener:
        uri = f"ws://user:p%20w@127.0.0.1:{listener.getsockname()[1]}/"
        task = asyncio.ensure_future(_connect(uri, {}))
        peer = await accepted(listener)
        head = await peer.read_head()
        value = base64.b64encode(b"user:p w").decode()
        assert header_values(head, "Authorization") == [f"Basic {value}"]
        assert b"user" not in b"".join(
            line for line in head.split(b"\r\n") if not line.startswith(b"Authorization")
        )
        task.cancel()
        await asyncio.wait([task])
        peer.close()


async def test_4_1_nothing_is_sent_before_the_response() -> None:
    async with dialled() as (peer, task):
        _, head = await opening(peer)
        await peer.expect_nothing_yet()
        await asyncio.sleep(0.02)
        await peer.expect_nothing_yet()
        await peer.send(upgrade_response(head))
        await converse(peer, task)


async def test_4_1_item_5_tls_names_the_server(authority: trustme.CA, server_tls: ssl.SSLContext) -> None:
    """SNI, and the handshake within the tunnel."""
    named: list[str | None] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    context.sni_callback = lambda sock, name, context: named.append(name)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    heads: list[bytes] = []

    async def serve_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(upgrade_response(heads[0]) + encode(CLOSE, close_payload(1000)))
        await reader.readexactly(
            2 + 4 + 2
        )  # the answering Close frame: section 7.1.1 lets the server end TCP first
        writer.close()

    server = await asyncio.start_server(serve_once, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, subject.connect(f"wss://localhost:{port}/tls", ssl=trust, proxy=None) as ws:
        with pytest.raises(errors.ConnectionClosed):
            await ws.recv()
    assert named == ["localhost"]
    assert heads[0].startswith(b"GET /tls HTTP/1.1\r\n")


async def test_4_1_item_5_a_certificate_that_cannot_be_verified_fails(server_tls: ssl.SSLContext) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("the handshake was completed")

    # The server's end of a handshake that the client breaks off is an error of asyncio's, not ours.
    asyncio.get_running_loop().set_exception_handler(None)
    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await subject.connect(f"wss://localhost:{port}/", proxy=None)
        with pytest.raises(ssl.SSLError):
            await subject.connect(
                f"wss://localhost:{port}/", proxy=None, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            )


async def test_4_1_item_4_nobody_listens(closed_port: int) -> None:
    with pytest.raises(OSError):
        await subject.connect(f"ws://127.0.0.1:{closed_port}/", proxy=None)


# The response


def response(
    *more: str,
    key: bytes,
    line: str = "HTTP/1.1 101 Switching Protocols",
    upgrade: str | None = "websocket",
    connection: str | None = "Upgrade",
    accept: str | None = "{accept}",
) -> bytes:
    headers = {"Upgrade": upgrade, "Connection": connection, "Sec-WebSocket-Accept": accept}
    lines = [
        line,
        *(f"{name}: {value}" for name, value in headers.items() if value is not None),
        *more,
        "",
        "",
    ]
    return "\r\n".join(lines).replace("{accept}", accept_value(key)).encode("latin-1")


Changes = dict[str, Any]


ACCEPTED: dict[str, Changes] = {
    "the minimum": {},
    "another reason phrase": {"line": "HTTP/1.1 101 Web Socket Protocol Handshake"},
    "an empty reason phrase (RFC 9112 4)": {"line": "HTTP/1.1 101 "},
    "item 2: Upgrade in capitals": {"upgrade": "WEBSOCKET"},
    "item 3: Connection in lower case": {"connection": "upgrade"},
    "item 3: Connection as a list": {"connection": "keep-alive, Upgrade"},
    "item 4: blanks around the accept value": {"accept": " \t{accept}\t "},
    "unknown headers and cookies": {
        "more": ["Set-Cookie: a=b", "Set-Cookie: c=d", "X-Unknown: \x80", "X-Empty:"]
    },
    "Content-Length 0": {"more": ["Content-Length: 0"]},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
async def test_4_1_response_accepted(changes: Changes) -> None:
    async with dialled() as (peer, task):
        _, head = await opening(peer)
        await peer.send(_response(head, changes))
        await converse(peer, task)


def _response(head: bytes, changes: Changes) -> bytes:
    (key,) = header_values(head, "Sec-WebSocket-Key")
    changes = dict(changes)
    raw = changes.pop("raw", b"")
    built = response(*changes.pop("more", ()), key=key.encode(), **changes)
    return built[:-2] + raw + b"\r\n" if raw else built


@pytest.mark.parametrize("step", [1, 10])
async def test_4_1_response_in_chops(step: int) -> None:
    async with dialled() as (peer, task):
        _, head = await opening(peer)
        await peer.send_in_pieces(chop(upgrade_response(head), step))
        await converse(peer, task)


async def test_4_1_frames_right_behind_the_response() -> None:
    async with dialled() as (peer, task):
        _, head = await opening(peer)
        frames = (
            encode(TEXT, b"early")
            + encode(PING, b"p")
            + encode(TEXT, b"more")
            + encode(CLOSE, close_payload(1000))
        )
        await peer.send(upgrade_response(head) + frames)
        ws = await task
        assert [await ws.recv(), await ws.recv()] == ["early", "more"]
        await peer.expect(0xA, b"p")
        await peer.expect_close(1000)
        peer.fin()
        await peer.expect_end(End.FIN)


REFUSED: dict[str, tuple[Changes, type[Exception]]] = {
    "item 2: no Upgrade": ({"upgrade": None}, errors.InvalidUpgrade),
    "item 2: another Upgrade": ({"upgrade": "h2c"}, errors.InvalidUpgrade),
    "item 2: two Upgrades": ({"upgrade": "websocket, h2c"}, errors.InvalidUpgrade),
    "item 2: an empty Upgrade": ({"upgrade": ""}, errors.InvalidHandshake),
    "item 3: no Connection": ({"connection": None}, errors.InvalidUpgrade),
    "item 3: Connection: close": ({"connection": "close"}, errors.InvalidUpgrade),
    "item 3: Connection that only contains the word": ({"connection": "no-upgrade"}, errors.InvalidUpgrade),
    "item 4: no accept value": ({"accept": None}, errors.InvalidHeader),
    "item 4: an empty accept value": ({"accept": ""}, errors.InvalidHeader),
    "item 4: that of another key": ({"accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, errors.InvalidHeader),
    "item 4: the accept value and more": ({"accept": "{accept}="}, errors.InvalidHeader),
    "11.3.3: the accept value twice": ({"more": ["Sec-WebSocket-Accept: {accept}"]}, errors.InvalidHeader),
    "item 5: an extension that was not offered": (
        {"more": ["Sec-WebSocket-Extensions: x-foo"]},
        errors.NegotiationError,
    ),
    "item 5: permessage-deflate that was not offered": (
        {"more": ["Sec-WebSocket-Extensions: permessage-deflate"]},
        errors.NegotiationError,
    ),
    "9.1: an extension list that is none": (
        {"more": ["Sec-WebSocket-Extensions: a b"]},
        errors.InvalidHandshake,
    ),
    "9.1: an empty extension list": ({"more": ["Sec-WebSocket-Extensions:"]}, errors.InvalidHandshake),
    "item 6: a subprotocol that was not offered": (
        {"more": ["Sec-WebSocket-Protocol: chat"]},
        errors.NegotiationError,
    ),
    "4.3: a subprotocol that is no token": (
        {"more": ["Sec-WebSocket-Protocol: ch@t"]},
        errors.InvalidHandshake,
    ),
    # The status
    "item 1: 200": ({"line": "HTTP/1.1 200 OK", "more": ["Content-Length: 0"]}, errors.InvalidStatus),
    "item 1: 401": (
        {"line": "HTTP/1.1 401 Unauthorized", "more": ["Content-Length: 0"]},
        errors.InvalidStatus,
    ),
    "item 1: 404": ({"line": "HTTP/1.1 404 Not Found", "more": ["Content-Length: 0"]}, errors.InvalidStatus),
    "item 1: 503": (
        {"line": "HTTP/1.1 503 Service Unavailable", "more": ["Content-Length: 0"]},
        errors.InvalidStatus,
    ),
    "item 1: HTTP/1.0": ({"line": "HTTP/1.0 101 Switching Protocols"}, errors.InvalidMessage),
    "item 1: HTTP/2.0": ({"line": "HTTP/2.0 101 Switching Protocols"}, errors.InvalidMessage),
    "RFC 9112 4: no status": ({"line": "HTTP/1.1"}, errors.InvalidMessage),
    "RFC 9112 4: a status of four digits": ({"line": "HTTP/1.1 1010 Much"}, errors.InvalidMessage),
    "RFC 9112 4: a status of letters": ({"line": "HTTP/1.1 abc Switching"}, errors.InvalidMessage),
    "RFC 9112 4: no HTTP": ({"line": "WS/1.1 101 Switching Protocols"}, errors.InvalidMessage),
    # Header lines
    "RFC 9112 5.1: a blank before the colon": ({"raw": b"X-Header : a\r\n"}, errors.InvalidMessage),
    "RFC 9112 5.1: no colon": ({"raw": b"X-Header\r\n"}, errors.InvalidMessage),
    "RFC 9112 5.2: a folded line": ({"raw": b"X-Header: a\r\n b\r\n"}, errors.InvalidMessage),
    "RFC 9110 5.5: NUL": ({"raw": b"X-Header: a\0b\r\n"}, errors.InvalidMessage),
    "RFC 9110 5.5: CR": ({"raw": b"X-Header: a\rb\r\n"}, errors.InvalidMessage),
    "RFC 9112 2.2: LF": ({"raw": b"X-Header: a\nX-Other: b\r\n"}, errors.InvalidMessage),
    # Limits
    "10.4: a long status line": ({"line": "HTTP/1.1 101 " + "a" * 9000}, errors.InvalidHandshake),
    "10.4: a long header": ({"more": ["X-Long: " + "a" * 9000]}, errors.InvalidHandshake),
    "10.4: too many headers": (
        {"more": [f"X-{number}: a" for number in range(300)]},
        errors.InvalidHandshake,
    ),
    "10.4: a head over 64 KiB": (
        {"more": [f"X-{number}: {'a' * 8000}" for number in range(10)]},
        errors.InvalidHandshake,
    ),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED)
async def test_4_1_response_refused(changes: Changes, error: type[Exception]) -> None:
    """`connect` raises, and TCP is closed without a byte of WebSocket."""
    async with dialled() as (peer, task):
        _, head = await opening(peer)
        await peer.send(_response(head, changes))
        with pytest.raises(error):
            await task
        rest, _ = await peer.read_rest()
        assert rest == b""


@pytest.mark.parametrize(
    ("offered", "answer", "error"),
    [
        (["chat"], ["Sec-WebSocket-Protocol: superchat"], "NegotiationError"),
        (["chat"], ["Sec-WebSocket-Protocol: Chat"], "NegotiationError"),
        (["chat", "superchat"], ["Sec-WebSocket-Protocol: chat, superchat"], "InvalidHandshake"),
        (
            ["chat", "superchat"],
            ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: superchat"],
            "InvalidHandshake",
        ),
        (["chat"], ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"], "InvalidHandshake"),
        (["chat"], ["Sec-WebSocket-Protocol: chat superchat"], "InvalidHandshake"),
    ],
)
async def test_4_1_item_6_a_wrong_subprotocol_is_refused(
    offered: list[str], answer: list[str], error: str
) -> None:
    async with dialled(subprotocols=offered) as (peer, task):
        _, head = await opening(peer)
        await peer.send(_response(head, {"more": answer}))
        with pytest.raises(getattr(errors, error)):
            await task


async def test_4_1_item_6_the_server_may_choose_no_subprotocol() -> None:
    async with dialled(subprotocols=["chat"]) as (peer, task):
        _, head = await opening(peer)
        await peer.send(upgrade_response(head))
        assert (await task).subprotocol is None
        await converse(peer, task)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"220 mail.example ESMTP\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
        b"\r\n\r\n",
        b"\x15\x03\x01",
    ],
    ids=["SSH", "SMTP", "NUL", "empty lines", "TLS alert"],
)
async def test_1_6_a_server_of_another_protocol_is_refused(garbage: bytes) -> None:
    async with dialled() as (peer, task):
        await peer.read_head()
        await peer.send(garbage)
        await turn_loop()
        peer.fin()
        with pytest.raises(errors.InvalidHandshake):
            await task


@pytest.mark.parametrize(
    "endless", [b"HTTP/1.1 101 " + b"a" * 100_000, b"HTTP/1.1 101 OK\r\n" + b"X: a\r\n" * 20_000]
)
async def test_10_4_a_response_that_never_ends_is_refused_at_the_limit(endless: bytes) -> None:
    async with dialled() as (peer, task):
        await peer.read_head()
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            await peer.send(endless)
        with pytest.raises(errors.InvalidHandshake):
            await task


@pytest.mark.parametrize("sent", [0, 1, 30, -1])
async def test_4_1_a_server_that_leaves_within_its_response(sent: int) -> None:
    async with dialled() as (peer, task):
        _, head = await opening(peer)
        await peer.send(upgrade_response(head)[:sent])
        peer.fin()
        with pytest.raises((errors.InvalidHandshake, EOFError, ConnectionError)):
            await task


async def test_4_1_a_server_that_resets_within_the_handshake() -> None:
    async with dialled() as (peer, task):
        await peer.read_head()
        peer.reset()
        with pytest.raises((errors.InvalidHandshake, EOFError, ConnectionError)):
            await task


async def test_4_1_a_server_that_never_answers_is_left_at_open_timeout() -> None:
    async with dialled(open_timeout=0.5) as (peer, task):
        await peer.read_head()
        with pytest.raises(TimeoutError):
            await task
        _, end = await peer.read_rest()
        assert end in (End.FIN, End.RST)


async def test_4_1_item_1_the_refusal_is_given_to_the_application() -> None:
    body = b"no such room"
    async with dialled() as (peer, task):
        await peer.read_head()
        await peer.send(
            b"HTTP/1.1 404 Not Found\r\nX-Why: room\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        with pytest.raises(errors.InvalidStatus) as raised:
            await task
        assert raised.value.response.status_code == 404
        assert raised.value.response.headers["X-Why"] == "room"
        assert bytes(raised.value.response.body) == body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_4_1_item_1_a_redirect_is_followed(status: int) -> None:
    with listening() as listener:
        port = listener.getsockname()[1]
        task = asyncio.ensure_future(_connect(f"ws://127.0.0.1:{port}/old", {}))
        first = await accepted(listener)
        line, _ = await opening(first)
        assert line == "GET /old HTTP/1.1"
        await first.send(
            f"HTTP/1.1 {status} Moved\r\nLocation: /new?x=1\r\nContent-Length: 0\r\n\r\n".encode()
        )
        second = await accepted(listener)
        line, head = await opening(second)
        assert line == "GET /new?x=1 HTTP/1.1"
        await second.send(upgrade_response(head))
        await converse(second, task)
        first.close()
        second.close()


async def test_4_1_connecting_over_a_given_socket() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    task = asyncio.ensure_future(
        _connect("ws://example.com/over/a/pair", {"sock": theirs, "server_hostname": None})
    )
    loop = asyncio.get_running_loop()
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await loop.sock_recv(ours, 4096)
    assert head.startswith(b"GET /over/a/pair HTTP/1.1\r\n")
    assert header_values(head, "Host") == ["example.com"]  # item 4: no port where it is the default
    await loop.sock_sendall(ours, upgrade_response(head) + encode(CLOSE, close_payload(1000)))
    ws = await task
    ours.shutdown(socket.SHUT_WR)
    with pytest.raises(errors.ConnectionClosed):
        await ws.recv()
    await ws.wait_closed()
    ours.close()
