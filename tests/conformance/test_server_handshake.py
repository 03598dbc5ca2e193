"""RFC 6455 section 4.2: what a server accepts as an opening handshake, and how it refuses everything else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from . import subject
from .lines import QUIET, Application, accept_value, header_values, port_of
from .peer import CLOSE, TEXT, End, Peer, chop, close_payload, encode, turn_loop

pytestmark = pytest.mark.engine

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of section 1.3
BASE: dict[str, str | None] = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}


def request(*more: str, line: str = "GET /chat HTTP/1.1", **changes: str | None) -> bytes:
    """The minimal opening handshake, changed.

    Args:
        more: Header lines behind the others.
        line: The request line.
        changes: Header values by name, with ``_`` for ``-``; None leaves the header out.
    """
    headers = dict(BASE)
    for name, value in changes.items():
        headers[next((known for known in BASE if known.lower() == name.replace("_", "-").lower()), name)] = (
            value
        )
    lines = [line, *(f"{name}: {value}" for name, value in headers.items() if value is not None), *more]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


@contextlib.asynccontextmanager
async def served(**options: Any) -> AsyncIterator[tuple[Peer, Application]]:
    app = Application()
    async with subject.serve(app.run, "127.0.0.1", 0, **(QUIET | options)) as server:
        peer = await Peer.dial(port_of(server))
        try:
            yield peer, app
        finally:
            peer.close()


async def converse(peer: Peer) -> None:
    """An echo and a clean close: the connection is established for real."""
    await peer.send_frame(TEXT, b"Hello")
    await peer.expect(TEXT, b"Hello")
    await peer.send_close(1000)
    await peer.expect_close(1000)
    await peer.expect_end(End.FIN)
    peer.fin()


class Refusal(NamedTuple):
    status: int
    headers: bytes
    body: bytes


async def read_refusal(peer: Peer) -> Refusal:
    """Read an HTTP response, held against RFC 9112, up to the server's FIN; it is not destroyed by a reset."""
    head = await peer.read_head()
    status_line = head.split(b"\r\n", 1)[0]
    match = re.fullmatch(rb"HTTP/1\.1 ([1-5]\d\d) [\t\x20-\x7e]*", status_line)
    assert match, status_line
    for line in head[:-4].split(b"\r\n")[1:]:
        assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*", line), line
    body, end = await peer.read_rest()
    assert end is End.FIN
    assert header_values(head, "Content-Length") == [str(len(body))]
    assert "close" in [
        token.strip().lower() for token in ",".join(header_values(head, "Connection")).split(",")
    ]
    assert not header_values(head, "Sec-WebSocket-Accept"), "a refusal that grants"
    peer.fin()
    return Refusal(int(match[1]), head, body)


# What is accepted

PADDING = [f"X-Padding-{number}: {'x' * 100}" for number in range(100)]

