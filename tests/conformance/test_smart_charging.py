"""The published cases of the smart charging profile for central systems (OCPP 1.6).

The profiles are those of the tester, so balanz's own smart charging is switched off.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .rig import VALID_TAG, Rig

START = datetime.now(UTC).replace(microsecond=0)
END = START + timedelta(hours=1)


def profile(purpose: str, **fields: Any) -> dict[str, Any]:
    """A profile of 6 A for an hour, in the words of OCPP."""
    schedule = {
        "duration": 3600,
        "startSchedule": START.isoformat(),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0, "numberPhases": 3}],
    }
    return {
        "chargingProfileId": 100,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "validFrom": START.isoformat(),
        "validTo": END.isoformat(),
        "chargingSchedule": schedule,
        **fields,
    }


def relative(**fields: Any) -> dict[str, Any]:
    """A TxProfile of 6 A from the transaction's start on."""
    return {
        "chargingProfileId": 100,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}],
        },
        **fields,
    }


@pytest.fixture(autouse=True)
async def smart_charging_is_off(rig: Rig) -> None:
    await rig.without_smart_charging()


async def test_tc_056_default_profile(rig: Rig) -> None:
    await rig.booted()
    answer = await rig.ask(
        "set_charging_profile", connector_id=1, charging_profile=profile("TxDefaultProfile")
    )
    assert answer["status"] == "accepted"
    (told,) = rig.sent("SetChargingProfile")
    assert told["connectorId"] == 1
    sent = told["csChargingProfiles"]
    assert sent["chargingProfilePurpose"] == "TxDefaultProfile"
    assert sent["chargingProfileKind"] == "Absolute"
    assert sent["stackLevel"] == 0
    assert datetime.fromisoformat(sent["validFrom"]) == START
    assert datetime.fromisoformat(sent["validTo"]) == END
    assert "transactionId" not in sent
    assert "recurrencyKind" not in sent
    schedule = sent["chargingSchedule"]
    assert schedule["duration"] == 3600
    assert datetime.fromisoformat(schedule["startSchedule"]) == START
    assert schedule["chargingRateUnit"] == "A"
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 6.0, "numberPhases": 3}
    ]


async def test_tc_057_profile_of_a_running_transaction(rig: Rig) -> None:
    transaction_id = await rig.charging()
    answer = await rig.ask(
        "set_charging_profile", connector_id=1, charging_profile=profile("TxProfile")
    )
    assert answer["status"] == "accepted"
    (told,) = rig.sent("SetChargingProfile")
    sent = told["csChargingProfiles"]
    assert told["connectorId"] == 1
    assert sent["chargingProfilePurpose"] == "TxProfile"
    assert sent["transactionId"] == transaction_id
    assert "recurrencyKind" not in sent


async def test_tc_059_remote_start_with_a_profile(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["RemoteStartTransaction"] = {"status": "Accepted"}
    answer = await rig.ask(
        "remote_start_transaction",
        connector_id=1,
        id_tag=VALID_TAG,
        charging_profile=relative(),
    )
    assert answer["status"] == "accepted"
    told = rig.last("RemoteStartTransaction")
    assert (told["connectorId"], told["idTag"]) == (1, VALID_TAG)
    sent = told["chargingProfile"]
    assert sent["chargingProfilePurpose"] == "TxProfile"
    assert sent["chargingProfileKind"] == "Relative"
    assert "transactionId" not in sent
    assert sent["chargingSchedule"]["chargingSchedulePeriod"][0]["startPeriod"] == 0
    assert await rig.authorize() == "Accepted"
    await rig.status("Preparing")
    assert (await rig.starts())["idTagInfo"]["status"] == "Accepted"
    await rig.status("Charging")


async def test_tc_066_composite_schedule(rig: Rig) -> None:
    await rig.booted()
    rig.charger.answers["GetCompositeSchedule"] = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": START.isoformat(),
        "chargingSchedule": {
            "duration": 300,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}],
        },
    }
    answer = await rig.ask(
        "get_composite_schedule", connector_id=1, duration=300, charging_rate_unit="A"
    )
    assert rig.last("GetCompositeSchedule") == {
        "connectorId": 1,
        "duration": 300,
        "chargingRateUnit": "A",
    }
    assert answer["status"] == "accepted"
    assert [(it["start_period"], it["limit"]) for it in answer["charging_schedule_period"]] == [
        (0, 6.0)
    ]


async def test_tc_067_clear_profiles(rig: Rig) -> None:
    transaction_id = await rig.charging()
    rig.charger.answers["ClearChargingProfile"] = {"status": "Accepted"}
    for connector, wanted in (
        (0, profile("ChargePointMaxProfile", chargingProfileId=101)),
        (1, profile("TxDefaultProfile", chargingProfileId=102, stackLevel=1)),
        (1, profile("TxProfile", chargingProfileId=103, transactionId=transaction_id)),
    ):
        set_one = await rig.ask(
            "set_charging_profile", connector_id=connector, charging_profile=wanted
        )
        assert set_one["status"] == "accepted"
    for criteria in (
        {"id": 101},
        {
            "connector_id": 1,
            "charging_profile_purpose": "tx_default_profile",
            "stack_level": 1,
        },
        {},
    ):
        assert (await rig.ask("clear_charging_profile", **criteria))["status"] == "accepted"
    assert rig.sent("ClearChargingProfile") == [
        {"id": 101},
        {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1},
        {},
    ]
