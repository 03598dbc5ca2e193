"""What the upper half of a connection remembers besides what the line keeps for both halves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import uuid

    from openline.engine.base import Message
    from openline.protocol.http11 import Request, Response
    from openline.websocket.keepalive import LastPing

__all__ = ["Extra", "FragmentedMessage"]


class FragmentedMessage:
    """A message that comes in several frames, as far as it came.

    Attributes:
        parts: Payloads of the fragments that nobody took yet.
        complete: The last fragment has come.
    """

    __slots__ = ("complete", "parts")

    def __init__(self) -> None:
        self.parts: deque[Message] = deque()
        self.complete = False


class Extra:
    """One for each connection, as its `Line.extra`; kept small, since an idle connection owns one.

    Attributes:
        request: The opening handshake's request; raw until somebody asks for it.
        response: The same of its response.
        subprotocol: What was agreed on.
        username: Who the client is, as an authentication hook found out.
        id: Made when somebody asks for it.
        last_ping: Of the keepalive; None: there is none.
        deferred: The peer has ended the connection, and that waits until the program has worked off what came before.
        cause: Why the connection failed or was lost, if that was an error; chained to `ConnectionClosed`.
        closed: Done when the connection is lost; made when somebody waits for that.
        opened: The opening handshake has succeeded, at some time.
        incoming: The fragmented message that is arriving.
        streamed: The one that `recv_streaming` takes the fragments of.
        stream_waits: `recv_streaming` waits for a message to begin.
        held: The line was told to read nothing more, since fragments wait here.
    """

    __slots__ = (
        "cause",
        "closed",
        "deferred",
        "held",
        "id",
        "incoming",
        "last_ping",
        "opened",
        "request",
        "response",
        "stream_waits",
        "streamed",
        "subprotocol",
        "username",
    )

    def __init__(self) -> None:
        self.request: Request | bytes | None = None
        self.response: Response | bytes | None = None
        self.subprotocol: str | None = None
        self.username: str | None = None
        self.id: uuid.UUID | None = None
        self.last_ping: LastPing | None = None
        self.cause: BaseException | None = None
        self.closed: asyncio.Future[None] | None = None
        self.opened = False
        self.deferred = False
        self.incoming: FragmentedMessage | None = None
        self.streamed: FragmentedMessage | None = None
        self.stream_waits = False
        self.held = False
