"""What administrators ask chargers about their security, and what the site tells of it."""

from typing import Any
from unittest.mock import patch

import pytest
import voluptuous as vol
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.balanz.actions.security import SECURITY_ACTIONS
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms import certificate_authority
from custom_components.balanz.csms.peers import Peer
from custom_components.balanz.csms.security_events import RefusalCause
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.security_events import EVENT_SECURITY
from custom_components.balanz.tls_sources import authority_of
from tests.csms.certificates import Made
from tests.csms.client import RawCharger
from tests.csms.test_security_messages import PEM, TOLD_HASH
from tests.ha.build import charger, set_up, site_entry, wait_until
from tests.ha.test_security import OWN, dial, refusal
from tests.ha.test_translations import EN, ICONS, SERVICES

HASH = {
    "algorithm": "sha256",
    "issuer_name_hash": "ab" * 32,
    "issuer_key_hash": "cd" * 32,
    "serial_number": "4711",
}


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    return entry


async def connect(entry: MockConfigEntry, port: int) -> RawCharger:
    """Have the charger dial in, with an answer to everything."""
    simulated = await dial(port)
    simulated.answers |= {
        action: {"status": "Accepted"}
        for action in (
            "DeleteCertificate",
            "ExtendedTriggerMessage",
            "GetLog",
            "InstallCertificate",
            "Reset",
            "SignedUpdateFirmware",
        )
    }
    await simulated.boot()
    await wait_until(lambda: entry.runtime_data.site.door.is_connected("CP-1"))
    return simulated


def device_id(hass: HomeAssistant, name: str = "home_charger_CP-1") -> str:
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, name), "home")
    assert device is not None
    return device.id


async def ask(hass: HomeAssistant, action: str, *, response: bool = False, **data: Any) -> Any:
    data = {"device_id": device_id(hass), **data}
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=response
    )


def test_each_action_has_its_texts_its_icon_and_its_fields() -> None:
    for action in SECURITY_ACTIONS:
        shown = SERVICES[action.name]["fields"]
        required = {str(key) for key in action.schema.schema if isinstance(key, vol.Required)}

        assert {str(key) for key in action.schema.schema} == set(shown)
        assert {name for name, field in shown.items() if field.get("required")} == required
        assert set(EN["services"][action.name]["fields"]) == set(shown)
        assert action.name in ICONS["services"]


@pytest.mark.parametrize(
    ("action", "data", "message", "sent"),
    [
        (
            "request_certificate",
            {},
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
        ),
        (
            "raise_security_profile",
            {"profile": "tls_password"},
            "ChangeConfiguration",
            {"key": "SecurityProfile", "value": "2"},
        ),
        ("delete_certificate", HASH, "DeleteCertificate", {"certificateHashData": TOLD_HASH}),
    ],
)
async def test_an_action_reaches_its_charger(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    port: int,
    action: str,
    data: dict[str, Any],
    message: str,
    sent: dict[str, Any],
) -> None:
    simulated = await connect(entry, port)

    await ask(hass, action, **data)

    assert sent in simulated.received(message)
    await simulated.close()


