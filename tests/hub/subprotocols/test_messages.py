"""The records themselves: what msgspec makes of them."""

from __future__ import annotations

import msgspec
import pytest

from openline.hub.publication import Payload
from openline.hub.subprotocols.messages import (
    Command,
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
    PublishResult,
    Reply,
    RPCResult,
)


def test_defaults_are_not_sent_but_empty_results_are() -> None:
    assert msgspec.json.encode(Reply(id=1, publish=PublishResult())) == b'{"id":1,"publish":{}}'
    assert msgspec.json.encode(Reply()) == b"{}"


def test_results_that_sdks_look_into_are_whole() -> None:
    assert msgspec.json.encode(HistoryResult()) == b'{"publications":[],"epoch":"","offset":0}'
    assert msgspec.json.encode(PresenceResult()) == b'{"presence":{}}'
    assert msgspec.json.encode(PresenceStatsResult()) == b'{"num_clients":0,"num_users":0}'


def test_records_share_no_defaults() -> None:
    assert PresenceResult().presence is not PresenceResult().presence
    assert HistoryResult().publications is not HistoryResult().publications


def test_a_payload_may_be_absent() -> None:
    command = msgspec.json.decode(b'{"rpc":{}}', type=Command)
    assert command.rpc is not None
    assert command.rpc.data is None
    assert msgspec.json.encode(RPCResult()) == b"{}"
    assert msgspec.json.encode(RPCResult(Payload(b"[1]"))) == b'{"data":[1]}'


@pytest.mark.parametrize(
    "text",
    [
        '{"id":-1}',
        '{"id":4294967296}',
        '{"id":1.5}',
        '{"subscribe":{"offset":-1}}',
        '{"subscribe":{"offset":9223372036854775808}}',
        '{"subscribe":{"type":2147483648}}',
        '{"history":{"limit":-2147483649}}',
        '{"history":{"since":{"offset":-1}}}',
    ],
)
def test_numbers_are_held_to_their_width(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Command)


def test_the_largest_numbers_are_taken() -> None:
    text = '{"id":4294967295,"history":{"limit":-1,"since":{"offset":9223372036854775807}}}'
    command = msgspec.json.decode(text, type=Command)
    assert command.id == 2**32 - 1
    assert command.history is not None
    assert command.history.limit == -1
    assert command.history.since is not None
    assert command.history.since.offset == 2**63 - 1
