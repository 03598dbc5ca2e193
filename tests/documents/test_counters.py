"""What documents count."""

from __future__ import annotations

from openline.documents import DocumentCounters


def test_closes_are_counted_by_code() -> None:
    counters = DocumentCounters()
    for code in (4403, 4400, 4403):
        counters.count_close(code)
    assert counters.closes == {4403: 2, 4400: 1}