ACCEPTED: dict[str, bytes] = {
    "4.2.1 the minimum": request(),
    "4.2.1 item 1: an absolute URI": request(line="GET http://127.0.0.1/chat HTTP/1.1"),
    "4.2.1 item 1: a query": request(line="GET /chat?a=1&b=%20 HTTP/1.1"),
    "4.2.1 item 2: Host with port": request(host="127.0.0.1:8080"),
    "4.2.1 item 2: Host of IPv6": request(host="[::1]:8080"),
    "4.2.1 item 3: Upgrade in capitals": request(upgrade="WEBSOCKET"),
    "4.2.1 item 3: Upgrade in mixed case": request(upgrade="WebSocket"),
    "4.2.1 item 4: Connection in lower case": request(connection="upgrade"),
    "4.2.1 item 4: Connection of Firefox": request(connection="keep-alive, Upgrade"),
    "4.2.1 item 4: Connection, Upgrade first": request(connection="Upgrade, keep-alive"),
    "4.2.1 item 4: Connection without blanks": request(connection="keep-alive,Upgrade"),
    "4.2.1 item 4: Connection with tabs": request(connection="keep-alive\t,\tUpgrade"),
    "4.2.1 item 4: Connection in two lines": request("Connection: Upgrade", connection="keep-alive"),
    "4.2.1 item 4: empty elements (RFC 9110 5.6.1.2)": request(connection=", keep-alive,, Upgrade,"),
    "4.2.1 item 5: the key of the example in 4.1": request(sec_websocket_key="AQIDBAUGBwgJCgsMDQ4PEC=="),
    "4.2.1 item 5: blanks around the key": request(sec_websocket_key=f"  {KEY} \t"),
    "4.2.1 item 7: no Origin": request(),
    "4.2.1 item 7: an Origin": request("Origin: http://example.com"),
    "4.2.1 item 8: subprotocols that the server does not speak": request(
        "Sec-WebSocket-Protocol: chat, superchat"
    ),
    "4.2.1 item 8: an empty subprotocol header": request("Sec-WebSocket-Protocol:"),
    "4.2.1 item 8: subprotocols in two lines": request(
        "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"
    ),
    "4.2.1 item 9: an unknown extension": request('Sec-WebSocket-Extensions: x-unknown; a; b=1; c="two"'),
    "4.2.1 item 9: extensions in two lines": request(
        "Sec-WebSocket-Extensions: a", "Sec-WebSocket-Extensions: b"
    ),
    "4.2.1 item 10: unknown headers and cookies": request("Cookie: a=b", "X-Unknown: \x80\xff", "X-Empty:"),
    "4.2.1 item 10: the same unknown header twice": request("X-Twice: 1", "X-Twice: 2"),
    "RFC 9112 5: names in lower case": request()
    .replace(b"Sec-WebSocket", b"sec-websocket")
    .replace(b"Host", b"host"),
    "RFC 9112 5: names in capitals": b"".join(
        line.partition(b":")[0].upper() + b":" + line.partition(b":")[2] if b":" in line else line
        for line in request().splitlines(keepends=True)
    ),
    "RFC 9112 5: no blank behind the colon": request().replace(b": ", b":"),
    "RFC 9112 5: blanks and tabs around values": request(upgrade=" \t websocket\t "),
    "RFC 9112 6: Content-Length 0": request("Content-Length: 0"),
    "4.2.1: the headers in reverse": b"\r\n".join(
        [request().split(b"\r\n")[0], *reversed(request().split(b"\r\n")[1:-2]), b"", b""]
    ),
    "10.4: a hundred headers": request(*PADDING),
}


@pytest.mark.parametrize("head", ACCEPTED.values(), ids=ACCEPTED)
async def test_4_2_accepted(head: bytes) -> None:
    async with served() as (peer, _):
        await peer.send(head)
        response = await peer.read_head()
        assert response.startswith(b"HTTP/1.1 101 "), response
        assert [value.lower() for value in header_values(response, "Upgrade")] == ["websocket"]
        assert [value.lower() for value in header_values(response, "Connection")] == ["upgrade"]
        (key,) = header_values(head, "Sec-WebSocket-Key")
        assert header_values(response, "Sec-WebSocket-Accept") == [accept_value(key)]
        for header in (
            "Sec-WebSocket-Extensions",
            "Sec-WebSocket-Protocol",
            "Content-Length",
            "Transfer-Encoding",
        ):
            assert header_values(response, header) == []
        await converse(peer)


async def test_1_3_the_accept_value_of_the_example() -> None:
    async with served() as (peer, _):
        await peer.send(request())
        assert header_values(await peer.read_head(), "Sec-WebSocket-Accept") == [
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        ]
        await converse(peer)


@pytest.mark.parametrize("step", [1, 7, 100])
async def test_4_2_a_head_in_chops(step: int) -> None:
    async with served() as (peer, _):
        await peer.send_in_pieces(chop(request("Cookie: a=b"), step))
        assert (await peer.read_head()).startswith(b"HTTP/1.1 101 ")
        await converse(peer)


