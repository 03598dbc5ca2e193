"""JSON: frames, what is forgiven, and what is not."""

from __future__ import annotations

import json
import sys
import tracemalloc

import msgspec
import pytest
from hypothesis import given

from openline.hub.publication import ClientInfo, Payload, Publication
from openline.hub.subprotocols.base import BadFrame, NotJSON
from openline.hub.subprotocols.centrifuge_json import JSON
from openline.hub.subprotocols.fossil import apply_delta
from openline.hub.subprotocols.messages import (
    Call,
    CallRequest,
    Command,
    ConnectRequest,
    HistoryRequest,
    MessagePush,
    Push,
    Reply,
    RPCRequest,
    RPCResult,
    SubscribeRequest,
)
from openline.hub.values import to_value

from . import records
from .records import plain


def one(frame: str | bytes) -> Command:
    (command,) = JSON.decode(frame)
    return command


@given(command=records.commands(Command))
def test_commands_are_read_from_text_and_from_bytes(command: Command) -> None:
    text = msgspec.json.encode(command)
    assert plain(JSON.decode(text)) == plain(JSON.decode(text.decode())) == plain([command])


@given(reply=records.commands(Reply))
def test_any_parser_reads_replies(reply: Reply) -> None:
    unit = JSON.encode(reply)
    assert b"\n" not in unit
    assert json.loads(unit).get("id", 0) == reply.id
    assert plain(msgspec.json.decode(unit, type=Reply)) == plain(reply)


@pytest.mark.parametrize(
    "data",
    [
        '{"a":[1,2.5,null,true],"b":{}}',
        "null",
        '"\u00e9 \\u00e9 \\ud83d\\ude00"',
        '"\\ud83d"',  # half a pair
        "1e400",
        "123456789012345678901234567890",
        "[" * 400 + "]" * 400,
        "{",
    ],
)
def test_a_call_is_what_else_would_be_made_of_it(data: str) -> None:
    frame = f'{{"id":3,"rpc":{{"method":"echo","data":{data}}}}}'
    call = JSON.decode_call(frame)
    if call is None:
        assert data in ('"\\ud83d"', "1e400", "{")
    else:
        command = one(frame)
        assert command.rpc is not None
        assert (call.id, call.rpc.method) == (command.id, command.rpc.method) == (3, "echo")
        assert call.rpc.data == to_value(command.rpc.data)


def test_a_call_without_data_or_method() -> None:
    assert JSON.decode_call('{"id":3,"rpc":{}}\n') == Call(3, CallRequest())
    assert JSON.decode_call('{"rpc":{"more":1},"id":4}') == Call(4, CallRequest())


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{}",
        b'{"id":3,"rpc":{}}',
        '{"id":3,"publish":{"channel":"\\"rpc\\":"}}',
        '{"rpc":{}}',
        '{"id":0,"rpc":{}}',
        '{"id":-1,"rpc":{}}',
        '{"id":3,"rpc":null}',
        '{"id":3,"rpc":{"method":null}}',
        '{"id":3,"rpc":{},"ping":{}}',
        '{"id":3,"rpc":{}}\n{"id":4,"rpc":{}}',
        '{"id":3,"rpc":{"data":"' + "x" * 1000 + '"}}',  # long enough to be too deep
    ],
)
def test_what_is_no_single_call_is_left_to_decode(frame: str | bytes) -> None:
    assert JSON.decode_call(frame) is None


