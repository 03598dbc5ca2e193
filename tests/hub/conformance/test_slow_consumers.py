"""What waits for a client that does not read is bounded, and what happens at the bound is what the namespace says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from openline.hub import Hub
from openline.hub.session import MOST_LATEST

from .wire import Wire, connected, decode, named_hub, opened, serving

BIG = "x" * 10_000


@contextlib.asynccontextmanager
async def slow_client(address: str, encoding: str) -> AsyncIterator[Wire]:
    """A client whose kernel takes little for it, so that it is behind soon once it does not read."""
    place = urlsplit(address)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((place.hostname, place.port))
    async with opened(address, encoding, sock=sock, compression=None) as wire:
        await wire.connect(data={"user": "42"})
        yield wire


async def fall_behind(hub: Hub, wire: Wire) -> int:
    """Let the client read nothing more, and publish until it is behind; gives how many that took."""
    wire.ws.pause()
    session = hub.sessions[wire.client]
    count = 0
    while session.transport.unsent <= hub.write_high:
        await publish(hub, count)
        count += 1
    return count


async def publish(hub: Hub, number: int) -> None:
    await hub.publish("a", {"n": number, "x": BIG}, key=f"key {number % 3}")
    await asyncio.sleep(0)


async def test_disconnect_3008(encoding: str) -> None:
    hub = named_hub(max_queue_size=200_000)
    hub.namespace("")
    async with (
        serving(hub) as address,
        slow_client(address, encoding) as slow,
        connected(address, encoding, "43") as good,
    ):
        await slow.subscribe("a")
        await good.subscribe("a")
        session = hub.sessions[slow.client]
        slow.ws.pause()
        count = 0
        while not session.closed:
            assert session.transport.unsent <= 200_000 + 20_000
            await publish(hub, count)
            assert (await good.push("pub", "a"))["data"]["n"] == count
            count += 1
        slow.ws.resume()
        assert await slow.closed() == 3008
        await good.nothing()
    assert hub.counters.overruns == 1


async def test_drop_oldest(encoding: str) -> None:
    """What comes is in order, with a hole, and the newest is there; the client stays."""
    hub = named_hub(max_queue_size=2**20)
    hub.namespace("", slow_consumer="drop_oldest", max_waiting=50_000)
    async with serving(hub) as address, slow_client(address, encoding) as slow:
        await slow.subscribe("a")
        first = await fall_behind(hub, slow)
        last = first + 200
        for number in range(first, last + 1):
            await publish(hub, number)
        session = hub.sessions[slow.client]
        assert session.transport.unsent < 2**20
        slow.ws.resume()
        numbers: list[int] = []
        while last not in numbers:
            numbers.append((await slow.push("pub", "a"))["data"]["n"])
        assert numbers == sorted(set(numbers))
        assert numbers[:first] == list(range(first))
        # 50,000 bytes are four of these.
        assert numbers[-4:] == list(range(last - 3, last + 1))
        assert len(numbers) < first + 10
        await publish(hub, -1)
        assert (await slow.push("pub", "a"))["data"]["n"] == -1
        await slow.nothing()


async def test_conflate(encoding: str) -> None:
    """Of each key the newest is there, in the order of offsets; positions go on without a gap."""
    hub = named_hub(max_queue_size=2**20)
    hub.namespace("", slow_consumer="conflate", history=10, ttl=60.0, positioned=True)
    async with serving(hub) as address, slow_client(address, encoding) as slow:
        await slow.subscribe("a")
        first = await fall_behind(hub, slow)
        for number in range(first, first + 200):
            await publish(hub, number)
        slow.ws.resume()
        top = first + 200
        offsets: list[int] = []
        while top not in offsets:
            offsets.append((await slow.push("pub", "a"))["offset"])
        assert offsets == [*range(1, first + 1), top - 2, top - 1, top]
        await publish(hub, -1)
        assert (await slow.push("pub", "a"))["offset"] == top + 1
        await slow.nothing()


async def test_conflate_by_turns(encoding: str) -> None:
    """Once in `batch_delay` the newest of each key, of all channels in one frame; positions go on without a gap."""
    hub = named_hub()
    hub.namespace(
        "",
        slow_consumer="conflate",
        batch_delay=0.02,
        history=10,
        ttl=60.0,
        recovery=True,
        recovery_mode="cache",
    )
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.publish("a", 0, key="key 0")
        result = await wire.subscribe("a", recover=True, offset=0, epoch="")
        assert [one["data"] for one in result["publications"]] == [0]
        await wire.subscribe("b")
        for number in range(10, 17):
            await hub.publish("a", number, key=f"key {number % 3}")
        await hub.publish("b", 1)
        frame = decode(await wire.ws.recv(), encoding)
        pushes = [one["push"] for one in frame]
        assert [(one["channel"], one["pub"]["offset"]) for one in pushes] == [
            ("a", 6),
            ("a", 7),
            ("a", 8),
            ("b", 1),
        ]
        assert [one["pub"]["data"] for one in pushes] == [14, 15, 16, 1]
        await wire.send({"id": 99, "unsubscribe": {"channel": "a"}})
        assert (await wire.next())["id"] == 99
        await hub.publish("a", 20)
        await hub.publish("b", 2)
        assert (await wire.push("pub", "b"))["offset"] == 2


async def test_batch_delay_gathers_in_one_frame(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", batch_delay=0.02)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        for number in range(10):
            await hub.publish("a", number)
        frame = await wire.ws.recv()
        if encoding == "json":
            assert isinstance(frame, str)
            assert frame.count('"push"') == 10
        else:
            assert isinstance(frame, bytes)
            assert len(frame) > 60


async def test_a_reply_does_not_overtake_what_is_gathered(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", batch_delay=5.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        await wire.send({"id": 99, "unsubscribe": {"channel": "a"}})
        assert (await wire.push("pub", "a"))["data"] == 1
        assert (await wire.next())["id"] == 99


async def test_a_client_that_never_connects_and_never_reads(encoding: str) -> None:
    hub = named_hub(connect_timeout=0.1, ping_interval=1.0, pong_timeout=0.5)
    async with serving(hub) as address, opened(address, encoding) as wire:
        wire.ws.pause()
        while hub._open:  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0.01)
        wire.ws.resume()
        assert await wire.closed() == 3502


async def test_of_latest_messages_only_the_newest_waits(encoding: str) -> None:
    """What left before the client was behind comes; then the newest of each key, made when it leaves."""
    hub = named_hub(max_queue_size=2**20)
    async with serving(hub) as address, slow_client(address, encoding) as slow:
        slow.ws.pause()
        session = hub.sessions[slow.client]
        sent = 0
        while session.send_latest({"n": sent, "x": BIG}):
            sent += 1
            await asyncio.sleep(0)
        behind = session.transport.unsent
        made: list[int] = []

        def make(number: int) -> dict[str, int]:
            made.append(number)
            return {"n": number}

        for number in range(1000, 1200):
            assert not session.send_latest(lambda number=number: make(number))
            assert not session.send_latest({"other": number}, key="other")
        session.send_latest(lambda: None, key="nothing to say")
        assert session.transport.unsent == behind
        assert not made
        assert hub.counters.conflated == 200 + 199
        slow.ws.resume()
        numbers = [(await slow.push("message"))["data"]["n"] for _ in range(sent)]
        assert numbers == list(range(sent))
        assert (await slow.push("message"))["data"] == {"n": 1199}
        assert (await slow.push("message"))["data"] == {"other": 1199}
        assert made == [1199]
        assert session.send_latest({"n": -1})
        assert (await slow.push("message"))["data"] == {"n": -1}
        await slow.nothing()


async def test_a_latest_message_that_cannot_be_made_harms_no_other(
    encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    hub = named_hub(max_queue_size=2**20)
    async with serving(hub) as address, slow_client(address, encoding) as slow:
        slow.ws.pause()
        session = hub.sessions[slow.client]
        with pytest.raises(ZeroDivisionError):
            session.send_latest(lambda: 1 // 0)
        while session.send_latest({"x": BIG}):  # noqa: ASYNC110  # it has no event of its own
            await asyncio.sleep(0)
        session.send_latest(lambda: 1 // 0)
        session.send_latest("good", key="good")
        for key in range(MOST_LATEST - 2):
            session.send_latest("one of many", key=f"{key}")
        with pytest.raises(ValueError, match="wait already"):
            session.send_latest("too many", key="last")
        slow.ws.resume()
        while (await slow.push("message"))["data"] != "good":
            pass
        assert "could not be sent" in caplog.text
        session.disconnect()
        assert not session.send_latest("closed")
