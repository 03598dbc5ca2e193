"""A connection as a server's handler gets it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from openline.protocol.http11 import Response
from openline.protocol.states import Side
from openline.websocket.connection import Connection
from openline.websocket.plain_response import plain_response

if TYPE_CHECKING:
    from openline.websocket.server import Server

__all__ = ["ServerConnection"]


class ServerConnection(Connection):
    """A connection that a client has opened; made by ``serve``."""

    __slots__ = ()

    side = Side.SERVER

    @property
    def server(self) -> Server:
        """The server that the client has connected to."""
        return cast("Server", self.options.host)

    @property
    def username(self) -> str:
        """Who the client is, as `basic_auth` has found out.

        Raises:
            AttributeError: if nobody has asked it to authenticate.
        """
        if self.extra.username is None:
            raise AttributeError("username: the client was not asked to authenticate")
        return self.extra.username

    @username.setter
    def username(self, username: str) -> None:
        self.extra.username = username

    def respond(self, status: HTTPStatus | int, text: str) -> Response:
        """Make a plain-text response, for ``process_request`` or ``process_response`` to return.

        Its headers may be changed before it is returned.

        Args:
            status: HTTP status code.
            text: The body; sent as UTF-8.
        """
        return plain_response(status, text)
