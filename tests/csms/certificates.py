"""Certificates for tests: good ones, and each kind of bad one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from custom_components.balanz.csms.tls import CertificateFiles

type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


_ROOT_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """Return a key that takes long to make, so that there is only one."""
    return rsa.generate_private_key(65537, 2048)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @classmethod
    def root(cls, common_name: str = "a root") -> Self:
        return cls.of(common_name, None, is_root=True)

    @classmethod
    def of(
        cls,
        common_name: str,
        issuer: Made | None,
        *,
        address: str = "127.0.0.1",
        days: tuple[int, int] = (-1, 30),
        key: Key | None = None,
        is_root: bool = False,
    ) -> Self:
        """Return a certificate by an issuer, or by itself; valid between two days from now."""
        key = key or ec_key()
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(issuer.certificate.subject if issuer else name(common_name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0] - 1))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        )
        public_key = (issuer.key if issuer else key).public_key()
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(public_key), critical=False
        )
        if is_root:
            builder = builder.add_extension(_ROOT_USAGE, critical=True)
        else:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        return cls(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)

    def files(self, folder: Path, stem: str) -> CertificateFiles:
        """Write both as PEM files."""
        folder.mkdir(parents=True, exist_ok=True)
        files = CertificateFiles(certificate=folder / f"{stem}.pem", key=folder / f"{stem}.key")
        files.certificate.write_bytes(self.pem)
        files.key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)
