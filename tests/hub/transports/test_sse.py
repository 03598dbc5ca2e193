"""Server-sent events."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from openline.hub import DisconnectCode
from tests.hub.transports.speaking import CONNECT, Exchange, ask, emulate, frame, open_hub, served

ACCEPT = {"Accept": "text/event-stream"}


def path(*commands: object) -> str:
    return f"/connection/sse?cf_connect={quote(frame(*commands))}"


async def test_replies_and_pushes_are_events() -> None:
    hub = open_hub()
    async with served(hub) as port:
        target = path(CONNECT, {"id": 2, "subscribe": {"channel": "chat:a"}})
        stream = await Exchange.begin(port, "GET", target, headers=ACCEPT)
        assert stream.headers["content-type"] == "text/event-stream"
        [connected] = await stream.event()
        [subscribed] = await stream.event()
        assert subscribed["id"] == 2
        assert (
            await emulate(port, connected["connect"], {"id": 3, "publish": {"channel": "chat:a", "data": 5}})
            == 204
        )
        told = [*await stream.event(), *await stream.event()]
        assert {"id": 3, "publish": {}} in told
        assert [one["push"]["pub"]["data"] for one in told if "push" in one] == [5]
        await hub.disconnect("ann")
        [push] = await stream.event()
        assert push["push"]["disconnect"]["code"] == DisconnectCode.FORCE_NO_RECONNECT
        assert await stream.rest() == b""
        await stream.close()


async def test_units_in_one_frame_are_lines_of_one_event() -> None:
    hub = open_hub()
    hub.namespace("batch", batch_delay=0.01)
    async with served(hub) as port:
        target = path(CONNECT, {"id": 2, "subscribe": {"channel": "batch:a"}})
        stream = await Exchange.begin(port, "GET", target, headers=ACCEPT)
        await stream.event()
        await stream.event()
        await hub.broadcast(["batch:a", "batch:a"], 1)
        assert [one["push"]["pub"]["data"] for one in await stream.event()] == [1, 1]
        await stream.close()


async def test_an_image_of_a_foreign_page_is_no_client() -> None:
    async with served(open_hub()) as port:
        assert (await ask(port, "GET", path(CONNECT), headers={"Accept": "image/*,*/*;q=0.8"})).status == 406
        assert (await ask(port, "GET", path(CONNECT))).status == 406


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/connection/sse", 400),
        ("/connection/sse?cf_connect=", 400),
        (f"/connection/sse?{'a=1&' * 30}cf_connect=%7B%7D", 400),
        (f"/connection/sse?cf_connect={'x' * 201}", 414),
        (f"/connection/sse?cf_connect={'%20' * 201}", 414),
    ],
)
async def test_what_is_no_command(target: str, status: int) -> None:
    async with served(open_hub(max_message_size=200)) as port:
        assert (await ask(port, "GET", target, headers=ACCEPT)).status == status


async def test_a_malformed_command_ends_with_3501() -> None:
    async with served(open_hub()) as port:
        answer = await ask(port, "GET", "/connection/sse?cf_connect=%7B", headers=ACCEPT)
        assert answer.status == 200
        assert b'"code":3501' in answer.body
