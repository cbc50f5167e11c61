"""What a charger proves itself with, and whom it trusts (OCPP 1.6 security whitepaper).

Its password, the roots that it trusts and a certificate of its own outlive a reboot. What it does
not know of security stays a password at the most, which is sent with each connection.
"""

import hashlib
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .configuration import Access, Configuration, Entry
from .options import ChargerOptions

ENCRYPTED_FROM = 2
WITH_CERTIFICATE = 3
"""Security profiles: the first that is encrypted, and the one without a password."""
_KEY_BYTES = range(16, 21)
"""How long an AuthorizationKey may be."""


class CertificateRejectedError(Exception):
    """A certificate is none that the charger could use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """A key of the charger's own, and the certificate for it once there is one."""

    key_pem: bytes
    chain_pem: str = ""

    @property
    def public_key(self) -> object:
        """The key that a certificate has to be for."""
        return serialization.load_pem_private_key(self.key_pem, None).public_key()


class Security:
    """A charger's secrets. Where it knows the security extension, its peer can change them."""

    def __init__(self, options: ChargerOptions, configuration: Configuration) -> None:
        self._known = options.security
        self._configuration = configuration
        self._password = None if options.password is None else options.password.encode()
        self._wanted: _Own | None = None
        self._own: _Own | None = None
        self.roots: tuple[str, ...] = ()
        """Those that it trusts, as PEM."""
        if self._known is None:
            return
        self.roots = self._known.trusts
        configuration.add(
            "AuthorizationKey",
            Entry(value="", access=Access.WRITE_ONLY, accepts=self._takes_key),
        )
        configuration.add(
            "SecurityProfile",
            Entry(
                value=str(self._known.profile),
                access=Access.NEEDS_REBOOT,
                accepts=self._takes_profile,
            ),
        )

    @property
    def is_known(self) -> bool:
        """Whether it knows the security extension at all."""
        return self._known is not None

    @property
    def profile(self) -> int:
        """The security profile that it connects with."""
        return 0 if self._known is None else self._configuration.number("SecurityProfile")

    @property
    def password(self) -> bytes | None:
        """What it sends as its password; None: it has none."""
        key = "" if self._known is None else self._configuration.text("AuthorizationKey")
        if not key:
            return self._password
        as_text = self._known is not None and self._known.sends_key_as_text
        return key.encode() if as_text else bytes.fromhex(key)

    @property
    def has_certificate(self) -> bool:
        """Whether it has a certificate of its own."""
        return self._own is not None

    def commission(self, *, password: str, root_pem: str) -> None:
        """Be given a password and a root by hand, and connect encrypted from now on."""
        self._password = password.encode()
        self.roots = (root_pem,)
        self._configuration.set("SecurityProfile", str(ENCRYPTED_FROM))

    def memory(self) -> dict[str, Any]:
        """Return all that it remembers, as what JSON knows."""
        own = self._own
        return {
            "profile": self.profile,
            "password": None if self._password is None else self._password.decode(),
            "key": self._configuration.text("AuthorizationKey"),
            "roots": list(self.roots),
            "own": None if own is None else [own.key_pem.decode(), own.chain_pem],
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Remember what an earlier run has written down."""
        password, own = memory["password"], memory["own"]
        self._password = None if password is None else password.encode()
        self._configuration.set("AuthorizationKey", memory["key"])
        self._configuration.set("SecurityProfile", str(memory["profile"]))
        self.roots = tuple(memory["roots"])
        if own is not None:
            self._own = _Own(key_pem=own[0].encode(), chain_pem=own[1])

    def url(self, usual: str) -> str:
        """Return where it dials, which is the usual URL unless it connects encrypted."""
        if self._known is None or self.profile < ENCRYPTED_FROM:
            return usual
        assert self._known.secure_url is not None
        return self._known.secure_url

    def headers(self, identity: str) -> dict[str, str]:
        """Return what it shows of itself in its HTTP request."""
        password = self.password
        if password is None or self.profile >= WITH_CERTIFICATE:
            return {}
        credentials = b64encode(identity.encode() + b":" + password)
        return {"Authorization": f"Basic {credentials.decode()}"}

    def context(self) -> ssl.SSLContext | None:
        """Return what it shakes hands with; None where it connects unencrypted."""
        if self.profile < ENCRYPTED_FROM:
            return None
        context = ssl.create_default_context(cadata="\n".join(self.roots))
        if self._own is not None and self.profile >= WITH_CERTIFICATE:
            with TemporaryDirectory(prefix="charger-") as folder:
                chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
                chain.write_text(self._own.chain_pem)
                key.write_bytes(self._own.key_pem)
                context.load_cert_chain(chain, key)
        return context

    # --- certificates

    def signing_request(self, identity: str) -> str:
        """Make a key, and return the request to sign a certificate for it, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._wanted = _Own(
            key_pem=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, identity)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject)
        signed = request.sign(key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def take_certificate(self, chain_pem: str) -> None:
        """Use a certificate from now on. Raises CertificateRejectedError if it is not its own."""
        wanted = self._wanted
        try:
            certificate = x509.load_pem_x509_certificates(chain_pem.encode())[0]
        except ValueError as error:
            raise CertificateRejectedError("not a certificate") from error
        if wanted is None or certificate.public_key() != wanted.public_key:
            raise CertificateRejectedError("not for the key that was made last")
        self._own = replace(wanted, chain_pem=chain_pem)

    def install_root(self, root_pem: str) -> None:
        """Trust a root from now on. Raises CertificateRejectedError if it is none."""
        _certificate_hash(root_pem)
        self.roots = (*(root for root in self.roots if root != root_pem), root_pem)

    def installed(self) -> list[dict[str, str]]:
        """Return what names the roots that it trusts."""
        return [_certificate_hash(root) for root in self.roots]

    def delete_root(self, named: dict[str, str]) -> bool:
        """Trust a root no longer; return whether it did."""
        before = self.roots
        self.roots = tuple(root for root in before if _certificate_hash(root) != named)
        return self.roots != before

    # --- what it takes

    def _takes_key(self, value: str) -> bool:
        if self._known is not None and self._known.sends_key_as_text:
            return len(value) <= 2 * _KEY_BYTES[-1]
        try:
            return len(bytes.fromhex(value)) in _KEY_BYTES
        except ValueError:
            return False

    def _takes_profile(self, value: str) -> bool:
        """Return whether it may connect so: never with less, and not without what that needs."""
        if not value.isdigit() or not self.profile <= int(value) <= WITH_CERTIFICATE:
            return False
        assert self._known is not None
        wanted = int(value)
        if wanted >= ENCRYPTED_FROM and not (self.roots and self._known.secure_url):
            return False
        proof = self._own if wanted == WITH_CERTIFICATE else self.password
        return wanted == 0 or proof is not None


def _certificate_hash(root_pem: str) -> dict[str, str]:
    """Return the CertificateHashData of a root. Raises CertificateRejectedError if it is none."""
    try:
        root = x509.load_pem_x509_certificate(root_pem.encode())
        root.verify_directly_issued_by(root)
    except Exception as error:
        raise CertificateRejectedError("not a root") from error
    key = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": hashlib.sha256(root.issuer.public_bytes()).hexdigest(),
        "issuer_key_hash": hashlib.sha256(key.digest).hexdigest(),
        "serial_number": f"{root.serial_number:x}",
    }
