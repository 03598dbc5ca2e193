"""The server's opening handshake, against clients that send bytes."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import re
from http import HTTPStatus

import pytest

from openline import Headers, NegotiationError, Request, Response, ServerConnection, connect, serve
from openline.protocol.http11 import MAX_HEAD_SIZE
from openline.websocket import server_opening

from .wire import ACCEPT, KEY, Wire, ask, client_frame, dial, server_frame, until, upgrade_request, uri_of

pytestmark = pytest.mark.engine


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="openline.server")


# What bad input gets: one row a case.

REFUSED = {
    "section 9112-3: not http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, {}),
    "section 9112-3: no request line": (b"HELLO\r\n\r\n", 400, {}),
    "section 9112-5: broken header line": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, {}),
    "section 9112-5.2: folded header": (b"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400, {}),
    "request line over the limit": (upgrade_request("/" + "x" * 9000), 431, {}),
    "header over the limit": (upgrade_request(X="x" * 9000), 431, {}),
    "head over 64 KiB": (b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 8000 + b"\r\n") * 9, 431, {}),
    "too many headers": (upgrade_request(**{f"X_{n}": "" for n in range(200)}), 431, {}),
    "section 4.2.1: no upgrade": (upgrade_request(Upgrade=None), 426, {"Upgrade": "websocket"}),
    "section 4.2.1: another upgrade": (upgrade_request(Upgrade="h2c"), 426, {"Upgrade": "websocket"}),
    "section 4.2.1: connection without upgrade": (
        upgrade_request(Connection="keep-alive"),
        426,
        {"Upgrade": "websocket"},
    ),
    "section 4.1: wrong method": (upgrade_request(method="POST"), 405, {"Allow": "GET"}),
    "section 4.1: head is no get": (upgrade_request(method="PUT"), 405, {"Allow": "GET"}),
    "section 4.2.1: http 1.0": (upgrade_request(version="HTTP/1.0"), 505, {}),
    "section 4.2.2: wrong version": (
        upgrade_request(Sec_WebSocket_Version="8"),
        426,
        {"Sec-WebSocket-Version": "13"},
    ),
    "section 4.2.1: no version": (upgrade_request(Sec_WebSocket_Version=None), 400, {}),
    "section 4.2.1: no key": (upgrade_request(Sec_WebSocket_Key=None), 400, {}),
    "section 4.2.1: short key": (upgrade_request(Sec_WebSocket_Key="AAAA"), 400, {}),
    "section 4.2.1: key that is no base64": (upgrade_request(Sec_WebSocket_Key="!" * 24), 400, {}),
    "section 4.2.1: no host": (upgrade_request(Host=None), 400, {}),
    "section 4.2.1: host that is none": (upgrade_request(Host="a b"), 400, {}),
    "section 9.1: broken extensions": (upgrade_request(Sec_WebSocket_Extensions="a;;b="), 400, {}),
}


@pytest.mark.parametrize(("request_", "status", "headers"), REFUSED.values(), ids=REFUSED)
async def test_refuses(
    request_: bytes, status: int, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        caplog.clear()
        answer = await ask(server, request_)
        assert answer.status == status
        assert "close" in answer.headers["Connection"]
        assert headers.items() <= answer.headers.items()
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Date"].endswith("GMT")
        (line,) = lines(caplog, logging.INFO)
        assert f"refused with {status}" in line
        assert "\n" not in line
        assert not lines(caplog, logging.ERROR)


ORIGINS = ["https://example.com", re.compile(r"https://[a-z]+\.example\.com")]


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        (None, None, 101),
        (None, "https://evil.example", 101),
        (ORIGINS, "https://example.com", 101),
        (ORIGINS, "https://chat.example.com", 101),
        (ORIGINS, "https://chat.example.com.evil", 403),
        (ORIGINS, "https://evil.example", 403),
        (ORIGINS, None, 403),
        ([*ORIGINS, None], None, 101),
    ],
)
async def test_section_10_2_origins(
    origins: list[str | re.Pattern[str] | None] | None, origin: str | None, status: int
) -> None:
    async with serve(echo, "127.0.0.1", 0, origins=origins) as server, dial(server) as wire:
        wire.send(upgrade_request(Origin=origin))
        assert (await wire.read_head()).status == status


async def test_section_1_3_accept() -> None:
    async with serve(echo, "127.0.0.1", 0, server_header="test") as server, dial(server) as wire:
        wire.send(upgrade_request())
        answer = await wire.read_head()
        assert answer.status == 101
        assert answer.headers == {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": ACCEPT,
            "Server": "test",
        }


async def test_connection_is_a_list_of_tokens() -> None:
    """As Firefox sends it (RFC 6455 section 4.2.1, item 4)."""
    async with serve(echo, "127.0.0.1", 0) as server, dial(server) as wire:
        wire.send(upgrade_request(Connection="keep-alive, Upgrade", Upgrade="WebSocket"))
        assert (await wire.read_head()).status == 101


async def test_empty_subprotocol_header_is_tolerated() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, dial(server) as wire:
        wire.send(upgrade_request(Sec_WebSocket_Protocol=""))
        assert (await wire.read_head()).status == 101


async def test_no_server_header() -> None:
    async with serve(echo, "127.0.0.1", 0, server_header=None) as server, dial(server) as wire:
        wire.send(upgrade_request())
        assert "Server" not in (await wire.read_head()).headers
        assert "Server" not in (await ask(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).headers


# How the bytes come.


async def test_byte_by_byte() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, dial(server) as wire:
        for byte in upgrade_request():
            wire.send(bytes([byte]))
            await wire.writer.drain()
            await asyncio.sleep(0)
        assert (await wire.read_head()).status == 101


async def test_frames_behind_the_head() -> None:
    async with serve(echo, "127.0.0.1", 0, compression=None) as server, dial(server) as wire:
        wire.send(upgrade_request() + client_frame(1, b"early") + client_frame(2, b"bird"))
        assert (await wire.read_head()).status == 101
        expected = server_frame(1, b"early") + server_frame(2, b"bird")
        assert await wire.read(len(expected)) == expected


async def test_frames_behind_the_head_while_a_hook_decides() -> None:
    asked = asyncio.Event()
    decide = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        asked.set()
        await decide.wait()

    async with (
        serve(echo, "127.0.0.1", 0, compression=None, process_request=process_request) as server,
        dial(server) as wire,
    ):
        wire.send(upgrade_request())
        await asked.wait()
        wire.send(client_frame(1, b"early"))
        await wire.writer.drain()
        decide.set()
        assert (await wire.read_head()).status == 101
        assert await wire.read(7) == server_frame(1, b"early")


async def test_reading_pauses_while_a_hook_decides() -> None:
    """What a client sends before it was answered must not grow without bound."""
    decide = asyncio.Event()
    received: list[int] = []

    async def process_request(ws: ServerConnection, request: Request) -> None:
        await decide.wait()

    async def handler(ws: ServerConnection) -> None:
        async for message in ws:
            received.append(len(message))

    async with (
        serve(handler, "127.0.0.1", 0, compression=None, process_request=process_request) as server,
        dial(server) as wire,
    ):
        wire.send(upgrade_request())
        frame = bytes([0x82, 0x80 | 126, 0x40, 0x00]) + bytes(4) + bytes(0x4000)
        count = await wire.send_until_it_blocks(frame, 2**26)
        decide.set()
        await wire.read_head()
        wire.send(client_frame(8, b"\x03\xe8"))
        assert await wire.read(4) == server_frame(8, b"\x03\xe8")
        await wire.close()
        await asyncio.gather(*server._tasks)
        assert received == [0x4000] * count


async def test_rfc_9112_section_2_2_empty_line_before_the_request() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, dial(server) as wire:
        wire.send(b"\r\n")
        await wire.writer.drain()
        await asyncio.sleep(0.01)
        wire.send(upgrade_request())
        assert (await wire.read_head()).status == 101


async def test_end_of_stream_in_the_head(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        caplog.clear()
        async with dial(server) as wire:
            wire.send(b"GET / HTTP/1.1\r\n")
            wire.writer.write_eof()
            assert await wire.read_to_end() == b""
        (line,) = lines(caplog, logging.INFO)
        assert "closed in the middle of the request" in line


async def test_nothing_sent_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """A health check of TCP connects, and goes."""
    async with serve(echo, "127.0.0.1", 0) as server:
        caplog.clear()
        async with dial(server) as wire:
            wire.writer.write_eof()
            assert await wire.read_to_end() == b""
        assert not caplog.records


async def test_open_timeout(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(echo, "127.0.0.1", 0, open_timeout=0.3) as server:
        caplog.clear()
        async with dial(server) as wire:
            wire.send(b"GET / HTTP/1.1\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert await wire.read_to_end() == b""
        (line,) = lines(caplog, logging.INFO)
        assert "timed out" in line


async def test_open_timeout_of_a_hook() -> None:
    cancelled = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with (
        serve(echo, "127.0.0.1", 0, open_timeout=0.3, process_request=process_request) as server,
        dial(server) as wire,
    ):
        wire.send(upgrade_request())
        await cancelled.wait()


async def test_client_that_goes_cancels_the_hook() -> None:
    asked = asyncio.Event()
    cancelled = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        async with dial(server) as wire:
            wire.send(upgrade_request())
            await asked.wait()
            wire.writer.transport.abort()
        await cancelled.wait()


async def test_half_open_handshakes_do_not_disturb_others() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        halves = []
        for _ in range(200):
            wire = dial(server)
            (await wire.__aenter__()).send(b"GET / HTTP/1.1\r\nHost: x\r\n")
            halves.append(wire)
        before = len(asyncio.all_tasks())
        async with connect(uri_of(server)) as ws:
            await ws.send("among them")
            assert await ws.recv() == "among them"
            # This test, the handler, and nothing for the 200.
            assert len(asyncio.all_tasks()) <= before + 1
        for wire in halves:
            await wire.__aexit__(None, None, None)


async def test_section_7_1_1_refusal_arrives_though_the_client_goes_on_sending() -> None:
    """Closing with unread data in the kernel would be a reset, which destroys the response."""
    async with serve(echo, "127.0.0.1", 0) as server, dial(server) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        wire.send(bytes(10_000_000))
        answer = await wire.read_answer()
        assert answer.status == 405
        assert await wire.read_to_end() == b""


async def send_for_ever(wire: Wire) -> None:
    while True:
        wire.send(b"more")
        await wire.writer.drain()
        await asyncio.sleep(0.001)


async def test_refused_client_that_does_not_close_is_cut_off() -> None:
    async with serve(echo, "127.0.0.1", 0, close_timeout=0.05) as server, dial(server) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await wire.read_answer()).status == 426
        await until(lambda: not server._openings)
        with pytest.raises(ConnectionError):
            await send_for_ever(wire)


async def test_client_that_ended_its_side_gets_its_answer_from_a_hook() -> None:
    async def process_request(ws: ServerConnection, request: Request) -> Response:
        await asyncio.sleep(0.02)
        return ws.respond(HTTPStatus.OK, "OK\n")

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server, dial(server) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.writer.write_eof()
        assert (await wire.read_answer()).body == b"OK\n"


# Hooks.


async def test_process_request_answers() -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response | None:
        assert ws.request is request
        if request.path == "/healthz":
            return ws.respond(HTTPStatus.OK, "OK\n")
        return None

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        answer = await ask(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (answer.status, answer.body) == (200, b"OK\n")
        assert answer.headers["Connection"] == "close"
        assert (await ask(server, upgrade_request("/healthz"))).status == 200
        async with connect(uri_of(server)) as ws:
            await ws.send("open")
            assert await ws.recv() == "open"


async def test_process_request_as_a_coroutine() -> None:
    async def process_request(ws: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(0)
        return ws.respond(HTTPStatus.FORBIDDEN, "no\n") if request.path == "/no" else None

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        assert (await ask(server, upgrade_request("/no"))).status == 403
        async with connect(uri_of(server)) as ws:
            await ws.send("open")
            assert await ws.recv() == "open"


async def test_response_to_head_has_no_body() -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        return ws.respond(HTTPStatus.OK, "OK\n")

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server, dial(server) as wire:
        wire.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await wire.read_head()).headers["Content-Length"] == "3"
        assert await wire.read_to_end() == b""


async def test_response_may_be_given_to_everybody() -> None:
    constant = Response(404, "Not Found", Headers({"Content-Length": "4"}), b"nope")

    async with serve(echo, "127.0.0.1", 0, process_request=lambda ws, request: constant) as server:
        async with dial(server) as wire:
            wire.send(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await wire.read_head()).status == 404
        for _ in range(2):
            assert (await ask(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).body == b"nope"


async def test_response_without_length_gets_one() -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        return Response(200, "OK", Headers({"X": "y"}), b"body")

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        answer = await ask(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.body == b"body"
        assert answer.headers["Connection"] == "close"


async def test_process_response_changes_and_replaces() -> None:
    async def process_response(ws: ServerConnection, request: Request, response: Response) -> Response | None:
        if request.path == "/other":
            return ws.respond(HTTPStatus.GONE, "gone\n")
        response.headers["X-Test"] = "yes"
        return None

    async with serve(echo, "127.0.0.1", 0, process_response=process_response) as server:
        assert (await ask(server, upgrade_request("/other"))).status == 410
        async with connect(uri_of(server)) as ws:
            assert ws.response is not None
            assert ws.response.headers["X-Test"] == "yes"


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("name", ["process_request", "process_response"])
async def test_hook_that_fails(name: str, asynchronous: bool, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("on purpose")

    async def fail_later(*args: object) -> None:
        raise RuntimeError("on purpose")

    hook = fail_later if asynchronous else fail
    async with serve(echo, "127.0.0.1", 0, **{name: hook}) as server:  # type: ignore[arg-type]
        answer = await ask(server, upgrade_request())
        assert answer.status == 500
        assert b"on purpose" not in answer.body
        (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
        assert record.exc_info is not None
        assert "failed" in record.getMessage()


async def test_hook_that_returns_nonsense(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(echo, "127.0.0.1", 0, process_request=lambda ws, request: "OK") as server:  # type: ignore
        assert (await ask(server, upgrade_request())).status == 500
        (line,) = lines(caplog, logging.ERROR)
        assert "neither a Response nor None" in line


async def test_hooks_run_in_the_context_of_serve() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    async def process_request(ws: ServerConnection, request: Request) -> None:
        seen.append(variable.get())

    def process_response(ws: ServerConnection, request: Request, response: Response) -> None:
        seen.append(variable.get())

    async def handler(ws: ServerConnection) -> None:
        seen.append(variable.get())

    variable.set("at serve")
    serving = serve(
        handler, "127.0.0.1", 0, process_request=process_request, process_response=process_response
    )
    variable.set("later")
    async with serving as server, connect(uri_of(server)) as ws:
        await ws.wait_closed()
    assert seen == ["at serve"] * 3


async def test_select_subprotocol() -> None:
    def select(ws: ServerConnection, offered: object) -> str | None:
        assert isinstance(ws, ServerConnection)
        if offered == ["none"]:
            return None
        if offered == ["refused"]:
            raise NegotiationError("not this one")
        return "b"

    async with serve(echo, "127.0.0.1", 0, select_subprotocol=select) as server:
        for offered, status in (("a, b", 101), ("none", 101), ("refused", 400)):
            async with dial(server) as wire:
                wire.send(upgrade_request(Sec_WebSocket_Protocol=offered))
                answer = await wire.read_head()
                assert answer.status == status
                assert answer.headers.get("Sec-WebSocket-Protocol") == ("b" if offered == "a, b" else None)


async def test_select_subprotocol_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def select(ws: ServerConnection, offered: object) -> str | None:
        raise RuntimeError("on purpose")

    async with serve(echo, "127.0.0.1", 0, select_subprotocol=select) as server:
        assert (await ask(server, upgrade_request())).status == 500
        assert lines(caplog, logging.ERROR) == ["opening handshake failed"]


async def test_forced_101() -> None:
    """As in `websockets`: who forces status 101 has done the handshake himself."""

    def process_request(ws: ServerConnection, request: Request) -> Response:
        headers = Headers({"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT})
        return Response(101, "Switching Protocols", headers)

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server, dial(server) as wire:
        wire.send(upgrade_request(Sec_WebSocket_Key=KEY) + client_frame(1, b"hi"))
        assert (await wire.read_head()).status == 101
        assert await wire.read(4) == server_frame(1, b"hi")


# Shutting down.


async def test_503_while_shutting_down() -> None:
    decide = asyncio.Event()
    asked = asyncio.Event()

    async def process_request(ws: ServerConnection, request: Request) -> None:
        asked.set()
        await decide.wait()

    async with (
        serve(echo, "127.0.0.1", 0, process_request=process_request) as server,
        dial(server) as undecided,
        dial(server) as silent,
    ):
        undecided.send(upgrade_request())
        silent.send(b"GET /")
        await asked.wait()
        server.close()
        assert (await silent.read_answer()).status == 503
        decide.set()
        answer = await undecided.read_answer()
        assert answer.status == 503
        assert b"shutting down" in answer.body


async def test_one_line_whatever_the_client_sends(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        caplog.clear()
        await ask(server, upgrade_request(Sec_WebSocket_Version="8\x85\u00a0\x80"))
        (line,) = lines(caplog, logging.INFO)
        assert line.isascii()
        assert len(line.splitlines()) == 1


def test_limits_are_those_documented() -> None:
    assert MAX_HEAD_SIZE == 65536
    assert server_opening.KEEP_ALIVE_TIMEOUT == 60
