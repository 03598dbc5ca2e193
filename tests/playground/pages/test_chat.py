"""Chat: the rooms on a real hub, over real lines."""

from __future__ import annotations

from typing import Any

import pytest

from openline.hub.stores import open_store
from openline.playground.pages import chat
from tests.hub.conformance.wire import connected, opened
from tests.playground.pages.chatting import HERE, LOBBY, Visitor, chatting, visiting


async def test_what_one_says_all_hear_as_it_was_said() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada, visiting(address, "bob") as bob:
        key = await ada.say("<b>hello</b> <img src=x onerror=alert(1)>")
        for visitor in (ada, bob):
            heard = await visitor.hear()
            assert heard.pop("at") > 1_500_000_000_000
            text = "<b>hello</b> <img src=x onerror=alert(1)>"
            assert heard == {"type": "message", "id": f"ada.{key}", "text": text}


async def test_the_author_is_whoever_the_session_is_of() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada:
        refused = await ada.act("message", text="it was me", id="bob.12345678", user="bob")
        assert refused["error"]["code"] == 400
        await ada.say("it was me")
        assert (await ada.history())[0]["id"].startswith("ada.")


async def test_a_message_that_is_sent_again_after_the_line_was_cut_comes_once() -> None:
    async with chatting() as (address, _), visiting(address, "bob") as bob:
        async with opened(address, "json") as line:
            await line.connect(data={"user": "ada"})
            position = await line.subscribe(LOBBY)
            message = {"type": "message", "key": "only-once", "text": "Did you get this?"}
            await line.send({"id": 99, "publish": {"channel": LOBBY, "data": message}})
            # It has arrived; its answer is on the way, and nobody reads it: the line is reset.
            assert (await bob.hear())["text"] == "Did you get this?"
            line.ws.transport.abort()
        async with connected(address, "json", "ada") as line:
            where = {"recover": True, "epoch": position["epoch"], "offset": position.get("offset", 0)}
            answer = await line.subscribe(LOBBY, **where)
            assert [one["data"]["id"] for one in answer["publications"]] == ["ada.only-once"]
            ada = Visitor(line)
            await ada.say("Did you get this?", key="only-once")
            await ada.say("And this?")
        assert (await bob.hear())["text"] == "And this?"
        assert [one["text"] for one in await bob.history()] == ["Did you get this?", "And this?"]


async def test_equal_keys_of_two_people_are_two_messages() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada, visiting(address, "bob") as bob:
        await ada.say("mine", key="the-same-key")
        await bob.say("mine, too", key="the-same-key")
        assert [one["id"] for one in await ada.history()] == ["ada.the-same-key", "bob.the-same-key"]


async def test_what_was_said_meanwhile_is_recovered_in_order() -> None:
    async with chatting() as (address, _), visiting(address, "bob") as bob:
        async with connected(address, "json", "ada") as line:
            position = await line.subscribe(LOBBY)
        for text in ("one", "two", "three"):
            await bob.say(text)
        async with connected(address, "json", "ada") as line:
            where = {"recover": True, "epoch": position["epoch"], "offset": position.get("offset", 0)}
            answer = await line.subscribe(LOBBY, **where)
            assert answer["recovered"]
            assert [one["data"]["text"] for one in answer["publications"]] == ["one", "two", "three"]


async def test_one_edits_and_takes_back_what_one_has_written() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada, visiting(address, "bob") as bob:
        key = await ada.say("helo")
        assert await ada.act("edit", of=key, text="hello") == {"publish": {}}
        assert await ada.act("edit", of=key, text="") == {"publish": {}}
        heard = [await bob.hear() for _ in range(3)]
        assert [(one["id"], one["text"]) for one in heard] == [
            (f"ada.{key}", "helo"),
            (f"ada.{key}", "hello"),
            (f"ada.{key}", ""),
        ]


async def test_nobody_can_name_what_another_has_written() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada, visiting(address, "bob") as bob:
        key = await ada.say("mine")
        assert (await bob.act("edit", of=f"ada.{key}", text="yours"))["error"]["code"] == 400
        assert await bob.act("edit", of=key, text="yours") == {"publish": {}}
        assert (await ada.history())[-1]["id"] == f"bob.{key}"  # which there is none of


async def test_a_reaction_is_of_whoever_makes_it() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada, visiting(address, "bob") as bob:
        key = await ada.say("nice, is it not?")
        assert await bob.act("reaction", of=f"ada.{key}", sign="like", on=True) == {"publish": {}}
        result = await ada.wire.result(history={"channel": LOBBY, "limit": -1})
        last = result["publications"][-1]
        assert last["data"]["id"] == f"ada.{key}"
        assert (last["data"]["sign"], last["data"]["on"]) == ("like", True)
        assert last["info"]["user"] == "bob"


NONSENSE: list[Any] = [
    None,
    17,
    "hello",
    [],
    {},
    {"type": "message"},
    {"type": "message", "key": "12345678"},
    {"type": "message", "key": "short", "text": "x"},
    {"type": "message", "key": "no spaces here", "text": "x"},
    {"type": "message", "key": "12345678\n", "text": "x"},
    {"type": "message", "key": "x" * 41, "text": "x"},
    {"type": "message", "key": "12345678", "text": ["x"]},
    {"type": "message", "key": "12345678", "text": " \n\u0007 "},
    {"type": "reaction", "key": "12345678", "of": "ada.12345678", "sign": "curse", "on": True},
    {"type": "reaction", "key": "12345678", "of": "<script>", "sign": "like", "on": True},
    {"type": "mute", "key": "12345678", "user": "bob", "minutes": 10_000_000},
    {"type": "shout", "key": "12345678", "text": "x"},
]


