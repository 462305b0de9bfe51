"""Sign a result as an edit of its photo: a manifest of C2PA, with the user's own certificate and key.

Source: C2PA Technical Specification 2.2, "Actions", "Ingredients" and "Redaction of assertions".

A thumbnail would still show what was removed. So none is made, and those in the photo's own manifests are
redacted, which leaves their signatures valid and says that something was taken out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retouch.errors import RetouchError, missing_extra
from retouch.imaging import Edited

_SETTINGS = {
    # Nothing is loaded from the network but the time stamp that the user asks for.
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_TYPES = {"jpeg", "png", "webp", "tiff", "avif", "heic", "gif"}


@dataclass(frozen=True)
class Identity:
    """Who signs.

    Attributes:
        certificates: PEM, the signer's certificate first, then those that signed it.
        key: PEM, the signer's private key.
        algorithm: as C2PA names it, such as "es256".
        tsa: URL of a time-stamping authority (RFC 3161), or None.
    """

    certificates: bytes
    key: bytes
    algorithm: str
    tsa: str | None


def read_identity(certificate: str | Path, key: str | Path, tsa: str | None = None) -> Identity:
    """Read the files of a certificate and of its key.

    Raises:
        RetouchError: c2pa-python is not installed, a file cannot be read, or C2PA has no use for the key.
    """
    try:
        import c2pa  # noqa: F401 - to find out before the work
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ModuleNotFoundError as error:
        raise missing_extra("c2pa", error.name or "c2pa") from error
    chain, secret = _read(certificate), _read(key)
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise RetouchError(f"{certificate} holds no certificate in PEM; export it as PEM.") from error
    try:
        private = load_pem_private_key(secret, None)
    except TypeError as error:
        raise RetouchError(
            f"{key} is protected with a password; write it without one: openssl pkey -in {key} -out KEY"
        ) from error
    except ValueError as error:
        raise RetouchError(f"{key} holds no private key in PEM; export it as PEM.") from error
    if private.public_key() != certificates[0].public_key():
        raise RetouchError(
            f"{key} is not the key of the first certificate in {certificate}; give two that belong together."
        )
    return Identity(chain, secret, _algorithm(private, key), tsa)


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RetouchError(f"{path} cannot be read ({error.strerror}); check its name.") from error


def _algorithm(private: object, path: str | Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(private, Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, RSAPrivateKey):
        return "ps256"
    curve = private.curve.name if isinstance(private, EllipticCurvePrivateKey) else ""
    if curve not in _CURVES:
        raise RetouchError(f"C2PA cannot sign with the key in {path}; use one of P-256, Ed25519 or RSA.")
    return _CURVES[curve]


def check_parent(format: str) -> None:
    """Raise :class:`RetouchError` unless a photo of this format can be named as the parent."""
    if format not in _TYPES:
        raise RetouchError(
            f"C2PA cannot name a photo of the format {format.upper() or 'unknown'} as the parent; convert it "
            "to PNG or TIFF first, or leave --sign out."
        )


def seal_of(
    identity: Identity, source: str | Path | bytes, source_format: str, edited: Edited
) -> Callable[[bytes, str], bytes]:
    """Return what signs a result as an edit of a photo.

    Args:
        identity: who signs.
        source: the photo's file, or its bytes.
        source_format: such as "jpeg".
        edited: what was done.

    Returns:
        A function of the result's file and format, which returns the signed file.
    """
    parent = source if isinstance(source, bytes) else Path(source).read_bytes()
    title = "photo" if isinstance(source, bytes) else Path(source).name

    def seal(data: bytes, format: str) -> bytes:
        return _sign(identity, data, f"image/{format}", parent, f"image/{source_format}", title, edited)

    return seal


def _sign(
    identity: Identity, data: bytes, kind: str, parent: bytes, parent_kind: str, title: str, edited: Edited
) -> bytes:
    import c2pa

    name, _, version = edited.agent.rpartition(" ")
    agent = {"name": name, "version": version}
    settings = {
        **_SETTINGS,
        "builder": {"intent": "edit", "thumbnail": {"enabled": False}, "claim_generator_info": agent},
    }
    action = {
        "action": "c2pa.edited",
        "softwareAgent": agent,
        "digitalSourceType": edited.source_type,
        "description": edited.how,
    }
    if edited.when is not None:
        action["when"] = edited.when
    shown = sorted(set(_thumbnails(parent, parent_kind)))
    redacted = [
        {"action": "c2pa.redacted", "reason": "c2pa.PII.present", "parameters": {"redacted": each}}
        for each in shown
    ]
    manifest = {
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action, *redacted]}}],
        **({"redactions": shown} if shown else {}),
    }
    signed = io.BytesIO()
    try:
        information = c2pa.C2paSignerInfo(
            identity.algorithm, identity.certificates, identity.key, identity.tsa
        )
        context = c2pa.Context.from_dict(settings)
        with c2pa.Signer.from_info(information) as signer, c2pa.Builder(manifest, context=context) as builder:
            builder.add_ingredient(
                {"title": title, "relationship": "parentOf"}, parent_kind, io.BytesIO(parent)
            )
            builder.sign(signer, kind, io.BytesIO(data), signed)
        state = c2pa.Reader(kind, signed, context=context).get_validation_state()
    except c2pa.C2paError as error:
        raise RetouchError(
            f"C2PA could not sign the result ({error}); check the certificate and --tsa."
        ) from error
    if state == "Invalid":
        raise RetouchError(
            "C2PA's own reader finds the signature invalid; check the certificate's use and dates."
        )
    return signed.getvalue()


def _thumbnails(parent: bytes, kind: str) -> Iterator[str]:
    """Where the thumbnails lie in the manifests of a photo, as URIs of JUMBF."""
    import c2pa

    try:
        with c2pa.Reader(kind, io.BytesIO(parent), context=c2pa.Context.from_dict(_SETTINGS)) as reader:
            manifests: Mapping[str, Any] = json.loads(reader.json())["manifests"]
    except c2pa.C2paError:  # it has none, or none that can be read, which then is no ingredient either
        return
    for label, manifest in manifests.items():
        for each in (manifest, *manifest.get("ingredients", ())):
            place = each.get("thumbnail", {}).get("identifier", "").removeprefix("self#jumbf=")
            if place:
                yield "self#jumbf=" + (place if place.startswith("/") else f"/c2pa/{label}/{place}")
