"""``POST /connection/http_stream``: commands in the body, replies and pushes in an answer that does not end.

JSON: each line of the answer is a reply or push. Protobuf: they follow one another, each with its length before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.subprotocols.centrifuge_json import JSON
from openline.hub.transports.stream import StreamTransport, open_stream
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.transports.incoming import Incoming

__all__ = ["PROTOBUF_TYPE", "is_protobuf", "serve_http_stream"]

PROTOBUF_TYPE = "application/octet-stream"
"""The content type of requests and answers in protobuf."""


def is_protobuf(request: Incoming) -> bool:
    """Tell whether the body of a request is protobuf."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == PROTOBUF_TYPE


def _line(unit: bytes) -> bytes:
    return unit + b"\n"


def _as_it_is(unit: bytes) -> bytes:
    return unit


async def serve_http_stream(hub: Hub, request: Incoming) -> HTTPResponse:
    """Answer a request whose origin was checked.

    Raises:
        HTTPRequestError: the body is larger than ``max_message_size``, or does not come.
    """
    frame = await request.body(hub.options.max_message_size)
    if not frame:
        return HTTPResponse(400, body="There is no command in the body.\n")
    if is_protobuf(request):
        # Only here, since it takes its time to import.
        from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF

        return open_stream(
            StreamTransport(hub, request, "http_stream", PROTOBUF, _as_it_is), frame, PROTOBUF_TYPE
        )
    return open_stream(
        StreamTransport(hub, request, "http_stream", JSON, _line), frame, "application/x-ndjson"
    )
