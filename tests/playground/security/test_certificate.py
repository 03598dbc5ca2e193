"""What is said of a certificate is what is in it."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
import trustme

from openline.cli.server.dev_cert import dev_certificate
from openline.playground.security.certificate import describe


def test_a_development_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = dev_certificate("192.0.2.7")
    about = describe(made.path.read_bytes())
    assert about["subject"] == about["issuer"] == "CN=openline development"
    assert about["self_signed"] is True
    assert {"localhost", "127.0.0.1", "::1", "192.0.2.7"} <= set(about["names"])  # type: ignore[call-overload]
    assert about["fingerprint"] == made.fingerprint
    assert about["key"] == "ECDSA, secp256r1"
    assert str(about["from"]) < str(about["until"])


def test_one_of_an_authority(authority: trustme.CA) -> None:
    issued = authority.issue_cert("example.org")
    pem = issued.cert_chain_pems[0].bytes()
    about = describe(pem)
    assert about["self_signed"] is False
    assert about["names"] == ["example.org"]
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    assert str(about["fingerprint"]).replace(":", "").lower() == hashlib.sha256(der).hexdigest()


def test_a_key_alone_is_an_error() -> None:
    with pytest.raises(ValueError, match="PEM"):
        describe(b"no certificate")
