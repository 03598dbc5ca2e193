"""What can be set for documents: names, units, defaults, and the meaning of None."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["DocumentOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOptions:
    """Options of `Documents`. Times are in seconds, sizes in bytes.

    Attributes:
        max_update_size: Of one update of a client; a larger one closes it with 4413, after which providers do not come
            back. It bounds what a client may have edited offline, too.
        max_document_size: Of a document's full state. Who would make it larger is closed with 4413.
        max_types: Shared types (maps, arrays, texts, elements) that a document may hold inside of those at its root.
            Who would make more is closed with 4413. No more than 10,000: nested in one another, twice that many
            overflow the native code's stack.
        max_pending: Of updates that wait for others which the server does not have. Who would make it more is closed
            with 4413. Only a broken client, or a node that missed something, makes any.
        max_name_length: Characters of a document's name; a longer one is closed with 4400.
        max_editors: Connections to one document on one node; more are closed with 4503, and come back later.
        max_connections: To all documents together, likewise.
        max_open: Documents in memory on one node. Idle ones go first; if none is, who would open another is closed
            with 4503.
        max_memory: Of the states of all documents in memory, by estimate, likewise.
        idle_timeout: How long a document that nobody edits stays in memory. 0: not at all.
        max_awareness_size: Of what one client says of itself (name, colour, cursor). More closes it with 4413.
        max_awareness_clients: Yjs clients that may speak through one connection; more are passed over, and counted.
        max_unsent: That wait for one editor, besides one full state: with more it is closed with 3008, comes back and
            syncs again.
        update_rate: Updates a second from one connection, 2 s' worth at once. Above it the connection is read more
            slowly. None: no bound.
        byte_rate: Bytes a second, likewise, of all messages; a full ``max_update_size`` may come at once.
        compact_entries: Entries of a document's log after which it is made one: the full state.
        compact_size: Bytes of such entries, likewise, where that is more than the full state has.
        max_versions: That are kept of one document: with one more the oldest goes.
    """

    max_update_size: int = 2**20
    max_document_size: int = 4 * 2**20
    max_types: int = 10_000
    max_pending: int = 2**20
    max_name_length: int = 200
    max_editors: int = 1000
    max_connections: int = 10_000
    max_open: int = 10_000
    max_memory: int = 256 * 2**20
    idle_timeout: float = 60.0
    max_awareness_size: int = 2**14
    max_awareness_clients: int = 4
    max_unsent: int = 2**20
    update_rate: float | None = 100.0
    byte_rate: float | None = 2**18
    compact_entries: int = 500
    compact_size: int = 2**18
    max_versions: int = 100

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value <= 0 and field.name != "idle_timeout":
                raise ValueError(f"{field.name} must be above 0")
        if self.idle_timeout < 0:
            raise ValueError("idle_timeout must not be negative")
        if self.max_types > 10_000:
            raise ValueError("max_types must not be above 10,000: more can overflow the stack")
        if self.max_update_size > self.max_document_size:
            raise ValueError("max_update_size must not be above max_document_size")
