"""The client protocol in protobuf.

A frame is messages one after another, each behind its length as a varint. Payloads are any bytes.

What comes in is read by the protobuf runtime, which is proven on hostile input; descriptors are made from
`openline.hub.subprotocols.schema`, in a pool of our own, so that an SDK in the same process may register its own. What
goes out is written by the few functions here, which take half the time of filling the runtime's messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from openline.hub.publication import Payload, Publication
from openline.hub.subprotocols.base import BadFrame
from openline.hub.subprotocols.fossil import create_delta
from openline.hub.subprotocols.messages import (
    Call,
    Command,
    MessagePush,
    Push,
    Reply,
    RPCRequest,
    SendRequest,
)
from openline.hub.subprotocols.schema import RECORDS, Field, Record, fields_of

__all__ = ["MAX_COMMANDS", "PROTOBUF", "CentrifugeProtobuf"]

MAX_COMMANDS = 4096
"""More commands in one frame are malformed. An SDK sends one for each subscription after a connect."""

_PACKAGE = "openline.hub"
_LARGEST = 2**63 - 1  # of unsigned 64-bit numbers, as in JSON: what databases can store

_VARINT, _DELIMITED = 0, 2  # wire types


# Reading.


def _descriptors() -> descriptor_pool.DescriptorPool:
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="openline/hub.proto", package=_PACKAGE, syntax="proto3")
    for record in RECORDS:
        message = file.message_type.add(name=record.__name__)
        for field in fields_of(record):
            added = message.field.add(name=field.name, number=field.number, label=types.LABEL_OPTIONAL)
            described = added
            if field.shape == "map":
                entry = message.nested_type.add(name=f"{field.name.capitalize()}Entry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=types.LABEL_OPTIONAL, type=types.TYPE_STRING)
                described = entry.field.add(name="value", number=2, label=types.LABEL_OPTIONAL)
                added.type, added.label = types.TYPE_MESSAGE, types.LABEL_REPEATED
                added.type_name = f".{_PACKAGE}.{record.__name__}.{entry.name}"
            elif field.shape == "list":
                added.label = types.LABEL_REPEATED
            described.type = types.Type.Value(f"TYPE_{field.wire.upper()}")
            if field.record is not None:
                described.type_name = f".{_PACKAGE}.{field.record.__name__}"
            if field.name == "tf":  # an empty message there differs from none
                added.proto3_optional = True
                message.oneof_decl.add(name="_tf")
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _descriptors()


def _message_class(record: Record) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{record.__name__}"))


_Reader = Callable[[Any], Any]


def _field_reader(field: Field) -> _Reader:
    get = attrgetter(field.name)
    if field.shape == "map":
        if field.record is None:
            return lambda message: dict(get(message)) or None
        read_entry = _reader(field.record)
        return lambda message: {key: read_entry(value) for key, value in get(message).items()} or None
    if field.shape == "list":
        assert field.record is not None
        read_item = _reader(field.record)
        return lambda message: [read_item(item) for item in get(message)] or None
    if field.record is not None:
        read_message = _reader(field.record)
        return lambda message: read_message(get(message)) if message.HasField(field.name) else None
    if field.name == "tf":
        return lambda message: Payload(get(message)) if message.HasField("tf") else None
    if field.wire == "bytes":
        return lambda message: Payload(data) if (data := get(message)) else None
    if field.wire == "uint64":
        return lambda message: _bounded(get(message))
    return get


def _bounded(value: int) -> int:
    if value > _LARGEST:
        raise BadFrame(f"a number is larger than {_LARGEST}")
    return value


def _reader(record: Record) -> _Reader:
    readers = [(field.name, _field_reader(field)) for field in fields_of(record)]
    return lambda message: record(**{name: read(message) for name, read in readers})


_read_command = _reader(Command)
_parse_command = _message_class(Command).FromString
_parse_send = _message_class(SendRequest).FromString
_parse_rpc = _message_class(RPCRequest).FromString


def _send(number: int, data: bytes) -> Command:
    payload = _parse_send(data).data
    return Command(number, send=SendRequest(Payload(payload) if payload else None))


def _rpc(number: int, data: bytes) -> Command:
    message = _parse_rpc(data)
    payload = message.data
    return Command(number, rpc=RPCRequest(Payload(payload) if payload else None, message.method))


def _request(field: Field) -> Callable[[int, bytes], Command]:
    assert field.record is not None
    parse, read = _message_class(field.record).FromString, _reader(field.record)
    return lambda number, data: Command(number, **{field.name: read(parse(data))})


# How to read the request behind each key. Send and rpc are many, and are read without the generic reader.
_REQUESTS = {
    field.number << 3 | _DELIMITED: {"send": _send, "rpc": _rpc}.get(field.name) or _request(field)
    for field in fields_of(Command)
    if field.record is not None
}


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Read a number below 2**35 and give it, and the place behind it."""
    value = shift = 0
    for place in range(position, min(position + 5, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise BadFrame("a number is cut off or too large")


def _alone(data: bytes) -> Command | None:
    """Read a command that is an id, perhaps, and one request, as SDKs write it. None: it is something else.

    The runtime takes several times longer to say what is set in a message than this.
    """
    number = position = 0
    if data[0] == 0x08:
        number, position = (data[1], 2) if data[1] < 0x80 else _read_varint(data, 1)
    request = _REQUESTS.get(data[position])
    if request is None or number >= 2**32:
        return None
    length, position = data[position + 1], position + 2
    if length >= 0x80:
        length, position = _read_varint(data, position - 1)
    return request(number, data[position:]) if position + length == len(data) else None


def _command(data: bytes) -> Command:
    try:
        try:
            command = _alone(data)
        except IndexError:  # of data, which ends too early
            command = None
        return command or _read_command(_parse_command(data))
    except (DecodeError, RecursionError) as exception:
        raise BadFrame(f"malformed protobuf: {exception}") from None


# Writing.


_SMALL = [bytes((value,)) for value in range(128)]


def _varint(value: int) -> bytes:
    if 0 <= value < 128:
        return _SMALL[value]
    if 0 <= value < 2**14:
        return bytes((value & 0x7F | 0x80, value >> 7))
    value &= 0xFFFFFFFFFFFFFFFF  # negative numbers, too, are 64 bits wide
    digits = bytearray()
    while value >= 128:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


_Writer = Callable[[Any], bytes]
_CONTENT: dict[str, _Writer] = {"string": str.encode, "bytes": bytes}


def _value_writer(number: int, wire: str, record: Record | None) -> _Writer:
    """Give the function that writes a value, with its key before it."""
    if wire == "message":
        assert record is not None
        content = _writer(record)
    elif wire in _CONTENT:
        content = _CONTENT[wire]
    else:
        key = _varint(number << 3 | _VARINT)
        return lambda value: key + _varint(value)
    key = _varint(number << 3 | _DELIMITED)

    def write(value: Any) -> bytes:
        data = content(value)
        size = len(data)
        return key + (_SMALL[size] if size < 128 else _varint(size)) + data

    return write


def _field_writer(field: Field) -> _Writer:
    if field.shape == "one":
        return _value_writer(field.number, field.wire, field.record)
    if field.shape == "list":
        write_item = _value_writer(field.number, field.wire, field.record)
        return lambda values: b"".join([write_item(value) for value in values])
    write_key = _value_writer(1, "string", None)
    write_value = _value_writer(2, field.wire, field.record)
    write_entry = _value_writer(field.number, "bytes", None)
    return lambda values: b"".join(
        [write_entry(write_key(key) + write_value(value)) for key, value in values.items()]
    )


def _writer(record: Record) -> _Writer:
    fields = fields_of(record)
    if not fields:
        return lambda value: b""
    writers = [_field_writer(field) for field in fields]
    if len(fields) == 1:
        (write_field,), get = writers, attrgetter(fields[0].name)
        return lambda value: write_field(item) if (item := get(value)) else b""
    get = attrgetter(*(field.name for field in fields))

    def write(value: msgspec.Struct) -> bytes:
        # What is false is the default; records and payloads never are.
        return b"".join(
            [write_field(item) for item, write_field in zip(get(value), writers, strict=True) if item]
        )

    return write


_write_reply = _writer(Reply)
_write_publication = _writer(Publication)


def _key(record: Record, name: str) -> bytes:
    """The key of a field that has a length."""
    (number,) = (field.number for field in fields_of(record) if field.name == name)
    return _varint(number << 3 | _DELIMITED)


_MESSAGE_KEYS = tuple(
    _key(record, name) for record, name in ((MessagePush, "data"), (Push, "message"), (Reply, "push"))
)


@lru_cache(1024)
def _message_head(size: int) -> bytes:
    """What stands before the data of a message: that of three messages in each other, and the length of it all."""
    head = b""
    for key in _MESSAGE_KEYS if size else _MESSAGE_KEYS[1:]:  # empty data are left out
        head = key + _varint(size + len(head)) + head
    return _varint(size + len(head)) + head


# What a frame begins with, by its size, that is one message without an id, of less than 128 bytes in all.
_SEND_HEADS = [
    b"%c%b%c%b%c" % (size - 1, _key(Command, "send"), size - 3, _key(SendRequest, "data"), size - 5)
    if size > 5
    else None
    for size in range(129)
]


class CentrifugeProtobuf:
    """The protobuf encoding, see `openline.hub.subprotocols.base.Subprotocol`."""

    name = "protobuf"
    binary = True
    takes_values = False
    ping = b"\x00"

    def decode(self, frame: str | bytes) -> list[Command]:
        """Take a frame apart; at most `MAX_COMMANDS`."""
        if isinstance(frame, str):
            raise BadFrame("a protobuf frame is binary")
        if not frame:
            raise BadFrame("an empty frame")
        commands: list[Command] = []
        position = 0
        while position < len(frame):
            if len(commands) == MAX_COMMANDS:
                raise BadFrame(f"more than {MAX_COMMANDS} commands in a frame")
            length, position = frame[position], position + 1
            if length >= 0x80:
                length, position = _read_varint(frame, position - 1)
            end = position + length
            if end > len(frame):
                raise BadFrame("a command is cut off")
            commands.append(_command(frame[position:end]) if length else Command())
            position = end
        return commands

    def decode_call(self, frame: str | bytes) -> Call | Command | None:
        """Take a frame apart that is one short message without an id, as games send them."""
        size = len(frame)
        if size < len(_SEND_HEADS) and frame[:5] == _SEND_HEADS[size]:
            return Command(send=SendRequest(Payload(frame[5:])))
        return None

    def encode(self, reply: Reply) -> bytes:
        """Encode one reply or push."""
        data = _write_reply(reply)
        return _varint(len(data)) + data

    def encode_result(self, number: int, name: str, result: Any) -> bytes:
        """Encode the answer to a command."""
        fields: dict[str, Any] = {} if result is None else {name: result}
        return self.encode(Reply(id=number, **fields))

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        """Encode the push of a publication."""
        name = channel.encode()
        data = _write_publication(publication)
        push = b"\x12%b%b\x22%b%b" % (_varint(len(name)), name, _varint(len(data)), data)
        head = _varint(len(push))
        return b"%b\x22%b%b" % (_varint(1 + len(head) + len(push)), head, push)

    def encode_message(self, data: bytes) -> bytes:
        """Encode the push of a message."""
        return _message_head(len(data)) + data

    def join(self, units: Sequence[bytes]) -> bytes:
        """Put units into one frame."""
        return b"".join(units)

    def check_payload(self, data: bytes) -> Payload:
        """Make a payload of any bytes."""
        return Payload(data)

    def delta_data(self, publication: Publication, base: bytes | None) -> tuple[Payload, bool]:
        """Make the ``data`` for subscribers with deltas: the payload, or a patch."""
        if base is not None:
            data = bytes(publication.data)
            patch = create_delta(base, data)
            if patch is not None and len(patch) < len(data):
                return Payload(patch), True
        return publication.data, False


PROTOBUF = CentrifugeProtobuf()
