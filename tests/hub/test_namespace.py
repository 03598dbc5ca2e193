"""Names of channels, and the options that contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from openline.hub.namespace import ChannelOptions, namespace_of, users_of


@pytest.mark.parametrize(
    ("channel", "namespace"), [("chat:a", "chat"), ("chat:a:b", "chat"), ("a", ""), (":a", ""), ("#42", "")]
)
def test_the_namespace_stands_before_the_first_colon(channel: str, namespace: str) -> None:
    assert namespace_of(channel) == namespace


@pytest.mark.parametrize(
    ("channel", "users"), [("a", None), ("#42", ("42",)), ("chat:d#42,43", ("42", "43")), ("a#b#c", ("c",))]
)
def test_users_stand_behind_the_last_sign(channel: str, users: tuple[str, ...] | None) -> None:
    assert users_of(channel) == users


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"history": 10}, "go together"),
        ({"ttl": 10.0}, "go together"),
        ({"history": -1, "ttl": 1.0}, "go together"),
        ({"recovery": True}, "needs history"),
        ({"positioned": True}, "needs history"),
        ({"subscribe": "subscribers"}, "nobody, users or anyone"),
        ({"history": 1, "ttl": 1.0, "recovery": True, "slow_consumer": "drop_oldest"}, "promise not to"),
        ({"history": 1, "ttl": 1.0, "positioned": True, "slow_consumer": "drop_oldest"}, "promise not to"),
        ({"history": 1, "ttl": 1.0, "recovery": True, "slow_consumer": "conflate"}, "promises not to"),
        ({"max_subscribers": 0}, "above 0"),
        ({"publish_rate": -1.0}, "above 0"),
        ({"batch_delay": -0.1}, "must not be negative"),
        ({"max_waiting": 0}, "above 0"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ChannelOptions(**options)


def test_the_cache_may_be_conflated() -> None:
    ChannelOptions(history=1, ttl=1.0, recovery=True, recovery_mode="cache", slow_consumer="conflate")


def test_in_a_file_everything_is_off_until_named() -> None:
    options = ChannelOptions.closed()
    assert {options.subscribe, options.publish, options.read_history, options.read_presence} == {"nobody"}
    assert options.stream is None
