"""The chat's bots: they speak to who is alone, and to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from openline.hub import Hub
from openline.playground.pages import chat_bots
from openline.playground.pages.chat_bots import GREETING, MAX_HEARD, Bots
from openline.playground.pages.chat_mutes import Mutes
from tests.hub.conformance.wire import named_hub
from tests.playground.pages.chatting import LOBBY, Visitor, chatting, visiting


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_bots, "PACE", 0.0)


async def from_a_bot(visitor: Visitor, kind: str = "message") -> dict[str, object]:
    """The next message of a bot, or its next reaction, which is on a visitor's message."""
    while True:
        heard = await visitor.hear()
        if heard["type"] == kind and (kind == "reaction" or heard["id"].startswith("bot-")):
            return heard


async def test_who_comes_alone_is_greeted() -> None:
    async with chatting(jobs=True) as (address, _), visiting(address, "ada", here=True) as ada:
        assert (await from_a_bot(ada))["text"] == GREETING


async def test_who_is_alone_is_answered_and_his_message_gets_a_sign() -> None:
    async with chatting(jobs=True) as (address, _), visiting(address, "ada", here=True) as ada:
        await from_a_bot(ada)
        key = await ada.say("What happens when I cut the line?")
        reaction = await from_a_bot(ada, "reaction")
        assert (reaction["id"], reaction["sign"]) == (f"ada.{key}", "like")
        assert "your messages wait" in str((await from_a_bot(ada))["text"])


async def test_they_chat_in_the_garden_while_somebody_is_elsewhere() -> None:
    async with chatting(jobs=True) as (address, _), visiting(address, "ada", here=True) as ada:
        await ada.wire.subscribe("chat:garden")
        said = [(await ada.hear("chat:garden"))["text"] for _ in chat_bots.CHATTER]
        assert said == [text for _, text in chat_bots.CHATTER]


@asynccontextmanager
async def company() -> AsyncIterator[tuple[str, Hub, Visitor]]:
    """Two who talk with each other."""
    async with (
        chatting() as (address, hub),
        visiting(address, "ada", here=True) as ada,
        visiting(address, "bob", here=True),
    ):
        yield address, hub, ada


async def test_where_two_are_they_keep_quiet() -> None:
    async with company() as (_, hub, ada):
        bots = Bots(hub, Mutes())
        bots.greet("chat-here:lobby")
        bots.hear("lobby", "ada.12345678", "hello?")
        await until_heard(bots)
        assert await ada.history() == []


async def test_who_is_muted_keeps_quiet_also_as_a_bot() -> None:
    async with chatting() as (address, hub), visiting(address, "ada", here=True) as ada:
        mutes = Mutes()
        bots = Bots(hub, mutes)
        for user in bots.people:
            mutes.mute("lobby", user, 60)
        bots.hear("lobby", "ada.12345678", "hello?")
        await until_heard(bots)
        assert await ada.history() == []


async def until_heard(bots: Bots) -> None:
    """Let them work off what they have heard."""
    task = asyncio.create_task(bots.run())
    await bots.idle()
    task.cancel()
    await asyncio.wait([task])


async def test_what_bots_hear_is_bounded() -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60)
    hub.namespace("chat-here", presence=True)
    async with hub:
        bots = Bots(hub, Mutes())
        for _ in range(100):
            bots.hear("lobby", "ada.12345678", "hello")
        assert bots._heard.qsize() == MAX_HEARD
        await until_heard(bots)
        assert (await hub.history(LOBBY, limit=-1))[0] == []