@pytest.mark.parametrize("data", NONSENSE, ids=lambda data: repr(data)[:50])
async def test_nonsense_is_refused_and_the_session_goes_on(data: object) -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada:
        reply = await ada.wire.ask(publish={"channel": LOBBY, "data": data})
        assert reply["error"]["code"] in (107, 400)
        await ada.say("still here")
        assert [one["text"] for one in await ada.history()] == ["still here"]


async def test_a_room_that_there_is_none_of_is_refused() -> None:
    async with chatting() as (address, _), connected(address, "json", "ada") as line:
        assert await line.error(subscribe={"channel": "chat:cellar"}) == 404
        assert await line.error(subscribe={"channel": "chat-here:cellar"}) == 404


async def test_who_is_too_fast_is_told_so_and_may_try_again() -> None:
    async with chatting() as (address, _), visiting(address, "ada") as ada:
        replies = [await ada.act("message", text=f"line {number}") for number in range(12)]
        refused = [reply["error"] for reply in replies if "error" in reply]
        assert refused
        assert all(error["code"] == 111 and error["temporary"] for error in refused)


async def test_who_has_been_here_for_longest_may_mute() -> None:
    async with (
        chatting() as (address, _),
        visiting(address, "ada", here=True) as ada,
        visiting(address, "bob", here=True) as bob,
    ):
        assert (await bob.act("mute", user="ada", minutes=1))["error"]["code"] == 403
        assert await ada.act("mute", user="bob", minutes=1) == {"publish": {}}
        heard = await bob.hear()
        assert (heard["type"], heard["user"], heard["until"] - heard["at"]) == ("mute", "bob", 60_000)
        refused = await bob.act("message", text="I must say")
        assert refused["error"]["code"] == 403
        assert "another 60 seconds" in refused["error"]["message"]
        assert await ada.act("mute", user="bob", minutes=0) == {"publish": {}}
        await bob.say("Thank you")


async def test_whoever_comes_next_may_mute_when_the_first_has_left() -> None:
    async with chatting() as (address, _), visiting(address, "bob") as bob:
        async with visiting(address, "ada", here=True):
            await bob.wire.subscribe(HERE)
            assert (await bob.act("mute", user="ada", minutes=1))["error"]["code"] == 403
        while "leave" not in (await bob.wire.next()).get("push", {}):
            pass
        assert await bob.act("mute", user="ada", minutes=1) == {"publish": {}}


async def test_who_comes_and_goes_is_seen_with_name_and_colour() -> None:
    async with chatting() as (address, _), visiting(address, "ada", here=True) as ada:
        async with visiting(address, "bob", here=True) as bob:
            joined = await ada.wire.push("join", HERE)
            if joined["info"]["user"] == "ada":
                joined = await ada.wire.push("join", HERE)
            assert joined["info"]["conn_info"] == {"name": "bob", "color": 1}
            assert joined["info"]["chan_info"]["since"] > 1_500_000_000
            present = (await bob.wire.result(presence={"channel": HERE}))["presence"]
            assert sorted(one["user"] for one in present.values()) == ["ada", "bob"]
        assert (await ada.wire.push("leave", HERE))["info"]["user"] == "bob"


async def test_typing_and_read_are_told_to_the_others_and_not_remembered() -> None:
    async with (
        chatting() as (address, _),
        visiting(address, "ada", here=True) as ada,
        visiting(address, "bob", here=True) as bob,
    ):
        for data in ({"type": "typing", "on": True}, {"type": "read", "at": 17}):
            assert await ada.wire.ask(publish={"channel": HERE, "data": data}) == {"publish": {}}
            assert await bob.hear(HERE) == data
        assert await ada.wire.error(publish={"channel": HERE, "data": {"type": "message"}}) == 400
        assert await ada.wire.error(history={"channel": HERE, "limit": 10}) == 108
        assert not any("pub" in one.get("push", {}) for one in ada.wire.log), "the sender is spared his own"


async def test_how_far_one_has_read_is_known_on_the_next_visit() -> None:
    store = open_store("memory://")
    async with chatting(store) as (address, _):
        async with visiting(address, "ada", here=True) as ada:
            for at in (50, 20):
                data = {"type": "read", "at": at}
                assert await ada.wire.ask(publish={"channel": HERE, "data": data}) == {"publish": {}}
            async with connected(address, "json", "bob") as bob:
                assert (await bob.subscribe(HERE))["data"] == {"marks": {"ada": 50}}
        async with connected(address, "json", "ada") as ada_again:
            assert (await ada_again.subscribe(LOBBY))["data"] == {"you": "ada", "marks": {"ada": 50}}
            assert (await ada_again.subscribe("chat:garden"))["data"] == {"you": "ada", "marks": {}}


async def test_nobody_has_read_what_is_still_to_come() -> None:
    async with chatting() as (address, _), visiting(address, "ada", here=True) as ada:
        data = {"type": "read", "at": 2**62}
        assert await ada.wire.ask(publish={"channel": HERE, "data": data}) == {"publish": {}}
        async with connected(address, "json", "bob") as bob:
            marks = (await bob.subscribe(HERE))["data"]["marks"]
            assert marks["ada"] < 2**53


async def test_a_page_is_told_which_rooms_there_are_and_who_is_always_there() -> None:
    async with chatting() as (address, _), connected(address, "json", "ada") as line:
        answer = (await line.result(rpc={"method": "chat.rooms"}))["data"]
        assert list(answer["rooms"]) == list(chat.ROOMS)
        assert all(bot["name"] for bot in answer["bots"].values())
