"""The published cases of the core profile for central systems (OCPP 1.6)."""

from datetime import UTC, datetime, timedelta

import pytest

from .rig import CONNECTORS, VALID_TAG, Rig, stamp


async def test_tc_001_cold_boot(rig: Rig) -> None:
    answer = await rig.booted()
    told = datetime.fromisoformat(answer["currentTime"])
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=5)
    assert answer["interval"] > 0
    heartbeat = await rig.says("Heartbeat")
    assert datetime.fromisoformat(heartbeat["currentTime"]) >= told
    await rig.shows("sensor.left_connector_1_status", "available")


async def test_tc_003_session_plug_in_first(rig: Rig) -> None:
    await rig.booted()
    await rig.status("Preparing")
    assert await rig.authorize() == "Accepted"
    started = await rig.starts()
    assert started["idTagInfo"]["status"] == "Accepted"
    assert started["transactionId"] > 0
    await rig.status("Charging")
    await rig.shows("sensor.left_connector_1_status", "charging")


async def test_tc_004_1_session_identification_first(rig: Rig) -> None:
    assert await rig.charging() > 0


async def test_tc_004_2_identification_first_and_nobody_plugs_in(rig: Rig) -> None:
    await rig.authorized()
    await rig.status("Preparing")
    await rig.status("Available")
    await rig.shows("binary_sensor.left_connector_1_plugged", "off")
    await rig.has_no_transaction()


async def test_tc_005_1_disconnected_at_the_car(rig: Rig) -> None:
    transaction_id = await rig.charging()
    await rig.status("SuspendedEV")
    answer = await rig.stops(transaction_id, "EVDisconnected", idTag=VALID_TAG)
    assert answer.get("idTagInfo", {"status": "Accepted"})["status"] == "Accepted"
    await rig.unplugged()
    await rig.shows("sensor.left_connector_1_status", "available")


async def test_tc_007_start_with_a_cached_tag(rig: Rig) -> None:
    await rig.booted()
    await rig.status("Preparing")
    assert (await rig.starts())["idTagInfo"]["status"] == "Accepted"


@pytest.mark.parametrize(
    "plugged_in_first",
    [
        pytest.param(True, id="tc_010_cable_first"),
        pytest.param(False, id="tc_011_1_remote_start_first"),
    ],
)
async def test_remote_start(rig: Rig, plugged_in_first: bool) -> None:
    await rig.booted()
    rig.charger.answers["RemoteStartTransaction"] = {"status": "Accepted"}
    if plugged_in_first:
        await rig.status("Preparing")
    answer = await rig.ask("remote_start_transaction", id_tag=VALID_TAG, connector_id=1)
    assert answer["status"] == "accepted"
    assert rig.last("RemoteStartTransaction") == {"connectorId": 1, "idTag": VALID_TAG}
    assert await rig.authorize() == "Accepted"
    if not plugged_in_first:
        await rig.status("Preparing")
    assert (await rig.starts())["idTagInfo"]["status"] == "Accepted"
    await rig.status("Charging")
    await rig.shows("sensor.left_connector_1_status", "charging")


