"""Chargers that know the security extension of OCPP 1.6: passwords, roots, certificates."""

import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from ocpp.v16 import call

from simulator.charger import SimulatedCharger
from simulator.clock import Clock
from simulator.options import ChargerOptions, SecurityOptions
from tests.csms.certificates import Made

from .conftest import CentralSystem, MakeCharger, eventually

ROOT = Made.root("the central system's root")
ROOT_PEM = ROOT.pem.decode()
CHARGER_ROOT = Made.root("who signs chargers")
KEY = "aB3dE5fG7hJ9kL2mN4pQ"
KNOWS_SECURITY = ChargerOptions(password="first password", security=SecurityOptions())


def passwords(central: CentralSystem) -> list[bytes]:
    """Return the passwords that were sent, one for each connection."""
    told = [b64decode((it or "Basic ").partition(" ")[2]) for it in central.authorizations]
    return [credentials.partition(b":")[2] for credentials in told]


async def change(central: CentralSystem, key: str, value: str) -> str:
    answer = await central.call(call.ChangeConfiguration(key=key, value=value))
    return str(answer.status)


@pytest.mark.parametrize(
    ("as_text", "sent"), [(False, KEY.encode()), (True, KEY.encode().hex().encode())]
)
async def test_a_new_password_is_used_at_once_as_bytes_or_as_the_text_that_it_came_as(
    central: CentralSystem, make_charger: MakeCharger, as_text: bool, sent: bytes
) -> None:
    options = ChargerOptions(
        password="first password", security=SecurityOptions(sends_key_as_text=as_text)
    )
    charger = await make_charger(options=options)
    await charger.wait_until(lambda: charger.accepted)

    assert await change(central, "AuthorizationKey", KEY.encode().hex()) == "Accepted"

    await charger.wait_until(lambda: charger.connections == 2)
    assert passwords(central) == [b"first password", sent]


@pytest.mark.parametrize("value", ["", "no hex digits at all", "ab" * 15, "ab" * 21])
async def test_a_password_that_cannot_be_is_rejected(
    central: CentralSystem, make_charger: MakeCharger, value: str
) -> None:
    charger = await make_charger(options=KNOWS_SECURITY)
    await charger.wait_until(lambda: charger.accepted)

    assert await change(central, "AuthorizationKey", value) == "Rejected"
    assert charger.connections == 1


async def test_a_password_can_be_written_but_not_read(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=KNOWS_SECURITY)
    await charger.wait_until(lambda: charger.accepted)
    await change(central, "AuthorizationKey", KEY.encode().hex())
    await charger.wait_until(lambda: charger.connections == 2 and charger.connected)

    answer = await central.call(call.GetConfiguration(key=["AuthorizationKey"]))

    assert [entry["value"] for entry in answer.configuration_key] == [""]


