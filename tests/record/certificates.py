"""Certificates for tests, by the rules that C2PA has for a signer's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def key_of(kind: str):
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def make_chain(folder: Path, kind: str = "p256", password: bytes | None = None) -> tuple[Path, Path, bytes]:
    """Write a chain and the key of its first certificate; return their paths, and the root as PEM."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), key_of(kind)
    root_name, name = _name("Test Root"), _name("Test Signer")
    start = datetime.now(UTC) - timedelta(days=1)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False
    )  # fmt: skip

    def certificate(subject, public, authority):
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(root_name).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(start)
        made = made.not_valid_after(start + timedelta(days=30))
        made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
        made = made.add_extension(
            x509.KeyUsage(
                digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **usage
            ),
            critical=True,
        )
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        if not authority:
            root = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
            made = made.add_extension(root, critical=False)
            purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(purposes, critical=True)
        return made.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root = certificate(root_name, root_key.public_key(), True)
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate(name, key.public_key(), False) + root)
    how = (
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    )
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
    return chain, secret, root


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, text),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests"),
        ]
    )
