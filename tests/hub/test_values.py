"""Between the application's objects and payloads."""

from __future__ import annotations

import pytest

from openline.hub.publication import Payload
from openline.hub.values import to_optional_payload, to_payload, to_value


def test_objects_are_encoded_and_bytes_are_not() -> None:
    assert bytes(to_payload({"a": "é"})) == '{"a":"é"}'.encode()
    assert bytes(to_payload(b"\xff")) == b"\xff"
    assert bytes(to_payload(bytearray(b"x"))) == b"x"
    payload = Payload(b"1")
    assert to_payload(payload) is payload
    assert bytes(to_payload(None)) == b"null"
    assert to_optional_payload(None) is None


def test_what_cannot_be_encoded_says_so() -> None:
    with pytest.raises(TypeError):
        to_payload(object())


@pytest.mark.parametrize(
    ("data", "value"), [(b'{"a":[1]}', {"a": [1]}), (b"\xff\x00", b"\xff\x00"), (b"no", b"no")]
)
def test_what_is_no_json_stays_bytes(data: bytes, value: object) -> None:
    assert to_value(Payload(data)) == value


def test_deep_json_does_no_harm() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert to_value(Payload(deep)) == deep
    assert to_value(None) is None
