"""Inspector: a page sees its own line, and no other."""

from __future__ import annotations

import pytest

from openline import connect
from openline.exceptions import ConnectionClosed
from openline.playground.inspector import token_of
from tests.playground.running import TOKEN, inspecting, running, visiting

OTHER_TOKEN = TOKEN[::-1]


async def test_the_handshake_is_shown_as_both_sides_had_it() -> None:
    async with (
        running() as address,
        inspecting(address) as inspector,
        visiting(address, token=TOKEN) as visitor,
    ):
        opened = await inspector.until(kind="opened")
        request, response = opened["request"], opened["response"]
        assert request["start"] == f"GET /connection/websocket?inspect={TOKEN} HTTP/1.1"
        assert response["start"] == "HTTP/1.1 101 Switching Protocols"
        assert visitor.line.request is not None
        assert visitor.line.response is not None
        sent = [list(item) for item in visitor.line.request.headers.raw_items() if item[0] != "Cookie"]
        assert [item for item in request["headers"] if item[0] != "Cookie"] == sent
        assert response["headers"] == [list(item) for item in visitor.line.response.headers.raw_items()]


async def test_frames_of_both_directions_are_shown_from_the_first() -> None:
    async with running() as address, inspecting(address) as inspector, visiting(address, "Ada", TOKEN) as ada:
        entered = await inspector.until(kind="frame")
        assert (entered["from"], entered["opcode"], entered["fin"]) == ("page", 1, True)
        assert bytes.fromhex(entered["payload"]) == b'{"id": 1, "connect": {"data": {"name": "Ada"}}}'
        assert entered["wire"] != entered["payload"]  # masked (RFC 6455 section 5.3)
        welcome = await inspector.until(kind="frame")
        assert (welcome["from"], welcome["mask"]) == ("server", None)
        assert bytes.fromhex(welcome["payload"]).startswith(b'{"id":1,"connect":{"client":')
        await ada.line.ping()
        assert (await inspector.until(opcode=9))["from"] == "page"
        assert (await inspector.until(opcode=10))["from"] == "server"


async def test_what_passed_before_the_inspector_came_waits_for_it() -> None:
    async with running() as address, visiting(address, "Ada", TOKEN), inspecting(address) as inspector:
        kinds = [(await inspector.next())["kind"] for _ in range(3)]
        assert sorted(kinds) == ["frame", "frame", "opened"]


async def test_a_page_sees_its_own_line_alone() -> None:
    async with (
        running() as address,
        inspecting(address) as inspector,
        visiting(address, "Bob", OTHER_TOKEN),
        visiting(address, "Ada", TOKEN),
    ):
        assert (await inspector.until(kind="opened"))["request"]["start"].count(TOKEN) == 1
        shown = bytes.fromhex((await inspector.until(kind="frame", **{"from": "page"}))["payload"])
        assert b"Ada" in shown


async def test_the_inspectors_own_line_is_not_shown_to_it() -> None:
    async with running() as address, inspecting(address) as inspector, visiting(address, "Ada", TOKEN):
        lines = {(await inspector.next())["line"] for _ in range(3)}
        assert len(lines) == 1


async def test_the_end_of_a_line_is_shown_with_its_code() -> None:
    async with running() as address, inspecting(address) as inspector:
        async with visiting(address, "Ada", TOKEN) as ada:
            await ada.line.close(1000, "bye")
        assert (await inspector.until(opcode=8, **{"from": "page"}))["length"] == 5
        assert (await inspector.until(opcode=8, **{"from": "server"}))["length"] == 5
        closed = await inspector.until(kind="closed")
        assert (closed["code"], closed["reason"]) == (1000, "bye")


async def test_a_line_that_breaks_is_shown_as_1006_section_7_1_5() -> None:
    async with running() as address, inspecting(address) as inspector:
        async with visiting(address, "Ada", TOKEN) as ada:
            ada.line.transport.abort()
        assert (await inspector.until(kind="closed"))["code"] == 1006


async def test_a_new_line_of_the_same_page_has_a_new_number() -> None:
    async with running() as address, inspecting(address) as inspector:
        numbers: list[int] = []
        for _ in range(2):
            async with visiting(address, "Ada", TOKEN):
                numbers.append((await inspector.until(kind="opened"))["line"])
        assert numbers[0] < numbers[1]


async def test_a_sample_is_sent_on_the_line_that_is_watched() -> None:
    async with running() as address, inspecting(address) as inspector, visiting(address, "Ada", TOKEN) as ada:
        await inspector.until(kind="opened")
        await inspector.ask("fragments")
        assert await ada.hear(push={"message": {"data": "one message in several frames"}})
        first = await inspector.until(kind="frame", opcode=1, fin=False)
        assert first["from"] == "server"
        while not (await inspector.until(kind="frame", opcode=0))["fin"]:
            pass


async def test_a_line_that_speaks_binary_is_sent_control_frames_alone() -> None:
    query = f"{TOKEN}&format=protobuf"
    async with running() as address, inspecting(address) as inspector, visiting(address, token=query) as line:
        assert (await inspector.until(kind="opened"))["samples"] == ["ping", "close"]
        await inspector.ask("large")
        await inspector.ask("close")
        await line.line.wait_closed()
        assert line.line.close_code == 1000


@pytest.mark.parametrize(
    "wish", ['{"ask": "ping"}', '{"ask": ["ping"]}', "{}", "[]", "{", "[" * 5000, b"\xff"]
)
async def test_a_wish_that_cannot_be_granted_does_no_harm(wish: str | bytes) -> None:
    async with running() as address, inspecting(address) as inspector:
        await inspector.line.send(wish)  # there is no line yet
        await inspector.line.ping()
        async with visiting(address, "Ada", TOKEN):
            await inspector.until(kind="opened")


async def test_a_second_inspector_takes_the_place_of_the_first() -> None:
    async with running() as address, inspecting(address) as first, inspecting(address) as second:
        async with visiting(address, "Ada", TOKEN):
            await second.until(kind="opened")
        with pytest.raises(ConnectionClosed):
            await first.next()
        assert first.line.close_code == 1008


async def test_an_inspector_without_a_token_is_shown_out() -> None:
    async with running() as address, connect(f"ws://{address}/lines/inspector") as line:
        with pytest.raises(ConnectionClosed):
            await line.recv()
        assert line.close_code == 1008


@pytest.mark.parametrize(
    ("path", "token"),
    [
        (f"/connection/websocket?inspect={TOKEN}", TOKEN),
        (f"/connection/websocket?room=1&inspect={TOKEN}&x=2", TOKEN),
        ("/connection/websocket", None),
        ("/connection/websocket?inspect=short", None),
        (f"/connection/websocket?inspect={TOKEN}x", None),
        ("/connection/websocket?inspect=" + "é" * 22, None),
        ("/connection/websocket?" + "&".join("a=1" for _ in range(100)), None),
        ("//[", None),
    ],
)
def test_only_what_a_page_would_invent_is_a_token(path: str, token: str | None) -> None:
    assert token_of(path) == token
