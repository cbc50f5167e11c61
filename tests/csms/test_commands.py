"""Everything that a user can ask of a charger; the client checks each message by its schema."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.balanz.csms.capabilities import RateUnit
from custom_components.balanz.csms.charging_profile import parse_charging_profile
from custom_components.balanz.csms.command_values import (
    AvailabilityType,
    CommandStatus,
    CompositeAnswer,
    Configuration,
    ConfigurationEntry,
    DataTransferAnswer,
    LocalListEntry,
    MessageTrigger,
    ProfileCriteria,
    ProfilePurpose,
    ResetType,
    SchedulePeriod,
    TagStatus,
    UpdateType,
)
from custom_components.balanz.csms.events import DiagnosticsStatusChanged, FirmwareStatusChanged
from custom_components.balanz.csms.station_errors import (
    AnswerUnreadable,
    CallRefused,
    CommandInvalid,
    StationOffline,
    StationUnreachable,
)
from custom_components.balanz.csms.v16_commands import ACTIONS, Commands, parse_configuration

from .client import RawCharger, wait_until
from .conftest import Bench

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_TEXT = "2026-03-01T12:00:00Z"
RAW_PROFILE: dict[str, Any] = {
    "chargingProfileId": 7,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}],
    },
}
PROFILE = parse_charging_profile(RAW_PROFILE)

type Ask = Callable[[Commands], Awaitable[Any]]

ACCEPTED = {"status": "Accepted"}

ASKED: list[tuple[str, Ask, dict[str, Any], dict[str, Any], Any]] = [
    (
        "CancelReservation",
        lambda it: it.cancel_reservation(5),
        {"reservationId": 5},
        ACCEPTED,
        CommandStatus.ACCEPTED,
    ),
    (
        "ChangeAvailability",
        lambda it: it.change_availability(0, AvailabilityType.INOPERATIVE),
        {"connectorId": 0, "type": "Inoperative"},
        {"status": "Scheduled"},
        CommandStatus.SCHEDULED,
    ),
    (
        "ChangeConfiguration",
        lambda it: it.change_configuration("MeterValueSampleInterval", "10"),
        {"key": "MeterValueSampleInterval", "value": "10"},
        {"status": "RebootRequired"},
        CommandStatus.REBOOT_REQUIRED,
    ),
    ("ClearCache", lambda it: it.clear_cache(), {}, ACCEPTED, CommandStatus.ACCEPTED),
    (
        "ClearChargingProfile",
        lambda it: it.clear_charging_profile(ProfileCriteria(profile_id=7)),
        {"id": 7},
        {"status": "Unknown"},
        CommandStatus.UNKNOWN,
    ),
    (
        "ClearChargingProfile",
        lambda it: it.clear_charging_profile(
            ProfileCriteria(connector=1, purpose=ProfilePurpose.TX_DEFAULT, stack_level=3)
        ),
        {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 3},
        ACCEPTED,
        CommandStatus.ACCEPTED,
    ),
    (
        "ClearChargingProfile",
        lambda it: it.clear_charging_profile(ProfileCriteria()),
        {},
        ACCEPTED,
        CommandStatus.ACCEPTED,
    ),
    (
        "DataTransfer",
        lambda it: it.data_transfer("a.vendor", "Hello", "x"),
        {"vendorId": "a.vendor", "messageId": "Hello", "data": "x"},
        {"status": "UnknownMessageId", "data": "y"},
        DataTransferAnswer(status=CommandStatus.UNKNOWN_MESSAGE_ID, data="y"),
    ),
    (
        "DataTransfer",
        lambda it: it.data_transfer("a.vendor", None, None),
        {"vendorId": "a.vendor"},
        {"status": "UnknownVendorId"},
        DataTransferAnswer(status=CommandStatus.UNKNOWN_VENDOR_ID, data=None),
    ),
    (
        "GetCompositeSchedule",
        lambda it: it.get_composite_schedule(1, duration_s=600, unit=RateUnit.AMPERE),
        {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"},
        {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": NOON_TEXT,
            "chargingSchedule": {
                "duration": 600,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8, "numberPhases": 3}],
            },
        },
        CompositeAnswer(
            status=CommandStatus.ACCEPTED,
            connector=1,
            starts_at=NOON,
            duration_s=600,
            unit="A",
            periods=(SchedulePeriod(start_s=0, limit=8.0, phases=3),),
        ),
    ),
    (
        "GetCompositeSchedule",
        lambda it: it.get_composite_schedule(0, duration_s=60, unit=None),
        {"connectorId": 0, "duration": 60},
        {"status": "Rejected"},
        CompositeAnswer(status=CommandStatus.REJECTED),
    ),
    (
        "GetConfiguration",
        lambda it: it.get_configuration(),
        {},
        {"configurationKey": [{"key": "A", "readonly": True, "value": "1"}]},
        Configuration(
            entries=(ConfigurationEntry(key="A", value="1", readonly=True),), unknown_keys=()
        ),
    ),
    (
        "GetConfiguration",
        lambda it: it.get_configuration(["A", "B"]),
        {"key": ["A", "B"]},
        {"configurationKey": [{"key": "A", "readonly": False}], "unknownKey": ["B"]},
        Configuration(
            entries=(ConfigurationEntry(key="A", value=None, readonly=False),),
            unknown_keys=("B",),
        ),
    ),
    (
        "GetDiagnostics",
        lambda it: it.get_diagnostics(
            "ftp://here/logs", retries=2, retry_interval_s=60, since=NOON, until=NOON
        ),
        {
            "location": "ftp://here/logs",
            "retries": 2,
            "retryInterval": 60,
            "startTime": NOON_TEXT,
            "stopTime": NOON_TEXT,
        },
        {"fileName": "log.zip"},
        "log.zip",
    ),
    (
        "GetDiagnostics",
        lambda it: it.get_diagnostics("ftp://here/logs"),
        {"location": "ftp://here/logs"},
        {},
        None,
    ),
    (
        "GetLocalListVersion",
        lambda it: it.get_local_list_version(),
        {},
        {"listVersion": -1},
        -1,
    ),
    (
        "RemoteStartTransaction",
        lambda it: it.remote_start_transaction("TAG"),
        {"idTag": "TAG"},
        {"status": "Rejected"},
        CommandStatus.REJECTED,
    ),
    (
        "RemoteStartTransaction",
        lambda it: it.remote_start_transaction("TAG", 1, PROFILE),
        {"connectorId": 1, "idTag": "TAG", "chargingProfile": RAW_PROFILE},
        ACCEPTED,
        CommandStatus.ACCEPTED,
    ),
    (
        "RemoteStopTransaction",
        lambda it: it.remote_stop_transaction(9),
        {"transactionId": 9},
        ACCEPTED,
        CommandStatus.ACCEPTED,
    ),
    (
        "ReserveNow",
        lambda it: it.reserve_now(
            0, reservation_id=5, id_tag="TAG", expires_at=NOON, parent_id_tag="FAMILY"
        ),
        {
            "connectorId": 0,
            "expiryDate": NOON_TEXT,
            "idTag": "TAG",
            "parentIdTag": "FAMILY",
            "reservationId": 5,
        },
        {"status": "Occupied"},
        CommandStatus.OCCUPIED,
    ),
    (
        "Reset",
        lambda it: it.reset(ResetType.SOFT),
        {"type": "Soft"},
        ACCEPTED,
        CommandStatus.ACCEPTED,
    ),
    (
        "Reset",
        lambda it: it.reset(ResetType.HARD),
        {"type": "Hard"},
        {"status": "Rejected"},
        CommandStatus.REJECTED,
    ),
    (
        "SendLocalList",
        lambda it: it.send_local_list(
            4,
            UpdateType.FULL,
            [
                LocalListEntry(
                    id_tag="TAG",
                    status=TagStatus.CONCURRENT_TX,
                    parent_id_tag="FAMILY",
                    expires_at=NOON,
                )
            ],
        ),
        {
            "listVersion": 4,
            "localAuthorizationList": [
                {
                    "idTag": "TAG",
                    "idTagInfo": {
                        "expiryDate": NOON_TEXT,
                        "parentIdTag": "FAMILY",
                        "status": "ConcurrentTx",
                    },
                }
            ],
            "updateType": "Full",
        },
        {"status": "VersionMismatch"},
        CommandStatus.VERSION_MISMATCH,
    ),
    (
        "SendLocalList",
        lambda it: it.send_local_list(5, UpdateType.DIFFERENTIAL, [LocalListEntry(id_tag="TAG")]),
        {
            "listVersion": 5,
            "localAuthorizationList": [{"idTag": "TAG"}],
            "updateType": "Differential",
        },
        {"status": "NotSupported"},
        CommandStatus.NOT_SUPPORTED,
    ),
    (
        "SetChargingProfile",
        lambda it: it.set_charging_profile(1, PROFILE),
        {"connectorId": 1, "csChargingProfiles": RAW_PROFILE},
        {"status": "NotSupported"},
        CommandStatus.NOT_SUPPORTED,
    ),
    (
        "TriggerMessage",
        lambda it: it.trigger_message(MessageTrigger.DIAGNOSTICS_STATUS_NOTIFICATION),
        {"requestedMessage": "DiagnosticsStatusNotification"},
        {"status": "NotImplemented"},
        CommandStatus.NOT_IMPLEMENTED,
    ),
    (
        "UnlockConnector",
        lambda it: it.unlock_connector(2),
        {"connectorId": 2},
        {"status": "UnlockFailed"},
        CommandStatus.UNLOCK_FAILED,
    ),
    (
        "UpdateFirmware",
        lambda it: it.update_firmware(
            "https://here/firmware", retrieve_at=NOON, retries=1, retry_interval_s=30
        ),
        {
            "location": "https://here/firmware",
            "retries": 1,
            "retrieveDate": NOON_TEXT,
            "retryInterval": 30,
        },
        {},
        None,
    ),
]


@pytest.fixture
async def commands(central: Bench, charger: RawCharger) -> Commands:
    """Those of CP1, after its interview."""
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    charger.calls.clear()
    return station.commands


@pytest.mark.parametrize(("action", "ask", "sent", "answer", "told"), ASKED)
async def test_what_is_asked_and_what_comes_of_it(
    charger: RawCharger,
    commands: Commands,
    action: str,
    ask: Ask,
    sent: dict[str, Any],
    answer: dict[str, Any],
    told: Any,
) -> None:
    charger.answers[action] = answer

    assert await ask(commands) == told

    assert charger.calls == [(action, sent)]


def test_each_message_that_a_central_system_starts_is_asked_above() -> None:
    assert {action for action, *_ in ASKED} == set(ACTIONS)
    assert len(ACTIONS) == 19


async def test_a_status_in_odd_letters_is_understood(
    charger: RawCharger, commands: Commands
) -> None:
    charger.answers["Reset"] = {"status": " accepted "}

    assert await commands.reset(ResetType.SOFT) is CommandStatus.ACCEPTED


@pytest.mark.parametrize(
    "answer",
    [{"status": "OK"}, {"status": 1}, {}, '[3,"%s",[]]'],
    ids=["unknown-status", "no-text", "no-status", "no-payload"],
)
async def test_an_answer_that_means_nothing_is_none(
    charger: RawCharger, commands: Commands, answer: Any
) -> None:
    charger.answers["ClearCache"] = answer

    with pytest.raises(AnswerUnreadable):
        await commands.clear_cache()


async def test_a_list_without_version_is_no_answer(charger: RawCharger, commands: Commands) -> None:
    charger.answers["GetLocalListVersion"] = {"listVersion": "new"}

    with pytest.raises(AnswerUnreadable):
        await commands.get_local_list_version()


async def test_a_call_error_is_told_with_its_code(charger: RawCharger, commands: Commands) -> None:
    charger.answers["ClearCache"] = '[4,"%s","SecurityError","not you",{}]'

    with pytest.raises(CallRefused) as refusal:
        await commands.clear_cache()

    assert (refusal.value.code, refusal.value.description) == ("SecurityError", "not you")


async def test_silence_absence_and_what_breaks_the_schema_are_told_apart(
    central: Bench, charger: RawCharger, commands: Commands
) -> None:
    charger.answers["ClearCache"] = None
    with pytest.raises(StationUnreachable) as silence:
        await commands.clear_cache()
    assert type(silence.value) is StationUnreachable

    with pytest.raises(CommandInvalid):
        await commands.change_configuration("k" * 51, "1")

    await charger.close()
    await wait_until(lambda: not central.stations["CP1"].connected)
    with pytest.raises(StationOffline):
        await commands.clear_cache()


def test_a_configuration_is_read_as_far_as_it_can_be() -> None:
    answer = {
        "configurationKey": [
            {"key": "Number", "value": 10, "readonly": "true"},
            {"key": "Truth", "value": True, "readonly": True},
            {"value": "of no key"},
            "no object",
        ],
        "unknownKey": ["A", 5, ""],
    }

    assert parse_configuration(answer) == Configuration(
        entries=(
            ConfigurationEntry(key="Number", value="10", readonly=False),
            ConfigurationEntry(key="Truth", value="true", readonly=True),
        ),
        unknown_keys=("A",),
    )
    assert parse_configuration({"configurationKey": "none"}) == Configuration(
        entries=(), unknown_keys=()
    )


async def test_how_uploads_and_updates_go_is_kept(central: Bench, charger: RawCharger) -> None:
    for status in ("Uploading", "Uploaded"):
        assert await charger.call("DiagnosticsStatusNotification", {"status": status}) == {}
    for status in ("Downloading", "InstallationFailed"):
        assert await charger.call("FirmwareStatusNotification", {"status": status}) == {}
    assert await charger.call("FirmwareStatusNotification", {"status": 5}) == {}

    station = central.stations["CP1"]
    assert station.diagnostics_status == "Uploaded"
    assert station.firmware_status == "InstallationFailed"
    assert [it.status for it in central.seen(DiagnosticsStatusChanged)] == ["Uploading", "Uploaded"]
    assert [it.status for it in central.seen(FirmwareStatusChanged)] == [
        "Downloading",
        "InstallationFailed",
    ]


@pytest.mark.parametrize("payload", [{"vendorId": "x"}, {}, {"vendorId": 5, "data": {}}])
async def test_a_vendors_own_message_is_answered_and_never_an_error(
    charger: RawCharger, payload: dict[str, Any]
) -> None:
    assert await charger.call("DataTransfer", payload) == {"status": "UnknownVendorId"}


async def test_a_session_that_uses_a_reservation_is_one_like_others(charger: RawCharger) -> None:
    start = {
        "connectorId": 1,
        "idTag": "TAG",
        "meterStart": 0,
        "timestamp": NOON_TEXT,
        "reservationId": 5,
    }

    answer = await charger.call("StartTransaction", start)

    assert answer["idTagInfo"] == {"status": "Accepted"}
    assert answer["transactionId"] > 0
