"""Chat: the room over real lines."""

from __future__ import annotations

import pytest

from openline.exceptions import ConnectionClosed
from openline.playground import chat_room
from openline.playground.chat import MAX_COMMAND
from tests.playground.running import running, visiting


async def test_what_one_says_all_hear() -> None:
    async with running() as address, visiting(address, "Ada") as ada, visiting(address, "Bob") as bob:
        await bob.hear("welcome")
        await ada.tell(type="say", text="<b>hello</b>")
        for visitor in (ada, bob):
            said = await visitor.hear("said")
            assert (said["line"]["name"], said["line"]["text"]) == ("Ada", "<b>hello</b>")


async def test_a_newcomer_gets_people_and_history() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        await ada.tell(type="say", text="first")
        await ada.hear("said")
        async with visiting(address, "Bob") as bob:
            welcome = await bob.hear("welcome")
            assert [person["name"] for person in welcome["people"]] == ["Ada", "Bob"]
            assert [line["text"] for line in welcome["history"]] == ["first"]
            joined = await ada.hear("joined")
            assert joined["person"]["name"] == "Bob"


async def test_typing_is_for_the_others_alone() -> None:
    async with running() as address, visiting(address, "Ada") as ada, visiting(address, "Bob") as bob:
        me = (await ada.hear("welcome"))["you"]
        await bob.hear("welcome")
        await ada.tell(type="typing", on=True)
        assert await bob.hear("typing") == {"type": "typing", "id": me, "on": True}
        await ada.tell(type="say", text="done")
        await ada.hear("joined")
        assert (await ada.hear("said"))["line"]["text"] == "done"


async def test_whose_line_ends_has_left() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        async with visiting(address, "Bob") as bob:
            left = (await bob.hear("welcome"))["you"]
        assert await ada.hear("left") == {"type": "left", "id": left}


async def test_whose_line_breaks_has_left_too() -> None:
    async with running() as address, visiting(address, "Ada") as ada, visiting(address, "Bob") as bob:
        left = (await bob.hear("welcome"))["you"]
        bob.line.transport.abort()
        assert await ada.hear("left") == {"type": "left", "id": left}


async def test_a_name_is_given_back_when_its_owner_leaves() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        async with visiting(address, "Bob"):
            await ada.hear("joined")
        await ada.hear("left")
        async with visiting(address, "Bob") as bob:
            assert (await bob.hear("welcome"))["people"][-1]["name"] == "Bob"


async def test_who_talks_before_entering_is_shown_out() -> None:
    async with running() as address, visiting(address) as visitor:
        await visitor.tell(type="say", text="hello")
        with pytest.raises(ConnectionClosed):
            await visitor.line.recv()
        assert visitor.line.close_code == 1008


@pytest.mark.parametrize(
    "nonsense",
    ["", "{", "[]", "null", "17", b"\x00\xff", '{"type": "say"}', "[" * 5000, "1" * 5000],
    ids=["empty", "half", "list", "null", "number", "bytes", "no text", "deep", "long number"],
)
async def test_nonsense_is_refused_and_the_line_lives(nonsense: str | bytes) -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        await ada.line.send(nonsense)
        await ada.hear("refused")
        await ada.tell(type="say", text="still here")
        assert (await ada.hear("said"))["line"]["text"] == "still here"


async def test_a_command_over_the_bound_closes_the_line_with_1009() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        await ada.line.send("x" * (MAX_COMMAND + 1))
        with pytest.raises(ConnectionClosed):
            await ada.hear("refused")
        assert ada.line.close_code == 1009


async def test_a_flood_closes_the_line_with_1008() -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        for _ in range(chat_room.MAX_REFUSALS):
            await ada.tell(type="flood")
            await ada.hear("refused")
        await ada.tell(type="flood")
        with pytest.raises(ConnectionClosed):
            await ada.hear("refused")
        assert ada.line.close_code == 1008


async def test_a_full_room_says_try_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_room, "MAX_PEOPLE", 1)
    async with running() as address, visiting(address, "Ada") as ada:
        await ada.hear("welcome")
        async with visiting(address, "Bob") as bob:
            with pytest.raises(ConnectionClosed):
                await bob.line.recv()
            assert bob.line.close_code == 1013
