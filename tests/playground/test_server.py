"""Playground: who may open a line, and what else its port answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline import connect
from openline.exceptions import InvalidStatus
from openline.hub.transports.serving import WEBSOCKET_PATH
from openline.playground import server
from openline.playground.cut import REFUSED_FOR
from tests.playground.running import TOKEN, fetch, http, inspecting, new_cookie, running, visiting


async def status_of_handshake(address: str, path: str = WEBSOCKET_PATH, **headers: str) -> int:
    try:
        async with connect(f"ws://{address}{path}", additional_headers=headers):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


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
        head, _ = await fetch(address, http("evil.example", "/"))
        assert head.startswith("HTTP/1.1 421 ")
        host, port = address.split(":")
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://evil.example:{port}{WEBSOCKET_PATH}",
                host=host,
                additional_headers={"Origin": f"http://evil.example:{port}"},
            )
        assert refused.value.response.status_code == 421


async def test_a_name_it_was_given_is_its_own() -> None:
    async with running(names=("play.example",)) as address:
        head, _ = await fetch(address, http("play.example", "/"))
        assert head.startswith("HTTP/1.1 503 ")  # not built, but not refused either


async def test_a_path_without_a_line_is_not_found() -> None:
    async with running() as address:
        assert await status_of_handshake(address, "/lines/nothing") == 404


async def test_one_line_too_many_is_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_LINES", 1)
    async with running() as address, visiting(address, "Ada"):
        assert await status_of_handshake(address) == 503


async def test_the_pages_are_served_on_the_same_port(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>here</title>")
    async with running(tmp_path) as address:
        head, body = await fetch(address, http(address, "/"))
        assert head.startswith("HTTP/1.1 200 ")
        assert "Content-Security-Policy: default-src 'none'" in head
        assert body == "<!doctype html><title>here</title>"


async def test_frames_are_not_compressed_so_that_one_can_read_them() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        assert ada.line.response is not None
        assert "Sec-WebSocket-Extensions" not in ada.line.response.headers


async def test_a_first_page_brings_a_cookie_and_a_second_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>here</title>")
    async with running(tmp_path) as address:
        cookie = await new_cookie(address)
        head, _ = await fetch(address, http(address, "/chat", Cookie=cookie))
        assert head.startswith("HTTP/1.1 200 ")
        assert "Set-Cookie" not in head
        head, _ = await fetch(address, http(address, "/", Cookie=cookie[:-1] + "x"))
        assert "Set-Cookie" in head


async def test_who_has_no_cookie_is_not_let_into_the_hub() -> None:
    async with running() as address:
        async with visiting(address, cookie="visitor=me.0") as nobody:
            assert (await nobody.command(connect={}))["error"]["code"] == 101
        async with visiting(address) as somebody:
            assert "client" in (await somebody.command(connect={}))["connect"]


async def test_with_a_file_visitors_stay_who_they_are(tmp_path: Path) -> None:
    data = tmp_path / "play.db"
    async with running(data=data) as address:
        cookie = await new_cookie(address)
    async with running(data=data) as address, visiting(address, "Ada", cookie=cookie):
        pass


async def test_a_cut_resets_the_pages_lines_and_no_other() -> None:
    async with (
        running() as address,
        inspecting(address) as inspector,
        visiting(address, "Ada", TOKEN) as ada,
        visiting(address, "Bob", TOKEN[::-1]) as bob,
    ):
        head, _ = await fetch(
            address, http(address, f"/cut?inspect={TOKEN}", "POST", Origin=f"http://{address}")
        )
        assert head.startswith("HTTP/1.1 204 ")
        await ada.line.wait_closed()
        assert ada.line.close_code == 1006
        assert (await inspector.until(kind="closed"))["code"] == 1006
        assert await status_of_handshake(address, f"{WEBSOCKET_PATH}?inspect={TOKEN}") == 503
        assert 0 < (await inspector.until(kind="refused"))["seconds"] <= REFUSED_FOR
        assert await status_of_handshake(address, f"{WEBSOCKET_PATH}?inspect={TOKEN[::-1]}") == 101
        assert "ping" not in await bob.command(rpc={"method": "nothing"})


@pytest.mark.parametrize(
    ("method", "path", "origin", "status"),
    [
        ("GET", f"/cut?inspect={TOKEN}", None, 405),
        ("POST", f"/cut?inspect={TOKEN}", "http://evil.example", 403),
        ("POST", "/cut", None, 400),
    ],
)
async def test_only_the_page_itself_may_cut(method: str, path: str, origin: str | None, status: int) -> None:
    async with running() as address:
        headers = {} if origin is None else {"Origin": origin}
        head, _ = await fetch(address, http(address, path, method, **headers))
        assert head.startswith(f"HTTP/1.1 {status} ")


async def test_the_hub_answers_at_its_own_paths_behind_the_same_host_check() -> None:
    async with running() as address:
        assert (await fetch(address, http(address, "/health")))[0].startswith("HTTP/1.1 200 ")
        assert (await fetch(address, http("evil.example", "/health")))[0].startswith("HTTP/1.1 421 ")


async def test_strangers_who_come_in_crowds_get_the_page_and_no_cookie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>here</title>")
    monkeypatch.setattr(server, "NEW_AT_ONCE", 2)
    monkeypatch.setattr(server, "NEW_VISITORS", 0.001)
    async with running(tmp_path) as address:
        heads = [(await fetch(address, http(address, "/")))[0] for _ in range(3)]
    assert ["Set-Cookie" in head for head in heads] == [True, True, False]
    assert all(head.startswith("HTTP/1.1 200 ") for head in heads)


async def test_one_other_machine_cannot_take_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_LINES_OF_ADDRESS", 1)
    monkeypatch.setattr(server.ipaddress, "ip_address", lambda address: Elsewhere())
    async with running() as address, visiting(address, "Ada"):
        assert await status_of_handshake(address) == 503


class Elsewhere:
    """Our own address, taken for another machine's."""

    is_loopback = False
