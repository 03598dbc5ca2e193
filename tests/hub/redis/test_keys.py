"""Hash tags and shards."""

from __future__ import annotations

import collections

from redis.crc import key_slot

from openline.hub.redis.keys import shard_of, tag


def test_all_keys_with_a_tag_are_in_one_slot() -> None:
    for name in ("chat", "", "}", "{", "a}b", "}{", "{}", "%7D", "ü"):
        begin = tag("p", name)
        assert len({key_slot(begin + end) for end in (b"", b":meta", b":stream", b":x}{y")}) == 1, name


def test_different_names_have_different_tags() -> None:
    names = ["a}b", "a%7Db", "a%257Db", "a%b", "a%25b", "a", "{a", "{a}"]
    assert len({tag("p", name) for name in names}) == len(names)
    assert tag("p", "chat:lobby") == b"{p:chat:lobby}"


def test_shards_have_equal_shares_and_keep_them() -> None:
    channels = [tag("p", f"channel {number}") for number in range(8000)]
    before = [shard_of(channel, 4) for channel in channels]
    assert min(collections.Counter(before).values()) > 1800
    after = [shard_of(channel, 5) for channel in channels]
    moved = [new for old, new in zip(before, after, strict=True) if new != old]
    assert set(moved) == {4}
    assert 1300 < len(moved) < 1900
    assert {shard_of(channel, 1) for channel in channels} == {0}
