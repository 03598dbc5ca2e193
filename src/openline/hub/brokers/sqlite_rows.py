"""How publications stand in rows: those that one transaction adds to a stream share one, up to a bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from openline.hub.publication import ClientInfo, Payload, Publication

__all__ = ["from_row", "to_rows"]

_MOST = 64  # publications in a row: so many are decoded for one
_MOST_BYTES = 2**16  # unless a single one is larger


class _Rest(msgspec.Struct, array_like=True):
    """What few publications have. Fields are only ever added at the end."""

    user: str | None
    client: str
    conn_info: bytes | None
    chan_info: bytes | None
    tags: dict[str, str] | None
    key: str
    channel: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, bytes, _Rest | None]]).decode


def to_rows(first: int, publications: Iterable[Publication]) -> Iterator[tuple[int, int, bytes]]:
    """Put publications into rows.

    Args:
        first: The offset of the first; the others follow.
        publications: In the order of their offsets.

    Yields:
        The first and the last offset of a row, and what it holds.
    """
    items: list[tuple[int, bytes, _Rest | None]] = []
    size = 0
    for publication in publications:
        data = bytes(publication.data)
        size += len(data)
        if items and (size > _MOST_BYTES or len(items) == _MOST):
            last = first + len(items)
            yield first, last - 1, _encode(items)
            first, size, items = last, len(data), []
        items.append((publication.time, data, _rest(publication)))
    if items:
        yield first, first + len(items) - 1, _encode(items)


def from_row(offset: int, row: bytes, first: int, last: int) -> list[Publication]:
    """Make the publications of a row whose offsets are from ``first`` to ``last``.

    Args:
        offset: The first offset in the row.
        row: What it holds.
        first: The first that is wanted.
        last: The last that is wanted.
    """
    skip = max(first - offset, 0)
    items = _decode(row)[skip : last - offset + 1]
    return [_publication(number, *item) for number, item in enumerate(items, offset + skip)]


def _rest(publication: Publication) -> _Rest | None:
    info, tags = publication.info, publication.tags
    if info is None:
        if tags is None and not publication.key and not publication.channel:
            return None
        return _Rest(None, "", None, None, tags, publication.key, publication.channel)
    return _Rest(
        info.user,
        info.client,
        None if info.conn_info is None else bytes(info.conn_info),
        None if info.chan_info is None else bytes(info.chan_info),
        tags,
        publication.key,
        publication.channel,
    )


def _publication(offset: int, time: int, data: bytes, rest: _Rest | None) -> Publication:
    if rest is None:
        return Publication(Payload(data), None, offset, None, False, time)
    info = (
        None
        if rest.user is None
        else ClientInfo(rest.user, rest.client, _payload(rest.conn_info), _payload(rest.chan_info))
    )
    return Publication(Payload(data), info, offset, rest.tags, False, time, rest.channel, rest.key)


def _payload(data: bytes | None) -> Payload | None:
    return None if data is None else Payload(data)
