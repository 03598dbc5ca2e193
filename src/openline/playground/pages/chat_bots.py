"""Two friendly bots, so that whoever comes alone sees a chat that lives. With others in the room they keep quiet."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import msgspec

from openline.hub import BrokerDown, ClientInfo, Hub
from openline.playground.pages.chat_commands import now_ms
from openline.playground.pages.chat_mutes import Mutes

__all__ = ["Bots"]

MAX_HEARD = 4
"""Messages that wait for an answer; what is said to bots that are busy goes unanswered."""

PACE = 1.2
"""Seconds that a short sentence takes them; 0: none."""

QUIET = 600_000
"""Milliseconds in which nothing was done in a room, before they begin to talk by themselves."""

logger = logging.getLogger("openline.playground")


class Bot(NamedTuple):
    """Somebody who is none. No visitor has such a user id: theirs are hexadecimal."""

    user: str
    name: str
    color: int

    def info(self) -> ClientInfo:
        """Return what publications say of it."""
        info = msgspec.json.encode({"name": self.name, "color": self.color, "bot": True})
        return ClientInfo(user=self.user, client=self.user, conn_info=msgspec.Raw(info))


PIP = Bot("bot-pip", "Pip", 2)
LIN = Bot("bot-lin", "Lin", 5)

GREETING = "Hello! You are alone with us bots so far. Open a private window, and you have company."

CHATTER = (
    (LIN, "The beans are up. All twelve of them."),
    (PIP, "You counted?"),
    (LIN, "Each of them has a number and an epoch. I would notice if one were missing."),
)
"""What they tell each other in the garden when somebody comes, for him to find something unread."""

ANSWERS = (
    (
        r"\b(hi|hello|hey|hallo|servus|moin)\b",
        PIP,
        "Hello! I am Pip. Say something, and watch the frames beside us.",
    ),
    (r"<\w", LIN, "Your tags arrived as text, and text they stay. Nobody's page runs what you write."),
    (
        r"\b(cut|line|offline|lost)\b",
        PIP,
        "Cut the line above, then write on: your messages wait, and go out once.",
    ),
    (
        r"\b(edit|typo|mistake|delete)\b",
        LIN,
        "Press the up arrow in an empty box to edit what you said last.",
    ),
    (
        r"\b(mute|quiet|stop|silence)\b",
        PIP,
        "You are here for longest, so you may mute me. Point at my message.",
    ),
    (
        r"\b(who|bot|human|real)\b",
        LIN,
        "We are a hundred lines of Python, and we only talk to who is alone here.",
    ),
    (
        r"\b(thanks|thank|nice|great|cool|wow)\b",
        PIP,
        "Glad you like it. All of its server stands beside this chat.",
    ),
    (r"\?", LIN, "Good question. I am a small bot, but the server's code has answers."),
)
REST = (
    (PIP, "I hear you. Each message has a number, so that nobody misses one."),
    (LIN, "Noted. Put a sign below it, if you like it: they are messages as well."),
    (PIP, "There is something new in another room, I think."),
)


class Bots:
    """Hears what is said, and answers after a while.

    Args:
        hub: Where they talk.
        mutes: Who is muted; they are, too, when somebody mutes them.

    Attributes:
        people: What pages show of them, by user id.
    """

    def __init__(self, hub: Hub, mutes: Mutes) -> None:
        self.people = {bot.user: {"name": bot.name, "color": bot.color} for bot in (PIP, LIN)}
        self._hub = hub
        self._mutes = mutes
        self._heard: asyncio.Queue[tuple[str, str, str]] = asyncio.Queue(MAX_HEARD)
        self._answered = 0

    def hear(self, room: str, message: str, text: str) -> None:
        """Somebody has said something; never waits.

        Args:
            room: Where.
            message: The message's id.
            text: What.
        """
        with suppress(asyncio.QueueFull):
            self._heard.put_nowait((room, message, text))

    def greet(self, channel: str) -> None:
        """Somebody has come into a room where nobody was; a hub's ``on_occupied``."""
        self.hear(channel.partition(":")[2], "", "")

    async def run(self) -> None:
        """Answer, one after the other, for as long as the server runs."""
        while True:
            room, message, text = await self._heard.get()
            try:
                if message:
                    await self._answer(room, message, text)
                else:
                    await self._greet(room)
            except BrokerDown as error:
                logger.warning("the chat's bots could not speak: %s", error)
            finally:
                self._heard.task_done()

    async def idle(self) -> None:
        """Wait until all that they have heard is answered, or left."""
        await self._heard.join()

    async def _greet(self, room: str) -> None:
        if await self._is_quiet(room):
            await self._say(room, room, PIP, GREETING)
        if room != "garden" and await self._is_quiet("garden"):
            for bot, text in CHATTER:
                await self._say("garden", room, bot, text)

    async def _answer(self, room: str, message: str, text: str) -> None:
        bot, answer = self._choose(text)
        self._answered += 1
        if self._answered % 2:
            await self._pause(0.6)
            if self._may(room, bot) and await self._alone(room):
                await self._publish(
                    room, bot, {"type": "reaction", "id": message, "sign": "like", "on": True}
                )
        await self._say(room, room, bot, answer)

    def _choose(self, text: str) -> tuple[Bot, str]:
        for pattern, bot, answer in ANSWERS:
            if re.search(pattern, text, re.IGNORECASE):
                return bot, answer
        return REST[self._answered % len(REST)]

    async def _say(self, room: str, watched: str, bot: Bot, text: str) -> None:
        """Type for a while, and say something, as long as exactly one visitor is in the room ``watched``."""
        await self._pause(0.5)
        if not self._may(room, bot) or not await self._alone(watched):
            return
        here, info = f"chat-here:{room}", bot.info()
        await self._hub.publish(here, {"type": "typing", "on": True}, info=info, skip_history=True)
        await self._pause(0.5 + len(text) / 80)
        if self._may(room, bot) and await self._alone(watched):
            message = {"type": "message", "id": f"{bot.user}.{secrets.token_urlsafe(12)}", "text": text}
            await self._publish(room, bot, message)
        else:
            await self._hub.publish(here, {"type": "typing", "on": False}, info=info, skip_history=True)

    async def _publish(self, room: str, bot: Bot, event: Mapping[str, object]) -> None:
        await self._hub.publish(f"chat:{room}", {**event, "at": now_ms()}, info=bot.info())

    async def _pause(self, share: float) -> None:
        await asyncio.sleep(PACE * share)

    def _may(self, room: str, bot: Bot) -> bool:
        return not self._mutes.left(room, bot.user)

    async def _alone(self, room: str) -> bool:
        _, users = await self._hub.presence_stats(f"chat-here:{room}")
        return users == 1

    async def _is_quiet(self, room: str) -> bool:
        last, _ = await self._hub.history(f"chat:{room}", limit=1, reverse=True)
        return not last or last[0].time < now_ms() - QUIET
