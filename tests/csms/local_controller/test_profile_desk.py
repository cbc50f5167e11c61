"""The profiles of a back office are kept, over restarts, and end with their transactions."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms.events import TransactionStarted, TransactionStopped
from custom_components.balanz.csms.local_controller.modes import Mode
from custom_components.balanz.csms.local_controller.profile_desk import (
    KEEP_EVERY_S,
    StoredProfiles,
)
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


def setting_of(profile: dict[str, Any]) -> dict[str, Any]:
    return {"connectorId": 1, "csChargingProfiles": profile}


class Desks:
    """Desks on one queue, one after the other as over restarts."""

    def __init__(self, queue: UpstreamQueue) -> None:
        self.queue = queue
        self._stack = ExitStack()

    def open(self) -> StoredProfiles:
        """Start, after an orderly stop."""
        self.close()
        desk = StoredProfiles(
            self.queue,
            limits=ProfileLimits(),
            connectors=1,
            in_force=dict,
            on_change=lambda: None,
        )
        self._stack.callback(desk.close)
        return desk

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
async def desks(queue: UpstreamQueue) -> AsyncGenerator[Desks]:
    desks = Desks(queue)
    yield desks
    desks.close()


async def test_a_late_stop_of_an_older_session_ends_no_profile_of_the_one_that_runs(
    desks: Desks,
) -> None:
    desks.queue.ids[8] = 4712
    desk = desks.open()
    desk.take(started(7))
    desk.take(started(8, AT.replace(hour=11)))
    await desk.serve("SetChargingProfile", of_transaction(4712))

    desk.take(stopped(7))
    assert desk.ids == {1}

    desk.take(stopped(8))
    assert not desk.any


@pytest.mark.parametrize("told_before", [True, False])
async def test_a_session_of_before_a_restart_gets_its_profile(
    desks: Desks, told_before: bool
) -> None:
    desks.open().take(started(7))

    again = desks.open()
    if told_before:
        desks.queue.ids[7] = 4711
    again.take(started(7))
    if not told_before:
        again.identified(7, 4711)

    assert await again.serve("SetChargingProfile", of_transaction(4711)) == {"status": "Accepted"}


@pytest.mark.parametrize("kept", ["{}", "[", "", '"profiles"'])
async def test_profiles_that_cannot_be_read_back_are_lost_until_others_are_set(
    desks: Desks, kept: str
) -> None:
    desks.queue.remember("profiles", kept)

    desk = desks.open()
    desk.take(started(7))
    assert (desk.any, desk.lost) == (False, True)

    desk = desks.open()
    assert desk.lost
    await desk.serve("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": FOR_ALL})
    assert not desk.lost


async def test_profiles_that_change_all_the_time_are_recorded_now_and_then(desks: Desks) -> None:
    desk = desks.open()
    records: list[str] = []

    async def set_again(times: int) -> None:
        for number in range(times):
            profile = FOR_ALL | {"stackLevel": number % 3}
            await desk.serve("SetChargingProfile", setting_of(profile))
            records.append(desks.queue.facts["profiles"])
            await asyncio.sleep(KEEP_EVERY_S / 100)

    await set_again(1000)

    assert len(set(records)) > 1
    changes = sum(before != after for before, after in pairwise(records))
    assert changes <= 10


async def test_the_last_of_many_changes_is_recorded_by_itself(desks: Desks) -> None:
    desk = desks.open()
    for level in range(3):
        await desk.serve("SetChargingProfile", setting_of(FOR_ALL | {"stackLevel": level}))
    assert len(json.loads(desks.queue.facts["profiles"])["profiles"]) == 1

    await asyncio.sleep(KEEP_EVERY_S)

    [kept] = json.loads(desks.queue.facts["profiles"])["profiles"]
    assert kept["profile"]["stackLevel"] == 2


async def test_the_last_of_many_changes_is_recorded_at_a_stop(desks: Desks) -> None:
    desk = desks.open()
    for number in (2, 3):
        profile = FOR_ALL | {"chargingProfileId": number, "stackLevel": number}
        await desk.serve("SetChargingProfile", setting_of(profile))

    assert desks.open().ids == {2, 3}


async def test_who_holds_the_profiles_is_known_after_a_restart(desks: Desks) -> None:
    assert desks.open().mode is Mode.MERGE

    desks.open().mode = Mode.CAP

    assert desks.open().mode is Mode.CAP


async def test_what_a_charger_is_given_speaks_of_its_own_transactions(desks: Desks) -> None:
    desks.queue.ids[7] = 4711
    desk = desks.open()
    desk.take(started(7))
    await desk.serve("SetChargingProfile", of_transaction(4711))
    await desk.serve("SetChargingProfile", setting_of(FOR_ALL))

    assert [it.profile.transaction_id for it in desk.others(())] == [7, None]
    assert [it.profile.id for it in desk.others({1})] == [2]


async def test_caps_of_a_whole_charger_are_kept_here_in_any_case(desks: Desks) -> None:
    desk = desks.open()
    of_all = FOR_ALL | {"chargingProfilePurpose": "ChargePointMaxProfile", "chargingProfileId": 9}
    await desk.serve("SetChargingProfile", setting_of(FOR_ALL))
    await desk.serve("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": of_all})

    assert desk.kept_here == {9}


async def test_the_profile_of_a_start_waits_for_its_session(desks: Desks) -> None:
    desk = desks.open()

    assert desk.start_with(START) == {"idTag": "TAG", "connectorId": 1}
    assert not desk.any
    desk.take(started(7))

    assert desk.ids == {1}


async def test_a_start_that_is_refused_leaves_no_profile(desks: Desks) -> None:
    desk = desks.open()
    desk.start_with(START)

    desk.start_refused(START)
    desk.take(started(7))

    assert not desk.any


async def test_a_start_with_a_profile_for_all_is_none(desks: Desks) -> None:
    assert desks.open().start_with(START | {"chargingProfile": FOR_ALL}) is None


async def test_what_the_charger_has_taken_itself_counts_once_it_is_kept_here(
    desks: Desks,
) -> None:
    desk = desks.open()

    desk.mirror("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": FOR_ALL})
    desk.mirror("RemoteStartTransaction", START)
    desk.mirror("SetChargingProfile", {"connectorId": "nowhere"})
    desk.take(started(7))
    assert desk.ids == {1, 2}

    desk.mirror("ClearChargingProfile", {"id": 2})
    assert desk.ids == {1}


async def test_what_is_taken_is_what_the_charger_tells_to_take(desks: Desks) -> None:
    desk = desks.open()
    high = {"connectorId": 1, "csChargingProfiles": FOR_ALL | {"stackLevel": 3}}
    assert await desk.serve("SetChargingProfile", high) == {"status": "Accepted"}

    desk.limits = ProfileLimits(max_stack_level=2)

    assert desk.settings["chargeprofilemaxstacklevel"] == "2"
    assert await desk.serve("SetChargingProfile", high) == {"status": "Rejected"}
