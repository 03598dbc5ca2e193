"""The admin page and what it asks for, below ``/admin``; there only where the hub has an ``admin_password``.

The password is given once and answered with a cookie that scripts cannot read and other sites' pages cannot send.
What changes something must besides be JSON, of this very origin: a form of another site can send neither.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from openline.hub.admin import views
from openline.hub.admin.attempts import Attempts
from openline.hub.admin.files import SECURITY_HEADERS, Files
from openline.hub.admin.tokens import LIFETIME, AdminTokens
from openline.hub.brokers.base import BrokerDown
from openline.hub.codes import DisconnectCode, Refused
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.payload import check_json
from openline.hub.transports.incoming import address_of
from openline.protocol.cookies import cookie_values
from openline.protocol.origins import is_same_origin
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.transports.incoming import Incoming

__all__ = ["COOKIE", "Admin"]

COOKIE = "openline_admin"

_MAX_BODY = 2**18
_MAX_FIELDS = 10

logger = logging.getLogger("openline.hub")

_encode = msgspec.json.Encoder().encode


class _Login(msgspec.Struct):
    password: str


class _Publish(msgspec.Struct):
    channel: str
    data: msgspec.Raw


class _Disconnect(msgspec.Struct):
    client: str = ""
    user: str = ""
    reconnect: bool = False


class Admin:
    """Answers what is below ``/admin``.

    Args:
        hub: The hub.
        path: Where it is mounted: ``/admin``.
    """

    def __init__(self, hub: Hub, path: str) -> None:
        self._hub = hub
        self._path = path
        self._files = Files()
        self._attempts = Attempts()
        self._tokens: AdminTokens | None = None
        password = hub.options.admin_password
        if password:
            self._tokens = AdminTokens(password, hub.options.admin_secret)
        self._facts: dict[str, Callable[[str], Awaitable[Any]]] = {
            "overview": lambda _: views.overview(hub),
            "channels": lambda text: views.channels(hub, text),
            "channel": lambda name: views.channel(hub, name),
            "sessions": lambda text: views.sessions(hub, text),
            "session": lambda client: views.session(hub, client),
        }
        self._actions: dict[str, Callable[[bytes], Awaitable[Any]]] = {
            "publish": self._publish,
            "disconnect": self._disconnect,
        }

    async def serve(self, request: Incoming, rest: str) -> HTTPResponse:
        """Answer a request.

        Args:
            request: The request.
            rest: What stands behind ``/admin`` in its path.

        Raises:
            HTTPRequestError: the body is too large, or does not come.
        """
        tokens = self._tokens
        if tokens is None:
            return _say(404, "there is no admin page without an admin_password")
        if not rest:
            return HTTPResponse(308, {**SECURITY_HEADERS, "Location": f"{self._path}/"})
        name = rest[1:]
        if request.method in ("GET", "HEAD"):
            file = self._files.serve(request, name)
            if file is not None:
                return file
            kind, _, what = name.partition("/")
            if kind != "facts" or what not in self._facts:
                return _say(404, "not found")
            if not self._may(request, tokens):
                return _say(401, "the password is needed")
            return await self._tell(self._facts[what](_wanted(request)))
        if request.method != "POST":
            return _say(405, "only GET and POST", Allow="GET, HEAD, POST")
        if not _is_of_own_page(request):
            return _say(403, "only the admin page may ask for this")
        if name == "auth":
            return await self._log_in(request, tokens)
        if name == "leave":
            return _say(200, "ok", **{"Set-Cookie": self._cookie(request, "", 0)})
        if name not in self._actions:
            return _say(404, "not found")
        if not self._may(request, tokens):
            return _say(401, "the password is needed")
        return await self._tell(self._actions[name](await request.body(_MAX_BODY)))

    # The password.

    async def _log_in(self, request: Incoming, tokens: AdminTokens) -> HTTPResponse:
        address = address_of(request.remote_address)
        # Before the body is read, or many could try at once.
        wait = self._attempts.wait(address, time.monotonic())
        if wait > 0:
            return _say(429, "too many attempts", **{"Retry-After": str(math.ceil(wait))})
        body = await request.body(_MAX_BODY)
        try:
            given = msgspec.json.decode(body, type=_Login).password
        except (ValueError, RecursionError):
            return _say(400, "the body is malformed")
        now = time.monotonic()
        wait = self._attempts.wait(address, now)
        if wait > 0:
            return _say(429, "too many attempts", **{"Retry-After": str(math.ceil(wait))})
        if not tokens.is_password(given):
            self._attempts.fail(address, now)
            logger.warning("admin: a wrong password from %s", address or "a Unix socket")
            return _say(401, "wrong password")
        self._attempts.succeed(address)
        logger.info("admin: somebody has come in from %s", address or "a Unix socket")
        cookie = self._cookie(request, tokens.make(time.time()), LIFETIME)
        return _say(200, "ok", **{"Set-Cookie": cookie})

    def _cookie(self, request: Incoming, value: str, age: int) -> str:
        secure = "; Secure" if request.secure else ""
        return f"{COOKIE}={value}; Path={self._path}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"

    @staticmethod
    def _may(request: Incoming, tokens: AdminTokens) -> bool:
        values = cookie_values(request.headers.get_all("Cookie"), COOKIE)
        return bool(values) and tokens.is_valid(values[0], time.time())

    # Answers.

    async def _tell(self, answer: Awaitable[Any]) -> HTTPResponse:
        try:
            return _answer(200, await answer)
        except Refused as refusal:
            status = 404 if refusal.code == 404 else 400
            return _answer(status, {"error": refusal.message, "code": refusal.code})
        except NotJSON as error:
            return _say(400, str(error))
        except BrokerDown as error:
            self._hub.counters.broker_errors += 1
            logger.warning("admin: %s", error)
            return _say(503, "the broker cannot be reached")
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return _say(400, "the body is malformed")

    async def _publish(self, body: bytes) -> Any:
        wanted = msgspec.json.decode(body, type=_Publish)
        result = await self._hub.publish(wanted.channel, check_json(bytes(wanted.data)))
        logger.info("admin: published to %r", wanted.channel)
        return {"offset": result.position.offset, "epoch": result.position.epoch}

    async def _disconnect(self, body: bytes) -> Any:
        wanted = msgspec.json.decode(body, type=_Disconnect)
        code = DisconnectCode.FORCE_RECONNECT if wanted.reconnect else DisconnectCode.FORCE_NO_RECONNECT
        number = await self._hub.disconnect(wanted.user, client=wanted.client, code=code)
        logger.info("admin: disconnected %d sessions of %r", number, wanted.client or wanted.user)
        return {"number": number}


def _wanted(request: Incoming) -> str:
    """What the query asks for: ``?q=...``."""
    try:
        fields = parse_qs(request.query, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return ""
    return fields.get("q", [""])[0]


def _is_of_own_page(request: Incoming) -> bool:
    """Whether this is JSON, and sent by a page of this host, if by any."""
    headers = request.headers
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    origins = headers.get_all("Origin")
    return (
        content_type == "application/json"
        and len(origins) <= 1
        and is_same_origin(origins[0] if origins else None, headers.get("Host", ""))
    )


def _answer(status: int, what: Any, **more: str) -> HTTPResponse:
    headers = {**SECURITY_HEADERS, "Content-Type": "application/json", "Cache-Control": "no-store", **more}
    return HTTPResponse(status, headers, _encode(what))


def _say(status: int, text: str, **more: str) -> HTTPResponse:
    return _answer(status, {"error": text} if status >= 400 else {}, **more)
