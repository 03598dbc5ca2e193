"""Keys that verify signatures, and which algorithms each of them may be used with (RFC 7518).

What a token says of its algorithm never decides what its key is: a key knows its algorithms, and a token that names
another one is refused. So a public key cannot be taken for an HMAC secret, and ``none`` is no algorithm of any key.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import Algorithm, ECAlgorithm, HMACAlgorithm, RSAAlgorithm, get_default_algorithms
from jwt.exceptions import InvalidKeyError

__all__ = ["ALGORITHMS", "VerificationKey", "ecdsa_key", "hmac_key", "key_from_jwk", "rsa_key"]

ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    name: algorithm
    for name, algorithm in get_default_algorithms().items()
    if name in ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
}
"""All that are supported, by their names in tokens."""

# Section 3.2: a secret is at least as long as the hash.
_HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_HMAC_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
# Section 3.4: one curve for each algorithm.
_CURVES: Mapping[type[EllipticCurve], str] = {SECP256R1: "ES256", SECP384R1: "ES384", SECP521R1: "ES512"}
# Section 3.3: a key of 2048 bits or more.
_RSA_BITS = 2048


class VerificationKey(NamedTuple):
    """A key and the algorithms it may be used with.

    Attributes:
        material: As `Algorithm.verify` wants it.
        algorithms: Their names.
    """

    material: Any
    algorithms: frozenset[str]

    def verify(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Tell whether ``signature`` is this key's, by an algorithm that it may be used with, of ``signed``."""
        if algorithm not in self.algorithms:
            return False
        digest = _HMAC_DIGESTS.get(algorithm)
        if digest is not None:
            # In one call of OpenSSL, without the objects that PyJWT makes: every client's connect comes here.
            return hmac.compare_digest(hmac.digest(self.material, signed, digest), signature)
        return ALGORITHMS[algorithm].verify(signed, self.material, signature)


def hmac_key(secret: str) -> VerificationKey:
    """Make a key of a secret, for HS256, HS384 and HS512 as far as it is long enough for them.

    Raises:
        ValueError: it is shorter than 32 bytes, or is no secret but a public key.
    """
    material = secret.encode()
    if len(material) < _HMAC_BYTES["HS256"]:
        raise ValueError(f"a secret of {len(material)} bytes is too short: 32 or more (RFC 7518 section 3.2)")
    try:
        cast(HMACAlgorithm, ALGORITHMS["HS256"]).prepare_key(material)
    except InvalidKeyError as error:
        raise ValueError(str(error)) from None
    return VerificationKey(
        material, frozenset(name for name, size in _HMAC_BYTES.items() if len(material) >= size)
    )


def rsa_key(pem: str) -> VerificationKey:
    """Make a key for RS256, RS384 and RS512 of a public key in PEM.

    Raises:
        ValueError: it is no such key, or shorter than 2048 bits.
    """
    return _of_rsa(_load(pem))


def ecdsa_key(pem: str) -> VerificationKey:
    """Make a key of a public key in PEM: for ES256 on the curve P-256, ES384 on P-384, ES512 on P-521.

    Raises:
        ValueError: it is no such key.
    """
    return _of_curve(_load(pem))


def key_from_jwk(jwk: Mapping[str, Any]) -> VerificationKey:
    """Make a key of one of a JWK Set (RFC 7517), RSA or EC.

    Secrets (``oct``) are no keys for this: who can read the set could sign.

    Raises:
        ValueError: it is no such key, or not meant for signatures of these algorithms.
    """
    kind = jwk.get("kty")
    try:
        if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ("verify",)):
            raise ValueError("it is not for signatures")
        if kind == "RSA":
            key = _of_rsa(RSAAlgorithm.from_jwk(dict(jwk)))
        elif kind == "EC":
            key = _of_curve(ECAlgorithm.from_jwk(dict(jwk)))
        else:
            raise ValueError(f"keys of the kind {kind} are not supported")
    except (InvalidKeyError, UnsupportedAlgorithm, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is no usable key: {error}") from None
    if "alg" not in jwk:
        return key
    algorithms = frozenset(name for name in key.algorithms if name == jwk["alg"])
    if not algorithms:
        raise ValueError(f"it is no key for the algorithm {jwk['alg']}")
    return key._replace(algorithms=algorithms)


def _load(pem: str) -> object:
    try:
        return load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None


def _of_rsa(key: object) -> VerificationKey:
    if isinstance(key, RSAPrivateKey):
        key = key.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("it is no RSA key")
    if key.key_size < _RSA_BITS:
        raise ValueError(
            f"an RSA key of {key.key_size} bits is too short: 2048 or more (RFC 7518 section 3.3)"
        )
    return VerificationKey(key, frozenset(("RS256", "RS384", "RS512")))


def _of_curve(key: object) -> VerificationKey:
    if isinstance(key, EllipticCurvePrivateKey):
        key = key.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("it is no ECDSA key")
    algorithm = _CURVES.get(type(key.curve))
    if algorithm is None:
        raise ValueError(f"the curve {key.curve.name} is none of P-256, P-384, P-521")
    return VerificationKey(key, frozenset([algorithm]))
