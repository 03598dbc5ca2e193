"""A connection as ``connect`` gives it."""

from __future__ import annotations

from openline.protocol.states import Side
from openline.websocket.connection import Connection

__all__ = ["ClientConnection"]


class ClientConnection(Connection):
    """A connection to a server; made by ``connect``."""

    __slots__ = ()

    side = Side.CLIENT
