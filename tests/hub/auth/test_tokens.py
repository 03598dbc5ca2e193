"""Tokens: what is accepted, and the many ways to forge one."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from openline.hub.auth.tokens import (
    MAX_TOKEN_SIZE,
    ConnectionClaims,
    TokenExpired,
    TokenInvalid,
    TokenVerifier,
)
from openline.hub.options import TokenOptions
from tests.hub.auth.forge import (
    SECRET,
    ec_private,
    private_pem,
    public_pem,
    rsa_private,
    segment,
    signed_text,
    token,
)

HMAC = TokenVerifier(TokenOptions(hmac_secret=SECRET))
RSA = TokenVerifier(TokenOptions(rsa_public_key=public_pem(rsa_private())))


def connection(verifier: TokenVerifier, text: str) -> ConnectionClaims:
    """What a token says, when nothing has to be fetched."""
    claims = verifier.verify_connection(text)
    assert not isinstance(claims, Awaitable)
    return claims


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_hmac(algorithm: str) -> None:
    assert connection(HMAC, token({"sub": "42"}, SECRET, algorithm)).user == "42"
    with pytest.raises(TokenInvalid, match="signature is wrong"):
        connection(HMAC, token({"sub": "42"}, SECRET + "x", algorithm))


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_rsa(algorithm: str) -> None:
    assert connection(RSA, token({"sub": "42"}, rsa_private(), algorithm)).user == "42"
    with pytest.raises(TokenInvalid, match="signature is wrong"):
        connection(RSA, token({"sub": "42"}, rsa_private(number=1), algorithm))


@pytest.mark.parametrize(
    ("curve", "algorithm"), [(ec.SECP256R1, "ES256"), (ec.SECP384R1, "ES384"), (ec.SECP521R1, "ES512")]
)
def test_ecdsa(curve: type[ec.EllipticCurve], algorithm: str) -> None:
    verifier = TokenVerifier(TokenOptions(ecdsa_public_key=public_pem(ec_private(curve))))
    assert connection(verifier, token({"sub": "42"}, ec_private(curve), algorithm)).user == "42"
    with pytest.raises(TokenInvalid, match="signature is wrong"):
        connection(verifier, token({"sub": "42"}, ec_private(curve, number=1), algorithm))


def test_several_kinds_of_keys_at_a_time() -> None:
    both = TokenVerifier(TokenOptions(hmac_secret=SECRET, rsa_public_key=public_pem(rsa_private())))
    assert connection(both, token({"sub": "1"})).user == "1"
    assert connection(both, token({"sub": "2"}, rsa_private(), "RS256")).user == "2"


def test_a_subscription_token() -> None:
    claims = HMAC.verify_subscription(token({"sub": "42", "channel": "chat:1"}))
    assert not isinstance(claims, Awaitable)
    assert (claims.user, claims.channel) == ("42", "chat:1")
    with pytest.raises(TokenInvalid, match="channel is missing"):
        HMAC.verify_subscription(token({"sub": "42"}))


def test_an_expired_token() -> None:
    with pytest.raises(TokenExpired):
        connection(HMAC, token({"sub": "42", "exp": time.time() - 1}))
    assert connection(HMAC, token({"sub": "42", "exp": time.time() + 60})).user == "42"


def test_without_a_key_every_token_is_refused() -> None:
    nobody = TokenVerifier(TokenOptions())
    with pytest.raises(TokenInvalid, match="no key for HS256"):
        connection(nobody, token({"sub": "42"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hmac_secret", "short"),
        ("hmac_secret", ""),
        ("rsa_public_key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        ("rsa_public_key", private_pem(rsa_private())),
        ("ecdsa_public_key", public_pem(rsa_private())),
        ("jwks_url", "http://keys.example/set"),
    ],
)
def test_an_unusable_key_is_named_when_the_hub_starts(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        TokenVerifier(TokenOptions(**{name: value}))


# Forgeries.


def forged(header: dict[str, Any], signature: bytes = b"", payload: bytes = b'{"sub":"admin"}') -> str:
    return f"{segment(header)}.{segment(payload)}.{segment(signature)}"


@pytest.mark.parametrize(
    "none", ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "HS1", "PS256", "EdDSA"]
)
def test_none_and_what_is_not_supported_is_refused_rfc8725_3_1(none: str) -> None:
    for verifier in (HMAC, RSA):
        with pytest.raises(TokenInvalid, match="algorithm is not supported"):
            connection(verifier, forged({"alg": none, "typ": "JWT"}))


def test_a_public_key_is_never_taken_for_a_secret_rfc8725_2_1() -> None:
    pem = public_pem(rsa_private())
    signed = f"{segment({'alg': 'HS256'})}.{segment(b'{}')}"
    signature = hmac.digest(pem.encode(), signed.encode(), hashlib.sha256)
    with pytest.raises(TokenInvalid, match="no key for HS256"):
        connection(RSA, f"{signed}.{segment(signature)}")


def test_the_key_decides_the_algorithm_and_not_the_token() -> None:
    short = TokenVerifier(TokenOptions(hmac_secret="x" * 32))
    assert connection(short, jwt.encode({}, "x" * 32, algorithm="HS256")).user == ""
    signed = f"{segment({'alg': 'HS512'})}.{segment(b'{}')}"
    signature = hmac.digest(b"x" * 32, signed.encode(), hashlib.sha512)
    with pytest.raises(TokenInvalid, match="not one for HS512"):
        connection(short, f"{signed}.{segment(signature)}")


def test_a_key_that_comes_with_the_token_is_not_used_rfc7515_4_1() -> None:
    key = rsa_private(number=1)
    headers = {"jwk": {"kty": "oct", "k": "c2VjcmV0"}, "jku": "http://127.0.0.1:9/", "x5c": [public_pem(key)]}
    with pytest.raises(TokenInvalid, match="signature is wrong"):
        connection(RSA, token({"sub": "admin"}, key, "RS256", headers))


def test_a_signature_is_for_its_own_header_and_payload() -> None:
    header, payload, signature = token({"sub": "42"}).split(".")
    for changed in (
        f"{header}.{segment({'sub': 'admin'})}.{signature}",
        f"{segment({'alg': 'HS384'})}.{payload}.{signature}",
        f"{segment({'alg': 'HS256', 'x': 1})}.{payload}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}",
    ):
        with pytest.raises(TokenInvalid):
            connection(HMAC, changed)


@pytest.mark.parametrize(
    "header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": False, "crit": ["b64"]}]
)
def test_headers_that_must_be_understood_are_refused_rfc7515_4_1_11(header: dict[str, Any]) -> None:
    head = segment({"alg": "HS256", **header})
    signature = hmac.digest(SECRET.encode(), f"{head}.{segment(b'{}')}".encode(), hashlib.sha256)
    with pytest.raises(TokenInvalid, match="crit or b64"):
        connection(HMAC, f"{head}.{segment(b'{}')}.{segment(signature)}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "é.é.é",
        "\ud800",
        "e30.e30.e30",
        token({}) + ".x",
        token({}) + "=",
        token({}).replace(".", ".=", 1),
        "+" + token({}),
        " " + token({}),
        token({}) + "\n",
        f"{segment(b'[' * 40_000)}.e30.e30",
        f"{segment(b'[]')}.e30.e30",
        f"{segment(b'{')}.e30.e30",
        f"{segment({'alg': 1})}.e30.e30",
        f"{segment({'alg': 'HS256', 'kid': 1})}.e30.e30",
        signed_text(b"[]"),
        signed_text(b""),
        signed_text(b'{"sub":'),
    ],
)
def test_what_is_no_token_is_invalid(text: str) -> None:
    with pytest.raises(TokenInvalid):
        connection(HMAC, text)
    with pytest.raises(TokenInvalid):
        HMAC.verify_subscription(text)


def test_a_token_has_a_longest_size() -> None:
    filled = token({"sub": "42", "info": "x" * 40_000})
    assert len(filled) < MAX_TOKEN_SIZE
    assert connection(HMAC, filled).user == "42"
    with pytest.raises(TokenInvalid, match="longer than"):
        connection(HMAC, token({"sub": "42", "info": "x" * 50_000}))


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_invalid(data: st.DataObject) -> None:
    text = token({"sub": "42", "channels": ["a"]})
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters().filter(lambda one: one != text[at]))
    changed = text[:at] + letter + text[at + 1 :]
    with pytest.raises(TokenInvalid):
        connection(HMAC, changed)


@given(st.text() | st.binary().map(segment).flatmap(lambda one: st.just(f"{one}.{one}.{one}")))
def test_whatever_is_sent_it_is_invalid(text: str) -> None:
    with pytest.raises(TokenInvalid):
        connection(HMAC, text)


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "crit", "b64", "typ"]),
        st.from_type(type(None)) | st.text() | st.integers(),
    )
)
def test_whatever_stands_in_the_header_it_is_invalid(header: dict[str, Any]) -> None:
    with contextlib.suppress(TokenInvalid):
        connection(HMAC, f"{segment(json.dumps(header).encode())}.e30.e30")
        raise AssertionError("accepted")
