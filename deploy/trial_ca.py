"""Make TLS certificates for a trial: one authority, one certificate a site. Not for production.

    python trial_ca.py TRUST_FOLDER SITE=FOLDER [SITE=FOLDER …]

Writes the authority's certificate to TRUST_FOLDER/ca.pem, and certificate with key to
FOLDER/site.pem (0600) for each site, and does nothing if they are all there. The authority's key is
never written: nobody can make one more certificate that these gateways trust.
"""  # noqa: INP001 - a program, in no package

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 90


def _builder(
    subject: str, issuer: x509.Name | None, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer or name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def make(trust: Path, sites: dict[str, Path]) -> None:
    """Make the authority and the sites' certificates, unless all are there."""
    if (trust / "ca.pem").exists() and all((p / "site.pem").exists() for p in sites.values()):
        return
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = (
        _builder("Sallyport trial authority", None, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    for site, folder in sites.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(site, ca.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(site)]), critical=False)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority_id, critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(folder / "site.pem", private + _pem(certificate), 0o600)
    _write(trust / "ca.pem", _pem(ca), 0o644)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as f:
        f.write(data)
    part.chmod(mode)
    part.rename(path)


if __name__ == "__main__":
    if len(sys.argv) < 3:  # noqa: PLR2004 - the trust folder and one site
        sys.exit(__doc__)
    make(Path(sys.argv[1]), {s: Path(p) for s, p in (x.split("=", 1) for x in sys.argv[2:])})
