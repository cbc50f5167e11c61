"""The profiles of a back office are kept, over restarts, and end with their transactions."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms.events import TransactionStarted, TransactionStopped
from custom_components.balanz.csms.local_controller.profile_desk import StoredProfiles
from custom_components.balanz.csms.local_controller.profile_store import ProfileLimits
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import UpstreamLedger, UpstreamQueue

from .test_upstream_calls import PROFILE, START

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
FOR_ALL = PROFILE | {"chargingProfileId": 2, "chargingProfilePurpose": "TxDefaultProfile"}


def started(own_id: int, at: datetime = AT) -> TransactionStarted:
    return TransactionStarted(
        identity="CP1",
        connector=1,
        transaction_id=own_id,
        id_tag="TAG",
        meter_start_wh=0.0,
        started_at=at,
    )


def stopped(own_id: int) -> TransactionStopped:
    return TransactionStopped(
        identity="CP1",
        connector=1,
        transaction_id=own_id,
        meter_stop_wh=0.0,
        stopped_at=AT,
        reason="",
    )


def of_transaction(number: int) -> dict[str, Any]:
    return {"connectorId": 1, "csChargingProfiles": PROFILE | {"transactionId": number}}


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncGenerator[UpstreamQueue]:
    ledger = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await ledger.open()
    yield ledger.queue("CP1 ws://office/CP1")
    await ledger.close()


def desk_of(queue: UpstreamQueue) -> StoredProfiles:
    return StoredProfiles(
        queue,
        limits=ProfileLimits(),
        connectors=1,
        in_force=dict,
        on_change=lambda: None,
    )


async def test_a_late_stop_of_an_older_session_ends_no_profile_of_the_one_that_runs(
    queue: UpstreamQueue,
) -> None:
    queue.ids[8] = 4712
    desk = desk_of(queue)
    desk.take(started(7))
    desk.take(started(8, AT.replace(hour=11)))
    await desk.serve("SetChargingProfile", of_transaction(4712))

    desk.take(stopped(7))
    assert desk.ids == {1}

    desk.take(stopped(8))
    assert not desk.any


@pytest.mark.parametrize("told_before", [True, False])
async def test_a_session_of_before_a_restart_gets_its_profile(
    queue: UpstreamQueue, told_before: bool
) -> None:
    desk_of(queue).take(started(7))

    again = desk_of(queue)
    if told_before:
        queue.ids[7] = 4711
    again.take(started(7))
    if not told_before:
        again.identified(7, 4711)

    assert await again.serve("SetChargingProfile", of_transaction(4711)) == {"status": "Accepted"}


async def test_profiles_that_cannot_be_read_back_are_none(queue: UpstreamQueue) -> None:
    queue.remember("profiles", "{}")

    assert not desk_of(queue).any


async def test_the_profile_of_a_start_waits_for_its_session(queue: UpstreamQueue) -> None:
    desk = desk_of(queue)

    assert desk.start_with(START) == {"idTag": "TAG", "connectorId": 1}
    assert not desk.any
    desk.take(started(7))

    assert desk.ids == {1}


async def test_a_start_that_is_refused_leaves_no_profile(queue: UpstreamQueue) -> None:
    desk = desk_of(queue)
    desk.start_with(START)

    desk.start_refused(START)
    desk.take(started(7))

    assert not desk.any


async def test_a_start_with_a_profile_for_all_is_none(queue: UpstreamQueue) -> None:
    assert desk_of(queue).start_with(START | {"chargingProfile": FOR_ALL}) is None


async def test_what_the_charger_has_taken_itself_counts_once_it_is_kept_here(
    queue: UpstreamQueue,
) -> None:
    desk = desk_of(queue)

    desk.mirror("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": FOR_ALL})
    desk.mirror("RemoteStartTransaction", START)
    desk.mirror("SetChargingProfile", {"connectorId": "nowhere"})
    desk.take(started(7))
    assert desk.ids == {1, 2}

    desk.mirror("ClearChargingProfile", {"id": 2})
    assert desk.ids == {1}


async def test_what_is_taken_is_what_the_charger_tells_to_take(queue: UpstreamQueue) -> None:
    desk = desk_of(queue)
    high = {"connectorId": 1, "csChargingProfiles": FOR_ALL | {"stackLevel": 3}}
    assert await desk.serve("SetChargingProfile", high) == {"status": "Accepted"}

    desk.limits = ProfileLimits(max_stack_level=2)

    assert desk.settings["chargeprofilemaxstacklevel"] == "2"
    assert await desk.serve("SetChargingProfile", high) == {"status": "Rejected"}
