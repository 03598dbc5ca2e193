"""Close codes."""

from __future__ import annotations

from openline.documents import CloseDocument


def test_providers_stop_where_it_would_change_nothing_to_come_back() -> None:
    def stops(code: int) -> bool:
        return 4400 <= code < 4500

    assert {code.name for code in CloseDocument if stops(code)} == {"MALFORMED", "DENIED", "TOO_LARGE"}
