"""The numbers that protobuf knows the fields of the records by.

The table has one row a record: its fields with their numbers, and, for integers, how they stand on the wire. The other
types follow from the records' own annotations. What the protocol defines beyond these fields is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import inspect

from openline.hub import publication
from openline.hub.subprotocols import messages

__all__ = ["RECORDS", "Field", "Record", "fields_of"]

Record: TypeAlias = type[msgspec.Struct]
_Numbers: TypeAlias = Mapping[str, int | tuple[int, str]]

_RESULT = {"expires": 1, "ttl": (2, "uint32")}
_CHANNEL = {"channel": 1}

RECORDS: Mapping[Record, _Numbers] = {
    # What clients send.
    messages.Command: {
        "id": (1, "uint32"),
        "connect": 4,
        "subscribe": 5,
        "unsubscribe": 6,
        "publish": 7,
        "presence": 8,
        "presence_stats": 9,
        "history": 10,
        "ping": 11,
        "send": 12,
        "rpc": 13,
        "refresh": 14,
        "sub_refresh": 15,
    },
    messages.ConnectRequest: {"token": 1, "data": 2, "subs": 3, "name": 4, "version": 5, "headers": 6},
    messages.SubscribeRequest: {
        "channel": 1,
        "token": 2,
        "recover": 3,
        "epoch": 6,
        "offset": (7, "uint64"),
        "data": 8,
        "positioned": 9,
        "recoverable": 10,
        "join_leave": 11,
        "delta": 12,
        "tf": 13,
        "flag": (14, "int64"),
        "type": (15, "int32"),
    },
    messages.UnsubscribeRequest: _CHANNEL,
    messages.PublishRequest: {"channel": 1, "data": 2, "type": (3, "int32"), "key": 4, "removed": 5},
    messages.PresenceRequest: _CHANNEL,
    messages.PresenceStatsRequest: _CHANNEL,
    messages.SinceRequest: {"offset": (1, "uint64"), "epoch": 2},
    messages.HistoryRequest: {"channel": 1, "limit": (7, "int32"), "since": 8, "reverse": 9},
    messages.PingRequest: {},
    messages.SendRequest: {"data": 1},
    messages.RPCRequest: {"data": 1, "method": 2},
    messages.RefreshRequest: {"token": 1},
    messages.SubRefreshRequest: {"channel": 1, "token": 2},
    # What they are answered.
    messages.Reply: {
        "id": (1, "uint32"),
        "error": 2,
        "push": 4,
        "connect": 5,
        "subscribe": 6,
        "unsubscribe": 7,
        "publish": 8,
        "presence": 9,
        "presence_stats": 10,
        "history": 11,
        "rpc": 13,
        "refresh": 14,
        "sub_refresh": 15,
    },
    messages.Error: {"code": (1, "uint32"), "message": 2, "temporary": 3},
    messages.ConnectResult: {
        "client": 1,
        "version": 2,
        "expires": 3,
        "ttl": (4, "uint32"),
        "data": 5,
        "subs": 6,
        "ping": (7, "uint32"),
        "pong": 8,
        "session": 9,
        "node": 10,
        "time": (11, "int64"),
    },
    messages.SubscribeResult: {
        "expires": 1,
        "ttl": (2, "uint32"),
        "recoverable": 3,
        "epoch": 6,
        "publications": 7,
        "recovered": 8,
        "offset": (9, "uint64"),
        "positioned": 10,
        "data": 11,
        "was_recovering": 12,
        "delta": 13,
    },
    messages.UnsubscribeResult: {},
    messages.PublishResult: {},
    messages.PresenceResult: {"presence": 1},
    messages.PresenceStatsResult: {"num_clients": (1, "uint32"), "num_users": (2, "uint32")},
    messages.HistoryResult: {"publications": 1, "epoch": 2, "offset": (3, "uint64")},
    messages.RPCResult: {"data": 1},
    messages.RefreshResult: {"client": 1, "version": 2, "expires": 3, "ttl": (4, "uint32")},
    messages.SubRefreshResult: _RESULT,
    # What the server says by itself.
    messages.Push: {
        "channel": 2,
        "pub": 4,
        "join": 5,
        "leave": 6,
        "unsubscribe": 7,
        "message": 8,
        "subscribe": 9,
        "disconnect": 11,
        "refresh": 12,
    },
    publication.Publication: {
        "data": 4,
        "info": 5,
        "offset": (6, "uint64"),
        "tags": 7,
        "delta": 8,
        "time": (9, "int64"),
        "channel": 10,
        "key": 11,
    },
    publication.ClientInfo: {"user": 1, "client": 2, "conn_info": 3, "chan_info": 4},
    messages.Join: {"info": 1},
    messages.Leave: {"info": 1},
    messages.UnsubscribePush: {"code": (2, "uint32"), "reason": 3},
    messages.MessagePush: {"data": 1},
    messages.SubscribePush: {
        "recoverable": 1,
        "epoch": 4,
        "offset": (5, "uint64"),
        "positioned": 6,
        "data": 7,
    },
    messages.DisconnectPush: {"code": (1, "uint32"), "reason": 2, "reconnect": 3},
    messages.RefreshPush: _RESULT,
}


class Field(NamedTuple):
    """One field of a record, as protobuf sees it.

    Attributes:
        name: Its name.
        number: Its number.
        wire: ``string``, ``bytes``, ``bool``, ``uint32``, ``uint64``, ``int32``, ``int64`` or ``message``.
        record: Of a message: its record.
        shape: ``one``, ``list``, or ``map`` from strings.
    """

    name: str
    number: int
    wire: str
    record: Record | None = None
    shape: str = "one"


_PLAIN: dict[type[inspect.Type], str] = {
    inspect.StrType: "string",
    inspect.BoolType: "bool",
    inspect.RawType: "bytes",
}


def _field(name: str, annotation: inspect.Type, number: int | tuple[int, str]) -> Field:
    number, wire = number if isinstance(number, tuple) else (number, "")
    if isinstance(annotation, inspect.UnionType):
        (annotation,) = (kind for kind in annotation.types if not isinstance(kind, inspect.NoneType))
    shape = "one"
    if isinstance(annotation, inspect.ListType):
        shape, annotation = "list", annotation.item_type
    elif isinstance(annotation, inspect.DictType):
        shape, annotation = "map", annotation.value_type
    if isinstance(annotation, inspect.StructType):
        return Field(name, number, "message", annotation.cls, shape)
    return Field(name, number, wire or _PLAIN[type(annotation)], None, shape)


def _fields(record: Record, numbers: _Numbers) -> tuple[Field, ...]:
    kind = inspect.type_info(record)
    assert isinstance(kind, inspect.StructType)
    fields = [_field(field.name, field.type, numbers[field.name]) for field in kind.fields]
    return tuple(sorted(fields, key=lambda field: field.number))


_FIELDS = {record: _fields(record, numbers) for record, numbers in RECORDS.items()}


def fields_of(record: Record) -> tuple[Field, ...]:
    """Give the fields of a record, by rising number."""
    return _FIELDS[record]
