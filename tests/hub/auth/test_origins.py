"""Which pages may connect to the hub."""

from __future__ import annotations

import re

from openline.hub.auth.origins import origin_allowed


def test_without_a_list_the_requests_own_host_may_and_who_sends_no_origin() -> None:
    assert origin_allowed(None, "chat.example", None)
    assert origin_allowed("https://chat.example", "chat.example", None)
    assert not origin_allowed("https://evil.example", "chat.example", None)
    assert not origin_allowed("null", "chat.example", None)


def test_a_list_replaces_that() -> None:
    allowed = ["https://a.example", re.compile(r"https://[^/]*\.b\.example")]
    assert origin_allowed("https://a.example", "chat.example", allowed)
    assert origin_allowed("https://x.b.example", "chat.example", allowed)
    assert not origin_allowed("https://chat.example", "chat.example", allowed)
    assert not origin_allowed(None, "chat.example", allowed)
    assert origin_allowed(None, "chat.example", [None])
