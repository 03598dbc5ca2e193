"""Publications and clients as bytes."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.hub.brokers.redis.encoding import (
    decode_info,
    decode_member,
    decode_publication,
    encode_info,
    encode_member,
    encode_publication,
)
from openline.hub.publication import ClientInfo, Payload, Publication

payloads = st.binary(max_size=50).map(Payload)
infos = st.builds(
    ClientInfo,
    user=st.text(),
    client=st.text(),
    conn_info=st.none() | payloads,
    chan_info=st.none() | payloads,
)
publications = st.builds(
    Publication,
    data=payloads,
    info=st.none() | infos,
    tags=st.none() | st.dictionaries(st.text(), st.text(), max_size=3),
    time=st.integers(0, 2**62),
    channel=st.text(),
    key=st.text(),
)


def plain(value: object) -> object:
    """What can be compared: a payload is equal to itself only."""
    match value:
        case msgspec.Raw():
            return bytes(value)
        case msgspec.Struct():
            return [plain(getattr(value, name)) for name in value.__struct_fields__]
        case _:
            return value


@given(publications)
def test_a_publication_comes_back(publication: Publication) -> None:
    again = decode_publication(encode_publication(publication), 7)
    assert again.offset == 7
    again.offset = 0
    assert plain(again) == plain(publication)


@given(infos)
def test_a_client_comes_back(info: ClientInfo) -> None:
    assert plain(decode_info(encode_info(info))) == plain(info)
    assert plain(decode_member(encode_member(info))) == plain(info)


@given(st.binary(max_size=40))
def test_foreign_bytes_are_an_error_or_a_value(data: bytes) -> None:
    for decode in (lambda raw: decode_publication(raw, 1), decode_info, decode_member):
        with contextlib.suppress(ValueError, msgspec.MsgspecError):
            decode(data)


def test_a_newer_node_may_send_more_fields() -> None:
    fields = msgspec.msgpack.decode(encode_publication(Publication(data=Payload(b"1"), key="k")))
    newer = msgspec.msgpack.encode([*fields, "what is not known yet"])
    assert decode_publication(newer, 1).key == "k"
    with pytest.raises(msgspec.ValidationError):
        decode_publication(msgspec.msgpack.encode([]), 1)
