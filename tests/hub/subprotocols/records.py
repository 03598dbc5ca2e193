"""Records for the tests: generated, taken apart, and put into the messages of the SDK for Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from centrifuge.protocol import client_pb2
from google.protobuf.message import Message
from hypothesis import strategies as st

from openline.hub.publication import Payload
from openline.hub.subprotocols.messages import Command
from openline.hub.subprotocols.schema import Field, Record, fields_of

RANGES = {
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**63 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}

texts = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
payloads = json_values.map(lambda value: Payload(msgspec.json.encode(value)))
# As requests' payloads null is the same as none.
some_payloads = payloads.filter(lambda payload: bytes(payload) != b"null")


def _values(field: Field) -> st.SearchStrategy[Any]:
    if field.record is not None:
        one = records(field.record)
    elif field.wire in RANGES:
        one = st.integers(*RANGES[field.wire])
    else:
        one = {"string": texts, "bool": st.booleans(), "bytes": some_payloads}[field.wire]
    if field.shape == "list":
        return st.lists(one, min_size=1, max_size=2)
    if field.shape == "map":
        return st.dictionaries(texts, one, min_size=1, max_size=2)
    return one


def records(record: Record, without: Sequence[str] = ("tf",)) -> st.SearchStrategy[Any]:
    """Records of a class, each field set or not; without a tags filter, which is JSON here and a message there."""
    required = {field.name for field in msgspec.structs.fields(record) if field.required}
    fields = {field.name: _values(field) for field in fields_of(record) if field.name not in without}
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in required},
        optional={name: values for name, values in fields.items() if name not in required},
    ).map(lambda values: record(**values))


def commands(record: Record) -> st.SearchStrategy[Any]:
    """Commands or replies: an id, and one of the others at most."""
    first, *others = fields_of(record)
    one = st.one_of(
        st.just({}), *(_values(field).map(lambda value, name=field.name: {name: value}) for field in others)
    )
    return st.builds(lambda number, other: record(id=number, **other), _values(first), one)


def plain(value: object) -> Any:
    """Take a record apart, so that it can be compared: payloads have no equality."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def fill(message: Message, record: msgspec.Struct) -> None:
    """Put a record into a message of the same fields; what this message does not know is left out."""
    for field in fields_of(type(record)):
        value = getattr(record, field.name)
        if not value or field.name not in message.DESCRIPTOR.fields_by_name:
            continue
        target = getattr(message, field.name)
        if field.shape == "map":
            for key, item in value.items():
                if field.record is None:
                    target[key] = item
                else:
                    fill(target[key], item)
        elif field.shape == "list":
            for item in value:
                fill(target.add(), item)
        elif field.record is not None:
            target.SetInParent()
            fill(target, value)
        else:
            setattr(message, field.name, bytes(value) if field.wire == "bytes" else value)


def frame(*bodies: bytes) -> bytes:
    """Put protobuf messages into a frame."""
    out = bytearray()
    for body in bodies:
        size = len(body)
        while size >= 128:
            out.append(size & 127 | 128)
            size >>= 7
        out.append(size)
        out += body
    return bytes(out)


def write(command: Command) -> bytes:
    """A command as a client writes it, with the fields that the SDK's messages lack appended."""
    message = client_pb2.Command()
    fill(message, command)
    if command.publish is not None:
        newer = (
            _number(3, command.publish.type)
            + _string(4, command.publish.key)
            + _number(5, command.publish.removed)
        )
        message.publish.MergeFromString(newer)  # kept as unknown fields
    if command.subscribe is not None:
        message.subscribe.MergeFromString(_number(15, command.subscribe.type))
    if command.connect is not None:
        for channel, request in (command.connect.subs or {}).items():
            message.connect.subs[channel].MergeFromString(_number(15, request.type))
    return message.SerializeToString()


def _number(number: int, value: int) -> bytes:
    digits = bytearray((number << 3,))
    value &= 2**64 - 1
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes((*digits, value))


def _string(number: int, value: str) -> bytes:
    return bytes((number << 3 | 2,)) + frame(value.encode())
