"""Publications and clients as bytes: msgpack arrays, whose fields may grow at the end.

Payloads are opaque bytes here, JSON or not. The offset is not inside: the server gives it, and tells it beside.
"""

from __future__ import annotations

import msgspec

from openline.hub.publication import ClientInfo, Payload, Publication

__all__ = [
    "decode_info",
    "decode_member",
    "decode_publication",
    "encode_info",
    "encode_member",
    "encode_publication",
]


class _Info(msgspec.Struct, array_like=True, gc=False):
    user: str = ""
    client: str = ""
    conn_info: bytes | None = None
    chan_info: bytes | None = None


class _Publication(msgspec.Struct, array_like=True, gc=False):
    data: bytes
    info: _Info | None = None
    tags: dict[str, str] | None = None
    time: int = 0
    channel: str = ""
    key: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode_info = msgspec.msgpack.Decoder(_Info).decode
_decode_publication = msgspec.msgpack.Decoder(_Publication).decode


def encode_publication(publication: Publication) -> bytes:
    """Encode all but the offset."""
    info = publication.info
    return _encode(
        _Publication(
            bytes(publication.data),
            None if info is None else _info(info),
            publication.tags,
            publication.time,
            publication.channel,
            publication.key,
        )
    )


def decode_publication(data: bytes, offset: int) -> Publication:
    """Decode what `encode_publication` made.

    Raises:
        msgspec.DecodeError: It did not.
    """
    wire = _decode_publication(data)
    return Publication(
        data=Payload(wire.data),
        info=None if wire.info is None else _client_info(wire.info),
        offset=offset,
        tags=wire.tags,
        time=wire.time,
        channel=wire.channel,
        key=wire.key,
    )


def encode_info(info: ClientInfo) -> bytes:
    """Encode who a client is."""
    return _encode(_info(info))


def decode_info(data: bytes) -> ClientInfo:
    """Decode what `encode_info` made.

    Raises:
        msgspec.DecodeError: It did not.
    """
    return _client_info(_decode_info(data))


def encode_member(info: ClientInfo) -> bytes:
    """Encode who a client is so that Lua finds the user, too: what Redis has of msgpack knows no bytes."""
    user = info.user.encode()
    return b"%d:%b%b" % (len(user), user, encode_info(info))


def decode_member(data: bytes) -> ClientInfo:
    """Decode what `encode_member` made.

    Raises:
        ValueError: It did not.
        msgspec.DecodeError: It did not.
    """
    length, _, rest = data.partition(b":")
    return decode_info(rest[int(length) :])


def _info(info: ClientInfo) -> _Info:
    return _Info(
        info.user,
        info.client,
        None if info.conn_info is None else bytes(info.conn_info),
        None if info.chan_info is None else bytes(info.chan_info),
    )


def _client_info(wire: _Info) -> ClientInfo:
    return ClientInfo(
        wire.user,
        wire.client,
        None if wire.conn_info is None else Payload(wire.conn_info),
        None if wire.chan_info is None else Payload(wire.chan_info),
    )
