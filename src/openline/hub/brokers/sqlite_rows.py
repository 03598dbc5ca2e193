"""How a publication stands in a row."""

from __future__ import annotations

import msgspec

from openline.hub.publication import ClientInfo, Payload, Publication

__all__ = ["from_row", "to_row"]


class _Rest(msgspec.Struct, array_like=True):
    """What few publications have, in one column. Fields are only ever added at the end."""

    user: str | None
    client: str
    conn_info: bytes | None
    chan_info: bytes | None
    tags: dict[str, str] | None
    key: str
    channel: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Rest).decode


def to_row(publication: Publication) -> tuple[int, Payload, bytes | None]:
    """Return the columns ``time``, ``data`` and ``rest``."""
    info, tags = publication.info, publication.tags
    if info is None and tags is None and not publication.key and not publication.channel:
        return publication.time, publication.data, None
    if info is None:
        rest = _Rest(None, "", None, None, tags, publication.key, publication.channel)
    else:
        rest = _Rest(
            info.user,
            info.client,
            _bytes(info.conn_info),
            _bytes(info.chan_info),
            tags,
            publication.key,
            publication.channel,
        )
    return publication.time, publication.data, _encode(rest)


def from_row(offset: int, time: int, data: bytes, rest: bytes | None) -> Publication:
    """Make the publication of a row."""
    if rest is None:
        return Publication(Payload(data), None, offset, None, False, time)
    more = _decode(rest)
    info = (
        None
        if more.user is None
        else ClientInfo(more.user, more.client, _payload(more.conn_info), _payload(more.chan_info))
    )
    return Publication(Payload(data), info, offset, more.tags, False, time, more.channel, more.key)


def _bytes(payload: Payload | None) -> bytes | None:
    return None if payload is None else bytes(payload)


def _payload(data: bytes | None) -> Payload | None:
    return None if data is None else Payload(data)