async def test_a_charger_without_the_extension_knows_none_of_it(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger()
    await charger.wait_until(lambda: charger.accepted)

    assert await change(central, "AuthorizationKey", KEY.encode().hex()) == "NotSupported"
    assert await change(central, "SecurityProfile", "1") == "NotSupported"
    assert central.messages("SecurityEventNotification") == []


async def test_it_reports_what_concerns_its_security(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=KNOWS_SECURITY)
    await charger.wait_until(lambda: charger.accepted)
    await change(central, "AuthorizationKey", KEY.encode().hex())

    await eventually(lambda: len(central.messages("SecurityEventNotification")) == 2)
    assert [it["type"] for it in central.messages("SecurityEventNotification")] == [
        "StartupOfTheDevice",
        "ReconfigurationOfSecurityParameters",
    ]


@pytest.mark.parametrize(
    ("options", "wanted", "status"),
    [
        (ChargerOptions(security=SecurityOptions()), "1", "Rejected"),
        (KNOWS_SECURITY, "1", "RebootRequired"),
        (KNOWS_SECURITY, "2", "Rejected"),
        (KNOWS_SECURITY, "4", "Rejected"),
        (KNOWS_SECURITY, "-1", "Rejected"),
        (ChargerOptions(password="x", security=SecurityOptions(profile=1)), "0", "Rejected"),
    ],
    ids=["no password", "raised", "no root", "none such", "none such", "lowered"],
)
async def test_a_profile_needs_what_it_proves_and_is_never_lowered(
    central: CentralSystem,
    make_charger: MakeCharger,
    options: ChargerOptions,
    wanted: str,
    status: str,
) -> None:
    charger = await make_charger(options=options)
    await charger.wait_until(lambda: charger.accepted)

    assert await change(central, "SecurityProfile", wanted) == status


async def test_roots_are_installed_told_and_deleted(
    central: CentralSystem, make_charger: MakeCharger
) -> None:
    charger = await make_charger(options=KNOWS_SECURITY)
    await charger.wait_until(lambda: charger.accepted)
    use: Any = "CentralSystemRootCertificate"

    bad = await central.call(call.InstallCertificate(certificate_type=use, certificate="none"))
    good = await central.call(call.InstallCertificate(certificate_type=use, certificate=ROOT_PEM))
    told = await central.call(call.GetInstalledCertificateIds(certificate_type=use))
    [named] = told.certificate_hash_data
    delete = call.DeleteCertificate(certificate_hash_data=named)
    deleted = [(await central.call(delete)).status for _ in range(2)]
    empty = await central.call(call.GetInstalledCertificateIds(certificate_type=use))

    assert (bad.status, good.status, told.status) == ("Rejected", "Accepted", "Accepted")
    assert deleted == ["Accepted", "NotFound"]
    assert empty.status == "NotFound"


# Encrypted


@pytest.fixture
async def encrypted(socket_enabled: None, tmp_path: Path) -> AsyncIterator[CentralSystem]:
    """The same central system at a port where a certificate may be shown."""
    files = Made.of("balanz", ROOT).files(tmp_path, "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(cadata=CHARGER_ROOT.pem.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    system = CentralSystem()
    system.ssl = context
    await system.start()
    yield system
    await system.stop()


def secure_url(encrypted: CentralSystem) -> str:
    return encrypted.url.replace("ws://", "wss://")


def signed(request_pem: str) -> str:
    """Return the certificate that a charger asks for."""
    request = x509.load_pem_x509_csr(request_pem.encode())
    now = CHARGER_ROOT.certificate.not_valid_before_utc
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(CHARGER_ROOT.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(CHARGER_ROOT.certificate.not_valid_after_utc)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(CHARGER_ROOT.key.public_key()),
            critical=False,
        )
    )
    certificate = builder.sign(CHARGER_ROOT.key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


async def test_a_charger_is_led_from_a_password_over_encryption_to_a_certificate(
    central: CentralSystem, encrypted: CentralSystem
) -> None:
    options = ChargerOptions(
        password="first password",
        reboot_s=1,
        security=SecurityOptions(profile=1, secure_url=secure_url(encrypted)),
    )
    async with AsyncExitStack() as cleanup:
        charger = SimulatedCharger("CP 1", central.url, clock=Clock(20.0), options=options)
        cleanup.push_async_callback(charger.stop)
        await charger.start()
        await charger.wait_until(lambda: charger.accepted)
        use: Any = "CentralSystemRootCertificate"
        await central.call(call.InstallCertificate(certificate_type=use, certificate=ROOT_PEM))
        assert await change(central, "SecurityProfile", "2") == "RebootRequired"
        assert encrypted.peer is None
        hard: Any = "Hard"
        await central.call(call.Reset(type=hard))

        await eventually(lambda: bool(encrypted.messages("BootNotification")))
        assert passwords(encrypted) == [b"first password"]
        assert await change(encrypted, "SecurityProfile", "3") == "Rejected"
        trigger: Any = "SignChargePointCertificate"
        await encrypted.call(call.ExtendedTriggerMessage(requested_message=trigger))
        await eventually(lambda: bool(encrypted.messages("SignCertificate")))
        chain = signed(encrypted.messages("SignCertificate")[0]["csr"])
        for certificate, status in ((ROOT_PEM, "Rejected"), ("x", "Rejected"), (chain, "Accepted")):
            answer = await encrypted.call(call.CertificateSigned(certificate_chain=certificate))
            assert answer.status == status
        assert await change(encrypted, "SecurityProfile", "3") == "RebootRequired"
        await encrypted.call(call.Reset(type=hard))

        await eventually(lambda: len(encrypted.authorizations) == 2)
        assert encrypted.authorizations[1] is None
        assert encrypted.connection is not None
        shown = encrypted.connection.transport.get_extra_info("ssl_object").getpeercert()
        assert shown["subject"] == ((("commonName", "CP 1"),),)


@pytest.mark.parametrize("trusts", [(), (CHARGER_ROOT.pem.decode(),)])
async def test_a_server_that_it_does_not_trust_is_not_told_its_password(
    encrypted: CentralSystem, make_charger: MakeCharger, trusts: tuple[str, ...]
) -> None:
    security = SecurityOptions(profile=2, secure_url=secure_url(encrypted), trusts=trusts)
    charger = await make_charger(options=ChargerOptions(password="secret", security=security))

    await charger.wait_until(lambda: charger.last_error is not None)

    assert "CERTIFICATE_VERIFY_FAILED" in (charger.last_error or "")
    assert encrypted.authorizations == []


async def test_what_it_remembers_lets_it_in_in_a_later_run() -> None:
    before, after = (
        SimulatedCharger("CP 1", "ws://x", options=KNOWS_SECURITY).station.security for _ in "12"
    )
    before.commission(password="from a form", root_pem=ROOT_PEM)
    before.take_certificate(signed(before.signing_request("CP 1")))

    after.restore(json.loads(json.dumps(before.memory())))

    assert (after.password, after.roots, after.profile) == (b"from a form", (ROOT_PEM,), 2)
    assert after.has_certificate
    assert after.memory() == before.memory()
