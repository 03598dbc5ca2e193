"""``POST /emulation``: further commands of a session over HTTP streaming or SSE.

The body says which session on which node, and holds the frame: in JSON as a string, in protobuf as bytes. It may
reach any node; the session's node is asked by the control channel. The answer is 204 as soon as the session has the
frame: replies come by its stream. 404 tells the client that its node is gone, and that it has to connect anew; for a
session that has ended on a node that lives it is 204, since the end of the stream tells the client why.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from openline.hub.brokers.base import BrokerDown
from openline.hub.transports.http_stream import is_protobuf
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.transports.incoming import Incoming

__all__ = ["Emulation", "parse_emulation", "serve_emulation"]

logger = logging.getLogger("openline.hub")

_ENVELOPE = 2**10
"""Bytes of a body besides its frame."""


class Emulation(msgspec.Struct):
    """What such a request says.

    Attributes:
        session: The session's id, as the connect result said.
        node: Its node, likewise.
        data: The frame.
    """

    session: str = ""
    node: str = ""
    data: str | bytes = ""


class _JSONEmulation(msgspec.Struct):
    """In JSON, bytes would be expected in base64."""

    session: str = ""
    node: str = ""
    data: str = ""


_decode = msgspec.json.Decoder(_JSONEmulation).decode

_NAMES = {1: "node", 2: "session", 3: "data"}
_FIXED = {1: 8, 5: 4}  # bytes of a field, by its wire type


def parse_emulation(body: bytes, *, protobuf: bool) -> Emulation:
    """Read a body.

    Raises:
        ValueError: it is malformed.
    """
    if not protobuf:
        said = _decode(body)
        return Emulation(said.session, said.node, said.data)
    found = Emulation(data=b"")
    at = 0
    while at < len(body):
        tag, at = _varint(body, at)
        field, kind = tag >> 3, tag & 7
        if kind == 0:
            _, at = _varint(body, at)
            continue
        length = _FIXED.get(kind)
        if length is None:
            if kind != 2:
                raise ValueError(f"wire type {kind} is not known")
            length, at = _varint(body, at)
        end = at + length
        if end > len(body):
            raise ValueError("a field is cut off")
        if field in _NAMES and kind == 2:
            value = body[at:end]
            setattr(found, _NAMES[field], value if field == 3 else value.decode())
        at = end
    return found


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(body):
            raise ValueError("a number is cut off")
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is longer than 64 bits")


async def serve_emulation(hub: Hub, request: Incoming) -> HTTPResponse:
    """Answer a request whose origin was checked.

    Raises:
        HTTPRequestError: the body is too large for ``max_message_size``, or does not come.
    """
    most = hub.options.max_message_size
    # Quotation marks and backslashes of a frame in JSON take twice their room in the string around it.
    body = await request.body(2 * most + _ENVELOPE)
    try:
        said = parse_emulation(body, protobuf=is_protobuf(request))
    except (ValueError, RecursionError):  # UnicodeDecodeError and msgspec's errors are ValueErrors
        return HTTPResponse(400, body="The body is malformed.\n")
    if not said.session or not said.node or not said.data:
        return HTTPResponse(400, body="session, node and data must be given.\n")
    if len(said.data) > most:
        return HTTPResponse(413, body=f"The commands are larger than {most} bytes.\n")
    try:
        taken = await hub.emulate(said.session, said.node, said.data)
    except BrokerDown as error:
        logger.warning("commands for a session of node %r were not delivered: %s", said.node, error)
        return HTTPResponse(503, body="The session's node cannot be reached.\n")
    if not taken and said.node not in hub.nodes.known():
        return HTTPResponse(404, body="There is no such node.\n")
    return HTTPResponse(204)
