"""A certificate for development: self-signed, made once, kept in the user's cache."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from openline.cli.directories import cache_directory
from openline.cli.server.options import StartFailed

if TYPE_CHECKING:
    from cryptography import x509

# Browsers refuse certificates that are valid for longer than 398 days.
_VALID = datetime.timedelta(days=397)
_RENEW_BEFORE = datetime.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DevCertificate:
    """A certificate and its key in one PEM file.

    Args:
        path: The file.
        fingerprint: SHA-256 of the certificate, as browsers show it.
    """

    path: Path
    fingerprint: str


def dev_certificate(host: str) -> DevCertificate:
    """Return the certificate for this machine and ``host``, made if it is missing or about to end.

    Raises:
        StartFailed: `cryptography` is not installed, or the file cannot be written.
    """
    if importlib.util.find_spec("cryptography") is None:
        raise StartFailed("--dev-cert needs the package cryptography: pip install 'openline[dev-cert]'")
    path = cache_directory() / f"dev-cert-{_file_name(host)}.pem"
    certificate = _current(path)
    if certificate is None:
        try:
            certificate = _make(host, path)
        except OSError as error:
            raise StartFailed(f"--dev-cert cannot write {path}: {error.strerror}") from None
    return DevCertificate(path, _fingerprint(certificate))


def _current(path: Path) -> x509.Certificate | None:
    """Return the certificate that was kept, if there is one and it is good for some days yet."""
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return certificate if left > _RENEW_BEFORE else None


def _file_name(host: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in host)


def _make(host: str, path: Path) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "openline development")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Written aside and moved: two servers that start at once never read half a file.
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(private + certificate.public_bytes(serialization.Encoding.PEM))
    aside.replace(path)
    return certificate


def _names(host: str) -> list[x509.GeneralName]:
    from cryptography import x509

    names: list[x509.GeneralName] = []
    for name in dict.fromkeys(["localhost", socket.gethostname(), "127.0.0.1", "::1", host]):
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            if name.isascii() and name:
                names.append(x509.DNSName(name))
        else:
            if not address.is_unspecified:
                names.append(x509.IPAddress(address))
    return names


def _fingerprint(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
