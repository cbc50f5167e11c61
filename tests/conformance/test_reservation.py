"""The published cases of the reservation profile for central systems (OCPP 1.6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .rig import VALID_TAG, Rig

RESERVATION_ID = 4711


def in_an_hour() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


async def reserve(rig: Rig, *, told: str = "Accepted", **fields: Any) -> dict[str, Any]:
    """Boot, and reserve the first connector, which the charger answers as told."""
    await rig.booted()
    rig.charger.answers["ReserveNow"] = {"status": told}
    wanted = {
        "connector_id": 1,
        "id_tag": VALID_TAG,
        "reservation_id": RESERVATION_ID,
        "expiry_date": in_an_hour().isoformat(),
    }
    return await rig.ask("reserve_now", **wanted | fields)


async def test_tc_046_reserved_connector_is_used(rig: Rig) -> None:
    expires_at = in_an_hour()
    answer = await reserve(rig, expiry_date=expires_at.isoformat())
    assert answer == {"status": "accepted", "reservation_id": RESERVATION_ID}
    told = rig.last("ReserveNow")
    assert datetime.fromisoformat(told.pop("expiryDate")) == expires_at
    assert told == {"connectorId": 1, "idTag": VALID_TAG, "reservationId": RESERVATION_ID}
    await rig.status("Reserved")
    await rig.shows("sensor.left_connector_1_status", "reserved")
    await rig.status("Preparing")
    started = await rig.starts(reservationId=RESERVATION_ID)
    assert started["idTagInfo"]["status"] == "Accepted"
    await rig.status("Charging")


async def test_tc_047_reservation_expires(rig: Rig) -> None:
    await reserve(rig)
    await rig.status("Reserved")
    await rig.status("Available")
    await rig.shows("sensor.left_connector_1_status", "available")


@pytest.mark.parametrize(
    ("told", "response"),
    [
        pytest.param("Faulted", "faulted", id="tc_048_1_faulted"),
        pytest.param("Occupied", "occupied", id="tc_048_2_occupied"),
        pytest.param("Unavailable", "unavailable", id="tc_048_3_unavailable"),
        pytest.param("Rejected", "rejected", id="tc_048_4_rejected"),
    ],
)
async def test_reservation_refused(rig: Rig, told: str, response: str) -> None:
    if told == "Unavailable":
        await rig.booted()
        rig.charger.answers["ChangeAvailability"] = {"status": "Accepted"}
        changed = await rig.ask("change_availability", connector_id=1, type="inoperative")
        assert changed["status"] == "accepted"
        assert rig.last("ChangeAvailability") == {"connectorId": 1, "type": "Inoperative"}
    assert (await reserve(rig, told=told))["status"] == response


async def test_tc_049_reserve_the_whole_charger(rig: Rig) -> None:
    assert (await reserve(rig, connector_id=0))["status"] == "accepted"
    assert rig.last("ReserveNow")["connectorId"] == 0


@pytest.mark.parametrize(
    ("told", "response"),
    [
        pytest.param("Accepted", "accepted", id="tc_051_cancelled"),
        pytest.param("Rejected", "rejected", id="tc_052_unknown"),
    ],
)
async def test_cancel_reservation(rig: Rig, told: str, response: str) -> None:
    await reserve(rig)
    await rig.status("Reserved")
    rig.charger.answers["CancelReservation"] = {"status": told}
    answer = await rig.ask("cancel_reservation", reservation_id=RESERVATION_ID)
    assert answer["status"] == response
    assert rig.last("CancelReservation") == {"reservationId": RESERVATION_ID}
    await rig.status("Available" if told == "Accepted" else "Reserved")
