"""The published cases of the security profiles for central systems (OCPP 1.6), by actions.

Those of handshakes, of TLS and of the certificates of chargers need other doors than the rig has:
TC_073, 074, 077, 083 and 085 to 088 are in tests/csms and tests/site.
"""

from typing import Any

import pytest
from homeassistant.exceptions import HomeAssistantError

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms.credentials import new_password
from tests.csms.certificates import Made
from tests.csms.client import RawCharger, status_of
from tests.csms.test_security_profiles import basic

from .rig import IDENTITY, Rig, stamp

PEM = Made.root().pem.decode().strip()
HASH = {
    "hashAlgorithm": "SHA384",
    "issuerNameHash": "ab" * 48,
    "issuerKeyHash": "cd" * 48,
    "serialNumber": "4711",
}
FIRMWARE = {"location": "https://files.example/2.bin", "signature": "c2ln"}


async def reports(rig: Rig, kind: str) -> None:
    """Report something about the charger's own security; it is told in Home Assistant."""
    await rig.says("SecurityEventNotification", type=kind, timestamp=stamp())
    await rig.hass.async_block_till_done()
    told = rig.hass.states.get("event.left_security")
    assert told is not None
    assert told.attributes["type"] == kind


@pytest.mark.parametrize(
    ("use", "kind"),
    [
        pytest.param("manufacturer", "ManufacturerRootCertificate", id="tc_075_1_manufacturer"),
        pytest.param("central_system", "CentralSystemRootCertificate", id="tc_075_2_central"),
    ],
)
async def test_install_root_certificate(rig: Rig, use: str, kind: str) -> None:
    await rig.booted()
    rig.charger.answers["InstallCertificate"] = {"status": "Accepted"}
    found = {"status": "Accepted", "certificateHashData": [HASH]}
    rig.charger.answers["GetInstalledCertificateIds"] = found
    await rig.tell("install_root_certificate", certificate=PEM, use=use)
    assert rig.last("InstallCertificate") == {"certificateType": kind, "certificate": PEM}
    answer = await rig.ask("get_installed_certificates", use=use)
    assert rig.last("GetInstalledCertificateIds") == {"certificateType": kind}
    assert len(answer["certificates"]) == 1


async def test_tc_076_delete_certificate(rig: Rig) -> None:
    await rig.booted()
    found = {"status": "Accepted", "certificateHashData": [HASH]}
    rig.charger.answers["GetInstalledCertificateIds"] = found
    rig.charger.answers["DeleteCertificate"] = {"status": "Accepted"}
    answer = await rig.ask("get_installed_certificates", use="central_system")
    [certificate] = answer["certificates"]
    await rig.tell("delete_certificate", **certificate)
    assert rig.last("DeleteCertificate") == {"certificateHashData": HASH}


async def test_tc_078_invalid_root_certificate(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["InstallCertificate"] = {"status": "Rejected"}
    with pytest.raises(HomeAssistantError, match="Rejected"):
        await rig.tell("install_root_certificate", certificate=PEM, use="central_system")
    await reports(rig, "InvalidCentralSystemCertificate")


async def test_tc_079_security_log(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["GetLog"] = {"status": "Accepted", "filename": "security.log"}
    location = "ftp://files.example/logs"
    answer = await rig.ask("get_log", log_type="security", location=location)
    assert answer == {"filename": "security.log"}
    told = rig.last("GetLog")
    assert told["logType"] == "SecurityLog"
    assert told["log"]["remoteLocation"] == location
    for status in ("Uploading", "Uploaded"):
        await rig.says("LogStatusNotification", status=status, requestId=told["requestId"])


async def signed_firmware(rig: Rig) -> int:
    """Boot, and be told to install a signed firmware; return the number of the request."""
    await rig.booted()
    rig.charger.answers["SignedUpdateFirmware"] = {"status": "Accepted"}
    await rig.tell("update_signed_firmware", certificate=PEM, **FIRMWARE)
    told = rig.last("SignedUpdateFirmware")
    firmware = told["firmware"]
    assert firmware.pop("retrieveDateTime")
    assert firmware == {**FIRMWARE, "signingCertificate": PEM}
    return int(told["requestId"])


async def goes(rig: Rig, request_id: int, *statuses: str) -> None:
    for status in statuses:
        told: dict[str, Any] = {"status": status, "requestId": request_id}
        await rig.says("SignedFirmwareStatusNotification", **told)


async def test_tc_080_signed_firmware(rig: Rig) -> None:
    request_id = await signed_firmware(rig)
    await goes(rig, request_id, "Downloading", "Downloaded", "SignatureVerified")
    await goes(rig, request_id, "Installing", "InstallRebooting")
    await rig.booted()
    await goes(rig, request_id, "Installed")
    await reports(rig, "FirmwareUpdated")


async def test_tc_081_invalid_signature(rig: Rig) -> None:
    request_id = await signed_firmware(rig)
    await goes(rig, request_id, "Downloading", "Downloaded", "InvalidSignature")
    await reports(rig, "InvalidFirmwareSignature")


async def test_tc_083_raise_security_profile(rig: Rig) -> None:
    await rig.booted()
    [entry] = rig.hass.config_entries.async_entries(DOMAIN)
    password = new_password()
    await entry.runtime_data.site.door.set_password(IDENTITY, password)
    rig.charger.answers["ChangeConfiguration"] = {"status": "Accepted"}
    rig.charger.answers["Reset"] = {"status": "Accepted"}

    await rig.tell("raise_security_profile", profile="password")

    assert {"key": "SecurityProfile", "value": "1"} in rig.sent("ChangeConfiguration")
    assert rig.last("Reset") == {"type": "Hard"}
    await rig.charger.close()
    rig.charger = await RawCharger.dial(rig.port, IDENTITY, **basic(password, user=IDENTITY))
    await rig.booted()
    assert await status_of(rig.port, f"/{IDENTITY}") == 401
    assert await rig.charger.alive()
    await rig.charger.close()
