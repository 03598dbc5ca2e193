"""What a push service gets."""

from __future__ import annotations

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openline.notifications.push.endpoints import Device
from openline.notifications.push.message import MAX_PAYLOAD, Message, encrypt, header_fields


@pytest.mark.parametrize("payload", [b"1", b"x" * MAX_PAYLOAD])
def test_only_the_browser_can_read_it_rfc_8291(payload: bytes) -> None:
    key = generate_private_key(SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    message = Message(Device("d", "https://push.example/x", point, b"a" * 16), payload, 0.0)
    body = encrypt(message)
    assert len(body) <= 4096
    assert http_ece.decrypt(body, private_key=key, auth_secret=b"a" * 16) == payload
    assert encrypt(message) != body  # another key, another salt
    with pytest.raises(http_ece.ECEException):
        http_ece.decrypt(body, private_key=key, auth_secret=b"b" * 16)


def test_header_fields_rfc_8030() -> None:
    device = Device("d", "https://push.example/x", b"", b"")
    fields = header_fields(Message(device, b"1", 160.9, "low"), "vapid x", 100.0)
    assert fields["TTL"] == "60"
    assert fields["Urgency"] == "low"
    assert fields["Content-Encoding"] == "aes128gcm"
    assert fields["Authorization"] == "vapid x"
    assert "Topic" not in fields
    assert header_fields(Message(device, b"1", 10.0), "", 100.0)["TTL"] == "0"
    assert header_fields(Message(device, b"1", 1e12), "", 100.0)["TTL"] == str(28 * 86400)
    topic = header_fields(Message(device, b"1", 0.0, collapse="score of match 7 / é"), "", 0.0)["Topic"]
    assert len(topic) == 32
    assert topic.replace("-", "").replace("_", "").isalnum()
