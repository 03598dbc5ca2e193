"""What a certificate says, for people."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa


def describe(pem: bytes) -> dict[str, object]:
    """Return what is in a certificate: subject, issuer, validity, names, key, fingerprint.

    Args:
        pem: The certificate; a key before it is passed over.

    Raises:
        ValueError: There is none.
    """
    found = x509.load_pem_x509_certificate(pem)
    return {
        "subject": found.subject.rfc4514_string(),
        "issuer": found.issuer.rfc4514_string(),
        "self_signed": found.subject == found.issuer,
        "from": found.not_valid_before_utc.isoformat(),
        "until": found.not_valid_after_utc.isoformat(),
        "names": _names(found),
        "key": _key(found),
        "fingerprint": found.fingerprint(hashes.SHA256()).hex(":").upper(),
    }


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    names = extension.value
    return [
        *names.get_values_for_type(x509.DNSName),
        *map(str, names.get_values_for_type(x509.IPAddress)),
    ]


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA, {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    return type(key).__name__
