"""Protobuf, against the messages of the SDK for Python, which Google's compiler has made."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from centrifuge.protocol import client_pb2
from hypothesis import example, given
from hypothesis import strategies as st

from openline.hub.publication import ClientInfo, Payload, Publication
from openline.hub.subprotocols.base import BadFrame
from openline.hub.subprotocols.centrifuge_protobuf import PROTOBUF
from openline.hub.subprotocols.fossil import apply_delta
from openline.hub.subprotocols.messages import (
    Command,
    HistoryRequest,
    MessagePush,
    PublishRequest,
    Push,
    Reply,
    RPCRequest,
    SendRequest,
    SubscribeRequest,
)
from openline.hub.subprotocols.schema import fields_of

from . import records
from .records import frame, write


@given(command=records.commands(Command))
def test_commands_of_the_sdk_are_read(command: Command) -> None:
    assert records.plain(PROTOBUF.decode(frame(write(command)))) == records.plain([command])


@given(reply=records.commands(Reply))
def test_the_sdk_reads_replies(reply: Reply) -> None:
    unit = PROTOBUF.encode(reply)
    expected, read = client_pb2.Reply(), client_pb2.Reply()
    records.fill(expected, reply)
    body = unit[1:] if unit[0] < 128 else unit[2:] if unit[1] < 128 else unit[3:]
    assert unit == frame(body)
    read.ParseFromString(body)
    read.DiscardUnknownFields()  # what this SDK does not know yet
    assert read == expected


def test_requests_in_any_order_and_several_at_once() -> None:
    rpc = client_pb2.Command(id=7, rpc=client_pb2.RPCRequest(method="m")).SerializeToString()
    send = client_pb2.Command(send=client_pb2.SendRequest(data=b"d")).SerializeToString()
    (command,) = PROTOBUF.decode(frame(rpc + send))
    assert records.plain(command) == records.plain(
        Command(id=7, rpc=RPCRequest(method="m"), send=SendRequest(Payload(b"d")))
    )
    # The id behind the request.
    assert PROTOBUF.decode(frame(rpc[2:] + rpc[:2])) == [Command(id=7, rpc=RPCRequest(method="m"))]


@given(data=st.binary(max_size=300), number=st.integers(0, 2), cut=st.integers(-3, 3))
def test_calls_are_read_as_any_command(data: bytes, number: int, cut: int) -> None:
    whole = frame(write(Command(id=number, send=SendRequest(Payload(data)))))
    sent = whole[:cut] if cut < 0 else whole + bytes(cut)
    call = PROTOBUF.decode_call(sent)
    assert call is None or [call] == PROTOBUF.decode(sent)
    assert (call is not None) is (not cut and not number and 0 < len(data) <= 123)


@given(head=st.binary(min_size=5, max_size=5), data=st.binary(max_size=20))
@example(head=b"\x07\x62\x05\x0a\x03", data=b"abc")
@example(head=b"\x07\x62\x05\x12\x03", data=b"abc")
@example(head=b"\x07\x6a\x05\x0a\x03", data=b"abc")
def test_nothing_else_is_read_as_a_call(head: bytes, data: bytes) -> None:
    call = PROTOBUF.decode_call(head + data)
    assert call is None or [call] == PROTOBUF.decode(head + data)


def test_what_is_no_frame_is_no_call() -> None:
    assert PROTOBUF.decode_call(b"") is None
    assert PROTOBUF.decode_call("\x07b\x05\n\x03abc") is None


def test_unknown_fields_are_ignored() -> None:
    unknown = b"\xa0\x06\x01" + b"\xaa\x06\x03abc" + b"\xad\x06\x00\x00\x00\x00"  # fields 100 and 101
    rpc = client_pb2.RPCRequest(method="m").SerializeToString() + unknown
    body = b"\x08\x01" + b"\x6a" + frame(rpc)
    assert PROTOBUF.decode(frame(body)) == [Command(id=1, rpc=RPCRequest(method="m"))]
    assert PROTOBUF.decode(frame(body + unknown)) == [Command(id=1, rpc=RPCRequest(method="m"))]


def test_long_ids_and_payloads() -> None:
    command = Command(id=2**32 - 1, publish=PublishRequest(channel="c", data=Payload(bytes(70_000))))
    assert records.plain(PROTOBUF.decode(frame(write(command)))) == records.plain([command])


def test_an_empty_tags_filter_is_there() -> None:
    for request in (client_pb2.FilterNode(), client_pb2.FilterNode(key="k", cmp="eq", val="v")):
        body = client_pb2.Command(id=1, subscribe=client_pb2.SubscribeRequest(channel="c", tf=request))
        (command,) = PROTOBUF.decode(frame(body.SerializeToString()))
        assert command.subscribe is not None
        assert command.subscribe.tf is not None
    (command,) = PROTOBUF.decode(frame(write(Command(subscribe=SubscribeRequest(channel="c")))))
    assert command.subscribe == SubscribeRequest(channel="c")


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x05",  # a length with nothing behind it
        b"\x02\x08",  # cut off
        b"\x00\x03\x08\x01",  # the second is
        b"\x80",  # a length that is cut off
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # nearly 2**64
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",  # a varint that is too long
        b"\xff\xff\xff\xff\x7f",  # 32 GiB
        b"\x01\x08",  # a key without a value
        b"\x02\x08\x80",  # an id that is cut off
        b"\x08\x08\xff\xff\xff\xff\xff\xff\xff",  # the same, long
        b"\x02\x6a\x05",  # a request that is cut off
        b"\x03\x6a\x01\x0a",  # a payload that is
        b"\x04\x08\x01\x6a\x01",
        b"\x01\x07",  # a wire type that there is not
        b"\x01\x00",  # field 0
        frame(b"\x6a" + frame(b"\x12" + frame(b"\xff\xfe"))),  # a method that is not UTF-8
        frame(b"\x2a" + frame(b"\x0a" + frame(b"\xed\xa0\x80"))),  # a channel: half a surrogate pair
        frame(b"\x22" + frame(b"\x32" + frame(b"\x0a\x01a\x12\x01\xff"))),  # a header that is not UTF-8
    ],
    ids=lambda bad: bad[:12].hex() or "empty",
)
def test_malformed(bad: bytes) -> None:
    with pytest.raises(BadFrame):
        PROTOBUF.decode(bad)


def test_text_is_malformed() -> None:
    with pytest.raises(BadFrame, match="binary"):
        PROTOBUF.decode("{}")


@pytest.mark.parametrize("field", [b"\x9b\x06", b"\x0b"], ids=["unknown groups", "groups"])
@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_is_bounded(field: bytes, closed: bool) -> None:
    end = bytes((field[0] + 1, *field[1:]))
    with pytest.raises(BadFrame):
        PROTOBUF.decode(frame(field * 30_000 + end * 30_000 * closed))


def test_offsets_that_no_database_can_store_are_malformed() -> None:
    for request in (
        client_pb2.Command(id=1, subscribe=client_pb2.SubscribeRequest(channel="c", offset=2**63)),
        client_pb2.Command(
            id=1, history=client_pb2.HistoryRequest(since=client_pb2.StreamPosition(offset=2**64 - 1))
        ),
    ):
        with pytest.raises(BadFrame, match="larger than 9223372036854775807"):
            PROTOBUF.decode(frame(request.SerializeToString()))


def test_negative_limits() -> None:
    message = client_pb2.Command(id=1, history=client_pb2.HistoryRequest(channel="c", limit=-1))
    assert PROTOBUF.decode(frame(message.SerializeToString())) == [
        Command(id=1, history=HistoryRequest(channel="c", limit=-1))
    ]


def test_payloads_may_be_anything() -> None:
    assert bytes(PROTOBUF.check_payload(b"\xff\n\0")) == b"\xff\n\0"


def test_units_are_joined() -> None:
    assert PROTOBUF.join([b"\x00", b"\x02\x08\x01"]) == b"\x00\x02\x08\x01"


def test_a_publication_by_hand() -> None:
    publication = Publication(data=Payload(b"\xff"), info=ClientInfo(user="u"), offset=300, tags={"a": "b"})
    assert PROTOBUF.encode_publication("c", publication) == bytes.fromhex(
        "1a 22 18" "12 01 63" "22 13" "22 01 ff" "2a 03 0a 01 75" "30 ac 02" "3a 06 0a 01 61 12 01 62"
    )  # fmt: skip


def test_deltas_are_made_only_where_they_are_smaller() -> None:
    base = bytes(range(256)) * 4
    changed = base[:500] + b"!" + base[501:]
    patch, is_patch = PROTOBUF.delta_data(Publication(data=Payload(changed)), base)
    assert is_patch
    assert len(bytes(patch)) < 40
    assert apply_delta(base, bytes(patch)) == changed
    for other in (None, b"", b"something else"):
        data, is_patch = PROTOBUF.delta_data(Publication(data=Payload(b"short")), other)
        assert (bytes(data), is_patch) == (b"short", False)


def test_an_sdk_may_live_in_the_same_process_whichever_comes_first() -> None:
    for first, second in (("ours", "theirs"), ("theirs", "ours")):
        names = {
            "ours": "openline.hub.subprotocols.centrifuge_protobuf",
            "theirs": "centrifuge.protocol.client_pb2",
        }
        code = f"import {names[first]}, {names[second]}"
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60, env=os.environ)


def test_every_request_has_a_reader() -> None:
    for field in fields_of(Command)[1:]:
        assert field.record is not None
        command = Command(id=1, **{field.name: field.record()})
        assert PROTOBUF.decode(frame(write(command))) == [command]


@given(data=st.binary(max_size=20_000) | st.integers(0, 3).map(lambda size: bytes(125 + size)))
def test_a_message_is_encoded_as_any_push(data: bytes) -> None:
    push = Push(message=MessagePush(data=Payload(data)))
    assert PROTOBUF.encode_message(data) == PROTOBUF.encode(Reply(push=push))
