"""`Documents`: shared documents that Yjs editors of the browser open as they are."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Generator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pycrdt import Doc

from openline.documents.access import name_in
from openline.documents.counters import DocumentCounters
from openline.documents.document import Document
from openline.documents.editor import Editor
from openline.documents.nodes import NodeChannel
from openline.documents.options import DocumentOptions
from openline.documents.restoring import make_equal
from openline.documents.storage import Version, Versions
from openline.hub.auth.origins import origin_allowed
from openline.hub.codes import Disconnect, ErrorCode, Refused
from openline.hub.hooks import Hooks
from openline.websocket.plain_response import plain_response
from openline.websocket.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.hub.stores.base import Store
    from openline.hub.transports.base import ClientRequest
    from openline.protocol.http11 import Request, Response
    from openline.websocket.http import HTTPHandler
    from openline.websocket.listener import Listener
    from openline.websocket.options import Options
    from openline.websocket.server_connection import ServerConnection

__all__ = ["Documents"]

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("openline.documents")

SWEEP = 15.0
"""Seconds between two looks at all open documents."""

_FADES = 45.0
"""Seconds after which what another node said of its clients is forgotten, unless repeated: they do so every 15."""

_SETTLE = 10.0
"""Seconds that stores have, at the end, for what was gathered."""


class Documents:
    """Documents that many edit at once, for Yjs editors and the y-websocket provider.

    ::

        documents = Documents(hub, store)

        @documents.on_open
        async def may(session, name):
            return "write" if name.startswith(session.user) else "read"

        await openline.serve(documents, "127.0.0.1", 8000)  # and the hub on the same port

    An update is sent to the others, and back to its writer, when it is stored. See docs/documents.md for what is never
    lost.

    Args:
        hub: Whose hooks say who somebody is; it is served, too. With a broker for many nodes the nodes share documents.
        store: Keeps them; with many nodes it is one for all.
        prefix: What stands before a document's name in the path.
        options: Fields of `DocumentOptions`.

    Raises:
        TypeError, ValueError: an option is unknown, or makes no sense.

    Attributes:
        hub, store, prefix: As they were given.
        options: The options.
        hooks: The functions that were registered.
        counters: What was counted.
        memory: Bytes of all documents in memory, by estimate.
        connections: How many were let in, and are open.
    """

    def __init__(self, hub: Hub, store: Store, *, prefix: str = "/documents/", **options: Any) -> None:
        if not (prefix.startswith("/") and prefix.endswith("/")):
            raise ValueError("prefix must begin and end with a slash")
        self.hub = hub
        self.store = store
        self.prefix = prefix
        self.options = DocumentOptions(**options)
        self.hooks = Hooks({"open": ("session", "name")})
        self.counters = DocumentCounters()
        self.memory = self.connections = 0
        self._open: dict[str, Document] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._line_options: dict[int, tuple[Options, Options]] = {}
        self._closing = False
        self._settled = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Documents {len(self._open)} open>"

    def on_open(self, function: F) -> F:
        """Register ``(session, name)``: may somebody open a document?

        It returns ``"write"`` or ``"read"``, or raises `Refused` or `Unauthorized`; it may be ``async``. Without it the
        options of the hub's namespace ``documents`` count: who may subscribe to ``documents:<name>`` may read, and who
        may publish there may write.
        """
        return self.hooks.register("open", function)

    # What the application does.

    async def edit(self, name: str, change: Callable[[Doc[Any]], None]) -> None:
        """Change a document on the server; open editors see it.

        Args:
            name: The document.
            change: Called with the `pycrdt.Doc`, which it changes. It must not keep it.

        Raises:
            StoreDown: the change is not stored, or that is not known.
            Refused: 107, the name is none; 106, too many documents are open.

        Cancel: the change may have been made.
        """
        with self._pinned(name) as document:
            await document.edit(change)

    async def read(self, name: str) -> Doc[Any]:
        """Return a copy of a document; an empty one, if there is none of this name.

        Raises:
            StoreDown, Refused: as `edit`.
        """
        copy: Doc[Any] = Doc()
        with self._pinned(name) as document:
            copy.apply_update((await document.ready()).doc.get_update())
        return copy

    async def save_version(self, name: str, label: str = "", *, author: str = "") -> Version:
        """Keep the document as it is now, to be restored some day. With more than ``max_versions`` the oldest go.

        Args:
            name: The document.
            label: What to call it; up to 200 characters.
            author: Who wants it, for people; up to 200 characters.

        Raises:
            ValueError: the label or the author is longer.
            StoreDown, Refused: as `edit`.
        """
        if len(label) > 200 or len(author) > 200:
            raise ValueError("label and author have at most 200 characters")
        with self._pinned(name) as document:
            state = await document.ready()
            return await self._versions(name).save(state.doc.get_update(), label, author)

    async def versions(self, name: str) -> list[Version]:
        """Return the versions of a document, the oldest first.

        Raises:
            StoreDown: they cannot be read.
        """
        return await self._versions(name).all()

    async def read_version(self, name: str, number: int) -> Doc[Any]:
        """Return a version of a document.

        Raises:
            LookupError: there is none of this number.
            StoreDown: it cannot be read.
        """
        state = await self._versions(name).state(number)
        if state is None:
            raise LookupError(f"{name!r} has no version {number}")
        old: Doc[Any] = Doc()
        old.apply_update(state)
        return old

    async def restore(self, name: str, number: int) -> None:
        """Make a document equal to what it was in a version: an edit like any other, which open editors see.

        Texts with their formats, maps, arrays and XML at the root are restored, with all that is nested in them, but
        for subdocuments and shared types within texts.

        Args:
            name: The document.
            number: Of the `Version`.

        Raises:
            LookupError: there is no such version.
            StoreDown, Refused: as `edit`.
        """
        old = await self.read_version(name, number)
        await self.edit(name, lambda doc: make_equal(doc, old))

    def _versions(self, name: str) -> Versions:
        return Versions(self.store, name, self.options.max_versions)

    @contextlib.contextmanager
    def _pinned(self, name: str) -> Generator[Document]:
        """A document that stays in memory meanwhile."""
        if not name or len(name) > self.options.max_name_length:
            raise Refused(ErrorCode.BAD_REQUEST)
        try:
            document = self.open(name)
        except Disconnect as order:
            raise Refused(ErrorCode.LIMIT_EXCEEDED, order.reason) from None
        document.pins += 1
        try:
            yield document
        finally:
            document.unpin()

    # Serving.

    def listener(self, ws: ServerConnection) -> Editor | None:
        """Return the listener of a connection; None: its path is none of a document. For who serves several things."""
        request = ws.request
        if request is None or not request.path.startswith(self.prefix):
            return None
        key = id(ws.options)
        made = self._line_options.get(key)
        if made is None:
            if len(self._line_options) > 16:
                self._line_options.clear()
            # The first is kept, so that no other gets its id.
            made = self._line_options[key] = (ws.options, self._options_of_lines(ws.options))
        ws.options = made[1]
        return Editor(self, ws)

    def _options_of_lines(self, options: Options) -> Options:
        own = self.options
        # A frame may hold several messages, and each an update.
        room = own.max_update_size + own.max_awareness_size + 2**12
        return dataclasses.replace(
            options,
            max_message_size=room,
            max_fragment_size=None,
            max_unsent=own.max_document_size + own.max_unsent,
            too_big_code=4413,
        )

    def serving(self, *, http: HTTPHandler | None = None) -> Serving:
        """Say how `openline.serve` is to serve this: the documents, and the hub beside them.

        Args:
            http: Gets the HTTP requests that are not the hub's. None: they are answered with 404.
        """
        of_hub = self.hub.serving(http=http)
        owns_store = False

        def listener(ws: ServerConnection) -> Listener | None:
            return self.listener(ws) or of_hub.listener(ws)

        def process_request(
            ws: ServerConnection, request: Request
        ) -> Awaitable[Response | None] | Response | None:
            if not request.path.startswith(self.prefix):
                return of_hub.process_request(ws, request) if of_hub.process_request else None
            if not self._is_ours(request):
                return plain_response(
                    HTTPStatus.FORBIDDEN, "This page must not connect: see allowed_origins.\n"
                )
            if self.hub.draining:
                return plain_response(HTTPStatus.SERVICE_UNAVAILABLE, "Server is shutting down.\n")
            return None

        async def start() -> None:
            nonlocal owns_store
            await self.store.start()
            owns_store = True
            await of_hub.start()

        async def closed() -> None:
            await self.close()
            await of_hub.closed()
            if owns_store:
                await self.store.close()

        return dataclasses.replace(
            of_hub,
            listener=listener,
            process_request=process_request,
            start=start,
            closed=closed,
        )

    async def run(self) -> None:
        """Until cancelled: nothing; then `close`. A job for servers that serve this by `listener`."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()

    async def close(self) -> None:
        """Store what was gathered, and forget all documents. Who edits comes back later. Idempotent.

        Cancel: what is not stored by then is still with who wrote it.
        """
        if self._closing:
            return
        self._closing = True
        try:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for document in list(self._open.values()):
                for editor in list(document.editors):
                    editor.end(3001, "shutdown")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE):
                    while any(document.busy for document in self._open.values()):
                        self._settled.clear()
                        await self._settled.wait()
            for document in list(self._open.values()):
                if document.busy:
                    document.fail("it is closed before its store has answered")
                else:
                    self._unload(document)
        finally:
            self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    # For documents and editors.

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The hub's."""
        return self.hub.loop

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of ours, which raises nothing, without a task while it need not wait."""
        self.hub.spawn(coroutine)

    def channel_of(self, document: Document) -> NodeChannel | None:
        """Return what connects a document with other nodes; None: there are none."""
        return NodeChannel(self, document) if self.hub.broker.shared else None

    def check_origin(self, request: ClientRequest) -> None:
        """Refuse pages that must not connect.

        Raises:
            Refused: this one must not.
        """
        if not self._is_ours(request):
            raise Refused(message="this page must not connect")

    def _is_ours(self, request: ClientRequest | Request) -> bool:
        headers = request.headers
        allowed = self.hub.options.allowed_origins
        origin = headers.get("Origin")
        if origin_allowed(origin, headers.get("Host", ""), allowed):
            return True
        logger.info("connection refused: a page of %r must not connect", origin)
        return False

    def admitted(self, session: Session) -> None:
        """An editor was let in: by his name, too, he can be sent away."""
        self.connections += 1
        self.hub.guests.add(session)
        self.hub.watch_expiry(session)

    def name_of(self, path: str) -> str:
        """Return the name of the document in a path.

        Raises:
            Malformed: there is none.
        """
        return name_in(path, self.prefix, self.options.max_name_length)

    def open(self, name: str) -> Document:
        """Return a document; one that is not in memory begins to be loaded, once for all who want it.

        Raises:
            Disconnect: 4503, there is no room for it.
        """
        document = self._open.get(name)
        if document is None:
            if self._closing or not self._make_room():
                raise Disconnect(4503, "too many documents are open")
            document = self._open[name] = Document(self, name)
            if self._timer is None:
                self._timer = self.loop.call_later(self._period, self._sweep)
            # Not before who wants it has joined: what nobody edits may be forgotten at once.
            self.hub.spawn(document.load(), later=True)
        return document

    @property
    def _period(self) -> float:
        return min(SWEEP, max(self.options.idle_timeout, 0.05))

    def _has_room(self) -> bool:
        return len(self._open) < self.options.max_open and self.memory < self.options.max_memory

    def _make_room(self) -> bool:
        if self._has_room():
            return True
        idle = [one for one in self._open.values() if one.idle_since is not None and not one.busy]
        for document in sorted(idle, key=lambda one: one.idle_since or 0.0):
            self._unload(document)
            if self._has_room():
                return True
        return False

    def rest(self, document: Document) -> None:
        """Nobody edits a document any more."""
        if document.idle_since is None:
            document.idle_since = self.loop.time()
        self._settled.set()
        if self.options.idle_timeout == 0 and not document.busy and not document.closed:
            self._unload(document)

    def discard(self, document: Document) -> None:
        """A document cannot go on."""
        if self._open.get(document.name) is document:
            del self._open[document.name]
        self._settled.set()
        document.close()

    def _unload(self, document: Document) -> None:
        self.counters.unloaded += 1
        self.discard(document)

    def _sweep(self) -> None:
        now = self.loop.time()
        for document in list(self._open.values()):
            idle = document.idle_since
            if document.editors:
                document.keep_alive()
                document.look_around(_FADES)
            elif idle is not None and now - idle >= self.options.idle_timeout and not document.busy:
                self._unload(document)
        self._timer = self.loop.call_later(self._period, self._sweep) if self._open else None
