"""Publications in rows."""

from __future__ import annotations

import msgspec
import pytest

from openline.hub.brokers.sqlite_rows import from_row, to_row
from openline.hub.publication import ClientInfo, Payload, Publication

SAMPLES = [
    Publication(data=Payload(b"{}")),
    Publication(data=Payload(b"\x00\xff"), time=1_700_000_000_000),
    Publication(data=Payload(b"1"), info=ClientInfo(user="u", client="c")),
    Publication(data=Payload(b"1"), info=ClientInfo(conn_info=Payload(b"{}"), chan_info=Payload(b"\xff"))),
    Publication(data=Payload(b"1"), info=ClientInfo()),
    Publication(data=Payload(b"1"), tags={"a": "b", "ü": ""}, key="k", channel="c"),
    Publication(data=Payload(b"1"), tags={}),
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_written_is_read(sample: Publication) -> None:
    time, data, rest = to_row(sample)
    read = from_row(7, time, bytes(data), rest)
    assert read.offset == 7
    read.offset = 0
    assert msgspec.structs.asdict(read).keys() == msgspec.structs.asdict(sample).keys()
    assert msgspec.msgpack.encode(_plain(read)) == msgspec.msgpack.encode(_plain(sample))


def _plain(publication: Publication) -> list[object]:
    info = publication.info
    return [
        bytes(publication.data),
        None
        if info is None
        else [
            info.user,
            info.client,
            *(None if p is None else bytes(p) for p in (info.conn_info, info.chan_info)),
        ],
        publication.tags,
        publication.time,
        publication.key,
        publication.channel,
        publication.delta,
    ]


def test_the_usual_publication_of_a_server_is_one_column() -> None:
    assert to_row(Publication(data=Payload(b"{}"), time=5))[2] is None
