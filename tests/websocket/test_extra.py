"""What each connection remembers: little."""

from __future__ import annotations

import sys

from openline.websocket.extra import Extra, FragmentedMessage


def test_an_idle_connection_remembers_little() -> None:
    assert sys.getsizeof(Extra()) <= 160
    assert not hasattr(Extra(), "__dict__")
    assert not hasattr(FragmentedMessage(), "__dict__")


def test_nothing_has_happened_at_first() -> None:
    extra = Extra()
    assert {name: getattr(extra, name) for name in Extra.__slots__ if getattr(extra, name) is not None} == {
        "opened": False,
        "deferred": False,
        "stream_waits": False,
        "held": False,
    }
    message = FragmentedMessage()
    assert (list(message.parts), message.complete) == ([], False)
