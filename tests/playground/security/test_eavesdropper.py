"""The eavesdropper: reads everything of ws, next to nothing of wss, and holds little."""

from __future__ import annotations

from openline.playground.relay import Direction
from openline.playground.security.eavesdropper import KEPT, MAX_HEAD, Eavesdropper, Record
from openline.protocol.frames import apply_mask

REQUEST = b"GET /?watch=x HTTP/1.1\r\nHost: localhost\r\nCookie: visitor=secret\r\n\r\n"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
MASK = b"\x01\x02\x03\x04"


def masked(text: bytes) -> bytes:
    return bytes([0x81, 0x80 | len(text)]) + MASK + apply_mask(text, MASK)


def heard(*passed: tuple[Direction, bytes]) -> list[Record]:
    eavesdropper = Eavesdropper()
    return [record for direction, data in passed for record in eavesdropper.hear(direction, data)]


def test_masking_hides_nothing() -> None:
    records = heard(("in", REQUEST), ("out", ANSWER), ("in", masked(b"my password")), ("out", b"\x81\x02ok"))
    assert [record["kind"] for record in records] == ["http", "http", "frame", "frame"]
    assert "Cookie: visitor=secret" in records[0]["lines"]
    assert records[2]["text"] == "my password"
    assert records[2]["mask"] == MASK.hex()
    assert bytes.fromhex(records[2]["wire"]) != b"my password"
    assert (records[3]["text"], records[3]["mask"], records[3]["from"]) == ("ok", None, "server")


def test_it_does_not_matter_where_the_bytes_are_cut() -> None:
    whole = REQUEST + masked(b"hello") + masked(b"again")
    cut = [("in", whole[at : at + 1]) for at in range(len(whole))]
    assert heard(*cut) == heard(("in", whole))  # type: ignore[arg-type]
    assert [record.get("text") for record in heard(("in", whole))] == [None, "hello", "again"]


def test_a_refusal_is_no_frame() -> None:
    records = heard(("in", REQUEST), ("out", b"HTTP/1.1 403 Forbidden\r\n\r\nThis page must not connect.\n"))
    assert [record["kind"] for record in records] == ["http", "http"]


def test_of_tls_it_sees_types_and_lengths() -> None:
    records = heard(("in", b"\x16\x03\x01\x00\x02xx"), ("out", b"\x17\x03\x03\x00\x03abc"))
    assert [(record["kind"], record["name"], record["length"]) for record in records] == [
        ("tls", "handshake", 2),
        ("tls", "application data", 3),
    ]
    assert (records[1]["header"], records[1]["wire"], records[1]["from"]) == (
        "1703030003",
        "616263",
        "server",
    )


def test_what_is_neither_is_said_once() -> None:
    records = heard(("in", REQUEST), ("in", b"\xff" * 20), ("in", b"\xff" * 20))
    assert [record["kind"] for record in records] == ["http", "garbled"]


def test_a_head_without_an_end_is_not_kept() -> None:
    records = heard(("in", b"A" * (MAX_HEAD + 1)), ("in", b"B" * 10_000))
    assert [record["kind"] for record in records] == ["garbled"]


def test_long_text_is_shown_by_its_beginning() -> None:
    text = b"a" * (KEPT + 1)
    frame = b"\x81\xfe" + len(text).to_bytes(2) + MASK + apply_mask(text, MASK)
    _, record = heard(("in", REQUEST), ("in", frame))
    assert (record["text"], record["length"], len(record["wire"])) == (None, KEPT + 1, 2 * KEPT)


def test_text_that_is_none_is_not_shown_as_text() -> None:
    _, record = heard(("in", REQUEST), ("in", masked(b"\xff\xfe")))
    assert record["text"] is None
