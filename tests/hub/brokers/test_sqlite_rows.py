"""Publications in rows."""

from __future__ import annotations

import pytest

from openline.hub.brokers.sqlite_rows import from_row, to_rows
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


def test_what_is_written_is_read() -> None:
    ((first, last, row),) = to_rows(7, SAMPLES)
    assert (first, last) == (7, 7 + len(SAMPLES) - 1)
    read = from_row(7, row, 0, 1000)
    assert [publication.offset for publication in read] == list(range(7, 7 + len(SAMPLES)))
    assert [_plain(publication) for publication in read] == [_plain(sample) for sample in SAMPLES]


@pytest.mark.parametrize(
    ("first", "last"), [(0, 99), (7, 9), (8, 8), (0, 7), (9, 20), (10, 20), (0, 6), (9, 8)]
)
def test_only_what_is_wanted_of_a_row_is_made(first: int, last: int) -> None:
    ((_, _, row),) = to_rows(7, SAMPLES[:3])
    wanted = [offset for offset in (7, 8, 9) if first <= offset <= last]
    assert [publication.offset for publication in from_row(7, row, first, last)] == wanted


@pytest.mark.parametrize("sizes", [[1] * 200, [30_000] * 7, [1, 200_000, 1], [65_536, 1], []])
def test_rows_are_bounded_and_leave_nothing_out(sizes: list[int]) -> None:
    rows = list(to_rows(5, [Publication(data=Payload(b"x" * size)) for size in sizes]))
    offset = 5
    for first, last, row in rows:
        read = from_row(first, row, first, last)
        assert first == offset
        assert [publication.offset for publication in read] == list(range(first, last + 1))
        assert [len(publication.data) for publication in read] == sizes[first - 5 : last - 4]
        assert len(read) <= 64
        assert len(read) == 1 or len(row) < 2**16 + 1000
        offset = last + 1
    assert offset == 5 + len(sizes)


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
