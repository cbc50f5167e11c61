"""The published cases about tags that are refused, or belong together (OCPP 1.6)."""

from typing import Any

import pytest

from .rig import VALID_TAG, Rig, stamp
from .test_reservation import RESERVATION_ID, reserve

STRANGER, FAMILY = "STRANGER", "FAMILY"
UNKNOWN_ARE_REFUSED = {"tags": {"unknown": "refuse"}}


@pytest.fixture
async def only_known(rig: Rig) -> Rig:
    """A site that refuses cards that nobody has set up."""
    (entry,) = rig.hass.config_entries.async_entries("balanz")
    rig.hass.config_entries.async_update_entry(entry, options=UNKNOWN_ARE_REFUSED)
    await rig.hass.async_block_till_done()
    await rig.knows(VALID_TAG, name="Ann")
    return rig


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        pytest.param(None, "Invalid", id="tc_023_1_invalid"),
        pytest.param({"expires": "2020-01-01T00:00:00+00:00"}, "Expired", id="tc_023_2_expired"),
        pytest.param({"status": "blocked"}, "Blocked", id="tc_023_3_blocked"),
    ],
)
async def test_refused_tag(only_known: Rig, fields: dict[str, Any] | None, verdict: str) -> None:
    if fields is not None:
        await only_known.knows(STRANGER, **fields)
    await only_known.booted()
    assert await only_known.authorize(STRANGER) == verdict
    await only_known.shows("sensor.left_connector_1_status", "available")


async def test_tc_037_3_offline_start_with_an_invalid_tag(only_known: Rig) -> None:
    await only_known.booted()
    only_known.charger.answers["RemoteStopTransaction"] = {"status": "Accepted"}
    started = await only_known.starts(STRANGER, timestamp=stamp(minutes_ago=30))
    assert started["idTagInfo"]["status"] == "Invalid"
    assert started["transactionId"] > 0
    await only_known.stops(started["transactionId"], "DeAuthorized")
    await only_known.status("Finishing")
    await only_known.shows("sensor.left_connector_1_status", "finishing")


async def test_tc_053_reserved_for_a_family(only_known: Rig) -> None:
    for one in (VALID_TAG, "SECOND"):
        await only_known.knows(one, parent=FAMILY)
    answer = await reserve(only_known, parent_id_tag=FAMILY)
    assert answer["status"] == "accepted"
    assert only_known.last("ReserveNow")["parentIdTag"] == FAMILY
    await only_known.status("Reserved")
    told = await only_known.says("Authorize", idTag="SECOND")
    assert told["idTagInfo"]["status"] == "Accepted"
    assert told["idTagInfo"]["parentIdTag"] == FAMILY
    started = await only_known.starts("SECOND", reservationId=RESERVATION_ID)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert started["idTagInfo"]["parentIdTag"] == FAMILY
