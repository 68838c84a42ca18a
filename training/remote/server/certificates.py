"""Certificates of a server and of its clients, made when it is started first."""

from __future__ import annotations

import datetime
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...error_boundary import as_sentences
from ..key_file import RemoteError, write_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from distributed import Security

YEARS = 5
"""How long they hold."""
FILE = "server.json"


@dataclass(frozen=True)
class Certificates:
    """PEM texts: the authority that signed both pairs, and the pairs.

    The server's certificate serves scheduler and workers, which are also clients of each other; with the client's nobody can
    play the server.
    """

    authority: str
    server: str
    server_secret: str
    client: str
    client_secret: str

    def security(self) -> Security:
        """For scheduler and workers: both sides of a connection show a certificate."""
        from ssl import TLSVersion

        from distributed import Security

        pairs = {
            f"tls_{role}_{part}": text
            for role in ("scheduler", "worker", "client")
            for part, text in (("cert", self.server), ("key", self.server_secret))
        }
        return Security(
            require_encryption=True,
            tls_min_version=TLSVersion.TLSv1_3,
            tls_ca_file=self.authority,
            **pairs,
        )


def certificates_in(folder: Path) -> Certificates:
    """Read the certificates of a folder, or make them where there are none yet; of several first starts at once all have the same.

    Raises
    ------
    RemoteError
        They are damaged or out of date, or cannot be written.
    """
    path = folder / FILE
    with as_sentences(path, RemoteError):
        if path.exists():
            return _read(path)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = _make()
        written = write_private(path, json.dumps(vars(made), indent=1).encode() + b"\n", new=True)
        return made if written else _read(path)


def _read(path: Path) -> Certificates:
    from cryptography import x509

    try:
        found = Certificates(**json.loads(path.read_text(encoding="utf-8")))
        until = x509.load_pem_x509_certificate(found.client.encode()).not_valid_after_utc
    except (TypeError, ValueError, AttributeError) as error:
        raise RemoteError(
            f"{path} is damaged: delete it, start again, and give the new key file to everybody."
        ) from error
    if until < datetime.datetime.now(datetime.UTC):
        raise RemoteError(
            f"{path} was valid until {until:%Y-%m-%d}: delete it, start again, and give the new key file to everybody."
        )
    return found


def _make() -> Certificates:
    """The authority's own secret is forgotten at once: nobody can make a third pair."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID as Use

    authority = ec.generate_private_key(ec.SECP256R1())
    name = f"lungmtl {secrets.token_hex(4)}"
    root = _certificate(name, authority, name, authority, ())
    both = (Use.SERVER_AUTH, Use.CLIENT_AUTH)
    server, client = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    return Certificates(
        _pem(root),
        _pem(_certificate("lungmtl server", server, name, authority, both)),
        _secret_pem(server),
        _pem(_certificate("lungmtl client", client, name, authority, (Use.CLIENT_AUTH,))),
        _secret_pem(client),
    )


def _certificate(
    name: str,
    own: EllipticCurvePrivateKey,
    issuer: str,
    authority: EllipticCurvePrivateKey,
    uses: tuple[x509.ObjectIdentifier, ...],
) -> x509.Certificate:
    """Sign one; without uses it is the authority's own."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now = datetime.datetime.now(datetime.UTC)
    signs = not uses
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=signs, path_length=0 if signs else None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, **usage), True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=True)
    return builder.sign(authority, hashes.SHA256())


def _named(name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def _secret_pem(secret: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