async def test_the_roots_of_a_charger_are_returned(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    simulated = await connect(entry, port)
    simulated.answers["GetInstalledCertificateIds"] = {
        "status": "Accepted",
        "certificateHashData": [TOLD_HASH],
    }

    answer = await ask(hass, "get_installed_certificates", response=True, use="central_system")

    assert answer == {"certificates": [HASH]}
    await simulated.close()


async def test_a_log_and_a_signed_firmware_are_asked_for(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    simulated = await connect(entry, port)

    answer = await ask(
        hass,
        "get_log",
        response=True,
        log_type="security",
        location="ftp://10.0.0.1/log",
        since="2026-11-20 12:00:00",
    )
    await ask(
        hass,
        "update_signed_firmware",
        location="https://example.org/fw.bin",
        certificate=PEM,
        signature="c2ln",
    )

    assert answer == {"filename": ""}
    [log] = simulated.received("GetLog")
    assert log["log"]["remoteLocation"] == "ftp://10.0.0.1/log"
    [update] = simulated.received("SignedUpdateFirmware")
    assert update["firmware"]["signature"] == "c2ln"
    await simulated.close()


async def test_a_charger_is_given_the_root_of_the_site(
    hass: HomeAssistant, port: int, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_authority, "_ROOT_KEY_BITS", 2048)
    entry = site_entry(port, charger("CP-1"), security={"tls_port": unused_tcp_port, **OWN})
    await set_up(hass, entry)
    simulated = await connect(entry, port)

    await ask(hass, "install_root_certificate")

    root = authority_of(hass, "home").root.read_text()
    assert simulated.received("InstallCertificate") == [
        {"certificateType": "CentralSystemRootCertificate", "certificate": root}
    ]
    await simulated.close()


async def test_a_charger_is_given_another_root(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    simulated = await connect(entry, port)
    pem = Made.root("who makes its firmware").pem.decode()

    await ask(hass, "install_root_certificate", certificate=pem, use="manufacturer")

    assert simulated.received("InstallCertificate") == [
        {"certificateType": "ManufacturerRootCertificate", "certificate": pem.strip()}
    ]
    with pytest.raises(vol.Invalid, match="PEM"):
        await ask(hass, "install_root_certificate", certificate="x", use="manufacturer")
    with pytest.raises(vol.Invalid):
        await ask(hass, "install_root_certificate", certificate=pem)
    await simulated.close()


async def test_what_cannot_be_is_said(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    with pytest.raises(HomeAssistantError) as offline:
        await ask(hass, "request_certificate")
    assert offline.value.translation_key == "charger_refused"

    with pytest.raises(ServiceValidationError) as no_root:
        await ask(hass, "install_root_certificate")
    assert no_root.value.translation_key == "no_own_root"

    with pytest.raises(ServiceValidationError) as no_charger:
        await ask(hass, "request_certificate", device_id=device_id(hass, "home_root"))
    assert no_charger.value.translation_key == "not_a_charger"

    chargers_device = device_id(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError):
        await ask(hass, "request_certificate", device_id=chargers_device)


async def test_security_events_can_be_listened_for(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    events = async_capture_events(hass, EVENT_SECURITY)
    simulated = await connect(entry, port)

    await simulated.call(
        "SecurityEventNotification",
        {"type": "InvalidLogin", "timestamp": "2026-11-21T12:00:00Z", "techInfo": "3 times"},
    )
    await hass.async_block_till_done()

    pinned, reported = [event.data for event in events]
    assert pinned == {
        "device_id": device_id(hass),
        "kind": "address_pinned",
        "identity": "CP-1",
        "address": "127.0.0.1",
    }
    assert reported == {
        "device_id": device_id(hass),
        "kind": "reported",
        "identity": "CP-1",
        "type": "InvalidLogin",
        "info": "3 times",
        "at": "2026-11-21T12:00:00+00:00",
    }
    await simulated.close()


async def test_a_charger_has_an_event_for_what_happens_in_its_name(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    [entity_id] = [it for it in hass.states.async_entity_ids("event") if "security" in it]
    simulated = await connect(entry, port)
    await wait_until(lambda: kind(hass, entity_id) == "address_pinned")
    await simulated.close()

    with patch("custom_components.balanz.csms.server.peer_of", elsewhere):
        assert await refusal(port) == 401
    await wait_until(lambda: kind(hass, entity_id) == "refused")

    event = hass.states.get(entity_id)
    assert event is not None
    assert event.attributes["address"] == "192.168.1.66"
    assert event.attributes["cause"] == "other_address"
    texts = EN["entity"]["event"]["security"]["state_attributes"]
    assert set(event.attributes["event_types"]) == texts["event_type"]["state"].keys()
    assert set(RefusalCause) == texts["cause"]["state"].keys()
    assert {it.name.lower() for it in SecurityProfile} == texts["profile"]["state"].keys()


def kind(hass: HomeAssistant, entity_id: str) -> str:
    event = hass.states.get(entity_id)
    return "" if event is None else str(event.attributes["event_type"])


def elsewhere(_connection: object) -> Peer:
    return Peer(address="192.168.1.66")


async def test_d30_a_charger_that_reports_without_end_is_told_seldom(
    hass: HomeAssistant, entry: MockConfigEntry, port: int
) -> None:
    events = async_capture_events(hass, EVENT_SECURITY)
    simulated = await connect(entry, port)
    events.clear()

    for _ in range(100):
        report = {"type": "InvalidLogin", "timestamp": "2026-11-21T12:00:00Z"}
        assert await simulated.call("SecurityEventNotification", report) == {}
    await hass.async_block_till_done()

    assert len(events) == 10
    await simulated.close()
