"""Keys: which are accepted, and for which algorithms."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from openline.hub.auth.keys import ALGORITHMS, ecdsa_key, hmac_key, key_from_jwk, rsa_key
from tests.hub.auth.forge import ec_private, jwk, private_pem, public_pem, rsa_private


def test_nine_algorithms_and_none_is_not_among_them() -> None:
    assert set(ALGORITHMS) == {f"{kind}{bits}" for kind in ("HS", "RS", "ES") for bits in (256, 384, 512)}


@pytest.mark.parametrize(
    ("size", "algorithms"),
    [(32, {"HS256"}), (47, {"HS256"}), (48, {"HS256", "HS384"}), (64, {"HS256", "HS384", "HS512"})],
)
def test_a_secret_serves_the_hashes_it_is_long_enough_for_rfc7518_3_2(
    size: int, algorithms: set[str]
) -> None:
    assert hmac_key("x" * size).algorithms == algorithms


def test_a_short_secret_is_refused_rfc7518_3_2() -> None:
    with pytest.raises(ValueError, match=r"31 bytes is too short.*section 3\.2"):
        hmac_key("x" * 31)


def test_a_public_key_is_no_secret() -> None:
    with pytest.raises(ValueError, match="asymmetric"):
        hmac_key(public_pem(rsa_private()))


def test_a_key_verifies_by_its_own_algorithms_only() -> None:
    key = hmac_key("x" * 32)
    signature = hmac.digest(b"x" * 32, b"text", hashlib.sha256)
    assert key.verify("HS256", b"text", signature)
    assert not key.verify("HS256", b"texts", signature)
    assert not key.verify("HS512", b"text", hmac.digest(b"x" * 32, b"text", hashlib.sha512))
    assert not key.verify("RS256", b"text", signature)


def test_an_rsa_key_is_public_and_of_2048_bits_rfc7518_3_3() -> None:
    assert rsa_key(public_pem(rsa_private())).algorithms == {"RS256", "RS384", "RS512"}
    with pytest.raises(ValueError, match=r"1024 bits is too short"):
        rsa_key(public_pem(rsa_private(1024)))
    for wrong in ("", "secret", private_pem(rsa_private())):
        with pytest.raises(ValueError, match="no public key in PEM"):
            rsa_key(wrong)
    with pytest.raises(ValueError, match="no RSA key"):
        rsa_key(public_pem(ec_private()))


@pytest.mark.parametrize(
    ("curve", "algorithm"), [(ec.SECP256R1, "ES256"), (ec.SECP384R1, "ES384"), (ec.SECP521R1, "ES512")]
)
def test_a_curve_serves_one_algorithm_rfc7518_3_4(curve: type[ec.EllipticCurve], algorithm: str) -> None:
    assert ecdsa_key(public_pem(ec_private(curve))).algorithms == {algorithm}
    assert key_from_jwk(jwk(ec_private(curve), "a")).algorithms == {algorithm}


def test_other_curves_and_kinds_are_no_ecdsa_keys() -> None:
    with pytest.raises(ValueError, match="secp256k1 is none of"):
        ecdsa_key(public_pem(ec_private(ec.SECP256K1)))
    with pytest.raises(ValueError, match="no ECDSA key"):
        ecdsa_key(public_pem(rsa_private()))


def test_a_jwk_may_be_for_one_algorithm_only() -> None:
    assert key_from_jwk(jwk(rsa_private(), "a")).algorithms == {"RS256", "RS384", "RS512"}
    assert key_from_jwk(jwk(rsa_private(), "a", alg="RS384", use="sig")).algorithms == {"RS384"}


def test_of_a_private_jwk_the_public_half_is_used() -> None:
    for described in (
        RSAAlgorithm.to_jwk(rsa_private(), as_dict=True),
        ECAlgorithm.to_jwk(ec_private(), as_dict=True),
    ):
        assert "d" in described
        described.pop("key_ops", None)
        assert not hasattr(key_from_jwk(described).material, "sign")


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": 1},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": ["RS256"]},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP"},
        {"kty": None},
        {"kty": "EC"},
        {"n": 5},
        {"n": "AQAB"},
        {"n": "*"},
        {"e": None},
    ],
)
def test_what_is_no_key_for_signatures_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        key_from_jwk(jwk(rsa_private(), "a") | change)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ["kty", "n", "e", "d", "p", "q", "crv", "x", "y", "use", "key_ops", "alg", "oth"]


@given(
    st.sampled_from([jwk(rsa_private(), "a"), jwk(ec_private(), "a")]),
    st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4),
)
def test_whatever_stands_in_a_jwk_it_is_a_key_or_a_value_error(
    described: dict[str, Any], change: dict[str, Any]
) -> None:
    with contextlib.suppress(ValueError):
        key_from_jwk(described | change)
