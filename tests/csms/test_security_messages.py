"""The 11 messages of the security extension, over a real socket, with valid payloads."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.balanz.csms.security_events import SecurityReported
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.csms.station_errors import (
    CommandRejected,
    StationError,
    StationUnreachable,
)
from custom_components.balanz.csms.v16_security import (
    CertificateHash,
    CertificateUse,
    ExtendedTrigger,
    LogType,
    SecurityCommands,
    SignedFirmware,
)

from .certificates import Made
from .client import RawCharger, check_result
from .conftest import Bench

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PEM = Made.root().pem.decode()
HASH = CertificateHash(
    algorithm="SHA256", issuer_name="ab" * 32, issuer_key="cd" * 32, serial_number="4711"
)
TOLD_HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "ab" * 32,
    "issuerKeyHash": "cd" * 32,
    "serialNumber": "4711",
}
FIRMWARE = SignedFirmware(
    location="https://example.org/fw.bin",
    retrieve_at=AT,
    install_at=AT,
    certificate=PEM,
    signature="c2ln",
)

type Ask = Callable[[SecurityCommands], Awaitable[Any]]


@pytest.fixture
def commands(central: Bench, charger: RawCharger) -> SecurityCommands:
    return SecurityCommands(central.stations["CP1"].request)


def asks() -> list[Any]:
    """Return each question: how it is asked, its message and the payload."""
    return [
        pytest.param(
            lambda ask: ask.trigger(ExtendedTrigger.SIGN_CERTIFICATE),
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
            id="TC_074-trigger",
        ),
        pytest.param(
            lambda ask: ask.trigger(ExtendedTrigger.STATUS, 1),
            "ExtendedTriggerMessage",
            {"requestedMessage": "StatusNotification", "connectorId": 1},
            id="trigger-connector",
        ),
        pytest.param(
            lambda ask: ask.certificate_signed(PEM),
            "CertificateSigned",
            {"certificateChain": PEM},
            id="TC_077-certificate-signed",
        ),
        pytest.param(
            lambda ask: ask.install_certificate(CertificateUse.MANUFACTURER, PEM),
            "InstallCertificate",
            {"certificateType": "ManufacturerRootCertificate", "certificate": PEM},
            id="TC_075_1-install",
        ),
        pytest.param(
            lambda ask: ask.install_certificate(CertificateUse.CENTRAL_SYSTEM, PEM),
            "InstallCertificate",
            {"certificateType": "CentralSystemRootCertificate", "certificate": PEM},
            id="TC_075_2-install",
        ),
        pytest.param(
            lambda ask: ask.delete_certificate(HASH),
            "DeleteCertificate",
            {"certificateHashData": TOLD_HASH},
            id="TC_076-delete",
        ),
        pytest.param(
            lambda ask: ask.get_log(
                LogType.SECURITY, "https://example.org/up", request_id=7, since=AT, until=AT
            ),
            "GetLog",
            {
                "logType": "SecurityLog",
                "requestId": 7,
                "log": {
                    "remoteLocation": "https://example.org/up",
                    "oldestTimestamp": "2026-11-21T12:00:00Z",
                    "latestTimestamp": "2026-11-21T12:00:00Z",
                },
            },
            id="TC_079-log",
        ),
        pytest.param(
            lambda ask: ask.update_firmware(FIRMWARE, request_id=8),
            "SignedUpdateFirmware",
            {
                "requestId": 8,
                "firmware": {
                    "location": "https://example.org/fw.bin",
                    "retrieveDateTime": "2026-11-21T12:00:00Z",
                    "installDateTime": "2026-11-21T12:00:00Z",
                    "signingCertificate": PEM,
                    "signature": "c2ln",
                },
            },
            id="TC_080-firmware",
        ),
    ]


@pytest.mark.parametrize(("ask", "action", "payload"), asks())
async def test_a_charger_is_asked_in_words_that_fit_the_schema(
    charger: RawCharger, commands: SecurityCommands, ask: Ask, action: str, payload: dict[str, Any]
) -> None:
    charger.answers[action] = {"status": "Accepted"}

    await ask(commands)

    assert charger.received(action) == [payload]


@pytest.mark.parametrize(("ask", "action", "_payload"), asks())
@pytest.mark.parametrize("status", ["Rejected", "Failed", "NotImplemented", None, 5])
async def test_a_refusal_is_an_error(
    charger: RawCharger,
    commands: SecurityCommands,
    ask: Ask,
    action: str,
    _payload: dict[str, Any],
    status: Any,
) -> None:
    charger.answers[action] = {"status": status}

    with pytest.raises(StationError):
        await ask(commands)


async def test_tc_075_the_roots_of_a_charger_are_listed(
    charger: RawCharger, commands: SecurityCommands
) -> None:
    charger.answers["GetInstalledCertificateIds"] = {
        "status": "Accepted",
        "certificateHashData": [TOLD_HASH],
    }

    assert await commands.installed_certificates(CertificateUse.CENTRAL_SYSTEM) == (HASH,)
    assert charger.received("GetInstalledCertificateIds") == [
        {"certificateType": "CentralSystemRootCertificate"}
    ]


async def test_a_charger_without_roots_lists_none(
    charger: RawCharger, commands: SecurityCommands
) -> None:
    charger.answers["GetInstalledCertificateIds"] = {"status": "NotFound"}

    assert await commands.installed_certificates(CertificateUse.MANUFACTURER) == ()


async def test_what_is_not_there_need_not_be_deleted(
    charger: RawCharger, commands: SecurityCommands
) -> None:
    charger.answers["DeleteCertificate"] = {"status": "NotFound"}

    await commands.delete_certificate(HASH)


async def test_the_name_of_a_log_is_told(charger: RawCharger, commands: SecurityCommands) -> None:
    charger.answers["GetLog"] = {"status": "Accepted", "filename": "log.txt"}

    name = await commands.get_log(LogType.DIAGNOSTICS, "https://example.org/up", request_id=1)

    assert name == "log.txt"


async def test_tc_083_a_charger_is_told_to_come_with_a_higher_profile(
    charger: RawCharger, commands: SecurityCommands
) -> None:
    charger.answers["Reset"] = {"status": "Accepted"}

    await commands.raise_profile(SecurityProfile.TLS_PASSWORD)

    assert {"key": "SecurityProfile", "value": "2"} in charger.received("ChangeConfiguration")
    assert charger.received("Reset") == [{"type": "Hard"}]


async def test_a_password_is_not_in_the_error_of_a_charger_that_does_not_answer(
    charger: RawCharger, commands: SecurityCommands
) -> None:
    charger.answers["ChangeConfiguration"] = None
    with pytest.raises(StationUnreachable, match="may not have been taken"):
        await commands.change_password("Secret-Secret-Secret")

    charger.answers["ChangeConfiguration"] = '[4,"%s","GenericError","Secret-Secret-Secret",{}]'
    with pytest.raises(CommandRejected) as error:
        await commands.change_password("Secret-Secret-Secret")
    assert "Secret" not in str(error.value)


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("LogStatusNotification", {"status": "Uploaded", "requestId": 1}),
        ("SignedFirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 1}),
        (
            "SecurityEventNotification",
            {"type": "InvalidCentralSystemCertificate", "timestamp": "2026-11-21T12:00:00Z"},
        ),
    ],
    ids=["TC_079", "TC_081", "TC_078"],
)
async def test_reports_of_a_charger_are_answered(
    charger: RawCharger, action: str, payload: dict[str, Any]
) -> None:
    answer = await charger.call(action, payload)

    await check_result(action, answer)


async def test_a_security_event_is_told_cut_to_size(central: Bench, charger: RawCharger) -> None:
    await charger.call(
        "SecurityEventNotification",
        {"type": "x" * 500, "timestamp": "2026-11-21T12:00:00Z", "techInfo": "y" * 5000},
    )

    [event] = central.seen(SecurityReported)
    assert event == SecurityReported(identity="CP1", type="x" * 50, info="y" * 255, at=AT)


@pytest.mark.parametrize("csr", ["junk", "x" * 200_000, 5, None])
async def test_d31_without_a_signer_no_certificate_is_promised(
    charger: RawCharger, csr: Any
) -> None:
    assert await charger.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}