async def test_4_2_frames_right_behind_the_head() -> None:
    """The client had to wait (4.1), and yet its frames are not lost."""
    mask = b"\1\2\3\4"
    async with served() as (peer, app):
        early = encode(TEXT, b"early", mask=mask) + encode(CLOSE, close_payload(1000), mask=mask)
        await peer.send(request() + early)
        assert (await peer.read_head()).startswith(b"HTTP/1.1 101 ")
        await peer.expect(TEXT, b"early")
        await peer.expect_close(1000)
        await peer.expect_end(End.FIN)
        peer.fin()
        assert await app.ended() == (1000, "")


@pytest.mark.parametrize(
    ("offered", "spoken", "chosen"),
    [
        (["chat"], ["chat"], "chat"),
        (["chat, superchat"], ["superchat"], "superchat"),
        (["chat", "superchat"], ["superchat"], "superchat"),
        (["chat,superchat"], ["other", "chat"], "chat"),
        (["Chat, chat"], ["chat"], "chat"),
    ],
)
async def test_4_2_2_a_subprotocol_is_selected(offered: list[str], spoken: list[str], chosen: str) -> None:
    async with served(subprotocols=spoken) as (peer, app):
        await peer.send(request(*(f"Sec-WebSocket-Protocol: {value}" for value in offered)))
        response = await peer.read_head()
        assert header_values(response, "Sec-WebSocket-Protocol") == [chosen]
        assert (await app.connection).subprotocol == chosen
        await converse(peer)


# What is refused. Each row: the request, the statuses that are right, and what the response must say besides.

UPGRADE = {"Upgrade": "websocket"}
VERSIONS = {"Sec-WebSocket-Version": "13"}


def header(*lines: bytes | str) -> bytes:
    """The minimal handshake with raw lines before its end."""
    raw = [line.encode("latin-1") if isinstance(line, str) else line for line in lines]
    return request()[:-2] + b"".join(raw) + b"\r\n"