def test_a_frame_holds_commands_by_line() -> None:
    assert JSON.decode('{"id":1}\n{"id":2}') == [Command(id=1), Command(id=2)]
    assert JSON.decode(b'{"id":1}\n{"id":1}\n{}\n') == [Command(id=1), Command(id=1), Command()]
    assert JSON.decode(' {"id":1}\t\r\n') == [Command(id=1)]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "\n",
        " ",
        "{}\n\n",
        "\n{}",
        "{}\n\n{}",
        "[]",
        "1",
        "null",
        "{}{}",
        '{"id":1',
        '{"id":"1"}',
        '{"id":-1}',
        '{"id":4294967296}',
        '{"id":1.5}',
        '{"rpc":1}',
        '{"rpc":{"method":1}}',
        '{"rpc":{"data":01}}',
        '{"rpc":{"data":}}',
        '{"rpc":{"data":"\x01"}}',
        '{"rpc":{"data":"a\rb"}}',
        '{"rpc":{"data":[1\n,2]}}',  # two lines, and neither is JSON
        '{"unknown":nul}',
        '{"id":null,"rpc":{"method":1}}',
        "\ufeff{}",
        "\ud800",
        b"\xff",
        b'{"rpc":{"method":"\xff"}}',
        b'{"rpc":{"data":"\xff"}}',
        b'{"unknown":"\xc3"}',
    ],
    ids=ascii,
)
def test_malformed(bad: str | bytes) -> None:
    with pytest.raises(BadFrame):
        JSON.decode(bad)


