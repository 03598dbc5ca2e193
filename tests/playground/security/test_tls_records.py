"""TLS records, made by OpenSSL itself and cut anywhere; and the name in a ClientHello."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.playground.security.tls_records import HEADER, MAX_HELLO, RecordCutter, TLSRecord, server_name


def client_hello(name: str | None) -> bytes:
    """What OpenSSL sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def cut(data: bytes, *sizes: int, kept: int = 20) -> list[TLSRecord]:
    cutter = RecordCutter(kept)
    records: list[TLSRecord] = []
    at = 0
    for size in (*sizes, len(data)):
        records += cutter.feed(data[at : at + size])
        at += size
    return records


def test_the_name_is_in_the_clear() -> None:
    (record,) = cut(client_hello("playground.example"))
    assert (record.type, record.version) == (22, 0x0301)
    assert server_name(record) == "playground.example"


def test_without_a_name_there_is_none() -> None:
    (record,) = cut(client_hello(None))
    assert server_name(record) is None


@given(st.integers(0, 600))
def test_half_a_hello_has_no_name_and_does_no_harm(size: int) -> None:
    hello = client_hello("playground.example")
    record = TLSRecord(22, 0x0301, 0, hello[:HEADER], hello[HEADER:][:size])
    assert server_name(record) in (None, "playground.example")


@given(st.binary(max_size=400))
def test_whatever_is_no_hello_has_no_name(data: bytes) -> None:
    name = server_name(TLSRecord(22, 0x0303, len(data), b"", b"\x01" + data))
    assert name is None or isinstance(name, str)


@given(st.lists(st.integers(0, 40), max_size=30))
def test_records_are_found_wherever_they_are_cut(sizes: list[int]) -> None:
    data = b"".join(
        bytes([kind]) + b"\x03\x03" + length.to_bytes(2) + bytes(length)
        for kind, length in ((22, 100), (20, 1), (23, 0), (23, 300), (21, 2))
    )
    records = cut(data, *sizes, kept=20)
    assert [(record.type, record.length) for record in records] == [
        (22, 100),
        (20, 1),
        (23, 0),
        (23, 300),
        (21, 2),
    ]
    assert [len(record.start) for record in records] == [100, 1, 0, 20, 2]


def test_no_more_than_a_bound_is_held() -> None:
    cutter = RecordCutter(20)
    long = b"\x17\x03\x03\xff\xff" + bytes(0xFFFF)
    assert [len(record.start) for record in cutter.feed(long)] == [MAX_HELLO]
    assert [len(record.start) for record in cutter.feed(long)] == [20]
    assert list(cutter.feed(b"\x17\x03\x03")) == []
