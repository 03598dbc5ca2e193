"""Rooms on a hub, over the wire: who gets which seat, and what clients may say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import centrifuge.protocol.client_pb2 as messages
import pytest

from openline.hub import Hub
from openline.hub.session import Session
from openline.rooms import Entity, Rooms, Seat, View, text

from ..hub.conformance.test_slow_consumers import slow_client
from ..hub.conformance.wire import Wire, connected, named_hub, serving, varint
from .players import Arena, Ship, in_sight

pytestmark = pytest.mark.engine


class Quick(Arena):
    rate = 100
    grace = 10.0
    linger = 0.0


@contextlib.asynccontextmanager
async def served(make: type[Arena] = Quick, **options: Any) -> AsyncIterator[tuple[Hub, Rooms, str]]:
    hub = named_hub()
    rooms = Rooms(hub, make, **options)
    async with serving(hub) as address, rooms:
        yield hub, rooms, address


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110  # it has no event of its own
        await asyncio.sleep(0.001)


async def join(wire: Wire, **wish: Any) -> dict[str, Any]:
    return (await wire.result(rpc={"method": "game.join", "data": wish}))["data"]


async def refused(wire: Wire, wish: Any) -> int:
    return await wire.error(rpc={"method": "game.join", "data": wish})


async def tell(wire: Wire, data: bytes) -> None:
    """Send a message as the SDKs do: payloads are bytes."""
    command = messages.Command(send=messages.SendRequest(data=data)).SerializeToString()
    await wire.send_raw(varint(len(command)) + command)


async def message(wire: Wire) -> bytes:
    data = (await wire.push("message"))["data"]
    assert isinstance(data, bytes)
    return data


async def states(wire: Wire, view: View) -> AsyncIterator[Any]:
    """Take states, and acknowledge each."""
    while True:
        state = view.apply(await message(wire))
        await tell(wire, view.acknowledgement())
        yield state


async def test_a_player_joins_plays_and_leaves() -> None:
    async with served() as (hub, rooms, address), connected(address, "protobuf", "ada") as ada:
        answer = await join(ada, data="Ada")
        assert answer.items() >= {"room": "1", "seat": 1, "rate": 100, "input": 0, "back": False}.items()
        view = View(answer["kinds"])
        ship = answer["data"]["ship"]
        async for state in states(ada, view):
            assert state.total == 1
            break
        assert view.entities[ship]["name"] == "Ada"
        await tell(ada, view.input(1, b"\x07"))
        async for state in states(ada, view):
            if state.input == 1:
                break
        assert view.entities[ship]["x"] == 507
        (room,) = rooms.rooms.values()
        assert rooms.place_of(hub.sessions[ada.client]) == (room, room.seats[1])
        assert repr(rooms) == "<Rooms 1 open, 1 seats taken>"
        await ada.send({"id": 900, "rpc": {"method": "game.leave", "data": None}})
        while True:
            data = await message(ada)
            if data[0] == 4:
                break
        assert data == b"\x04\0\0"
        await until(lambda: not rooms.rooms)
        assert repr(rooms) == "<Rooms 0 open, 0 seats taken>"
        await tell(ada, view.input(2, b""))
        await until(lambda: hub.counters.errors.get(103))
        rooms.leave(hub.sessions[ada.client])


async def test_rooms_fill_one_after_the_other_and_there_is_a_bound() -> None:
    class Small(Quick):
        capacity = 2

    async with served(Small, most=2) as (_, rooms, address), contextlib.AsyncExitStack() as stack:
        wires = [
            await stack.enter_async_context(connected(address, "protobuf", f"{user}")) for user in range(6)
        ]
        places = [(await join(wire))["room"] for wire in wires[:4]]
        assert places == ["1", "1", "2", "2"]
        assert await refused(wires[4], {}) == 106
        assert await refused(wires[4], {"room": "1"}) == 106
        assert await refused(wires[4], {"room": "9"}) == 102
        rooms.rooms["2"].end(rooms.rooms["2"].seats[1])
        assert (await join(wires[4], room="2"))["seat"] == 3
        for room in list(rooms.rooms.values()):
            room.close()
        assert (await join(wires[5]))["room"] == "3"
        with pytest.raises(ValueError, match="is no name for a room"):
            rooms.open("3")


async def test_who_comes_again_and_again_has_so_many_seats() -> None:
    async with (
        served(most_of_one=2) as (_, rooms, address),
        connected(address, "protobuf", "ada") as first,
        connected(address, "protobuf", "ada") as second,
    ):
        await join(first)
        await join(second)
        async with (
            connected(address, "protobuf", "ada") as third,
            connected(address, "protobuf", "eve") as eve,
        ):
            assert await refused(third, {}) == 106
            assert (await join(eve))["seat"] == 3
            seat = rooms.rooms["1"].seats[1]
            first.ws.transport.abort()
            await until(lambda: seat.session is None)
            # The seat that he is away from makes room.
            assert (await join(third))["seat"] == 4
            assert set(rooms.rooms["1"].seats) == {2, 3, 4}
    with pytest.raises(ValueError, match="a seat for each"):
        Rooms(Hub(), Quick, most_of_one=0)


async def test_who_comes_back_gets_his_seat_and_all_that_he_sees() -> None:
    async with served() as (_, rooms, address):
        async with connected(address, "protobuf", "jürgen") as ada:
            first = await join(ada, data="Ada")
            view = View(first["kinds"])
            view.apply(await message(ada))
            await tell(ada, view.input(7, b"\x05"))
            seat = rooms.rooms["1"].seats[1]
            await until(lambda: seat.input == 7)
            ada.ws.transport.abort()
        await until(lambda: seat.session is None)
        async with connected(address, "protobuf", "eve") as eve:
            # Who has got hold of the ticket is still somebody else.
            assert (await join(eve, ticket=first["ticket"]))["seat"] == 2
        async with connected(address, "protobuf", "jürgen") as ada:
            again = await join(ada, ticket=first["ticket"])
            assert again.items() >= {"seat": 1, "back": True, "input": 7, "ticket": first["ticket"]}.items()
            view = View(again["kinds"])
            assert view.apply(await message(ada)).full
            assert view.entities == in_sight(seat)
            assert view.entities[1]["x"] == 505
            # And once more, while the old line is not known to be gone.
            async with connected(address, "protobuf", "jürgen") as other:
                assert (await join(other, ticket=first["ticket"]))["back"]
                while (data := await message(ada))[0] != 4:
                    pass
                assert data == b"\x04\x02\0"
                assert seat.session is not None
                assert seat.session.client == other.client


async def test_wishes_that_make_no_sense() -> None:
    async with (
        served() as (_, _, address),
        connected(address, "protobuf", "ada") as ada,
        connected(address, "json", "bob") as bob,
    ):
        for wish in ([1], "room", {"room": 1}, {"ticket": []}):
            assert await refused(ada, wish) == 107
        assert await refused(bob, {}) == 108
        await join(ada, ticket="unknown")
        assert await refused(ada, {}) == 105


async def test_a_hub_has_one_listener_for_messages() -> None:
    hub = named_hub()
    first = Rooms(hub, Quick)
    with pytest.raises(ValueError, match="there is a handler of rpc"):
        Rooms(hub, Quick)
    with pytest.raises(ValueError, match="on_message already"):
        Rooms(hub, Quick, name="second")
    Rooms(hub, Quick, name="third", listen=False)
    with pytest.raises(ValueError, match="must be a room"):
        Rooms(hub, Quick, name="fourth", most=0)
    with pytest.raises(RuntimeError, match="was not started"):
        first.open()


async def test_malformed_inputs_and_floods_harm_nobody() -> None:
    """Whatever one client sends, the other's states go on, and it is all counted."""

    class Limited(Quick):
        input_rate = 400.0

    async with (
        served(Limited) as (hub, rooms, address),
        connected(address, "protobuf", "ada") as ada,
        connected(address, "protobuf", "eve") as eve,
    ):
        view = View((await join(ada))["kinds"])
        await join(eve)
        room = rooms.rooms["1"]
        for bad in (b"", b"\x01", b"\x07" * 30, b"\x01" + bytes(8), bytes.fromhex("02 ffffffff"), b"[1]"):
            await tell(eve, bad)
        await tell(eve, bytes.fromhex("01 00000000 01000000") + bytes(200))
        await tell(eve, bytes.fromhex("01 00000000 01000000"))
        await until(lambda: room.refused.get(107) == 6)  # the last when the game has failed at it
        for number in range(2000):
            await tell(eve, bytes.fromhex("01 00000000") + (number + 2).to_bytes(4, "little") + b"\x01")
        eve.ws.pause()  # and it reads nothing
        seen = 0
        async for state in states(ada, view):
            assert state.refused == 0
            seen += 1
            if seen > 30 and room.refused.get(111, 0) > 100:
                break
        assert room.refused[107] == 6
        assert room.refused[112] == room.refused[106] == 1
        assert not hub.sessions[eve.client].closed
        assert hub.counters.errors.items() >= {106: 1, 112: 1, 107: 5}.items()
        assert room.seats[2].skipped > 0
        assert len(room.seats) == 2
        eve.ws.resume()


