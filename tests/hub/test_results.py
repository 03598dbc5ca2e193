"""What hooks may return."""

from __future__ import annotations

import pytest

from openline.hub.results import Connect, Publish, Subscribe


def test_records_of_their_own_each_time() -> None:
    assert Connect() == Connect()
    assert Connect(user="a") != Connect(user="b")
    assert Subscribe().expire_at is None
    assert (Publish(data=1).key, Publish(data=1).skip_history) == ("", False)


def test_only_keywords() -> None:
    with pytest.raises(TypeError):
        Connect("42")  # type: ignore[call-arg]
