"""One connection to a document: the y-websocket protocol of its client, on the callback API."""

from __future__ import annotations

import asyncio
import logging
import time
from enum import Flag, auto
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import msgspec

from openline.documents.access import Access, access_of, name_in
from openline.documents.codes import CloseDocument
from openline.documents.lib0 import Malformed
from openline.documents.messages import (
    AwarenessEntry,
    Kind,
    Message,
    awareness_message,
    check_state,
    denied_message,
    read_awareness,
    read_messages,
    step1_message,
    step2_message,
)
from openline.documents.rate import Pace
from openline.documents.shared_state import TooLarge
from openline.documents.updates import EMPTY, Update, read_update
from openline.exceptions import ConnectionClosed
from openline.hub.brokers.base import BrokerDown
from openline.hub.codes import Disconnect, DisconnectCode, Refused
from openline.hub.commands.connecting import identify
from openline.hub.publication import Payload
from openline.hub.stores.base import StoreDown
from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF
from openline.hub.subprotocols.messages import ConnectRequest
from openline.hub.transports.incoming import address_of
from openline.hub.transports.websocket import ConnectionRequest
from openline.websocket.listener import Listener

if TYPE_CHECKING:
    from openline.documents.document import Document
    from openline.documents.documents import Documents
    from openline.engine.base import Message as Data
    from openline.hub.session import Session
    from openline.protocol.close_codes import CloseCode
    from openline.websocket.server_connection import ServerConnection

__all__ = ["Editor"]

logger = logging.getLogger("openline.documents")

_LARGE = 2**14
"""Bytes from which on an update is read in a thread: it may take some milliseconds for each."""

_MOST_FIELDS = 100

_MAYBE_LATER = (DisconnectCode.STALE, DisconnectCode.CONNECTION_LIMIT)
"""Ends of the hub's sessions that say nothing of who it is: a hook took too long, or there are too many."""


class _Hold(Flag):
    """Why a connection is not read."""

    NO = 0
    ENTERING = auto()
    DOCUMENT = auto()
    READING = auto()
    PACE = auto()
    UNSENT = auto()


