"""Each OCPP action from the side of Home Assistant, with a charger on a real socket."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser

from custom_components.balanz.actions.ocpp import OCPP_ACTIONS
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms import interview
from custom_components.balanz.csms.server import ServerSettings
from custom_components.balanz.devices import device_id
from custom_components.balanz.site import rooms
from tests.csms.client import RawCharger
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until

type Act = Callable[..., Awaitable[Any]]

NOON = "2026-03-01T12:00:00+00:00"
NOON_Z = "2026-03-01T12:00:00Z"
ACCEPTED = {"status": "Accepted"}
TAG = {"id_tag": "TAG", "status": "accepted", "expiry_date": NOON}

PROFILE: dict[str, Any] = {
    "chargingProfileId": 50,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}],
    },
}

# The action, its fields, what is on the wire, what the charger answers, and the response.
ASKED: list[tuple[str, dict[str, Any], tuple[str, dict[str, Any]], Any, dict[str, Any]]] = [
    (
        "cancel_reservation",
        {"reservation_id": 5},
        ("CancelReservation", {"reservationId": 5}),
        {"status": "Rejected"},
        {"status": "rejected"},
    ),
    (
        "change_availability",
        {"type": "inoperative", "connector_id": 0},
        ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        {"status": "Scheduled"},
        {"status": "scheduled"},
    ),
    (
        "change_configuration",
        {"key": "ConnectionTimeOut", "value": 60},
        ("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "60"}),
        {"status": "RebootRequired"},
        {"status": "reboot_required"},
    ),
    (
        "change_configuration",
        {"key": "MeterValueSampleInterval", "value": "600"},
        ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "600"}),
        ACCEPTED,
        {"status": "accepted", "warning": "readings_too_seldom"},
    ),
    ("clear_cache", {}, ("ClearCache", {}), ACCEPTED, {"status": "accepted"}),
    (
        "clear_charging_profile",
        {"id": 50, "connector_id": 1, "force": True},
        ("ClearChargingProfile", {"id": 50}),
        {"status": "Unknown"},
        {"status": "unknown"},
    ),
    (
        "clear_charging_profile",
        {
            "connector_id": 1,
            "charging_profile_purpose": "tx_profile",
            "stack_level": 1,
            "force": True,
        },
        (
            "ClearChargingProfile",
            {"connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 1},
        ),
        ACCEPTED,
        {"status": "accepted"},
    ),
    (
        "data_transfer",
        {"vendor_id": "a.vendor", "message_id": "Hello", "data": "x"},
        ("DataTransfer", {"vendorId": "a.vendor", "messageId": "Hello", "data": "x"}),
        {"status": "Accepted", "data": "y"},
        {"status": "accepted", "data": "y"},
    ),
    (
        "get_composite_schedule",
        {"duration": 60, "charging_rate_unit": "a"},
        ("GetCompositeSchedule", {"connectorId": 1, "duration": 60, "chargingRateUnit": "A"}),
        {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": NOON_Z,
            "chargingSchedule": {
                "duration": 60,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}],
            },
        },
        {
            "status": "accepted",
            "connector_id": 1,
            "schedule_start": NOON,
            "duration": 60,
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": 8.0, "number_phases": None}],
        },
    ),
    (
        "get_configuration",
        {"key": ["A", "B"]},
        ("GetConfiguration", {"key": ["A", "B"]}),
        {"configurationKey": [{"key": "A", "readonly": True, "value": "1"}], "unknownKey": ["B"]},
        {
            "configuration_key": [{"key": "A", "readonly": True, "value": "1"}],
            "unknown_key": ["B"],
        },
    ),
    (
        "get_configuration",
        {},
        ("GetConfiguration", {}),
        {"configurationKey": []},
        {"configuration_key": [], "unknown_key": []},
    ),
    (
        "get_diagnostics",
        {
            "location": "ftp://here/logs",
            "start_time": NOON,
            "stop_time": NOON,
            "retries": 1,
            "retry_interval": 10,
        },
        (
            "GetDiagnostics",
            {
                "location": "ftp://here/logs",
                "retries": 1,
                "retryInterval": 10,
                "startTime": NOON_Z,
                "stopTime": NOON_Z,
            },
        ),
        {"fileName": "log.zip"},
        {"file_name": "log.zip"},
    ),
    (
        "get_local_list_version",
        {},
        ("GetLocalListVersion", {}),
        {"listVersion": 3},
        {"list_version": 3},
    ),
    (
        "remote_start_transaction",
        {},
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": "balanz"}),
        ACCEPTED,
        {"status": "accepted"},
    ),
    (
        "remote_stop_transaction",
        {"transaction_id": 9},
        ("RemoteStopTransaction", {"transactionId": 9}),
        {"status": "Rejected"},
        {"status": "rejected", "transaction_id": 9},
    ),
    (
        "reserve_now",
        {
            "connector_id": 0,
            "id_tag": "TAG",
            "expiry_date": NOON,
            "reservation_id": 5,
            "parent_id_tag": "FAMILY",
        },
        (
            "ReserveNow",
            {
                "connectorId": 0,
                "expiryDate": NOON_Z,
                "idTag": "TAG",
                "parentIdTag": "FAMILY",
                "reservationId": 5,
            },
        ),
        {"status": "Faulted"},
        {"status": "faulted", "reservation_id": 5},
    ),
    ("reset", {}, ("Reset", {"type": "Soft"}), ACCEPTED, {"status": "accepted"}),
    (
        "reset",
        {"type": "hard"},
        ("Reset", {"type": "Hard"}),
        {"status": "Rejected"},
        {"status": "rejected"},
    ),
    (
        "send_local_list",
        {"list_version": 2, "update_type": "full", "local_authorization_list": [TAG]},
        (
            "SendLocalList",
            {
                "listVersion": 2,
                "localAuthorizationList": [
                    {"idTag": "TAG", "idTagInfo": {"expiryDate": NOON_Z, "status": "Accepted"}}
                ],
                "updateType": "Full",
            },
        ),
        {"status": "NotSupported"},
        {"status": "not_supported"},
    ),
    (
        "remote_start_transaction",
        {"id_tag": "TAG", "charging_profile": PROFILE, "force": True},
        (
            "RemoteStartTransaction",
            {"connectorId": 1, "idTag": "TAG", "chargingProfile": PROFILE},
        ),
        {"status": "Rejected"},
        {"status": "rejected"},
    ),
    (
        "set_charging_profile",
        {"charging_profile": PROFILE, "force": True},
        ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}),
        ACCEPTED,
        {"status": "accepted"},
    ),
    (
        "trigger_message",
        {"requested_message": "meter_values", "connector_id": 1},
        ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}),
        {"status": "NotImplemented"},
        {"status": "not_implemented"},
    ),
    (
        "unlock_connector",
        {},
        ("UnlockConnector", {"connectorId": 1}),
        {"status": "Unlocked"},
        {"status": "unlocked"},
    ),
    (
        "update_firmware",
        {"location": "https://here/it.bin", "retrieve_date": NOON},
        ("UpdateFirmware", {"location": "https://here/it.bin", "retrieveDate": NOON_Z}),
        {},
        {"retrieve_date": NOON},
    ),
]


@pytest.fixture
async def act(hass: HomeAssistant) -> Act:
    """Call an action on the device of a charger, or of whatever is named."""

    async def call(
        action: str,
        device: str = "home_charger_CP-1",
        *,
        context: Context | None = None,
        **data: Any,
    ) -> Any:
        registry_id = device_id(hass, "home", device) if device.startswith("home_") else device
        return await hass.services.async_call(
            DOMAIN,
            action,
            {ATTR_DEVICE_ID: registry_id, **data},
            blocking=True,
            return_response=True,
            context=context,
        )

    return call


@pytest.fixture
async def wired(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[RawCharger]:
    """CP-1, set up, booted, and asked all that it is asked after a boot."""
    monkeypatch.setattr(interview, "PAUSE_S", 0.001)
    monkeypatch.setattr(rooms, "ServerSettings", partial(ServerSettings, call_timeout_s=0.5))
    await set_up(hass, site_entry(port, charger("CP-1")))
    raw = await RawCharger.dial(port, "CP-1")
    await raw.boot()
    await wait_until(lambda: len(raw.received("TriggerMessage")) >= 2)
    await wait_until(lambda: state_of(hass, "sensor.left_accepted_limit") == "0.0")
    yield raw
    await raw.close()


@pytest.mark.parametrize(("action", "data", "sent", "answer", "response"), ASKED)
async def test_what_is_asked_and_what_comes_of_it(
    act: Act,
    wired: RawCharger,
    action: str,
    data: dict[str, Any],
    sent: tuple[str, dict[str, Any]],
    answer: Any,
    response: dict[str, Any],
) -> None:
    wired.answers[sent[0]] = answer
    wired.calls.clear()

    assert await act(action, **data) == response

    assert sent in wired.calls


def test_each_action_is_asked_above() -> None:
    assert {action for action, *_ in ASKED} == {action.name for action in OCPP_ACTIONS}


async def test_without_numbers_balanz_finds_them(act: Act, wired: RawCharger) -> None:
    for action in ("RemoteStopTransaction", "ReserveNow"):
        wired.answers[action] = ACCEPTED
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": NOON_Z}
    transaction_id = (await wired.call("StartTransaction", start))["transactionId"]

    stopped = await act("remote_stop_transaction")
    reserved = await act("reserve_now", id_tag="TAG", expiry_date=NOON)

    assert stopped == {"status": "accepted", "transaction_id": transaction_id}
    (on_the_wire,) = wired.received("ReserveNow")
    assert on_the_wire["reservationId"] == reserved["reservation_id"] > 0


async def test_a_firmware_without_a_time_is_loaded_now(act: Act, wired: RawCharger) -> None:
    wired.answers["UpdateFirmware"] = {}

    response = await act("update_firmware", location="https://here/it.bin")

    (sent,) = wired.received("UpdateFirmware")
    assert sent["retrieveDate"][:10] == response["retrieve_date"][:10]


async def test_a_session_that_nobody_knows_of_is_not_stopped(act: Act, wired: RawCharger) -> None:
    with pytest.raises(ServiceValidationError, match="No session is known to run at Left"):
        await act("remote_stop_transaction")


async def test_a_full_list_tells_the_status_of_each_card(act: Act, wired: RawCharger) -> None:
    with pytest.raises(ServiceValidationError, match="TAG has none"):
        await act(
            "send_local_list",
            list_version=1,
            update_type="full",
            local_authorization_list=[{"id_tag": "TAG"}],
        )
    assert not wired.received("SendLocalList")


async def test_a_profile_has_to_be_forced_on_a_charger_that_is_balanced(
    act: Act, wired: RawCharger
) -> None:
    wired.calls.clear()

    with pytest.raises(ServiceValidationError, match="Set force"):
        await act("set_charging_profile", charging_profile=PROFILE)
    with pytest.raises(ServiceValidationError, match="Set force"):
        await act("remote_start_transaction", charging_profile=PROFILE)
    with pytest.raises(ServiceValidationError, match="Set force"):
        await act("clear_charging_profile")
    with pytest.raises(ServiceValidationError, match="Give the profile another number"):
        await act(
            "set_charging_profile", charging_profile=PROFILE | {"chargingProfileId": 1}, force=True
        )

    assert not wired.calls


@pytest.mark.parametrize(
    "changes", [{"transactionId": 4}, {"chargingProfilePurpose": "TxDefaultProfile"}]
)
async def test_a_session_starts_with_a_profile_of_its_own_only(
    act: Act, wired: RawCharger, changes: dict[str, Any]
) -> None:
    with pytest.raises(ServiceValidationError, match="only be started with a TxProfile"):
        await act("remote_start_transaction", charging_profile=PROFILE | changes, force=True)


async def test_what_goes_wrong_is_told(hass: HomeAssistant, act: Act, wired: RawCharger) -> None:
    wired.answers["ClearCache"] = '[4,"%s","SecurityError","not you",{}]'
    with pytest.raises(HomeAssistantError, match="refused the message: SecurityError not you"):
        await act("clear_cache")
    wired.answers["ClearCache"] = {"status": "Maybe"}
    with pytest.raises(HomeAssistantError, match="means nothing"):
        await act("clear_cache")
    wired.answers["ClearCache"] = None
    with pytest.raises(HomeAssistantError, match="did not answer in time"):
        await act("clear_cache")
    await wired.close()
    await wait_until(lambda: state_of(hass, "binary_sensor.left_connected") == "off")
    with pytest.raises(HomeAssistantError, match="Left is not connected"):
        await act("clear_cache")


@pytest.mark.parametrize("device", ["home_root", "no such device"])
async def test_only_chargers_are_asked(act: Act, wired: RawCharger, device: str) -> None:
    with pytest.raises(ServiceValidationError, match="neither a charger nor a connector"):
        await act("reset", device)


async def test_devices_of_others_are_no_chargers(
    hass: HomeAssistant, act: Act, wired: RawCharger
) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "home_charger_CP-1")}
    )

    with pytest.raises(ServiceValidationError, match="neither a charger nor a connector"):
        await act("reset", device.id)


async def test_a_site_that_does_not_run_has_no_chargers(
    hass: HomeAssistant, act: Act, wired: RawCharger
) -> None:
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    await hass.config_entries.async_unload(entry.entry_id)

    with pytest.raises(ServiceValidationError, match="of a running site"):
        await act("reset")


@pytest.mark.parametrize("connector", [0, 17])
async def test_a_connector_that_no_charger_has_is_told(
    act: Act, wired: RawCharger, connector: int
) -> None:
    with pytest.raises(ServiceValidationError, match=f"Left has no connector {connector}"):
        await act("unlock_connector", connector_id=connector)


async def test_with_several_connectors_one_has_to_be_chosen(
    hass: HomeAssistant, port: int, act: Act
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1", connectors=2)))
    raw = await RawCharger.dial(port, "CP-1")
    await raw.boot()
    raw.answers["UnlockConnector"] = {"status": "Unlocked"}
    raw.answers["RemoteStartTransaction"] = ACCEPTED

    with pytest.raises(ServiceValidationError, match="has 2 connectors"):
        await act("unlock_connector")
    await act("unlock_connector", connector_id=2)
    registry = dr.async_get(hass)
    first = registry.async_get_child_device_by_identifier((DOMAIN, "home_charger_CP-1_1"), "home")
    assert first is not None
    await act("unlock_connector", first.id)
    with pytest.raises(ServiceValidationError, match="no connector 2"):
        await act("unlock_connector", first.id, connector_id=2)
    await act("remote_start_transaction")

    assert raw.received("UnlockConnector") == [{"connectorId": 2}, {"connectorId": 1}]
    assert raw.received("RemoteStartTransaction") == [{"idTag": "balanz"}]
    await raw.close()


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("cancel_reservation", {}),
        ("cancel_reservation", {"reservation_id": "one"}),
        ("change_availability", {"type": "broken"}),
        ("change_configuration", {"key": "", "value": "1"}),
        ("change_configuration", {"key": "k" * 51, "value": "1"}),
        ("data_transfer", {"vendor_id": "v" * 256}),
        ("get_composite_schedule", {"charging_rate_unit": "kW"}),
        ("get_diagnostics", {"location": "here"}),
        ("get_diagnostics", {"location": "file:///etc"}),
        ("get_diagnostics", {"location": "http://[/"}),
        ("remote_start_transaction", {"id_tag": "T" * 21}),
        ("remote_start_transaction", {"connector_id": -1}),
        ("reserve_now", {"id_tag": "TAG", "expiry_date": "soon"}),
        ("reset", {"type": "gentle"}),
        (
            "send_local_list",
            {"list_version": 1, "update_type": "full", "local_authorization_list": [TAG, TAG]},
        ),
        ("set_charging_profile", {"charging_profile": "8 A", "force": True}),
        ("set_charging_profile", {"charging_profile": {"stackLevel": 1}, "force": True}),
        ("trigger_message", {"requested_message": "joke"}),
        ("unlock_connector", {"more": 1}),
    ],
)
async def test_fields_of_wrong_types_are_refused(
    act: Act, wired: RawCharger, action: str, data: dict[str, Any]
) -> None:
    wired.calls.clear()

    with pytest.raises(vol.Invalid):
        await act(action, **data)

    assert not wired.calls


async def test_what_can_do_harm_is_for_administrators(
    act: Act, wired: RawCharger, hass_read_only_user: MockUser
) -> None:
    context = Context(user_id=hass_read_only_user.id)

    with pytest.raises(Unauthorized):
        await act("change_configuration", key="A", value="1", context=context)

    with pytest.raises(Unauthorized):
        await act("remote_start_transaction", charging_profile=PROFILE, context=context)
    wired.answers["RemoteStartTransaction"] = ACCEPTED
    assert await act("remote_start_transaction", context=context) == {"status": "accepted"}

    assert not wired.received("ChangeConfiguration")
    assert {action.name for action in OCPP_ACTIONS if action.admin} == {
        "change_configuration",
        "clear_charging_profile",
        "data_transfer",
        "get_configuration",
        "get_diagnostics",
        "send_local_list",
        "set_charging_profile",
        "update_firmware",
    }


@pytest.mark.parametrize("key", ["AuthorizationKey", "securityprofile"])
async def test_a_key_that_would_lock_the_charger_out_is_not_changed(
    act: Act, wired: RawCharger, key: str
) -> None:
    with pytest.raises(ServiceValidationError, match="would lock Left out"):
        await act("change_configuration", key=key, value="1")

    assert not [told for told in wired.received("ChangeConfiguration") if told["key"] == key]


async def test_the_password_that_a_charger_tells_is_not_told_on(
    act: Act, wired: RawCharger
) -> None:
    secret = {"key": "AuthorizationKey", "readonly": False, "value": "hunter2hunter2hu"}
    wired.answers["GetConfiguration"] = {"configurationKey": [secret]}

    answer = await act("get_configuration")

    assert answer["configuration_key"] == [
        {"key": "AuthorizationKey", "value": None, "readonly": False}
    ]
