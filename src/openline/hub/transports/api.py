"""``POST /api/<method>`` and ``POST /api/batch``: what the application does, for programs in other languages.

Names and JSON are those of Centrifugo's HTTP API, so its client libraries work: the answer is ``{"result": ...}`` or
``{"error": {"code": ..., "message": ...}}``, both with status 200. A request needs the hub's ``api_key``, in
``X-API-Key`` or as ``Authorization: apikey <key>``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from openline.hub.brokers.base import BrokerDown
from openline.hub.codes import ErrorCode, Refused
from openline.hub.transports.api_methods import METHODS, error_of
from openline.hub.transports.api_records import REQUESTS, Batch
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.transports.incoming import Incoming

__all__ = ["MAX_API_BODY", "MAX_BATCH", "serve_api"]

MAX_API_BODY = 2**22
"""Largest body, in bytes."""

MAX_BATCH = 1000
"""Most commands in a batch; more are error 106."""

_AT_ONCE = 64
"""Commands of a parallel batch that are under way at a time."""

logger = logging.getLogger("openline.hub")

_encode = msgspec.json.Encoder().encode
_decoders = {name: msgspec.json.Decoder(record).decode for name, record in REQUESTS.items()}
_decode_batch = msgspec.json.Decoder(Batch).decode


def _is_known(request: Incoming, key: str) -> bool:
    """Whether the request has the key; takes the same time whatever is wrong with it."""
    headers = request.headers
    given = headers.get_all("X-API-Key")
    for value in headers.get_all("Authorization"):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "apikey":
            given.append(rest.strip())
    # Header values came as ISO-8859-1; a key may be written in UTF-8.
    return len(given) == 1 and secrets.compare_digest(given[0].encode("latin-1", "replace"), key.encode())


async def serve_api(hub: Hub, request: Incoming, method: str) -> HTTPResponse:
    """Answer a request.

    Args:
        hub: The hub.
        request: The request.
        method: What stands behind ``/api/``.

    Raises:
        HTTPRequestError: the body is larger than `MAX_API_BODY`, or does not come.
    """
    key = hub.options.api_key
    if not key:
        return HTTPResponse(404, body="There is no API without an api_key.\n")
    if not _is_known(request, key):
        return HTTPResponse(401, {"WWW-Authenticate": "apikey"}, "The API key is missing or wrong.\n")
    if request.method != "POST":
        return HTTPResponse(405, {"Allow": "POST"}, "The API is called by POST.\n")
    if method != "batch" and method not in METHODS:
        return HTTPResponse(404, body="There is no such method.\n")
    body = await request.body(MAX_API_BODY)
    try:
        # Without parameters a client may send nothing at all.
        answer = await (_batch(hub, body) if method == "batch" else _call(hub, method, body or b"{}"))
    except (ValueError, RecursionError) as error:
        # Also where the answer could not be encoded, which would be our own fault; but all of it was checked.
        return HTTPResponse(400, body=f"The body is malformed: {error}\n")
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return HTTPResponse(200, headers, _encode(answer))


async def _call(hub: Hub, method: str, body: bytes | msgspec.Raw) -> dict[str, Any]:
    """Do one thing.

    Raises:
        ValueError: the parameters are malformed.
        RecursionError: the same, they are nested too deep.
    """
    parameters = _decoders[method](body)
    try:
        return {"result": await METHODS[method](hub, parameters)}
    except Refused as refusal:
        return {"error": error_of(refusal)}
    except BrokerDown as error:
        hub.counters.broker_errors += 1
        logger.warning("API %s failed: %s", method, error)
        return {"error": error_of(error)}
    except Exception:
        logger.exception("API %s failed", method)
        return {"error": error_of(Refused(ErrorCode.INTERNAL))}


async def _reply(hub: Hub, command: dict[str, msgspec.Raw]) -> dict[str, Any]:
    method = next((name for name in command if name in METHODS), None)
    if method is None:
        return {"error": error_of(Refused(ErrorCode.METHOD_NOT_FOUND))}
    try:
        answer = await _call(hub, method, command[method])
    except (ValueError, RecursionError):
        answer = {"error": error_of(Refused(ErrorCode.BAD_REQUEST))}
    return {method: answer["result"]} if "result" in answer else answer


async def _batch(hub: Hub, body: bytes) -> dict[str, Any]:
    batch = _decode_batch(body)
    if len(batch.commands) > MAX_BATCH:
        return {"error": error_of(Refused(ErrorCode.LIMIT_EXCEEDED, f"more than {MAX_BATCH} commands"))}
    step = _AT_ONCE if batch.parallel else 1
    replies: list[Any] = []
    for at in range(0, len(batch.commands), step):
        part = [_reply(hub, command) for command in batch.commands[at : at + step]]
        replies += await asyncio.gather(*part) if len(part) > 1 else [await part[0]]
    return {"replies": replies}
