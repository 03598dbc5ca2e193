"""What holds for every encoding, and that both mean the same."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openline.hub.publication import Payload, Publication
from openline.hub.subprotocols.base import BadFrame, Subprotocol
from openline.hub.subprotocols.centrifuge_json import JSON
from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF
from openline.hub.subprotocols.messages import Command, PingRequest, Push, Reply

from . import records
from .records import write

BOTH: list[Subprotocol] = [JSON, PROTOBUF]
both = pytest.mark.parametrize("subprotocol", BOTH, ids=lambda subprotocol: subprotocol.name)


@both
@given(frame=st.binary(max_size=60))
@example(frame=b"")
@example(frame=b"\x00" * 5000)
@example(frame=b"{}\n" * 5000)
@example(frame=b"\xff" * 20)
@example(frame=b'{"id":' + b"1" * 5000 + b"}")
def test_whatever_comes_is_a_frame_or_a_bad_one(subprotocol: Subprotocol, frame: bytes) -> None:
    with suppress(BadFrame):
        assert 0 < len(subprotocol.decode(frame)) <= 4096


@both
@given(frame=st.text(max_size=60))
def test_whatever_text_comes_is_a_frame_or_a_bad_one(subprotocol: Subprotocol, frame: str) -> None:
    with suppress(BadFrame):
        assert 0 < len(subprotocol.decode(frame)) <= 4096


@given(commands=st.lists(records.commands(Command), min_size=1, max_size=3), data=st.data())
def test_a_frame_that_was_damaged_is_a_frame_or_a_bad_one(
    commands: list[Command], data: st.DataObject
) -> None:
    frames = [b"\n".join(map(msgspec.json.encode, commands)), records.frame(*map(write, commands))]
    for subprotocol, frame in zip(BOTH, frames, strict=True):
        at = data.draw(st.integers(0, max(0, len(frame) - 1)))
        damaged = frame[:at] + data.draw(st.binary(max_size=2)) + frame[at + data.draw(st.integers(0, 3)) :]
        with suppress(BadFrame):
            assert subprotocol.decode(damaged)


@given(commands=st.lists(records.commands(Command), min_size=1, max_size=3))
def test_both_read_the_same_commands(commands: list[Command]) -> None:
    in_json = JSON.decode(b"\n".join(map(msgspec.json.encode, commands)))
    in_protobuf = PROTOBUF.decode(records.frame(*map(write, commands)))
    assert records.plain(in_json) == records.plain(in_protobuf) == records.plain(commands)


@both
@given(channel=records.texts.filter(bool), publication=records.records(Publication))
def test_a_publication_is_encoded_as_any_push(
    subprotocol: Subprotocol, channel: str, publication: Publication
) -> None:
    publication.data = publication.data if bytes(publication.data) else Payload(b"1")
    push = Reply(push=Push(channel=channel, pub=publication))
    assert subprotocol.encode_publication(channel, publication) == subprotocol.encode(push)


@both
def test_a_ping_is_an_empty_reply(subprotocol: Subprotocol) -> None:
    assert subprotocol.ping == subprotocol.encode(Reply())


@both
def test_what_answers_a_ping_is_an_empty_command(subprotocol: Subprotocol) -> None:
    unit = subprotocol.ping
    assert subprotocol.decode(unit) == [Command()]
    assert subprotocol.decode(subprotocol.join([unit, unit])) == [Command(), Command()]


def test_an_empty_record_is_there() -> None:
    assert JSON.decode('{"ping":{}}') == PROTOBUF.decode(b"\x02\x5a\x00") == [Command(ping=PingRequest())]


@both
def test_commands_in_a_frame_are_bounded(subprotocol: Subprotocol) -> None:
    unit = subprotocol.ping
    assert len(subprotocol.decode(subprotocol.join([unit] * 4096))) == 4096
    with pytest.raises(BadFrame, match="4096"):
        subprotocol.decode(subprotocol.join([unit] * 4097))
