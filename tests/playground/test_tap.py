"""Tap: what it says of the bytes of a line."""

from __future__ import annotations

from openline.playground.tap import KEPT, Record, Tap
from openline.protocol.frames import Opcode, encode_frame
from openline.protocol.headers import Headers
from openline.protocol.http11 import Request, Response

MASK = bytes.fromhex("37fa213d")


def tapped() -> tuple[Tap, list[Record]]:
    records: list[Record] = []
    return Tap(7, records.append), records


def test_a_masked_frame_from_the_page_shows_its_bits_and_both_payloads() -> None:
    tap, records = tapped()
    tap("in", bytes.fromhex("818537fa213d7f9f4d5158"))  # "Hello", RFC 6455 section 5.7
    (record,) = records
    assert isinstance(record.pop("at"), float)
    assert record == {
        "kind": "frame",
        "line": 7,
        "from": "page",
        "fin": True,
        "rsv": 0,
        "opcode": 1,
        "length": 5,
        "mask": "37fa213d",
        "header": "818537fa213d",
        "wire": "7f9f4d5158",
        "payload": b"Hello".hex(),
    }


def test_an_unmasked_frame_from_the_server_is_payload_as_it_is() -> None:
    tap, records = tapped()
    tap("out", encode_frame(Opcode.TEXT, b"Hel", fin=False, rsv=0x40))
    (record,) = records
    assert (record["from"], record["mask"], record["fin"], record["rsv"]) == ("server", None, False, 0x40)
    assert record["wire"] == record["payload"] == b"Hel".hex()


def test_the_directions_do_not_mix_where_both_are_cut() -> None:
    tap, records = tapped()
    up, down = encode_frame(Opcode.TEXT, b"up", mask=MASK), encode_frame(Opcode.BINARY, b"down")
    tap("in", up[:3])
    tap("out", down[:3])
    tap("in", up[3:])
    tap("out", down[3:])
    assert [(record["from"], record["opcode"]) for record in records] == [("page", 1), ("server", 2)]


def test_only_the_first_bytes_are_told() -> None:
    tap, records = tapped()
    tap("out", encode_frame(Opcode.BINARY, bytes(100_000)))
    assert records[0]["length"] == 100_000
    assert records[0]["payload"] == bytes(KEPT).hex()


def test_bytes_that_are_no_frame_are_said_to_be_none() -> None:
    tap, records = tapped()
    tap("in", b"\x83\x80")
    assert records[0]["kind"] == "garbled"
    assert records[0]["from"] == "page"
    assert "reserved opcode" in str(records[0]["why"])


def test_the_handshake_and_the_end_are_recorded() -> None:
    tap, records = tapped()
    fields = [("Host", "localhost"), ("cookie", "visitor=1.2"), ("X-Twice", "1"), ("X-Twice", "2")]
    request = Request("/connection/websocket?x=1", Headers(fields))
    response = Response(101, "Switching Protocols", Headers([("Upgrade", "websocket")]), b"")
    tap.opened(request, response, ("ping",))
    tap.closed(1006, "")
    opened, closed = records
    assert opened["request"] == {
        "start": "GET /connection/websocket?x=1 HTTP/1.1",
        "headers": [fields[0], ("cookie", "(kept from scripts)"), *fields[2:]],
        "size": 93 + len("visitor=1.2"),
    }
    assert opened["response"] == {
        "start": "HTTP/1.1 101 Switching Protocols",
        "headers": [("Upgrade", "websocket")],
        "size": 56,
    }
    assert opened["samples"] == ["ping"]
    assert (closed["kind"], closed["code"], closed["line"]) == ("closed", 1006, 7)


def test_a_handshake_as_large_as_may_be_is_a_small_record() -> None:
    tap, records = tapped()
    fields = [(f"X-{number}-{'n' * 1000}", "v" * 1000) for number in range(128)]
    request = Request("/" + "p" * 8000, Headers(fields))
    tap.refused(request, 5.0)
    (record,) = records
    assert len(repr(record)) < 2**16 < len(repr(fields))
    assert record["request"]["size"] > 128 * 2000  # type: ignore[index]