def test_unknown_fields_are_ignored() -> None:
    command = one('{"id":1,"new":[{}],"rpc":{"method":"m","new":{"method":"n"}},"newer":null}')
    assert command == Command(id=1, rpc=RPCRequest(method="m"))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"id":null}', Command()),
        ('{"id":1,"connect":null,"rpc":{}}', Command(id=1, rpc=RPCRequest())),
        ('{"id":1,"rpc":{"method":null}}', Command(id=1, rpc=RPCRequest())),
        (
            '{"id":1,"connect":{"token":null,"data":null,"subs":null,"headers":null,"name":"js"}}',
            Command(id=1, connect=ConnectRequest(name="js")),
        ),
        (
            '{"connect":{"subs":{"data":{"token":null,"offset":3,"data":null,"tf":null},"b":null}}}',
            Command(connect=ConnectRequest(subs={"data": SubscribeRequest(offset=3)})),
        ),
        (
            '{"connect":{"subs":{"a":{"offset":3,"data":null,"tf":null}}}}',
            Command(connect=ConnectRequest(subs={"a": SubscribeRequest(offset=3)})),
        ),
        (
            '{"subscribe":{"channel":"c","data":null,"tf":null}}',
            Command(subscribe=SubscribeRequest(channel="c")),
        ),
        (
            '{"history":{"channel":"c","since":{"offset":null,"epoch":null}}}',
            Command(history=msgspec.convert({"channel": "c", "since": {}}, HistoryRequest)),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_null_counts_as_absent(text: str, command: Command) -> None:
    assert one(text) == command


@pytest.mark.parametrize("request_name", ["publish", "rpc", "send"])
def test_null_is_a_payload(request_name: str) -> None:
    request = getattr(one(f'{{"{request_name}":{{"data":null}}}}'), request_name)
    assert bytes(request.data) == b"null"


def test_nulls_inside_of_payloads_stay() -> None:
    command = one('{"id":null,"rpc":{"method":null,"data":{"a":null,"data":{"tf":null}}}}')
    assert command.rpc is not None
    assert plain(command.rpc.data) == b'{"a":null,"data":{"tf":null}}'
    command = one('{"connect":{"token":null,"data":{"a":null},"subs":{"c":{"data":{"b":null}}}}}')
    assert command.connect is not None
    assert plain(command.connect.data) == b'{"a":null}'
    assert plain(command.connect.subs)["c"]["data"] == b'{"b":null}'


def test_a_tags_filter_is_there_whatever_it_says() -> None:
    for text in ('{"subscribe":{"tf":{}}}', '{"connect":{"subs":{"c":{"tf":{"key":"a"}}}}}'):
        command = one(text)
        request = command.subscribe or (
            command.connect and command.connect.subs and command.connect.subs["c"]
        )
        assert request
        assert request.tf is not None


def test_half_surrogate_pairs_become_replacement_characters() -> None:
    command = one(r'{"id":null,"rpc":{"method":"m\ud83d","data":["\ud83d\ude00 \ude00"]}}')
    assert plain(command.rpc) == {"method": "m\ufffd", "data": rb'["\ud83d\ude00 \ufffd"]'}


def test_carriage_returns_are_taken_out_of_payloads() -> None:
    # In an event stream they would end a line.
    command = one('{"id":1,\r"publish":\r{"channel":"c","data":[1\r,\r"\\r"]\r}}')
    assert command.publish is not None
    assert plain(command.publish.data) == rb'[1,"\r"]'


def test_what_is_published_does_not_hold_its_frame() -> None:
    tracemalloc.start()
    try:
        publish = one('{"publish":{"data":[1]},"ignored":"' + "x" * 1_000_000 + '"}').publish
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert publish is not None
    assert plain(publish.data) == b"[1]"
    assert held < 100_000


@pytest.mark.parametrize("request_name", ["publish", "rpc", "send"])
def test_payloads_nest_less_than_500_deep(request_name: str) -> None:
    def frame(levels: int) -> str:
        return f'{{"id":1,"{request_name}":{{"data":{"[" * levels}{"]" * levels}}}}}'

    payload = getattr(one(frame(499)), request_name).data
    assert bytes(JSON.check_payload(bytes(payload))) == bytes(payload)
    for levels in (500, 900, 1100, 100_000):
        with pytest.raises(BadFrame, match="deep"):
            JSON.decode(frame(levels))


def test_ignored_fields_may_not_be_deep_either() -> None:
    for text in ('{"a":', "["):
        with pytest.raises(BadFrame):
            JSON.decode(text * 100_000)
    with pytest.raises(BadFrame, match="deep"):
        JSON.decode('{"id":null,"a":' + "[" * 600 + "]" * 600 + "}")


def test_a_deep_stack_is_a_bad_frame_at_worst() -> None:
    def dig(levels: int) -> list[Command]:
        return dig(levels - 1) if levels else JSON.decode('{"rpc":{"data":' + "[" * 499 + "]" * 499 + "}}")

    with pytest.raises(BadFrame, match="deep"):
        dig(sys.getrecursionlimit() - 300)


def test_payloads_are_checked() -> None:
    assert bytes(JSON.check_payload(b' {"a":\r\n1} ')) == b'{"a":1}'
    with pytest.raises(NotJSON):
        JSON.check_payload(b"{}}")


def test_pushes() -> None:
    publication = Publication(data=Payload(b'{"a":1}'), info=ClientInfo(user="u"), offset=3, tags={"t": "v"})
    assert JSON.encode_publication('c"', publication) == (
        rb'{"push":{"channel":"c\"","pub":{"data":{"a":1},"info":{"user":"u"},"offset":3,"tags":{"t":"v"}}}}'
    )
    assert JSON.encode(Reply(id=1, rpc=RPCResult())) == b'{"id":1,"rpc":{}}'


def test_units_are_joined_by_newlines() -> None:
    assert JSON.join([b"{}", b'{"id":1}']) == b'{}\n{"id":1}'
    assert JSON.join([b"{}"]) == b"{}"


def test_deltas_are_json_strings() -> None:
    base = '{"text":"Съешь ещё этих мягких французских булок, да выпей чаю"}'.encode()
    data = base.replace("булок".encode(), "бубок".encode())
    whole, is_patch = JSON.delta_data(Publication(data=Payload(data)), None)
    assert not is_patch
    assert json.loads(bytes(whole)).encode() == data
    patch, is_patch = JSON.delta_data(Publication(data=Payload(data)), base)
    assert is_patch
    assert len(bytes(patch)) < len(bytes(whole)) / 2
    assert apply_delta(base, json.loads(bytes(patch)).encode()) == data


def test_a_patch_that_is_not_smaller_is_not_sent() -> None:
    data = b'{"b":2}'
    for base in (b'{"a":1}', data):
        whole, is_patch = JSON.delta_data(Publication(data=Payload(data)), base)
        assert (bytes(whole), is_patch) == (rb'"{\"b\":2}"', False)


@pytest.mark.parametrize("data", [b"null", b'{"a":[1,2]}', b'"x"', b"{}"])
def test_a_message_is_encoded_as_any_push(data: bytes) -> None:
    push = Push(message=MessagePush(data=Payload(data)))
    assert JSON.encode_message(data) == JSON.encode(Reply(push=push))
