"""Keys and tokens for the tests: those that an application would make, and those that nobody should accept."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

SECRET = "a secret that has sixty-four bytes, so that it is enough for HS512!!"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_private(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key; ``number`` tells several apart."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_private(curve: type[ec.EllipticCurve] = ec.SECP256R1, number: int = 0) -> ec.EllipticCurvePrivateKey:
    """A key on a curve; ``number`` tells several apart."""
    return ec.generate_private_key(curve())


def public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(key: PrivateKey, name: str, **more: Any) -> dict[str, Any]:
    """The public half, as it stands in a JWK Set."""
    if isinstance(key, rsa.RSAPrivateKey):
        described = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        described = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**described, "kid": name, **more}


def token(
    claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None
) -> str:
    """A token as an application makes it."""
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def segment(data: bytes | dict[str, Any]) -> str:
    """One part of a token: base64url without padding."""
    if isinstance(data, dict):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_text(payload: bytes) -> str:
    """A token whose payload is just these bytes."""
    return jwt.api_jws.encode(payload, SECRET, algorithm="HS256")
