"""What visitors of the playground do in a round: they use its pages, their lines are cut, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Doc, Text

from openline.rooms import View
from openline.rooms.messages import STATE
from openline.testing.waiting import until
from tests.documents.editing import Peer

from .guest import CutOff, Guest, Refusal, new_cookie

CHATTERS, WATCHERS, EDITORS, PLAYERS, READERS = 4, 3, 3, 3, 2

SETTLING = 60.0  # seconds until all have everything, at the latest
TOO_FAST = 111  # the hub's error
SYMBOLS = 20  # that a watcher looks at


@dataclass
class Said:
    """A chatter's notebook: what was said in the room, in its order.

    Attributes:
        offset: Of the last publication.
        messages: The messages' ids.
    """

    offset: int
    epoch: str
    messages: list[str] = field(default_factory=list)

    def hear(self, publication: dict[str, Any]) -> None:
        """Take a publication.

        Raises:
            AssertionError: one is missing, or came twice.
        """
        assert publication["offset"] == self.offset + 1, f"{publication['offset']} came after {self.offset}"
        self.offset += 1
        if publication["data"]["type"] == "message":
            assert publication["data"]["id"] not in self.messages, "a message came twice"
            self.messages.append(publication["data"]["id"])


@dataclass
class Visits:
    """One round.

    Attributes:
        over: Set when the time is over; everybody then ends what he is doing.
        said: What each chatter has heard.
        acknowledged: Messages that the server has taken.
        docs: What each editor has.
        still: The chatters who have said all.
    """

    address: str
    chance: random.Random
    over: asyncio.Event = field(default_factory=asyncio.Event)
    done: Counter[str] = field(default_factory=Counter)
    said: list[Said] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    docs: list[Doc[Any]] = field(default_factory=list)
    still: set[int] = field(default_factory=set)

    async def run(self, seconds: float) -> Counter[str]:
        """Let everybody come, and go.

        Raises:
            ExceptionGroup: something was lost, came twice, or was refused that should not have been.
        """
        visitors = (
            (self.chatter, CHATTERS),
            (self.watcher, WATCHERS),
            (self.editor, EDITORS),
            (self.player, PLAYERS),
            (self.reader, READERS),
        )
        async with asyncio.TaskGroup() as group:
            for visit, count in visitors:
                for number in range(count):
                    group.create_task(visit(number))
            group.create_task(self._end_after(seconds))
        assert all(set(self.acknowledged) <= set(said.messages) for said in self.said)
        return self.done

    async def _end_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.over.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds * (0.5 + self.chance.random()))

    async def _stay(self, guest: Guest, name: str, visit: Callable[[], Awaitable[None]]) -> None:
        """Do something on the hub until it is done, again and again after each cut."""
        while True:
            try:
                async with guest.online(name):
                    return await visit()
            except CutOff:
                self.done["cuts"] += 1

    # Chat.

    async def chatter(self, number: int) -> None:
        """Say something now and then, and hear all of it: each message once, in order, whatever happens to the line."""
        said: Said | None = None
        pending: list[str] = []

        def pushed(push: dict[str, Any]) -> None:
            if push.get("channel") == "chat:lobby" and "pub" in push and said is not None:
                said.hear(push["pub"])

        guest = Guest(self.address, await new_cookie(self.address), pushed)

        async def visit() -> None:
            nonlocal said
            since = {} if said is None else {"recover": True, "offset": said.offset, "epoch": said.epoch}
            answer = await guest.ask(subscribe={"channel": "chat:lobby", **since})
            if said is None:
                said = Said(answer.get("offset", 0), answer["epoch"])
                self.said.append(said)
            else:
                assert answer.get("recovered"), "the history does not reach back"
                for publication in answer.get("publications", ()):
                    said.hear(publication)
            await until(self._all_listen, "everybody listens", SETTLING)
            user = answer["data"]["you"]
            while pending or not self.over.is_set():
                if not pending:
                    pending.append(secrets.token_hex(8))
                try:
                    data = {"type": "message", "key": pending[0], "text": f"<b>soak</b> {pending[0]}"}
                    await guest.ask(publish={"channel": "chat:lobby", "data": data})
                except Refusal as error:
                    if error.code != TOO_FAST:
                        raise
                else:
                    self.acknowledged.append(f"{user}.{pending.pop()}")
                    self.done["messages"] += 1
                await self._pause(0.8)
                if number == 0 and not self.over.is_set() and self.chance.random() < 0.15:
                    await guest.cut()
            # All have said all: then everybody has to have heard it.
            self.still.add(number)
            heard = said

            async def is_all() -> bool:
                return len(self.still) == CHATTERS and set(self.acknowledged) <= set(heard.messages)

            await until(is_all, "everybody has heard all", SETTLING)

        await self._stay(guest, f"Chatter {number}", visit)

    async def _all_listen(self) -> bool:
        return len(self.said) == CHATTERS

    # Live updates.

    async def watcher(self, number: int) -> None:
        """Look at some symbols for a while, and at others then: what comes is never older than what came before."""
        newest: dict[str, int] = {}

        def pushed(push: dict[str, Any]) -> None:
            if "pub" in push and push["channel"].startswith("market:"):
                value = push["pub"]["data"]["n"]
                assert value > newest.get(push["channel"], 0), "an older value came after a newer one"
                newest[push["channel"]] = value
                self.done["values"] += 1

        guest = Guest(self.address, await new_cookie(self.address), pushed)

        async def visit() -> None:
            listing = (await guest.rpc("market.symbols"))["symbols"]
            while not self.over.is_set():
                channels = [f"market:{one[0]}" for one in self.chance.sample(listing, SYMBOLS)]
                for channel in channels:
                    await guest.ask(subscribe={"channel": channel})
                await self._pause(1.5)
                for channel in channels:
                    await guest.ask(unsubscribe={"channel": channel})

        await self._stay(guest, f"Watcher {number}", visit)

    # Editing.

    async def editor(self, number: int) -> None:
        """Type into one document with the others; a cut line's edits merge, and at the end all have the same."""
        token = secrets.token_urlsafe(16)
        cookie = await new_cookie(self.address)
        guest = Guest(self.address, cookie, lambda push: None)
        guest.token = token
        url = f"ws://{self.address}/documents/field-notes?inspect={token}"
        headers = {"Cookie": cookie}
        peer = Peer()
        text = peer.doc.get("soak", type=Text)
        self.docs.append(peer.doc)
        await peer.connect(url, additional_headers=headers)
        while not self.over.is_set():
            with peer.doc.transaction():
                size = len(str(text))
                if size > 2000:
                    del text[: size // 2]
                else:
                    text.insert(self.chance.randrange(size + 1), self.chance.choice("abcdefgh \n"))
            self.done["edits"] += 1
            await self._pause(0.2)
            if number == 0 and self.chance.random() < 0.02:
                await guest.cut()
                await peer.gone()
                text.insert(0, "offline ")
                self.done["cuts"] += 1
                await self._again(peer, url, headers)

        async def is_one() -> bool:
            texts = {str(doc.get("soak", type=Text)) for doc in self.docs}
            return len(texts) == 1 and len(self.docs) == EDITORS

        try:
            await until(is_one, "all have the same text", SETTLING)
        except AssertionError:
            mine = f"editor {number}: closed {peer.closed}, synced {peer.synced}, reading {peer.reading}"
            sizes = [len(doc.get_update()) for doc in self.docs]
            raise AssertionError(f"the texts differ; states of {sizes} bytes; {mine}") from None
        await peer.close()

    async def _again(self, peer: Peer, url: str, headers: dict[str, str]) -> None:
        async with asyncio.timeout(SETTLING):
            while True:
                try:
                    return await peer.connect(url, additional_headers=headers)
                except Exception as error:
                    if "503" not in str(error):
                        raise
                    await asyncio.sleep(0.2)

    # Game.

    async def player(self, number: int) -> None:
        """Fly about; every state applies to the one before, and the seat is there after a cut."""
        view: View | None = None
        ticket: str | None = None
        ship: int | None = None

        early: list[bytes] = []  # what came before the answer was read: the first state, mostly

        def pushed(message: bytes) -> None:
            if not message or message[0] != STATE:
                return
            if view is None:
                early.append(message)
                return
            view.apply(message)
            self.done["states"] += 1

        guest = Guest(self.address, await new_cookie(self.address), pushed, protobuf=True)

        async def visit() -> None:
            nonlocal view, ticket, ship
            view = None
            early.clear()
            answer = await guest.rpc("game.join", {"ticket": ticket})
            view = View(answer["kinds"])
            for message in early:
                view.apply(message)
            assert ship in (None, answer["data"]["ship"]), "the seat was given away"
            ticket, ship = answer["ticket"], answer["data"]["ship"]
            step = answer["input"]
            while not self.over.is_set():
                step += 1
                data = bytes(
                    [self.chance.randrange(256), self.chance.randrange(101), self.chance.random() < 0.05]
                )
                await guest.tell(view.input(step, data))
                await asyncio.sleep(1 / 30)
                if number == 0 and self.chance.random() < 0.003:
                    await guest.cut()
            await guest.rpc("game.leave")

        await self._stay(guest, f"Player {number}", visit)

    # Notifications.

    async def reader(self, number: int) -> None:
        """Send oneself something, find it once on another device, read it there, and see it gone here."""
        cookie = await new_cookie(self.address)
        here, there = (Guest(self.address, cookie, lambda push: None) for _ in range(2))
        async with here.online("Reader"), there.online("Reader"):
            while not self.over.is_set():
                key = secrets.token_hex(8)
                order = {"topic": "builds", "title": "Soak", "key": key}
                for _ in range(2):  # as one that does not know whether it arrived
                    await here.rpc("notifications.send", order)
                listed = await there.rpc("inbox.list", {"limit": 100})
                found = [item for item in listed["items"] if item["id"].endswith(key)]
                assert len(found) == 1, f"{key} came {len(found)} times"
                await there.rpc("inbox.read", {"ids": [found[0]["id"]]})
                after = await here.rpc("inbox.list", {"limit": 100})
                assert next(item for item in after["items"] if item["id"] == found[0]["id"])["read"]
                self.done["notifications"] += 1
                await self._pause(0.5)