async def test_a_slow_reader_gets_a_bounded_number_of_old_states_and_then_the_newest() -> None:
    class Page(Entity):
        words: str = text(most=255)

    class Wide(Quick):
        kinds = (Ship, Page)
        window = 10_000  # the line is the bound here
        linger = 10.0

        def opened(self) -> None:
            super().opened()
            self.book = [self.spawn(Page()) for _ in range(40)]

        def tick(self, dt: float) -> None:
            for page in self.book:
                page.words = f"{self.now}" * 60

    async with (
        served(Wide) as (hub, rooms, address),
        slow_client(address, "protobuf") as slow,
        connected(address, "protobuf", "ada") as ada,
    ):
        view, good = View((await join(slow))["kinds"]), View((await join(ada))["kinds"])
        room = rooms.rooms["1"]
        seats: list[Seat] = list(room.seats.values())
        slow.ws.pause()
        session: Session = hub.sessions[slow.client]
        most = 0
        async for _ in states(ada, good):
            most = max(most, session.transport.unsent)
            if hub.counters.conflated > 50:
                break
        assert most < 2 * hub.write_high
        sent, now = seats[0].states, room.now
        assert sent < now - 40
        slow.ws.resume()
        ticks: list[int] = []
        async for state in states(slow, view):
            ticks.append(state.tick)
            if state.tick >= now:
                break
        assert ticks == sorted(ticks)
        assert len(ticks) <= sent + 1
        assert len(view.entities) == 42
        assert seats[1].skipped == 0
