"""The numbers are those of the SDKs."""

from __future__ import annotations

from centrifuge.protocol import client_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from openline.hub.publication import ClientInfo, Publication
from openline.hub.subprotocols import messages
from openline.hub.subprotocols.schema import RECORDS, Field, Record, fields_of

# Added to the protocol after the SDK for Python was generated; here from the protocol's own definition.
NEWER = {
    messages.SubscribeRequest: {"type": (15, "int32")},
    messages.PublishRequest: {"type": (3, "int32"), "key": (4, "string"), "removed": (5, "bool")},
    Publication: {"key": (11, "string")},
}
# A message of the protocol that we only need to know the presence of.
OPAQUE = {"tf"}


def wire(theirs: FieldDescriptor) -> str:
    names = {
        value: name.removeprefix("TYPE_").lower()
        for name, value in vars(FieldDescriptor).items()
        if name.startswith("TYPE_")
    }
    return names[theirs.type]


def check(record: Record, theirs: Descriptor, seen: set[Record]) -> None:
    seen.add(record)
    for field in fields_of(record):
        newer = NEWER.get(record, {}).get(field.name)
        if newer:
            assert (field.number, field.wire) == newer
        else:
            check_field(field, theirs.fields_by_name[field.name], seen)


def check_field(field: Field, theirs: FieldDescriptor, seen: set[Record]) -> None:
    assert field.number == theirs.number, field.name
    if field.shape == "map":
        assert theirs.message_type.GetOptions().map_entry
        theirs = theirs.message_type.fields_by_name["value"]
    else:
        assert (field.shape == "list") == theirs.is_repeated
    if field.name in OPAQUE:
        assert (field.wire, wire(theirs)) == ("bytes", "message")
        return
    assert field.wire == wire(theirs), field.name
    if field.record is not None:
        check(field.record, theirs.message_type, seen)


def test_every_number_and_type_is_the_sdks() -> None:
    seen: set[Record] = set()
    check(messages.Command, client_pb2.Command.DESCRIPTOR, seen)
    check(messages.Reply, client_pb2.Reply.DESCRIPTOR, seen)
    assert seen == set(RECORDS)


def test_every_field_of_every_record_has_a_number_of_its_own() -> None:
    for record, numbers in RECORDS.items():
        fields = fields_of(record)
        assert {field.name for field in fields} == set(record.__struct_fields__) == set(numbers)
        assert len({field.number for field in fields}) == len(fields)


def test_fields_come_by_rising_number() -> None:
    # "The first that is not null" is meant in this order.
    assert [field.name for field in fields_of(messages.Command)] == list(messages.Command.__struct_fields__)
    assert [field.number for field in fields_of(messages.SubscribeResult)] == [
        1,
        2,
        3,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
    ]


def test_shapes() -> None:
    (presence,) = fields_of(messages.PresenceResult)
    assert presence == Field("presence", 1, "message", ClientInfo, "map")
    publications = fields_of(messages.HistoryResult)[0]
    assert publications == Field("publications", 1, "message", Publication, "list")
    assert Field("headers", 6, "string", None, "map") in fields_of(messages.ConnectRequest)
