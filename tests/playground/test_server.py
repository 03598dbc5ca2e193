"""Playground: who may open a line, and what else its port answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from openline import connect
from openline.exceptions import InvalidStatus
from openline.playground import server
from tests.playground.running import running, visiting


async def status_of_handshake(address: str, path: str = "/lines/chat", **headers: str) -> int:
    try:
        async with connect(f"ws://{address}{path}", additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def fetch(address: str, request: str) -> tuple[str, str]:
    """Send a request by hand; the head and the body of the answer."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


def get(path: str, host: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"


async def test_its_own_page_may_open_a_line() -> None:
    async with running() as address:
        assert await status_of_handshake(address, Origin=f"http://{address}") == 101


async def test_a_program_without_origin_may_too() -> None:
    async with running() as address:
        assert await status_of_handshake(address) == 101


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1"])
async def test_a_foreign_page_is_refused_section_10_2(origin: str) -> None:
    async with running() as address:
        assert await status_of_handshake(address, Origin=origin) == 403


async def test_a_name_that_only_points_here_is_refused() -> None:
    async with running() as address:
        head, _ = await fetch(address, get("/", "evil.example"))
        assert head.startswith("HTTP/1.1 421 ")
        host, port = address.split(":")
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://evil.example:{port}/lines/chat",
                host=host,
                additional_headers={"Origin": f"http://evil.example:{port}"},
            )
        assert refused.value.response.status_code == 421


async def test_a_name_it_was_given_is_its_own() -> None:
    async with running(names=("play.example",)) as address:
        head, _ = await fetch(address, get("/", "play.example"))
        assert head.startswith("HTTP/1.1 503 ")  # not built, but not refused either


async def test_a_path_without_a_line_is_not_found() -> None:
    async with running() as address:
        assert await status_of_handshake(address, "/lines/nothing") == 404


async def test_one_line_too_many_is_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_LINES", 1)
    async with running() as address, visiting(address, "Ada") as ada:
        await ada.hear("welcome")
        assert await status_of_handshake(address) == 503


async def test_the_pages_are_served_on_the_same_port(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>here</title>")
    async with running(tmp_path) as address:
        head, body = await fetch(address, get("/", address))
        assert head.startswith("HTTP/1.1 200 ")
        assert "Content-Security-Policy: default-src 'none'" in head
        assert body == "<!doctype html><title>here</title>"


async def test_frames_are_not_compressed_so_that_one_can_read_them() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        assert ada.line.response is not None
        assert "Sec-WebSocket-Extensions" not in ada.line.response.headers
