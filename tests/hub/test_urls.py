"""URLs of brokers and stores."""

from __future__ import annotations

import pytest

from openline.hub.brokers import open_broker
from openline.hub.stores import open_store
from openline.hub.stores.memory import MemoryStore
from openline.hub.stores.sqlite import SQLiteStore
from openline.hub.urls import sqlite_path


def test_three_slashes_are_relative_and_four_are_not() -> None:
    assert sqlite_path("sqlite:///chat.db") == "chat.db"
    assert sqlite_path("sqlite:///data/chat.db") == "data/chat.db"
    assert sqlite_path("sqlite:////srv/chat.db") == "/srv/chat.db"


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite://chat.db", "sqlite:///:memory:", "sqlite:///a?b=c"]
)
def test_what_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        sqlite_path(url)


def test_memory_takes_nothing() -> None:
    for open_ in (open_broker, open_store):
        with pytest.raises(ValueError, match="nothing behind it"):
            open_("memory://x")


def test_the_error_does_not_show_a_password() -> None:
    with pytest.raises(ValueError) as info:
        open_store("mongodb://user:secret@host")
    assert "secret" not in str(info.value)


def test_stores_by_url() -> None:
    assert isinstance(open_store("memory://"), MemoryStore)
    assert isinstance(open_store("sqlite:///chat.db"), SQLiteStore)
