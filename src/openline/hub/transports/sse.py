"""``GET /connection/sse?cf_connect=<commands>``: replies and pushes as server-sent events (HTML, section 9.2).

JSON alone, since events are text. The address holds the first commands, since an EventSource sends nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from openline.hub.subprotocols.centrifuge_json import JSON
from openline.hub.transports.stream import StreamTransport, open_stream
from openline.websocket.http import HTTPResponse

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.transports.incoming import Incoming

__all__ = ["EVENT_STREAM", "serve_sse"]

EVENT_STREAM = "text/event-stream"

_MAX_FIELDS = 20


def _event(unit: bytes) -> bytes:
    # Payloads hold no line break, so one can only stand between units that were joined; the client gets it back.
    return b"data: " + unit.replace(b"\n", b"\ndata: ") + b"\n\n"


async def serve_sse(hub: Hub, request: Incoming) -> HTTPResponse:
    """Answer a request whose origin was checked.

    The client must ask for an event stream by Accept, as each EventSource does: an image or a script of a foreign page,
    which comes with its visitor's cookies and without Origin, cannot.
    """
    if EVENT_STREAM not in request.headers.get("Accept", "").lower():
        return HTTPResponse(406, body=f"Accept: {EVENT_STREAM} is missing.\n")
    if len(request.query) > 3 * hub.options.max_message_size:
        return HTTPResponse(414, body="The commands are too large.\n")
    try:
        fields = parse_qs(request.query, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return HTTPResponse(400, body="There are too many fields in the query.\n")
    frame = fields.get("cf_connect", [""])[0]
    if not frame:
        return HTTPResponse(400, body="cf_connect is missing: the connect command, in JSON.\n")
    if len(frame.encode(errors="replace")) > hub.options.max_message_size:
        return HTTPResponse(414, body="The commands are too large.\n")
    return open_stream(StreamTransport(hub, request, "sse", JSON, _event), frame, EVENT_STREAM)
