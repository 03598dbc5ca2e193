"""Who may open a line, what somebody on the wire sees of it, and a token that expires."""

from __future__ import annotations

import asyncio
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import jwt

from openline import ServerConnection
from openline.hub import Hub, TokenOptions
from openline.playground.own_host import is_beside
from openline.playground.security.run import Security
from openline.websocket.http import HTTPRequest, HTTPResponse

if TYPE_CHECKING:
    from openline.playground.application import Application
    from openline.protocol.http11 import Request, Response

SECRET = secrets.token_urlsafe(32)  # of this run; a site keeps its own, and gives it to nobody
LIFETIME = 15  # seconds of a token
GRACE = 3.0  # seconds after that, for the new token to arrive


def install(app: Application) -> None:
    security = Security(app.host, echo, check)
    app.line("/lines/security", security.show)
    app.allow("/security", security.sources)
    app.job(security.run)

    hub = Hub(name="security", token=TokenOptions(hmac_secret=SECRET), expiry_grace=GRACE, metrics=False)
    app.http("/security/token", token)
    app.mount("/security/connection/websocket", hub.beside(None, prefix="/security").serving().listener)

    @app.job
    async def run() -> None:
        async with hub:
            await asyncio.Event().wait()


async def echo(ws: ServerConnection) -> None:
    """The same line is served twice: as ws, and behind TLS as wss."""
    async for message in ws:
        await ws.send(message)


def check(ws: ServerConnection, request: Request, page_port: int) -> Response | None:
    """Let pages of the playground in, and nobody else's.

    A browser sends the visitor's cookie whichever page asks. But it also says which one it is, in Origin, and no script
    can change that. `openline.serve(..., origins=[...])` does this where the origins are known beforehand.
    """
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    if origin is not None and not is_beside(origin, host, page_port):
        return ws.respond(HTTPStatus.FORBIDDEN, "This page must not connect.\n")
    return None


async def token(request: HTTPRequest) -> HTTPResponse:
    """Give a visitor a token for the next seconds; a site looks first who it is."""
    claims = {"sub": "visitor", "exp": int(time.time()) + LIFETIME}
    return HTTPResponse(200, {"Cache-Control": "no-store"}, jwt.encode(claims, SECRET))
