"""Encrypted connections, with real certificates over real sockets."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from websockets.exceptions import InvalidMessage, InvalidStatus

from custom_components.balanz.csms import websocket
from custom_components.balanz.csms.admission import AdmissionRule
from custom_components.balanz.csms.credentials import PasswordHash
from custom_components.balanz.csms.security_events import ProfileRaised
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.tls import (
    CertificateFiles,
    TlsContexts,
    TlsError,
    TlsSettings,
)
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal
from simulator.http_client import request

from .certificates import Made, ec_key, rsa_key
from .client import RawCharger
from .conftest import Bench
from .test_security_profiles import basic

PASSWORD = "aB3dE5fG7hJ9kL2mN4pQ"
HASH = PasswordHash.of(PASSWORD)
ROOT = Made.root("the root that chargers trust")
CLIENT_ROOT = Made.root("the root that signs chargers")

type DialTls = Callable[..., Awaitable[RawCharger]]


def client_context(root: Made | None = ROOT, certificate: CertificateFiles | None = None) -> Any:
    """Return what a charger shakes hands with."""
    context = ssl.create_default_context(cadata=root.pem.decode() if root else None)
    if root is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


@pytest.fixture
def files(tmp_path: Path) -> tuple[CertificateFiles, ...]:
    """Server certificates with keys of both kinds."""
    return (
        Made.of("balanz", ROOT).files(tmp_path, "ec"),
        Made.of("balanz", ROOT, key=rsa_key()).files(tmp_path, "rsa"),
    )


@pytest.fixture
def settings(tmp_path: Path, files: tuple[CertificateFiles, ...]) -> TlsSettings:
    authority = tmp_path / "clients.pem"
    authority.write_bytes(CLIENT_ROOT.pem)
    return TlsSettings(port=0, certificates=files, client_authority=authority)


@pytest.fixture
async def central(
    socket_enabled: None, journal: Journal, settings: TlsSettings
) -> AsyncGenerator[Bench]:
    """A central system that asks CP1 for a password, and encryption besides."""
    central = Bench(TransactionBook(journal), call_timeout_s=0.3, tls=settings)
    ask(central, SecurityProfile.TLS_PASSWORD)
    await central.start()
    yield central
    await central.stop()


@pytest.fixture
async def dial_tls(central: Bench) -> AsyncGenerator[DialTls]:
    chargers: list[RawCharger] = []

    async def dial_in(context: Any = None, **options: Any) -> RawCharger:
        assert central.tls_port is not None
        charger = await RawCharger.dial(
            central.tls_port, "CP1", ssl=context or client_context(), **options
        )
        chargers.append(charger)
        return charger

    yield dial_in
    for charger in chargers:
        await charger.close()


def ask(central: Bench, profile: SecurityProfile) -> None:
    central.set_known(["CP1"], {"CP1": AdmissionRule(profile=profile, passwords=(HASH,))})


async def cipher_of(central: Bench, ciphers: str) -> str:
    """Return the cipher suite that a client gets which knows only these, in TLS 1.2."""
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers)
    _, writer = await asyncio.open_connection("127.0.0.1", central.tls_port, ssl=context)
    cipher: str = writer.get_extra_info("cipher")[0]
    writer.transport.abort()
    return cipher


async def certificate_of(central: Bench, server_name: str | None = None) -> bytes:
    """Return the certificate that a new connection gets."""
    context = client_context(None)
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    _, writer = await asyncio.open_connection(
        "127.0.0.1", central.tls_port, ssl=context, server_hostname=server_name or ""
    )
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return certificate


def der(files: CertificateFiles) -> bytes:
    return ssl.PEM_cert_to_DER_cert(files.certificate.read_text())


# Who gets in


async def test_a_charger_with_its_password_is_served_over_tls(dial_tls: DialTls) -> None:
    charger = await dial_tls(**basic(PASSWORD))

    assert (await charger.boot())["status"] == "Accepted"


async def test_chargers_of_the_plain_port_are_served_side_by_side(
    central: Bench, dial_tls: DialTls
) -> None:
    central.set_known(
        ["CP1", "OLD"],
        {"CP1": AdmissionRule(profile=SecurityProfile.TLS_PASSWORD, passwords=(HASH,))},
    )
    old = await RawCharger.dial(central.port, "OLD")
    new = await dial_tls(**basic(PASSWORD))

    assert await old.alive()
    assert await new.alive()
    await old.close()


async def test_a_charger_that_comes_over_tls_never_gets_in_without_it_again(
    central: Bench, dial_tls: DialTls
) -> None:
    ask(central, SecurityProfile.PASSWORD)
    await dial_tls(**basic(PASSWORD))

    assert central.seen(ProfileRaised) == [
        ProfileRaised(identity="CP1", profile=SecurityProfile.TLS_PASSWORD)
    ]
    with pytest.raises(InvalidStatus, match="403"):
        await RawCharger.dial(central.port, "CP1", **basic(PASSWORD))


async def test_tls_alone_is_no_proof(dial_tls: DialTls) -> None:
    with pytest.raises(InvalidStatus, match="401"):
        await dial_tls()


@pytest.mark.parametrize("profile", list(SecurityProfile))
async def test_tc_087_a_charger_with_a_certificate_of_its_own_needs_no_password(
    central: Bench, dial_tls: DialTls, tmp_path: Path, profile: SecurityProfile
) -> None:
    ask(central, profile)
    own = Made.of("CP1", CLIENT_ROOT).files(tmp_path, "own")

    charger = await dial_tls(client_context(certificate=own))

    assert await charger.alive()
    assert central.admission.rules["CP1"].profile is SecurityProfile.TLS_CERTIFICATE


async def test_a30_the_certificate_of_another_charger_is_refused(
    central: Bench, dial_tls: DialTls, tmp_path: Path
) -> None:
    ask(central, SecurityProfile.TLS_CERTIFICATE)
    other = Made.of("CP2", CLIENT_ROOT).files(tmp_path, "other")

    with pytest.raises(InvalidStatus, match="401"):
        await dial_tls(client_context(certificate=other))


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        pytest.param(
            Made.of("CP1", CLIENT_ROOT, days=(-9, -2)), "certificate has expired", id="expired"
        ),
        pytest.param(
            Made.of("CP1", CLIENT_ROOT, days=(9, 20)),
            "certificate is not yet valid",
            id="not-valid-yet",
        ),
        pytest.param(
            Made.of("CP1", Made.root("strangers")),
            "unable to get local issuer certificate",
            id="another-authority",
        ),
        pytest.param(Made.of("CP1", None), "self-signed certificate", id="self-signed"),
        pytest.param(
            Made.of("CP1", Made.root(CLIENT_ROOT.certificate.subject.rfc4514_string()[3:])),
            "unable to get local issuer certificate",
            id="forged-authority",
        ),
    ],
)
async def test_a_bad_certificate_ends_the_handshake_and_the_log_says_why(
    central: Bench,
    dial_tls: DialTls,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    bad: Made,
    told: str,
) -> None:
    with pytest.raises((OSError, InvalidMessage)):
        await dial_tls(client_context(certificate=bad.files(tmp_path, "bad")), **basic(PASSWORD))

    assert not central.stations["CP1"].connected
    assert f"could not connect encrypted: {told}" in caplog.text
    assert await (await dial_tls(**basic(PASSWORD))).alive()


# What the server shows


@pytest.mark.parametrize(
    "cipher",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    ],
)
async def test_tc_086_each_cipher_suite_that_chargers_may_know_is_spoken(
    central: Bench, cipher: str
) -> None:
    assert await cipher_of(central, cipher) == cipher


async def test_forward_secrecy_is_chosen_where_a_charger_knows_it(central: Bench) -> None:
    offered = "AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"

    assert await cipher_of(central, offered) == "ECDHE-RSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_a29_versions_before_1_2_are_refused(central: Bench, version: ssl.TLSVersion) -> None:
    context = client_context(None)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = context.maximum_version = version

    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", central.tls_port, ssl=context)


async def test_what_is_not_in_the_whitepaper_is_not_spoken(central: Bench) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await cipher_of(central, "AES128-SHA:@SECLEVEL=0")


@pytest.mark.parametrize(
    "wrong_root", [Made.root("a stranger"), Made.root("the root that chargers trust")]
)
async def test_a_charger_that_trusts_another_root_does_not_come(
    central: Bench, dial_tls: DialTls, wrong_root: Made
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await dial_tls(client_context(wrong_root), **basic(PASSWORD))

    assert not central.stations["CP1"].connected


async def test_a_handshake_that_is_never_finished_does_not_keep_the_server_from_stopping(
    central: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.05)
    _, writer = await asyncio.open_connection("127.0.0.1", central.tls_port)
    await asyncio.sleep(0.05)

    async with asyncio.timeout(5):
        await central.stop()

    writer.close()


async def test_a_tls_port_in_use_is_an_error(
    socket_enabled: None, journal: Journal, files: tuple[CertificateFiles, ...]
) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tls = TlsSettings(port=port, certificates=files)
        central = Bench(TransactionBook(journal), tls=tls)

        with pytest.raises(OSError, match="in use"):
            await central.start()

    assert central.tls_port == port
    await central.stop()


# Renewal


@pytest.mark.parametrize("server_name", [None, "localhost"])
async def test_a_renewed_certificate_is_for_new_connections_and_drops_none(
    central: Bench,
    dial_tls: DialTls,
    tmp_path: Path,
    files: tuple[CertificateFiles, ...],
    server_name: str | None,
) -> None:
    assert central.tls is not None
    charger = await dial_tls(**basic(PASSWORD))
    before = der(files[0])
    assert await certificate_of(central, server_name) == before
    Made.of("balanz, renewed", ROOT, days=(-1, 90)).files(tmp_path, "ec")

    await central.tls.reload_if_changed()

    assert await certificate_of(central, server_name) == der(files[0]) != before
    assert await charger.alive()


async def test_the_server_looks_for_renewed_files_by_itself(
    socket_enabled: None, journal: Journal, tmp_path: Path, settings: TlsSettings
) -> None:
    central = Bench(TransactionBook(journal), tls=settings, renewal_s=0.05)
    await central.start()
    renewed = Made.of("balanz, renewed", ROOT).files(tmp_path, "ec")

    async with asyncio.timeout(5):
        while await certificate_of(central) != der(renewed):
            await asyncio.sleep(0.02)

    await central.stop()


async def test_bad_files_leave_the_old_certificate_in_use_and_are_told_once(
    central: Bench, files: tuple[CertificateFiles, ...], caplog: pytest.LogCaptureFixture
) -> None:
    tls, before = central.tls, der(files[0])
    assert tls is not None
    files[0].certificate.write_text("half a file")

    await tls.reload_if_changed()
    await tls.reload_if_changed()

    assert await certificate_of(central) == before
    assert tls.trouble is not None
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 1

    files[0].certificate.write_bytes(ssl.DER_cert_to_PEM_cert(before).encode())
    await tls.reload_if_changed()
    assert tls.trouble is None


async def test_nothing_is_loaded_again_while_nothing_changes(settings: TlsSettings) -> None:
    tls = TlsContexts(settings)
    await tls.load()
    before = tls._newest

    await tls.reload_if_changed()

    assert tls._newest is before


async def test_the_first_end_of_all_certificates_is_known(tmp_path: Path) -> None:
    soon = Made.of("balanz", ROOT, days=(-1, 5)).files(tmp_path, "soon")
    late = Made.of("balanz", ROOT, key=rsa_key()).files(tmp_path, "late")
    tls = TlsContexts(TlsSettings(port=0, certificates=(late, soon)))

    await tls.load()

    assert tls.expires_at is not None
    assert abs(tls.expires_at - datetime.now(UTC) - timedelta(days=5)) < timedelta(minutes=5)


# Files that cannot be used


def encrypted_key(files: CertificateFiles) -> None:
    files.key.write_bytes(
        ec_key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


@pytest.mark.parametrize(
    ("spoil", "which", "reason"),
    [
        (lambda files: files.certificate.unlink(), "certificate", "No such file"),
        (lambda files: files.key.unlink(), "key", "No such file"),
        (lambda files: files.certificate.write_text("x"), "certificate", "no certificates in PEM"),
        (lambda files: files.key.write_text("x"), "key", "not the unencrypted key"),
        (encrypted_key, "key", "not the unencrypted key"),
        (
            lambda files: (
                Made.of("x", None).files(files.key.parent, "ec").certificate.write_bytes(ROOT.pem)
            ),
            "key",
            "not the unencrypted key",
        ),
    ],
    ids=["no-certificate", "no-key", "no-pem", "no-key-in-it", "encrypted", "of-another"],
)
async def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, spoil: Callable[[CertificateFiles], None], which: str, reason: str
) -> None:
    files = Made.of("balanz", ROOT).files(tmp_path, "ec")
    spoil(files)

    with pytest.raises(TlsError, match=reason) as error:
        await TlsContexts(TlsSettings(port=0, certificates=(files,))).load()

    assert error.value.path == getattr(files, which)


async def test_a_bad_authority_is_said_as_well(tmp_path: Path) -> None:
    authority = tmp_path / "none.pem"
    authority.write_text("x")
    settings = TlsSettings(port=0, certificates=(), client_authority=authority)

    with pytest.raises(TlsError, match="no certificate"):
        await TlsContexts(settings).load()


async def test_files_come_and_go_encrypted(
    central: Bench, dial_tls: DialTls, tmp_path: Path
) -> None:
    await dial_tls(**basic(PASSWORD))
    dialled = central.stations["CP1"].dialled or ""
    content = bytes(range(256)) * 1000
    stored: list[int] = []
    upload = central.transfers.grant_upload(
        "CP1",
        folder=tmp_path,
        name=lambda part, _: part.replace(tmp_path / "log"),
        on_stored=lambda _, size: stored.append(size),
    )

    assert dialled == f"https://127.0.0.1:{central.tls_port}/ocpp"
    assert (await request("PUT", dialled + upload, content))[0] == 201
    download = central.transfers.grant_download("CP1", tmp_path / "log")
    assert await request("GET", dialled + download) == (200, content)
    assert stored == [len(content)]