REFUSED: dict[str, tuple[bytes, tuple[int, ...], dict[str, str]]] = {
    # item 1: a GET of HTTP/1.1
    "4.2.1 item 1: POST": (request(line="POST / HTTP/1.1"), (405,), {"Allow": "GET"}),
    "4.2.1 item 1: PUT": (request(line="PUT / HTTP/1.1"), (405,), {"Allow": "GET"}),
    "4.2.1 item 1: a method in lower case": (request(line="get / HTTP/1.1"), (405,), {"Allow": "GET"}),
    "4.2.1 item 1: HTTP/1.0": (request(line="GET / HTTP/1.0"), (505,), {}),
    "4.2.1 item 1: HTTP/0.9": (request(line="GET / HTTP/0.9"), (505, 400), {}),
    "4.2.1 item 1: HTTP/2.0": (request(line="GET / HTTP/2.0"), (505,), {}),
    "RFC 9112 2.3: no version": (request(line="GET /"), (400,), {}),
    "RFC 9112 2.3: version in lower case": (request(line="GET / http/1.1"), (400,), {}),
    "RFC 9112 2.3: no such version": (request(line="GET / HTTP/1.1x"), (400,), {}),
    "RFC 9112 2.3: two digits": (request(line="GET / HTTP/1.10"), (400,), {}),
    "RFC 9112 2.3: no HTTP": (request(line="GET / WS/1.1"), (400,), {}),
    "RFC 9112 3: no target": (request(line="GET  HTTP/1.1"), (400,), {}),
    "RFC 9112 3: two blanks": (request(line="GET  / HTTP/1.1"), (400,), {}),
    "RFC 9112 3: a tab": (request(line="GET\t/\tHTTP/1.1"), (400,), {}),
    "RFC 9112 3: a blank in the target": (request(line="GET /a b HTTP/1.1"), (400,), {}),
    "RFC 9112 3: a blank behind the version": (request(line="GET / HTTP/1.1 "), (400,), {}),
    "RFC 9112 3: a blank before the method": (request(line=" GET / HTTP/1.1"), (400,), {}),
    "RFC 9112 3: a control character in the target": (request(line="GET /\x01 HTTP/1.1"), (400,), {}),
    "RFC 9112 3: a byte above ASCII in the target": (request(line="GET /\xe9 HTTP/1.1"), (400,), {}),
    "RFC 9112 3.2: a relative target": (request(line="GET chat HTTP/1.1"), (400,), {}),
    "RFC 9112 3.2: a target of CONNECT": (request(line="GET 127.0.0.1:80 HTTP/1.1"), (400,), {}),
    "RFC 9112 3.2: a target of OPTIONS": (request(line="GET * HTTP/1.1"), (400,), {}),
    "3: a fragment in the target": (request(line="GET /chat#top HTTP/1.1"), (400,), {}),
    # item 2: Host
    "4.2.1 item 2: no Host": (request(host=None), (400,), {}),
    "4.2.1 item 2: Host twice": (request("Host: 127.0.0.1"), (400,), {}),
    "4.2.1 item 2: Host with a blank": (request(host="127.0.0.1 evil"), (400,), {}),
    "4.2.1 item 2: Host with a path": (request(host="127.0.0.1/path"), (400,), {}),
    "4.2.1 item 2: Host with a user": (request(host="user@127.0.0.1"), (400,), {}),
    "4.2.1 item 2: Host with a wrong port": (request(host="127.0.0.1:port"), (400,), {}),
    "4.2.1 item 2: Host as a list": (request(host="a.example, b.example"), (400,), {}),
    # items 3 and 4: Upgrade and Connection
    "4.2.1 item 3: no Upgrade": (request(upgrade=None), (426,), UPGRADE),
    "4.2.1 item 3: another Upgrade": (request(upgrade="h2c"), (426,), UPGRADE),
    "4.2.1 item 3: Upgrade that only starts so": (request(upgrade="websockets"), (426,), UPGRADE),
    "4.2.1 item 3: an empty Upgrade": (request(upgrade=""), (426,), UPGRADE),
    "4.2.1 item 4: no Connection": (request(connection=None), (426,), UPGRADE),
    "4.2.1 item 4: Connection: keep-alive": (request(connection="keep-alive"), (426,), UPGRADE),
    "4.2.1 item 4: Connection that only contains the word": (
        request(connection="no-upgrade"),
        (426,),
        UPGRADE,
    ),
    "4.2.1 item 4: Connection without a comma": (request(connection="keep-alive Upgrade"), (400, 426), {}),
    "RFC 9110 15.5.22: plain HTTP": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", (426,), UPGRADE),
    # item 5: the key
    "4.2.1 item 5: no key": (request(sec_websocket_key=None), (400,), {}),
    "11.3.1: the key twice": (request(f"Sec-WebSocket-Key: {KEY}"), (400,), {}),
    "11.3.1: two keys": (request("Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC=="), (400,), {}),
    "4.2.1 item 5: an empty key": (request(sec_websocket_key=""), (400,), {}),
    "4.2.1 item 5: a key of 15 bytes": (request(sec_websocket_key="AQIDBAUGBwgJCgsMDQ4P"), (400,), {}),
    "4.2.1 item 5: a key of 17 bytes": (request(sec_websocket_key="AQIDBAUGBwgJCgsMDQ4PEBE="), (400,), {}),
    "4.2.1 item 5: a key that is no base64": (request(sec_websocket_key="!" * 22 + "=="), (400,), {}),
    "4.2.1 item 5: base64 for URLs": (request(sec_websocket_key="_-" * 11 + "=="), (400,), {}),
    "4.2.1 item 5: base64 with a blank in it": (
        request(sec_websocket_key=KEY[:10] + " " + KEY[10:]),
        (400,),
        {},
    ),
    "4.2.1 item 5: base64 without padding": (request(sec_websocket_key=KEY[:-2]), (400,), {}),
    "4.2.1 item 5: base64 with too much padding": (request(sec_websocket_key=KEY + "="), (400,), {}),
    "4.2.1 item 5: padding in the middle": (
        request(sec_websocket_key=KEY[:10] + "==" + KEY[10:]),
        (400,),
        {},
    ),
    # item 6: the version
    "4.4: version 8": (request(sec_websocket_version="8"), (426,), VERSIONS),
    "4.4: version 25": (request(sec_websocket_version="25"), (426,), VERSIONS),
    "4.4: version 0": (request(sec_websocket_version="0"), (426,), VERSIONS),
    "4.3: version 013": (request(sec_websocket_version="013"), (426, 400), {}),
    "4.3: version 256": (request(sec_websocket_version="256"), (426, 400), {}),
    "4.3: version 13.0": (request(sec_websocket_version="13.0"), (426, 400), {}),
    "4.3: version -13": (request(sec_websocket_version="-13"), (426, 400), {}),
    "4.3: a list of versions": (request(sec_websocket_version="13, 8"), (426, 400), {}),
    "4.3: an empty version": (request(sec_websocket_version=""), (426, 400), {}),
    "4.2.1 item 6: no version": (request(sec_websocket_version=None), (426, 400), {}),
    "11.3.5: the version twice": (request("Sec-WebSocket-Version: 13"), (426, 400), {}),
    # items 7 to 9
    "RFC 6454 7.3: two Origins": (
        request("Origin: http://a.example", "Origin: http://a.example"),
        (400, 403),
        {},
    ),
    "4.3: subprotocols without a comma": (request("Sec-WebSocket-Protocol: chat superchat"), (400,), {}),
    "4.3: a subprotocol with a separator": (request("Sec-WebSocket-Protocol: ch@t"), (400,), {}),
    "4.3: a subprotocol in quotes": (request('Sec-WebSocket-Protocol: "chat"'), (400,), {}),
    "4.3: a subprotocol above ASCII": (request("Sec-WebSocket-Protocol: ch\xe4t"), (400,), {}),
    "4.1 item 10: a subprotocol twice": (request("Sec-WebSocket-Protocol: chat, chat"), (400,), {}),
    "4.1 item 10: a subprotocol twice in two lines": (
        request("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat"),
        (400,),
        {},
    ),
    **{
        f"9.1: extension list {bad!r}": (request(f"Sec-WebSocket-Extensions: {bad}"), (400,), {})
        for bad in (
            "",
            "a b",
            "a;",
            "a;;b",
            "a; =1",
            "a; b=",
            "a; b=1 2",
            'a; b="1 2"',
            'a; b="1',
            'a; b=""',
            "a; b==1",
            "@",
            '"a"',
            "a; b@c",
        )
    },
    # Header lines (RFC 9112 section 5)
    "RFC 9112 5.1: a blank before the colon": (header("X-Header : value\r\n"), (400,), {}),
    "RFC 9112 5.1: no colon": (header("X-Header\r\n"), (400,), {}),
    "RFC 9112 5.1: no name": (header(": value\r\n"), (400,), {}),
    "RFC 9112 5.1: a name with a blank": (header("X Header: value\r\n"), (400,), {}),
    "RFC 9112 5.1: a name with a separator": (header("X(Header): value\r\n"), (400,), {}),
    "RFC 9112 5.1: a name above ASCII": (header("X-H\xe4der: value\r\n"), (400,), {}),
    "RFC 9112 5.2: a folded line": (header("X-Header: one\r\n two\r\n"), (400,), {}),
    "RFC 9112 5.2: a line folded by a tab": (header("X-Header: one\r\n\ttwo\r\n"), (400,), {}),
    "RFC 9112 2.2: a folded first line": (request(line="GET / HTTP/1.1\r\n folded"), (400,), {}),
    "RFC 9110 5.5: NUL in a value": (header("X-Header: a\0b\r\n"), (400,), {}),
    "RFC 9110 5.5: CR in a value": (header("X-Header: a\rb\r\n"), (400,), {}),
    "RFC 9110 5.5: LF in a value": (header("X-Header: a\nX-Smuggled: b\r\n"), (400,), {}),
    "RFC 9110 5.5: a control character in a value": (header("X-Header: a\x01b\r\n"), (400,), {}),
    "RFC 9110 5.5: DEL in a value": (header("X-Header: a\x7fb\r\n"), (400,), {}),
    "RFC 9112 2.2: all lines end with LF": (request().replace(b"\r\n", b"\n"), (400,), {}),
    "RFC 9112 2.2: one line ends with LF": (request().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"), (400,), {}),
    "RFC 9112 2.2: all lines end with CR": (request().replace(b"\r\n", b"\r") + b"\r\n\r\n", (400,), {}),
    # Bodies (RFC 9112 section 6)
    "RFC 9112 6: a body": (request("Content-Length: 5") + b"Hello", (400, 413), {}),
    "RFC 9112 6: a chunked body": (request("Transfer-Encoding: chunked") + b"0\r\n\r\n", (400, 501), {}),
    "RFC 9112 6.3: two lengths": (request("Content-Length: 0", "Content-Length: 5"), (400,), {}),
    "RFC 9112 6.3: a length that is no number": (request("Content-Length: +0"), (400,), {}),
    # Limits
    "10.4: a long request line": (request(line=f"GET /{'a' * 9000} HTTP/1.1"), (400, 414, 431), {}),
    "10.4: a long header": (header(f"X-Long: {'a' * 9000}\r\n"), (400, 431), {}),
    "10.4: a long name": (header(f"{'X' * 9000}: a\r\n"), (400, 431), {}),
    "10.4: too many headers": (header(*(f"X-{number}: a\r\n" for number in range(300))), (400, 431), {}),
    "10.4: a head over 64 KiB": (
        header(*(f"X-{number}: {'a' * 8000}\r\n" for number in range(10))),
        (400, 431),
        {},
    ),
    # What is not HTTP at all
    "not HTTP: an empty line": (b"\r\n\r\n\r\n", (400,), {}),
    "not HTTP: words": (b"Hello, is there anybody?\r\n\r\n", (400,), {}),
    "not HTTP: SSH": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", (400,), {}),
    "not HTTP: the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 426, 505), {}),
    "not HTTP: a TLS hello": (
        bytes.fromhex("16030100f8010000f40303") + b"\0" * 100 + b"\r\n\r\n",
        (400,),
        {},
    ),
    "not HTTP: a frame": (encode(TEXT, b"Hello", mask=b"\1\2\3\4") + b"\r\n\r\n", (400,), {}),
    "not HTTP: a response": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", (400,), {}),
}


@pytest.mark.parametrize(("head", "statuses", "says"), REFUSED.values(), ids=REFUSED)
async def test_4_2_refused(head: bytes, statuses: tuple[int, ...], says: dict[str, str]) -> None:
    async with served() as (peer, app):
        await peer.send(head)
        refusal = await read_refusal(peer)
        assert refusal.status in statuses, refusal
        for name, value in says.items():
            assert header_values(refusal.headers, name) == [value]
        if refusal.status == 426:  # RFC 9110 section 7.8 and 15.5.22
            assert header_values(refusal.headers, "Upgrade") == ["websocket"]
            assert "Upgrade" in ", ".join(header_values(refusal.headers, "Connection"))
        assert not app.connection.done()


async def test_4_2_refused_head_needs_no_body() -> None:
    """A response to HEAD has no body (RFC 9110 section 9.3.2), whatever its Content-Length says."""
    async with served() as (peer, _):
        await peer.send(request(line="HEAD / HTTP/1.1"))
        head = await peer.read_head()
        assert head.startswith(b"HTTP/1.1 405 ")
        body, end = await peer.read_rest()
        assert end is End.FIN
        assert body == b""


@pytest.mark.parametrize(
    ("endless", "statuses"),
    [
        (b"GET /" + b"a" * 100_000, (400, 414, 431)),
        (b"a" * 100_000, (400, 431)),
        (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 100_000, (400, 431)),
        (b"GET / HTTP/1.1\r\n" + b"X-Header: a\r\n" * 10_000, (400, 431)),
    ],
    ids=["request line", "no blank", "header", "headers"],
)
async def test_10_4_a_head_that_never_ends_is_refused_at_the_limit(
    endless: bytes, statuses: tuple[int, ...]
) -> None:
    async with served() as (peer, _):
        await peer.send(endless)
        assert (await read_refusal(peer)).status in statuses


@pytest.mark.parametrize(
    "start", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\nHost: a\n", b"\0"], ids=["TLS", "LF", "NUL"]
)
async def test_4_2_what_cannot_become_http_is_refused_at_once(start: bytes) -> None:
    """The head is not complete, and need not be."""
    async with served() as (peer, _):
        await peer.send(start)
        assert (await read_refusal(peer)).status == 400


@pytest.mark.parametrize(
    "case", ["4.2.1 item 5: no key", "not HTTP: words", "4.4: version 8", "10.4: a head over 64 KiB"]
)
async def test_7_1_1_a_refusal_is_not_destroyed_by_a_reset(case: str) -> None:
    """The peer sends 1 MB behind the bad head, and reads only then."""
    head, statuses, _ = REFUSED[case]
    async with served() as (peer, _):
        await peer.send(head)
        await turn_loop()
        for _ in range(16):
            await peer.send(b"\0" * 65536)
        assert (await read_refusal(peer)).status in statuses


async def test_4_2_a_head_that_never_ends_is_dropped_at_open_timeout() -> None:
    async with served(open_timeout=0.2) as (peer, app):
        await peer.send(request()[:-1])
        _, end = await peer.read_rest()
        assert end in (End.FIN, End.RST)
        assert not app.connection.done()


async def test_4_2_a_peer_that_says_nothing_is_dropped_at_open_timeout() -> None:
    async with served(open_timeout=0.2) as (peer, _):
        rest, _ = await peer.read_rest()
        assert b"101" not in rest


@pytest.mark.parametrize("sent", [0, 1, 50, len(request()) - 1])
async def test_4_2_a_peer_that_leaves_within_its_head(sent: int) -> None:
    async with served() as (peer, app):
        await peer.send(request()[:sent])
        peer.fin()
        rest, end = await peer.read_rest()
        assert end is End.FIN
        assert not rest.startswith(b"HTTP/1.1 101")
        assert not app.connection.done()


# Origin (sections 4.2.2 and 10.2)

ALLOWED = "http://good.example"


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        ([ALLOWED], ALLOWED, 101),
        ([ALLOWED], "http://evil.example", 403),
        ([ALLOWED], "http://good.example.evil.example", 403),
        ([ALLOWED], "https://good.example", 403),
        ([ALLOWED], "null", 403),
        ([ALLOWED], "", 403),
        ([ALLOWED], None, 403),
        ([ALLOWED, None], None, 101),
        ([ALLOWED, None], "http://evil.example", 403),
        ([re.compile(r"https?://[a-z]+\.good\.example")], "http://www.good.example", 101),
        ([re.compile(r"https?://[a-z]+\.good\.example")], "http://www.good.example.evil", 403),
        ([re.compile(r"https?://[a-z]+\.good\.example")], None, 403),
        (None, "http://anyone.example", 101),
        (None, None, 101),
    ],
)
async def test_10_2_the_origin_is_checked(
    origins: list[str | re.Pattern[str] | None] | None, origin: str | None, status: int
) -> None:
    async with served(origins=origins) as (peer, _):
        await peer.send(request(*([] if origin is None else [f"Origin: {origin}"])))
        if status == 101:
            assert (await peer.read_head()).startswith(b"HTTP/1.1 101 ")
            await converse(peer)
        else:
            assert (await read_refusal(peer)).status == status


async def test_4_2_a_refusal_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    if subject.NAME != "openline":
        pytest.skip("what is logged, and at which level, is openline's own rule")
    with caplog.at_level(logging.INFO):
        async with served() as (peer, _):
            await peer.send(b"Hello, is there anybody?\r\n\r\n")
            await read_refusal(peer)
        await asyncio.sleep(0)
    told = [
        record
        for record in caplog.records
        if record.name.startswith("openline") and record.levelno >= logging.INFO
    ]
    refused = [
        record
        for record in told
        if "listening" not in record.getMessage() and "clos" not in record.getMessage()
    ]
    assert [record.levelno for record in refused] == [logging.INFO], [record.getMessage() for record in told]
