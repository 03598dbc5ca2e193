"""Tapped lines: a page hears its own, byte for byte; a foreign page is refused whatever it brings."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from openline import connect
from openline.exceptions import InvalidStatus
from openline.playground.security import tapped as module
from openline.playground.security.tapped import watch_token
from openline.protocol.frames import apply_mask
from tests.playground.security.tapping import PAGE, TOKEN, tapping

OTHER = "0123456789012345678901"


async def test_without_tls_everything_is_heard(server_tls: ssl.SSLContext) -> None:
    async with tapping(server_tls) as (_, ports, overheard):
        async with connect(
            f"ws://127.0.0.1:{ports['ws']}/?watch={TOKEN}",
            origin=PAGE,
            additional_headers={"Cookie": "visitor=me"},
            compression=None,
        ) as ws:
            head = await overheard.until(kind="http", **{"from": "page"})
            assert "Cookie: visitor=me" in head["lines"]
            await ws.send("my password")
            frame = await overheard.until(kind="frame", **{"from": "page"})
            assert apply_mask(bytes.fromhex(frame["wire"]), bytes.fromhex(frame["mask"])) == b"my password"
            assert await ws.recv() == "my password"
            assert (await overheard.until(kind="frame", **{"from": "server"}))["text"] == "my password"
        assert (await overheard.until(kind="ended"))["over"] == "ws"


async def test_with_tls_only_records_are(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with (
        tapping(server_tls) as (_, ports, overheard),
        connect(
            f"wss://localhost:{ports['wss']}/?watch={TOKEN}",
            host="127.0.0.1",
            ssl=client_tls,
            origin=f"http://localhost:{8000}",
            compression=None,
        ) as ws,
    ):
        hello = await overheard.until(kind="tls", name="handshake", **{"from": "page"})
        assert hello["server_name"] == "localhost"  # what came before anybody knew whose line it is
        await ws.send("my password")
        assert await ws.recv() == "my password"
        await overheard.until(kind="tls", name="application data", length=6 + 11 + 17, **{"from": "page"})
        record = await overheard.until(kind="tls", length=2 + 11 + 17, **{"from": "server"})
        assert b"my password" not in bytes.fromhex(record["wire"])


async def test_a_foreign_page_is_refused_with_the_visitors_cookie() -> None:
    async with tapping(None) as (_, ports, overheard):
        foreign = f"http://127.0.0.1:{ports['foreign']}"
        with pytest.raises(InvalidStatus, match="403"):
            await connect(
                f"ws://127.0.0.1:{ports['ws']}/?watch={TOKEN}",
                origin=foreign,
                additional_headers={"Cookie": "visitor=me"},
            )
        refused = await overheard.until(kind="refused")
        assert (refused["status"], refused["origin"], refused["cookie"]) == (403, foreign, True)
        answer = await overheard.until(kind="http", **{"from": "server"})
        assert answer["lines"][0] == "HTTP/1.1 403 Forbidden"


async def test_nobody_hears_the_lines_of_others() -> None:
    async with tapping(None) as (tapped, ports, overheard):
        for query in (f"?watch={OTHER}", "", "?watch=short"):
            async with connect(f"ws://127.0.0.1:{ports['ws']}/{query}", origin=PAGE) as ws:
                await ws.send("not yours")
                await ws.recv()
        async with connect(f"ws://127.0.0.1:{ports['ws']}/?watch={TOKEN}", origin=PAGE) as ws:
            await ws.send("yours")
            assert (await overheard.until(kind="frame"))["text"] == "yours"
        while tapped._ears:
            await overheard.until(kind="ended")


async def test_lines_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINES", 1)
    async with (
        tapping(None) as (_, ports, _overheard),
        connect(f"ws://127.0.0.1:{ports['ws']}/", origin=PAGE),
    ):
        with pytest.raises(InvalidStatus, match="503"):
            await connect(f"ws://127.0.0.1:{ports['ws']}/", origin=PAGE)


async def test_the_foreign_page_has_no_lines_of_its_own() -> None:
    async with tapping(None) as (_, ports, _overheard):
        reader, writer = await asyncio.open_connection("127.0.0.1", ports["foreign"])
        writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{ports['foreign']}\r\n\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await writer.wait_closed()
        with pytest.raises(InvalidStatus, match="404"):
            await connect(f"ws://127.0.0.1:{ports['foreign']}/")


async def test_without_a_certificate_there_is_no_tls() -> None:
    async with tapping(None) as (_, ports, _overheard):
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", ports["wss"])


@pytest.mark.parametrize(
    ("path", "token"),
    [
        (f"/?watch={TOKEN}", TOKEN),
        (f"/?a=1&watch={TOKEN}", TOKEN),
        ("/", None),
        ("/?watch=", None),
        (f"/?watch={TOKEN}x", None),
        ("/?a&b&c&d&e", None),
        ("/?" + "&".join(f"{n}=1" for n in range(50)), None),
    ],
)
def test_whose_line_it_is(path: str, token: str | None) -> None:
    assert watch_token(path) == token
