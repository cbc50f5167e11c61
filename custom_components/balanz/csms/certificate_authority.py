"""A small certificate authority: for who has no certificate, and for chargers that want one.

Its root is what is installed in chargers, so it lasts long and never changes by itself. Server
certificates are made anew before they end, or when the machine gets another name; chargers that
know the root do not mind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .key_lock import KeyLock, write_private
from .peers import identity_uri
from .tls import CertificateFiles

ROOT_LASTS = timedelta(days=20 * 365)
SERVER_LASTS = timedelta(days=397)
CHARGER_LASTS = timedelta(days=2 * 365)
RENEW_BEFORE = timedelta(days=30)
MAX_CSR_CHARACTERS = 5500
"""The most that a SignCertificate message may hold."""
_ROOT_KEY_BITS = 3072
_LEAST_RSA_BITS = 2048
_LEAST_EC_BITS = 224
_BEGUN_FOR = timedelta(days=1)
"""How long a certificate has been valid when it is made, since chargers' clocks are wrong."""

type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class CsrRefused(Exception):
    """A charger asked for a certificate that it cannot have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issuer:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


class CertificateAuthority:
    """A root in a folder of its own, and what it signs. All methods touch the disk."""

    def __init__(self, folder: Path) -> None:
        """Make nothing yet."""
        self.root = folder / "balanz-root.pem"
        """The root's certificate: the file to install in chargers."""
        self.lock = KeyLock(self.root.with_suffix(".key"))
        """What keeps its keys out of copies of the folder."""
        self._folder = folder

    def prepare(self, names: Sequence[str]) -> tuple[CertificateFiles, ...]:
        """Return server certificates for host names and addresses; make what is missing of them.

        One has an elliptic curve key, the other an RSA key. Raises KeysLocked, OSError, or
        ValueError if what is in the folder cannot be read.
        """
        issuer = self._issuer()
        return (
            self._server("server-ec", names, issuer),
            self._server("server-rsa", names, issuer),
        )

    def sign(self, csr_pem: str, identity: str, *, serial: str = "") -> str:
        """Return a charger's certificate and the root, as PEM, for its signing request.

        The subject's common name has to be the charger's identity or its serial number; the
        identity is among the names of the certificate in any case. Raises CsrRefused, KeysLocked,
        OSError, or ValueError if what is in the folder cannot be read.
        """
        request = checked(csr_pem, identity, serial=serial)
        issuer = self._issuer()
        builder = _builder(request.subject, issuer.certificate.subject, CHARGER_LASTS)
        uri = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity_uri(identity))])
        certificate = (
            _of_key(builder, request.public_key(), issuer.key)
            .add_extension(uri, critical=False)
            .add_extension(_no_root(), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(issuer.key, hashes.SHA256())
        )
        return (_pem(certificate) + _pem(issuer.certificate)).decode()

    def _issuer(self) -> _Issuer:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key_path = self.root.with_suffix(".key")
        key_pem = self.lock.root_key()
        if key_pem is None or not self.root.exists():
            return self._new_issuer(key_path)
        key = serialization.load_pem_private_key(key_pem, None)
        certificate = x509.load_pem_x509_certificate(self.root.read_bytes())
        if isinstance(key, rsa.RSAPrivateKey):
            return _Issuer(certificate=certificate, key=key)
        raise ValueError(f"{key_path} is not the key of a root")

    def _new_issuer(self, key_path: Path) -> _Issuer:
        self.lock.forget()
        key = rsa.generate_private_key(65537, _ROOT_KEY_BITS)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "balanz root")])
        certificate = (
            _of_key(_builder(name, name, ROOT_LASTS), key.public_key(), key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(key_path, _key_pem(key))
        write_private(self.root, _pem(certificate))
        return _Issuer(certificate=certificate, key=key)

    def _server(self, stem: str, names: Sequence[str], issuer: _Issuer) -> CertificateFiles:
        files = CertificateFiles(
            certificate=self._folder / f"{stem}.pem", key=self._folder / f"{stem}.key"
        )
        wanted = x509.SubjectAlternativeName([_general_name(name) for name in names])
        if _still_good(files, wanted):
            return files
        key: Key = (
            ec.generate_private_key(ec.SECP256R1())
            if stem == "server-ec"
            else rsa.generate_private_key(65537, _LEAST_RSA_BITS)
        )
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        certificate = (
            _of_key(
                _builder(subject, issuer.certificate.subject, SERVER_LASTS),
                key.public_key(),
                issuer.key,
            )
            .add_extension(wanted, critical=False)
            .add_extension(_no_root(), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(issuer.key, hashes.SHA256())
        )
        write_private(files.key, _key_pem(key))
        write_private(files.certificate, _pem(certificate))
        return files


def checked(csr_pem: str, identity: str, *, serial: str = "") -> x509.CertificateSigningRequest:
    """Return a charger's signing request if it can be signed. Raises CsrRefused."""
    if len(csr_pem) > MAX_CSR_CHARACTERS:
        raise CsrRefused("it is too long")
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        key = request.public_key()
        is_signed = request.is_signature_valid
    except (ValueError, TypeError, InvalidSignature) as error:
        raise CsrRefused("it cannot be read") from error
    if not is_signed:
        raise CsrRefused("it is not signed with its own key")
    is_strong = (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _LEAST_EC_BITS
    )
    if not is_strong:
        raise CsrRefused("its key is too short, or of another kind than RSA and elliptic curve")
    names = {
        str(name.value) for name in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    }
    if not names or not names <= {identity, serial}:
        raise CsrRefused("the common name is neither the identity nor the serial number")
    return request


def _still_good(files: CertificateFiles, wanted: x509.SubjectAlternativeName) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except OSError, ValueError, x509.ExtensionNotFound:
        return False
    lasts = certificate.not_valid_after_utc - datetime.now(UTC)
    return files.key.exists() and names == wanted and lasts > RENEW_BEFORE


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject: x509.Name, issuer: x509.Name, lasts: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEGUN_FOR)
        .not_valid_after(now + lasts)
    )


def _of_key(
    builder: x509.CertificateBuilder,
    public_key: object,
    issuer_key: rsa.RSAPrivateKey,
) -> x509.CertificateBuilder:
    """Put the key in, and what leads from it to its issuer's."""
    assert isinstance(public_key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey))
    return (
        builder.public_key(public_key)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )


def _no_root() -> x509.BasicConstraints:
    return x509.BasicConstraints(ca=False, path_length=None)


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Return what a key is for: to sign certificates, or to shake hands."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
