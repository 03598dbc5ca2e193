"""VAPID keys and tokens."""

from __future__ import annotations

import asyncio
import base64
import stat
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from openline.hub.stores.memory import MemoryStore
from openline.hub.stores.sqlite import SQLiteStore
from openline.notifications.push import VapidKeys, keys

CONTACT = "mailto:ops@example.com"


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_key_is_the_same_again() -> None:
    made = VapidKeys.generate()
    assert VapidKeys.from_pem(made.to_pem()).public_key == made.public_key
    assert VapidKeys.from_pem(made.to_pem().decode()).public_key == made.public_key
    assert len(from_base64url(made.public_key)) == 65
    assert made.public_key in repr(made)


def test_another_kind_of_key_is_refused() -> None:
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        rsa.generate_private_key(65537, 2048).private_bytes(*form),
        ec.generate_private_key(ec.SECP384R1()).private_bytes(*form),
    ):
        with pytest.raises(ValueError, match="key"):
            VapidKeys.from_pem(pem)


def test_a_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "vapid.pem"
    made = VapidKeys.from_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert VapidKeys.from_file(path).public_key == made.public_key
    assert [one.name for one in tmp_path.iterdir()] == ["vapid.pem"]
    path.write_text("nonsense")
    with pytest.raises(ValueError, match="PEM"):
        VapidKeys.from_file(path)


def test_who_comes_second_takes_the_first_ones_file(tmp_path: Path) -> None:
    first, second = tmp_path / "vapid.pem", tmp_path / "other"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    keys._link(second, first)
    assert first.read_bytes() == b"first"


async def test_all_nodes_have_the_key_of_the_store() -> None:
    store = MemoryStore()
    await store.start()
    made = await asyncio.gather(*(VapidKeys.from_store(store) for _ in range(5)))
    assert len({one.public_key for one in made}) == 1
    assert (await VapidKeys.from_store(store, "other")).public_key != made[0].public_key


async def test_who_loses_the_race_in_a_store_takes_the_winners(tmp_path: Path) -> None:
    store = SQLiteStore(str(tmp_path / "store.db"))
    await store.start()
    made = await asyncio.gather(*(VapidKeys.from_store(store) for _ in range(5)))
    assert len({one.public_key for one in made}) == 1
    await store.close()


def test_a_token_says_who_where_and_until_when_rfc_8292_section_2() -> None:
    pair = VapidKeys.generate()
    scheme, fields = pair.authorization("https://push.example", CONTACT).split(" ", 1)
    token, key = (part.split("=", 1)[1] for part in fields.split(","))
    assert (scheme, key) == ("vapid", pair.public_key)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(key))
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="https://push.example")
    assert claims["sub"] == CONTACT
    assert time.time() + 11 * 3600 < claims["exp"] <= time.time() + 24 * 3600


def test_a_token_is_used_again_for_the_same_push_service_alone() -> None:
    pair = VapidKeys.generate()
    first = pair.authorization("https://push.example", CONTACT)
    assert pair.authorization("https://push.example", CONTACT) == first
    assert pair.authorization("https://other.example", CONTACT) != first
    for number in range(1000):
        pair._tokens[f"https://{number}.example", CONTACT] = (0.0, "")
    pair.authorization("https://more.example", CONTACT)
    assert len(pair._tokens) <= 1003


def test_a_token_that_is_half_over_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = VapidKeys.generate()
    first = pair.authorization("https://push.example", CONTACT)
    later = time.time() + 7 * 3600
    monkeypatch.setattr(keys.time, "time", lambda: later)
    assert pair.authorization("https://push.example", CONTACT) != first


@pytest.mark.parametrize(
    "contact", ["ops", "mailto:ops", "mailto:a b@c", "http://example.com", "https://", ""]
)
def test_a_contact_is_an_address(contact: str) -> None:
    with pytest.raises(ValueError, match="contact"):
        VapidKeys.generate().authorization("https://push.example", contact)
    keys.check_contact("https://example.com/contact")
