"""The methods of the server API: from a request's record to its result, by the hub's own calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from openline.hub.brokers.base import BrokerDown
from openline.hub.codes import DisconnectCode, ErrorCode, Refused
from openline.hub.publication import Payload, StreamPosition
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.payload import check_json

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.publication import ClientInfo, Publication, PublishResult

__all__ = ["METHODS", "error_of", "shown_client", "shown_publication"]


def error_of(error: Refused | BrokerDown) -> dict[str, Any]:
    """Return what the API says of an error."""
    if isinstance(error, BrokerDown):
        return {"code": int(ErrorCode.INTERNAL), "message": ErrorCode.INTERNAL.message}
    return {"code": error.code, "message": error.message}


def _given(name: str, value: Any) -> None:
    if not value:
        raise Refused(ErrorCode.BAD_REQUEST, f"{name} is missing")


def _json(name: str, raw: msgspec.Raw | None) -> Payload | None:
    if raw is None:
        return None
    try:
        return check_json(bytes(raw))
    except NotJSON as error:
        raise Refused(ErrorCode.BAD_REQUEST, f"{name}: {error}") from None


def _bytes(name: str, text: str) -> Payload:
    try:
        return Payload(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise Refused(ErrorCode.BAD_REQUEST, f"{name} is not base64") from None


def _payload(name: str, raw: msgspec.Raw | None, b64: str) -> Payload | None:
    """The payload: base64, where it is given, stands before JSON."""
    return _bytes(f"b64{name}", b64) if b64 else _json(name, raw)


def _shown(name: str, payload: Payload | None) -> dict[str, Any]:
    """A payload as members of an object: as it is where it is JSON, else in base64 beside a null."""
    if payload is None:
        return {}
    try:
        return {name: check_json(bytes(payload))}
    except NotJSON:
        return {name: None, f"b64{name}": base64.b64encode(bytes(payload)).decode()}


def shown_client(info: ClientInfo) -> dict[str, Any]:
    """Return what the API says of a client."""
    return {
        "user": info.user,
        "client": info.client,
        **_shown("conn_info", info.conn_info),
        **_shown("chan_info", info.chan_info),
    }


def shown_publication(publication: Publication) -> dict[str, Any]:
    """Return what the API says of a publication."""
    shown = _shown("data", publication.data)
    if publication.offset:
        shown["offset"] = publication.offset
    if publication.info is not None:
        shown["info"] = shown_client(publication.info)
    if publication.tags:
        shown["tags"] = publication.tags
    if publication.key:
        shown["key"] = publication.key
    if publication.time:
        shown["time"] = publication.time
    return shown


def _published(result: PublishResult) -> dict[str, Any]:
    offset, epoch = result.position
    return {"offset": offset, "epoch": epoch} if epoch else {}


def _publication(request: Any) -> tuple[Payload, dict[str, Any]]:
    data = _payload("data", request.data, request.b64data)
    if data is None:
        raise Refused(ErrorCode.BAD_REQUEST, "data is missing")
    return data, {
        "key": request.key,
        "tags": request.tags or None,
        "idempotency_key": request.idempotency_key,
        "skip_history": request.skip_history,
    }


async def _publish(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    data, options = _publication(request)
    return _published(await hub.publish(request.channel, data, **options))


async def _broadcast(hub: Hub, request: Any) -> Any:
    _given("channels", request.channels)
    data, options = _publication(request)
    responses: list[Any] = []
    for result in await hub.broadcast(request.channels, data, **options):
        if isinstance(result, (Refused, BrokerDown)):
            responses.append({"error": error_of(result)})
        elif isinstance(result, Exception):
            raise result
        else:
            responses.append({"result": _published(result)})
    return {"responses": responses}


async def _subscribe(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    if request.override:
        raise Refused(ErrorCode.NOT_AVAILABLE, "override is not available")
    since = request.recover_since
    await hub.subscribe(
        request.user,
        request.channel,
        client=request.client,
        session=request.session,
        info=_payload("info", request.info, request.b64info),
        data=_payload("data", request.data, request.b64data),
        expire_at=request.expire_at or None,
        recover_since=None if since is None else StreamPosition(since.offset, since.epoch),
    )
    return {}


async def _unsubscribe(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    hub.options_of(request.channel)
    await hub.unsubscribe(request.user, request.channel, client=request.client, session=request.session)
    return {}


async def _disconnect(hub: Hub, request: Any) -> Any:
    code, reason = int(DisconnectCode.FORCE_NO_RECONNECT), None
    if request.disconnect is not None:
        code, reason = request.disconnect.code, request.disconnect.reason
        if not 3000 <= code <= 4999 or len(reason.encode()) > 123:
            raise Refused(ErrorCode.BAD_REQUEST, "codes are 3000 to 4999, reasons at most 123 bytes")
    await hub.disconnect(
        request.user,
        code=code,
        reason=reason,
        client=request.client,
        session=request.session,
        whitelist=request.whitelist,
    )
    return {}


async def _refresh(hub: Hub, request: Any) -> Any:
    await hub.refresh(
        request.user,
        client=request.client,
        session=request.session,
        expired=request.expired,
        expire_at=request.expire_at or None,
        info=_json("info", request.info),
    )
    return {}


async def _presence(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    presence: Mapping[str, ClientInfo] = await hub.presence(request.channel)
    return {"presence": {client: shown_client(info) for client, info in presence.items()}}


async def _presence_stats(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    clients, users = await hub.presence_stats(request.channel)
    return {"num_clients": clients, "num_users": users}


async def _history(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    since = request.since
    publications, position = await hub.history(
        request.channel,
        limit=request.limit,
        since=None if since is None else StreamPosition(since.offset, since.epoch),
        reverse=request.reverse,
    )
    return {
        "publications": [shown_publication(publication) for publication in publications],
        "offset": position.offset,
        "epoch": position.epoch,
    }


async def _history_remove(hub: Hub, request: Any) -> Any:
    _given("channel", request.channel)
    await hub.history_remove(request.channel)
    return {}


async def _channels(hub: Hub, request: Any) -> Any:
    counts = await hub.channels(request.pattern)
    return {"channels": {name: {"num_clients": count} for name, count in counts.items()}}


async def _info(hub: Hub, request: Any) -> Any:
    return {"nodes": await hub.info()}


METHODS = {
    "publish": _publish,
    "broadcast": _broadcast,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "disconnect": _disconnect,
    "refresh": _refresh,
    "presence": _presence,
    "presence_stats": _presence_stats,
    "history": _history,
    "history_remove": _history_remove,
    "channels": _channels,
    "info": _info,
}
"""By name: coroutine functions of the hub and a record of `api_records`, which raise `Refused` and `BrokerDown`."""