class Editor(Listener):
    """The listener of one connection, and the transport of its session.

    Its session is one of the hub: ``on_connect`` says whose it is, ``on_disconnect`` follows, it expires, and
    ``hub.disconnect`` ends it. It has no channels, and no commands.

    Attributes:
        connection: The connection.
        session: Its session.
        access: What it may do.
        begun: It is synced, or about to be, and hears of everything.
    """

    __slots__ = (
        "_document",
        "_documents",
        "_hold",
        "_pace",
        "_rest",
        "access",
        "begun",
        "connection",
        "session",
    )

    name = "documents"
    emulated = False

    def __init__(self, documents: Documents, connection: ServerConnection) -> None:
        options = documents.options
        self.connection = connection
        self.session: Session
        self.access: Access = "read"
        self.begun = False
        self._documents = documents
        self._document: Document | None = None
        self._hold = _Hold.NO
        self._rest: list[Message] = []
        self._pace = Pace(options.update_rate, options.byte_rate, options.max_update_size, time.monotonic())

    # As a listener.

    def on_open(self, ws: ServerConnection) -> None:
        """Find out who it is, and what it may; until then it is not read."""
        hub = self._documents.hub
        self.session = hub.open_session(self, PROTOBUF, ConnectionRequest(ws))
        self._stop(_Hold.ENTERING)
        self._documents.spawn(self._enter())

    async def _enter(self) -> None:
        """Let it in, or not; raises nothing."""
        documents, session = self._documents, self.session
        try:
            documents.check_origin(session.request)
            name = name_in(session.request.path, documents.prefix, documents.options.max_name_length)
            if documents.hub.draining:
                raise Disconnect(DisconnectCode.SHUTDOWN)
            session.begin_connecting()
            await identify(session, _connect_request(session.request.path))
            session.check_open()
            access = await access_of(session, name, documents.hooks.get("open"))
            session.check_open()
            if documents.connections >= documents.options.max_connections:
                raise Disconnect(CloseDocument.TRY_LATER, "too many connections")
            document = documents.open(name)
            if len(document.editors) >= documents.options.max_editors:
                raise Disconnect(CloseDocument.TRY_LATER, "too many editors")
        except Malformed as error:
            self.end(CloseDocument.MALFORMED, str(error))
        except Refused as refusal:
            if refusal.temporary:
                self.end(CloseDocument.TRY_LATER, refusal.message)
            else:
                self.deny(refusal.message)
        except Disconnect as order:
            self.end(order.code, order.reason)
        except (StoreDown, BrokerDown) as error:
            self.end(CloseDocument.TRY_LATER, str(error))
        except Exception:
            logger.exception("nobody could say whether %r may open a document", session)
            self.end(CloseDocument.TRY_LATER, "internal error")
        else:
            session.connected()
            documents.admitted(session)
            documents.counters.opened += 1
            self.access = access
            self._document = document
            self._hold |= _Hold.DOCUMENT
            self._release(_Hold.ENTERING)
            document.join(self)

    def begin(self) -> None:
        """The document is loaded."""
        document = self._document
        if document is None or document.state is None or self.session.closed:
            return
        if not self.begun:
            self.begun = True
            document.has_begun()
            if self.access == "write":
                # Who may only read is not asked for what he has: it could not be taken.
                self._send(step1_message(document.state.vector()))
            if len(document.awareness):
                self._send(awareness_message(document.awareness.entries()))
        self.go_on()

    def on_message(self, ws: ServerConnection, message: Data) -> None:
        """Take what the client sends."""
        if isinstance(message, str):
            self.end(CloseDocument.MALFORMED, "text")
            return
        try:
            messages = read_messages(bytes(message))
        except Malformed as error:
            self._refuse(error)
            return
        self._rest += messages
        updates = sum(kind is Kind.STEP2 or kind is Kind.UPDATE for kind, _ in messages)
        wait = self._pace.spend(len(message), updates, time.monotonic())
        if wait:
            self._documents.counters.throttled += 1
            self._stop(_Hold.PACE)
            ws.loop.call_later(wait, self._release, _Hold.PACE)
        self._work()

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        """The client is gone."""
        self._leave()
        self.session.gone()

    def on_drain(self, ws: ServerConnection) -> None:
        """The client has taken what it asked for."""
        self._release(_Hold.UNSENT)

    def on_overrun(self, ws: ServerConnection) -> bool:
        """The client does not keep up at all: it comes back and syncs again."""
        if not self.session.closed:
            ws.loop.call_soon(self.session.overrun)  # now the engine is in the middle of writing
        return True

    # What the client says.

    def _work(self) -> None:
        """Do what came, as far as nothing has to be waited for."""
        held = _Hold.ENTERING | _Hold.DOCUMENT | _Hold.READING | _Hold.UNSENT
        while self._rest and not self._hold & held and not self.session.closed:
            message = self._rest.pop(0)
            try:
                self._do(message)
            except (Malformed, TooLarge) as error:
                self._refuse(error)

    def _do(self, message: Message) -> None:
        document = self._document
        assert document is not None
        assert document.state is not None
        kind, body = message
        options = self._documents.options
        if kind is Kind.STEP1:
            self._answer(step2_message(document.state.missing(body)))
        elif kind is Kind.STEP2 or kind is Kind.UPDATE:
            if body == EMPTY:
                return
            if len(body) > options.max_update_size:
                raise TooLarge(f"an update may have {options.max_update_size} bytes")
            if len(body) > _LARGE:
                self._stop(_Hold.READING)
                self._documents.spawn(self._read_large(body))
            else:
                self._write(body, read_update(body))
        elif kind is Kind.AWARENESS:
            # Providers repeat what they hear of others, also of those who have just left.
            others = len(document.awareness) + options.max_editors
            self._hear(document, read_awareness(body, options.max_awareness_clients + others))
        elif kind is Kind.QUERY_AWARENESS:
            self._answer(awareness_message(document.awareness.entries()))

    def _hear(self, document: Document, entries: list[AwarenessEntry]) -> None:
        news = [entry for entry in entries if not document.awareness.is_known(entry)]
        for entry in news:
            if len(entry.state) > self._documents.options.max_awareness_size:
                raise TooLarge(
                    f"an awareness state may have {self._documents.options.max_awareness_size} bytes"
                )
            check_state(entry.state)
        stale = document.hear(self, news) if news else ()
        if stale:
            self._send(awareness_message(stale))

    async def _read_large(self, body: bytes) -> None:
        """Read an update aside; raises nothing."""
        try:
            update = await asyncio.to_thread(read_update, body)
            document = self._document
            if document is None or self.session.closed:
                return
            await document.ready()
            self._write(body, update)
        except (Malformed, TooLarge) as error:
            self._refuse(error)
        except StoreDown:
            pass  # the document has ended, and this connection with it
        self._release(_Hold.READING)

    def _write(self, body: bytes, update: Update) -> None:
        if update.empty or self.session.closed:
            return
        if self.access != "write":
            self.deny("read-only")
            return
        assert self._document is not None
        self._document.write(body, update, self)

    def _answer(self, message: bytes) -> None:
        """Answer, and read no further until the client has taken most of it: a few bytes ask for megabytes."""
        self._send(message)
        if self._is_crowded():
            self._stop(_Hold.UNSENT)
            # What was sent in a callback leaves behind it, and if all of it does, nothing drains.
            self.connection.loop.call_soon(self._look_again)

    def _look_again(self) -> None:
        if not self._is_crowded():
            self._release(_Hold.UNSENT)

    def _is_crowded(self) -> bool:
        return self.connection.unsent > self.connection.options.write_high

    def _send(self, message: bytes) -> None:
        try:  # noqa: SIM105  # it is quicker
            self.connection.send_nowait(message)
        except ConnectionClosed:
            pass  # `on_close` is on its way

    # Reading and not reading.

    def _stop(self, why: _Hold) -> None:
        if not self._hold:
            self.connection.pause()
        self._hold |= why

    def _release(self, why: _Hold) -> None:
        if not self._hold & why:
            return
        self._hold &= ~why
        self._work()
        if not self._hold and not self.session.closed:
            self.connection.resume()

    def wait(self) -> None:
        """Read nothing until `go_on`: the document is being loaded, or too much waits for its store."""
        self._stop(_Hold.DOCUMENT)

    def go_on(self) -> None:
        """Read on, once the document can take it."""
        if self._document is not None and self._document.state is not None:
            self._release(_Hold.DOCUMENT)

    # The end.

    def _refuse(self, error: Malformed | TooLarge) -> None:
        code = CloseDocument.TOO_LARGE if isinstance(error, TooLarge) else CloseDocument.MALFORMED
        logger.info("%r of %r: %s", self.session, self._document, error)
        self.end(code, str(error))

    def deny(self, reason: str) -> None:
        """It may not: say so, in the words of the protocol, too."""
        self._send(denied_message(reason))
        self.end(CloseDocument.DENIED, reason)

    def end(self, code: int, reason: str) -> None:
        """Close the connection. Idempotent."""
        self.session.disconnect(code, reason.encode()[:123].decode(errors="ignore"))

    def _leave(self) -> None:
        document, self._document = self._document, None
        self._rest.clear()
        if document is not None:
            self._documents.connections -= 1
            document.leave(self)

    # As a transport; see `openline.hub.transports.base.Transport`.

    @property
    def remote_address(self) -> str:
        """The client's IP address; empty for a Unix socket."""
        return address_of(self.connection.remote_address)

    @property
    def unsent(self) -> int:
        """Bytes that wait in this process."""
        return self.connection.unsent

    def write(self, unit: bytes) -> None:
        """Nothing of the hub's protocol is for this client."""

    def close(self, code: int, reason: str, *, drop: bool = False) -> None:
        """The session has ended."""
        if code in _MAYBE_LATER:
            code = CloseDocument.TRY_LATER
        elif 3500 <= code < 4000:
            code = CloseDocument.DENIED  # the hub's client would not come back, and so must not this one
        self._documents.counters.count_close(code)
        self._leave()
        if drop:
            self.connection.drop_unsent()
        self.connection.begin_close(cast("CloseCode", code), reason)

    def pause(self) -> None:
        """Not called: there are no commands."""

    def resume(self) -> None:
        """Not called, likewise."""


def _connect_request(path: str) -> ConnectRequest:
    """What the query says, as a client of the hub would say it: a token, and data.

    Raises:
        Malformed: it has too many fields.
    """
    try:
        fields: dict[str, Any] = dict(parse_qsl(path.partition("?")[2], max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Malformed("the query is malformed") from None
    token = fields.pop("token", "")
    return ConnectRequest(token=token, data=Payload(msgspec.json.encode(fields)))