async def test_tc_011_2_remote_start_and_nobody_plugs_in(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["RemoteStartTransaction"] = {"status": "Accepted"}
    await rig.ask("remote_start_transaction", id_tag=VALID_TAG, connector_id=1)
    await rig.status("Preparing")
    await rig.status("Available")
    await rig.shows("sensor.left_connector_1_status", "available")
    await rig.has_no_transaction()


async def test_tc_012_remote_stop(rig: Rig) -> None:
    transaction_id = await rig.charging()
    rig.charger.answers["RemoteStopTransaction"] = {"status": "Accepted"}
    answer = await rig.ask("remote_stop_transaction", connector_id=1)
    assert answer["status"] == "accepted"
    assert rig.last("RemoteStopTransaction") == {"transactionId": transaction_id}
    await rig.stops(transaction_id, "Remote")
    await rig.unplugged()


@pytest.mark.parametrize(
    "kind", [pytest.param("hard", id="tc_013_hard"), pytest.param("soft", id="tc_014_soft")]
)
async def test_reset(rig: Rig, kind: str) -> None:
    await rig.booted()
    rig.charger.answers["Reset"] = {"status": "Accepted"}
    answer = await rig.ask("reset", type=kind)
    assert answer["status"] == "accepted"
    assert rig.last("Reset") == {"type": kind.title()}
    await rig.booted()


@pytest.mark.parametrize(
    ("told", "response"),
    [
        pytest.param("Unlocked", "unlocked", id="tc_017_1_unlocked"),
        pytest.param("NotSupported", "not_supported", id="tc_017_2_no_lock"),
        pytest.param("UnlockFailed", "unlock_failed", id="tc_030_unlock_failure"),
    ],
)
async def test_unlock_connector(rig: Rig, told: str, response: str) -> None:
    await rig.booted()
    rig.charger.answers["UnlockConnector"] = {"status": told}
    answer = await rig.ask("unlock_connector", connector_id=2)
    assert answer["status"] == response
    assert rig.last("UnlockConnector") == {"connectorId": 2}


async def test_tc_031_unlock_a_connector_that_is_not_there(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["UnlockConnector"] = {"status": "NotSupported"}
    answer = await rig.ask("unlock_connector", connector_id=CONNECTORS + 1)
    assert answer["status"] == "not_supported"
    assert rig.last("UnlockConnector") == {"connectorId": CONNECTORS + 1}


async def test_tc_018_1_unlock_ends_the_session(rig: Rig) -> None:
    transaction_id = await rig.charging()
    rig.charger.answers["UnlockConnector"] = {"status": "Unlocked"}
    assert (await rig.ask("unlock_connector", connector_id=1))["status"] == "unlocked"
    await rig.stops(transaction_id, "UnlockCommand")
    await rig.unplugged()


async def test_tc_019_1_all_of_the_configuration(rig: Rig) -> None:
    await rig.booted()
    await rig.quiet()
    rig.charger.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
    }
    answer = await rig.ask("get_configuration")
    assert rig.last("GetConfiguration").get("key", []) == []
    assert answer["configuration_key"] == [
        {"key": "HeartbeatInterval", "value": "300", "readonly": False}
    ]


async def test_tc_019_2_one_key_of_the_configuration(rig: Rig) -> None:
    await rig.booted()
    await rig.quiet()
    rig.charger.answers["GetConfiguration"] = {"unknownKey": ["SupportedFeatureProfiles"]}
    answer = await rig.ask("get_configuration", key=["SupportedFeatureProfiles"])
    assert rig.last("GetConfiguration") == {"key": ["SupportedFeatureProfiles"]}
    assert answer["unknown_key"] == ["SupportedFeatureProfiles"]


@pytest.mark.parametrize(
    ("told", "response"),
    [
        pytest.param("Accepted", "accepted", id="tc_021_accepted"),
        pytest.param("NotSupported", "not_supported", id="tc_040_1_not_supported"),
        pytest.param("Rejected", "rejected", id="tc_040_2_rejected"),
    ],
)
async def test_change_configuration(rig: Rig, told: str, response: str) -> None:
    await rig.booted()
    await rig.quiet()
    rig.charger.answers["ChangeConfiguration"] = {"status": told}
    answer = await rig.ask("change_configuration", key="MeterValueSampleInterval", value="10")
    assert answer["status"] == response
    assert rig.last("ChangeConfiguration") == {"key": "MeterValueSampleInterval", "value": "10"}


@pytest.mark.usefixtures("all_entities_enabled")
async def test_tc_024_lock_failure(rig: Rig) -> None:
    await rig.authorized()
    await rig.status("Preparing")
    await rig.status("Faulted", error="ConnectorLockFailure")
    await rig.shows("sensor.left_connector_1_status", "faulted")
    await rig.shows("sensor.left_connector_1_error", "connector_lock_failure")


async def test_tc_026_remote_start_rejected(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["RemoteStartTransaction"] = {"status": "Rejected"}
    answer = await rig.ask("remote_start_transaction", id_tag=VALID_TAG, connector_id=1)
    assert answer["status"] == "rejected"
    await rig.shows("sensor.left_connector_1_status", "available")


async def test_tc_028_remote_stop_rejected(rig: Rig) -> None:
    transaction_id = await rig.charging()
    rig.charger.answers["RemoteStopTransaction"] = {"status": "Rejected"}
    answer = await rig.ask("remote_stop_transaction", transaction_id=transaction_id + 1)
    assert answer["status"] == "rejected"
    assert rig.last("RemoteStopTransaction") == {"transactionId": transaction_id + 1}
    await rig.shows("sensor.left_connector_1_status", "charging")


async def test_tc_032_1_power_failure(rig: Rig) -> None:
    transaction_id = await rig.charging()
    answer = await rig.says("BootNotification", chargePointVendor="Tester", chargePointModel="One")
    assert answer["status"] == "Accepted"
    await rig.unplugged()
    await rig.stops(transaction_id, "PowerLoss")
    await rig.shows("sensor.left_connector_1_status", "available")


async def test_tc_037_1_offline_start_with_a_valid_tag(rig: Rig) -> None:
    await rig.booted()
    started = await rig.starts(timestamp=stamp(minutes_ago=30))
    assert started["idTagInfo"]["status"] == "Accepted"
    await rig.status("Charging")
    await rig.shows("sensor.left_connector_1_status", "charging")


async def test_tc_039_offline_transaction(rig: Rig) -> None:
    await rig.booted()
    started = await rig.starts(timestamp=stamp(minutes_ago=60))
    assert started["idTagInfo"]["status"] == "Accepted"
    await rig.stops(started["transactionId"], "Local", timestamp=stamp(minutes_ago=5))
    await rig.shows("sensor.left_connector_1_status", "available")


async def test_tc_061_clear_cache(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["ClearCache"] = {"status": "Accepted"}
    assert (await rig.ask("clear_cache"))["status"] == "accepted"
    assert rig.last("ClearCache") == {}


async def test_tc_064_data_of_an_unknown_vendor(rig: Rig) -> None:
    await rig.booted()
    answer = await rig.says("DataTransfer", vendorId="nobody.knows", messageId="X", data="1")
    assert answer["status"] in {"Rejected", "UnknownVendorId", "UnknownMessageId"}
