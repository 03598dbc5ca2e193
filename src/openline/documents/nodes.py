"""How nodes that have the same document open keep each other up to date.

Over a channel of the hub's broker, with history, so that each message has an offset and a gap is noticed. All nodes
have one store. What went through the channel is in the log by then, so that who missed something reads it there; and
nodes tell each other their state vectors, when one opens the document and when it missed something.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from openline.documents.lib0 import Malformed, read_bytes, read_number, write_bytes, write_number
from openline.documents.messages import AwarenessEntry, awareness_message, read_awareness, read_messages
from openline.hub.brokers.base import BrokerDown
from openline.hub.namespace import ChannelOptions
from openline.hub.publication import Payload, Publication, StreamPosition

if TYPE_CHECKING:
    from openline.documents.document import Document
    from openline.documents.documents import Documents

__all__ = ["NodeChannel"]

logger = logging.getLogger("openline.documents")

_PREFIX = "/documents:"
"""No namespace has a name like this: no client can subscribe."""

_CHANNEL = ChannelOptions(history=256, ttl=60.0, subscribe="nobody", publish="nobody")
_NODE = 16  # characters of a node's id
_MOST_ENTRIES = 100_000


class _Said(IntEnum):
    UPDATES = 0
    AWARENESS = 1
    STATE = 2


class NodeChannel:
    """What connects a document here with the same on other nodes.

    Args:
        documents: The documents of this node.
        document: The one.
    """

    def __init__(self, documents: Documents, document: Document) -> None:
        self._documents = documents
        self._document = document
        self._name = _PREFIX + document.name
        self._position: StreamPosition | None = None
        self._left = False
        self._attached = False
        self._news: dict[int, AwarenessEntry] = {}

    # What this node says.

    async def listen(self) -> None:
        """Hear of it from now on.

        Raises:
            BrokerDown: the broker cannot be reached.
        """
        if not self._attached:
            self._attached = True
            await self._documents.hub.table.attach(self._name, _CHANNEL, self)

    def leave(self) -> None:
        """Hear of it no more."""
        self._left = True
        if self._attached:
            self._documents.spawn(self._documents.hub.table.detach(self._name))

    async def tell_updates(self, number: int, updates: Sequence[bytes]) -> None:
        """Tell updates that are stored as this entry of the log; raises nothing."""
        body = write_number(number) + b"".join(map(write_bytes, updates))
        await self._tell(_Said.UPDATES, body, kept=True)

    def ask(self, number: int, vector: bytes) -> None:
        """Say how far this node is, and ask who is there."""
        body = write_number(number) + vector
        self._documents.spawn(self._tell(_Said.STATE, body, kept=True))

    def tell_awareness(self, entries: Sequence[AwarenessEntry]) -> None:
        """Tell of clients of this node, in the next turn of the loop, each as it is then."""
        if not self._news:
            self._documents.loop.call_soon(self._tell_news)
        self._news.update({entry.client: entry for entry in entries})

    def _tell_news(self) -> None:
        entries, self._news = self._news, {}
        if not self._left:
            body = awareness_message(entries.values())
            self._documents.spawn(self._tell(_Said.AWARENESS, body, kept=False))

    async def _tell(self, what: _Said, body: bytes, *, kept: bool) -> None:
        hub = self._documents.hub
        data = hub.node.encode() + bytes((what,)) + body
        try:
            await hub.broker.publish(
                self._name, Publication(data=Payload(data)), history=_CHANNEL.stream if kept else None
            )
        except BrokerDown as error:
            # The others find it in the log, when they look there.
            hub.counters.broker_errors += 1
            logger.warning("the other nodes were not told of %r: %s", self._document, error)

    # What others say; see `openline.hub.channel_table.Ear`.

    def on_publication(self, publication: Publication, position: StreamPosition) -> None:
        """Somebody has said something, perhaps this node."""
        if self._left:
            return
        gap = self._follow(position)
        data = bytes(publication.data)
        node = data[:_NODE].decode("ascii", "replace")
        if node != self._documents.hub.node:
            try:
                self._hear(node, data[_NODE], data[_NODE + 1 :])
            except (Malformed, IndexError) as error:
                logger.error("a node says what cannot be understood of %r: %s", self._document, error)
        if gap:
            self.on_restored()

    def on_restored(self) -> None:
        """Something may have been missed."""
        self._documents.counters.gaps += 1
        self._documents.spawn(self._resync())

    async def _resync(self) -> None:
        document = self._document
        await document.catch_up()
        if document.state is not None:
            self.ask(document.known, document.state.vector())

    def _follow(self, position: StreamPosition) -> bool:
        """Take note of the stream's position; True: something between was missed."""
        if not position.offset:
            return False
        known, self._position = self._position, position
        if known is None:
            return False
        return known.epoch != position.epoch or position.offset > known.offset + 1

    def _hear(self, node: str, what: int, body: bytes) -> None:
        document = self._document
        if what == _Said.UPDATES:
            number, at = read_number(body, 0)
            updates: list[bytes] = []
            while at < len(body):
                update, at = read_bytes(body, at)
                updates.append(update)
            document.take(number, updates)
        elif what == _Said.AWARENESS:
            for message in read_messages(body):
                document.hear_node(node, read_awareness(message.body, _MOST_ENTRIES))
        elif what == _Said.STATE:
            number, at = read_number(body, 0)
            document.compare(number, body[at:])
            self.tell_awareness(document.own_awareness())
