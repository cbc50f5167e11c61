"""Encryption: contexts from certificate files, renewed without dropping a socket.

OCPP 1.6 security whitepaper, edition 3, section 2: TLS 1.2 or later without compression, and four
cipher suites that every server offers, two for certificates with an elliptic curve key and two for
those with an RSA key.
"""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        # Without forward secrecy, but all that small chargers can do with an RSA certificate.
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    )
)

_LOGGER = logging.getLogger(__name__)

type _Stamp = tuple[tuple[int, int] | None, ...]


class TlsError(Exception):
    """Certificates cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        """Say which file, and what is wrong with it."""
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """A certificate and its key, as PEM files."""

    certificate: Path
    """The server's certificate first, then those that lead to its root."""
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Where to listen for encrypted connections, and with which certificates."""

    port: int
    """0 for any free one."""
    certificates: tuple[CertificateFiles, ...]
    """At most one with an EC key and one with an RSA key: each charger gets what it knows."""
    client_authority: Path | None = None
    """The root that signs chargers' certificates; None: no charger shows one."""


class TlsContexts:
    """The context that new connections get; those that are open keep theirs."""

    def __init__(self, settings: TlsSettings) -> None:
        """Load nothing yet."""
        self.settings = settings
        self.expires_at: datetime | None = None
        """When the first of the certificates ends."""
        self.trouble: TlsError | None = None
        """Why changed files are not in use; None where nothing is wrong."""
        self.paused = False
        """Whether files may be away for a while, so that nobody looks for changed ones."""
        self._newest: ssl.SSLContext | None = None
        self._stamp: _Stamp = ()

    @property
    def context(self) -> ssl.SSLContext:
        """What a new connection shakes hands with, once loaded."""
        assert self._newest is not None
        return self._newest

    async def load(self) -> None:
        """Load the files. Raises TlsError."""
        self._newest, self.expires_at, self._stamp = await self._load()

    async def reload_if_changed(self) -> None:
        """Load the files again where they have changed; what is wrong with them is `trouble`."""
        loop = asyncio.get_running_loop()
        stamp = await loop.run_in_executor(None, _stamp, self.settings)
        if self.paused:
            return
        if stamp == self._stamp:
            self.trouble = None
            return
        try:
            self._newest, self.expires_at, self._stamp = await self._load()
        except TlsError as error:
            if str(error) != str(self.trouble):
                _LOGGER.warning("The changed certificate is not in use: %s", error)
            self.trouble = error
        else:
            self.trouble = None
            _LOGGER.info("The certificate has changed; new connections use it")

    async def _load(self) -> tuple[ssl.SSLContext, datetime, _Stamp]:
        return await asyncio.get_running_loop().run_in_executor(None, _load, self.settings)


def _load(settings: TlsSettings) -> tuple[ssl.SSLContext, datetime, _Stamp]:
    """Return a context, and when the first certificate ends. Reads files; raises TlsError."""
    stamp = _stamp(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    ends = []
    for files in settings.certificates:
        with _told_of(files.certificate, "no certificates in PEM form"):
            chain = x509.load_pem_x509_certificates(files.certificate.read_bytes())
        with _told_of(files.key, "cannot be read"):
            files.key.read_bytes()
        with _told_of(files.key, "not the unencrypted key of the certificate, in PEM form"):
            # Without a password of its own it would ask for one at the terminal, and wait.
            context.load_cert_chain(files.certificate, files.key, password="")
        ends.append(chain[0].not_valid_after_utc)
    if settings.client_authority is not None:
        with _told_of(settings.client_authority, "no certificate in PEM form"):
            context.load_verify_locations(settings.client_authority)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context, min(ends, default=datetime.max.replace(tzinfo=UTC)), stamp


@contextmanager
def _told_of(path: Path, reason: str) -> Iterator[None]:
    """Turn whatever goes wrong with a file into a TlsError."""
    try:
        yield
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(path, reason) from error
    except OSError as error:
        raise TlsError(path, error.strerror or reason) from error


def _stamp(settings: TlsSettings) -> _Stamp:
    """Return what changes when a file does."""
    paths = [path for files in settings.certificates for path in (files.certificate, files.key)]
    if settings.client_authority is not None:
        paths.append(settings.client_authority)
    return tuple(_stamp_of(path) for path in paths)


def _stamp_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
