"""One open document: its state, who edits it, and the way of an update to the store and to the others.

An update is put into the state at once, gathered with what else comes in this turn of the loop, appended to the log,
and sent to everybody: also to who made it, who so learns that it is stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from openline.documents.awareness import Awareness
from openline.documents.codes import CloseDocument
from openline.documents.lib0 import Malformed
from openline.documents.messages import AwarenessEntry, awareness_message, update_message
from openline.documents.shared_state import Broken, SharedState, TooLarge
from openline.documents.storage import DocumentLog
from openline.documents.updates import read_update
from openline.hub.brokers.base import BrokerDown
from openline.hub.stores.base import StoreDown
from openline.websocket.broadcast import broadcast

if TYPE_CHECKING:
    from pycrdt import Doc

    from openline.documents.documents import Documents
    from openline.documents.editor import Editor
    from openline.documents.nodes import NodeChannel
    from openline.documents.updates import Update
    from openline.websocket.connection import Connection

__all__ = ["Document"]

logger = logging.getLogger("openline.documents")

MOST_GATHERED = 2**20
"""Bytes of updates that wait for the store before who sends more is not read any more."""


class Document:
    """A document in memory.

    Attributes:
        name: Its name.
        state: Its content; None while it is being loaded.
        awareness: Who is here.
        editors: The connections, those that wait for it to be loaded included.
        idle_since: When its last editor left, by the loop's clock; None: there are some.
        pins: How many calls of the application are at work on it.
        closed: It is not in memory any more; nothing may begin here.
    """

    def __init__(self, documents: Documents, name: str) -> None:
        options = documents.options
        self.name = name
        self.state: SharedState | None = None
        self.awareness = Awareness(options.max_awareness_clients, _is_same_person)
        self.editors: dict[Editor, None] = {}
        self.idle_since: float | None = None
        self.pins = 0
        self.closed = False
        self._documents = documents
        self._options = options
        self._log = DocumentLog(documents.store, name)
        self._known = 0  # every entry of the log up to this one is in the state
        self._entries = 0
        self._entries_size = 0
        self._batch: list[bytes] = []
        self._batch_size = 0
        self._batch_types = 0
        self._storing = False
        self._scheduled = False
        self._reload = False
        self._lines: list[Connection] | None = None
        self._held: list[Editor] = []
        self._ready: asyncio.Future[None] | None = None
        self._stored: list[asyncio.Future[None]] = []
        self._nodes: NodeChannel | None = documents.channel_of(self)
        self._quiet = True
        self._counted = 0

    def __repr__(self) -> str:
        return f"<Document {self.name!r} {len(self.editors)} editors>"

    @property
    def known(self) -> int:
        """Every entry of the log up to this one is in the state."""
        return self._known

    @property
    def busy(self) -> bool:
        """Whether something is being loaded or stored, so that it must stay."""
        return self.state is None or self._storing or bool(self._batch or self._stored or self.pins)

    # Loading.

    async def load(self) -> None:
        """Read it from the store; raises nothing."""
        options = self._options
        try:
            if self._nodes is not None:
                await self._nodes.listen()
            state = SharedState(
                max_size=options.max_document_size,
                max_types=options.max_types,
                max_pending=options.max_pending,
            )
            self._known = self._entries = self._entries_size = 0
            waiting: list[bytes] = []
            async for saved in self._log.read(0):
                state.load(saved.updates)
                state.types += saved.types
                self._note(saved.number, saved.size)
                self._known = saved.number
                if saved.waits:
                    waiting += saved.updates
            if waiting:
                # They may take seconds.
                state.hold_back(await asyncio.to_thread(lambda: [(one, read_update(one)) for one in waiting]))
        except (StoreDown, BrokerDown) as error:
            self._documents.counters.store_errors += 1
            self.fail(f"it cannot be loaded: {error}")
            return
        except (Broken, Malformed) as error:
            logger.error("%r cannot be loaded: what is stored of it is damaged: %s", self, error)
            self.fail("it is damaged")
            return
        if self.closed:
            return
        self.state = state
        self._count()
        self._documents.counters.loaded += 1
        if self._nodes is not None:
            self._nodes.ask(self._known, state.vector())
        if self._ready is not None:
            self._ready.set_result(None)
            self._ready = None
        for editor in list(self.editors):
            editor.begin()
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        if not self.editors and not self.busy:
            self._documents.rest(self)

    def unpin(self) -> None:
        """A call of the application is done."""
        self.pins -= 1
        self._come_to_rest()

    def _note(self, number: int, size: int) -> None:
        self._entries += 1
        self._entries_size += size
        if number == self._known + 1:
            self._known = number

    async def ready(self) -> SharedState:
        """Wait until it is loaded.

        Raises:
            StoreDown: it cannot be.
        """
        while self.state is None:
            if self.closed:
                raise StoreDown(f"{self!r} cannot be loaded")
            if self._ready is None:
                self._ready = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ready)
        return self.state

    def _begin_anew(self) -> None:
        """The state is of no use any more: load it once what was gathered is stored. Editors wait."""
        self.state = None
        for editor in self.editors:
            editor.wait()
        self._reload = True
        self._go_on()

    def fail(self, why: str) -> None:
        """It cannot go on: everybody comes back later, with all that he has. What is not stored is still with them."""
        if self.closed:
            return
        logger.warning("%r is closed: %s", self, why)
        self._documents.discard(self)
        error = StoreDown(why)
        for waiting in (self._ready, *self._stored):
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # who does not wait any more need not hear of it
        self._ready = None
        self._stored.clear()
        self._batch.clear()
        for editor in list(self.editors):
            editor.end(CloseDocument.TRY_LATER, "try again later")

    def _count(self) -> None:
        """Tell how much it takes now."""
        size = 0 if self.state is None or self.closed else self.state.size
        self._documents.memory += size - self._counted
        self._counted = size

    def close(self) -> None:
        """It leaves the memory; called by `Documents` alone."""
        self.closed = True
        self._count()
        if self._nodes is not None:
            self._nodes.leave()

    # Editors.

    def join(self, editor: Editor) -> None:
        """Somebody comes; `Editor.begin` is called when he can begin."""
        self.editors[editor] = None
        self._lines = None
        self.idle_since = None
        if self.state is not None:
            editor.begin()

    def leave(self, editor: Editor) -> None:
        """He is gone. Idempotent."""
        if self.editors.pop(editor, self) is self:
            return
        self._lines = None
        self._tell_awareness(self.awareness.remove(editor))
        if not self.editors:
            self._documents.rest(self)

    def broadcast(self, message: bytes) -> None:
        """Send to all that have begun."""
        if self._lines is None:
            self._lines = [editor.connection for editor in self.editors if editor.begun]
        if self._lines:
            self._quiet = False
            self._documents.counters.relayed += len(self._lines)
            broadcast(self._lines, message)

    def has_begun(self) -> None:
        """Another editor hears of everything from now on."""
        self._lines = None

    def keep_alive(self) -> None:
        """Where nothing was sent for a while, send something: providers close what is silent for 30 s."""
        if self._quiet:
            self.broadcast(awareness_message(()))
        self._quiet = True

    # Updates.

    def write(self, data: bytes, update: Update, editor: Editor | None = None) -> None:
        """Put in an update, and have it stored and sent.

        Raises:
            Malformed: it cannot be decoded.
            TooLarge: it would pass a bound.
        """
        state = self.state
        assert state is not None
        try:
            news = state.apply(data, update)
        except Broken as error:
            logger.info("%r is loaded anew: an update could not be put in: %s", self, error)
            self._begin_anew()
            if error.too_large:
                raise TooLarge(str(error)) from None
            raise Malformed(str(error)) from None
        if news:
            self._gather(news, update.types)
            if editor is not None and self._batch_size > MOST_GATHERED:
                editor.wait()
                self._held.append(editor)

    async def edit(self, change: Callable[[Doc[Any]], None]) -> None:
        """Change the document here; returns when that is stored, and was sent to all.

        Raises:
            StoreDown: it is not stored, or that is not known.
        """
        state = await self.ready()
        try:
            change(state.doc)
        except BaseException:
            self._begin_anew()
            raise
        news = state.change()
        if not news:
            return
        types = sum(read_update(one).types for one in news)
        state.types += types
        stored = asyncio.get_running_loop().create_future()
        self._stored.append(stored)
        self._gather(news, types)
        await asyncio.shield(stored)

    def _gather(self, updates: list[bytes], types: int) -> None:
        self._documents.counters.updates += len(updates)
        self._batch += updates
        self._batch_size += sum(map(len, updates))
        self._batch_types += types
        self._count()
        if not self._storing and not self._scheduled:
            self._scheduled = True
            self._documents.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        if self._storing or self.closed:
            return
        if self._batch:
            self._storing = True
            self._documents.spawn(self._store())
        elif self._reload:
            self._reload = False
            self._documents.spawn(self.load())

    async def _store(self) -> None:
        """Append what was gathered, and send it; raises nothing."""
        batch, types, stored = self._batch, self._batch_types, self._stored
        self._batch, self._batch_size, self._batch_types, self._stored = [], 0, 0, []
        state = self.state
        try:
            number = await self._log.append(batch, types, waits=bool(state and state.pending))
        except StoreDown as error:
            self._storing = False
            self._documents.counters.store_errors += 1
            self._stored += stored
            self.fail(f"the store failed: {error}")
            return
        self._documents.counters.stored += 1
        self._note(number, sum(map(len, batch)))
        for data in batch:
            self.broadcast(update_message(data))
        for waiting in stored:
            if not waiting.done():
                waiting.set_result(None)
        if self._nodes is not None:
            await self._nodes.tell_updates(number, batch)
        await self._compact()
        self._storing = False
        if not self._batch:
            held, self._held = self._held, []
            for editor in held:
                editor.go_on()
        self._go_on()
        self._come_to_rest()

    async def _compact(self) -> None:
        """Make the log one entry, where it has grown; what is gathered meanwhile waits."""
        options, state = self._options, self.state
        if (
            state is None
            or self._entries < 2
            or (
                self._entries < options.compact_entries
                and self._entries_size < max(options.compact_size, 2 * state.size)
            )
        ):
            return
        try:
            if self._nodes is not None:
                await self._read_further()
                if self.state is not state:
                    return
            # Other nodes go on meanwhile, and what they store behind this is not in it.
            full, through, waits = state.full(), self._known, bool(state.pending)
            if state.types > options.max_types // 2:
                # They were only ever added; how many are left takes time to find out.
                state.types = (await asyncio.to_thread(read_update, full[0])).types
            await self._log.replace(through, full, state.types, waits=waits)
        except StoreDown as error:
            # Nothing is lost: the log is as it was, or shorter.
            self._documents.counters.store_errors += 1
            logger.warning("the log of %r could not be compacted: %s", self, error)
        else:
            self._documents.counters.compacted += 1
            self._entries, self._entries_size = 1, sum(map(len, full))
            self._count()

    # Other nodes.

    def take(self, number: int, updates: Sequence[bytes]) -> bool:
        """Another node has stored updates, as this entry of the log; False: they cannot be put in now."""
        if self.state is None or self.closed:
            return False
        for data in updates:
            try:
                news = self.state.apply(data, read_update(data))
            except (Malformed, TooLarge, Broken) as error:
                logger.error("%r: an update of another node could not be put in: %s", self, error)
                self._begin_anew()
                return False
            for one in news:
                self.broadcast(update_message(one))
        self._note(number, sum(map(len, updates)))
        self._count()
        return True

    async def catch_up(self) -> None:
        """Something of other nodes was missed: read it from the log; raises nothing."""
        try:
            await self._read_further()
        except StoreDown as error:
            self._documents.counters.store_errors += 1
            logger.warning("%r could not read what it missed: %s", self, error)

    async def _read_further(self) -> None:
        if self.state is None:
            return
        async for saved in self._log.read(self._known):
            if not self.take(saved.number, saved.updates):
                return
            self._known = saved.number

    def compare(self, number: int, vector: bytes) -> None:
        """Another node says how far it is: read what it has and this one lacks, and tell it what it lacks."""
        if self.state is None:
            return
        if number > self._known:
            self._documents.spawn(self.catch_up())
        missing = self.state.missing(vector)
        update = read_update(missing)
        if self._nodes is not None and update.ends:
            self._documents.spawn(self._nodes.tell_updates(self._known, [missing]))

    # Awareness.

    def hear(self, owner: Hashable, entries: Sequence[AwarenessEntry]) -> list[AwarenessEntry]:
        """Take what somebody says of himself; returns what he is to be told alone."""
        heard = self.awareness.hear(owner, entries)
        self._documents.counters.refused += heard.refused
        self._tell_awareness(heard.news, remote=not _is_editor(owner))
        return heard.stale

    def hear_node(self, node: str, entries: Sequence[AwarenessEntry]) -> None:
        """Take what another node says of its clients."""
        for entry in entries:
            # Each client of another node is an owner of its own there.
            self.hear(f"{node}/{entry.client}", (entry,))

    def own_awareness(self) -> list[AwarenessEntry]:
        """Return what the clients of this node say of themselves."""
        return self.awareness.entries(_is_editor)

    def look_around(self, age: float) -> None:
        """Forget what other nodes have not repeated for ``age`` seconds, and see that nothing of theirs was missed."""
        if self._nodes is not None:
            faded = self.awareness.remove_old(lambda owner: not _is_editor(owner), age)
            self._tell_awareness(faded, remote=True)
            self._documents.spawn(self.catch_up())

    def _tell_awareness(self, entries: list[AwarenessEntry], *, remote: bool = False) -> None:
        if not entries:
            return
        self.broadcast(awareness_message(entries))
        if self._nodes is not None and not remote:
            self._nodes.tell_awareness(entries)


def _is_editor(owner: Hashable) -> bool:
    return not isinstance(owner, str)


def _is_same_person(before: Hashable, now: Hashable) -> bool:
    """A user who comes back has the cursor that his old connection had, before its loss was noticed."""
    mine: Any = before
    his: Any = now
    return (
        _is_editor(before)
        and _is_editor(now)
        and mine.session.user != ""
        and mine.session.user == his.session.user
    )
