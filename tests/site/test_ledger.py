"""The ledger reads back what it wrote, and nothing else."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.storage.ledger import KeptBooking, Ledger
from custom_components.balanz.storage.proofs import (
    Fact,
    Finding,
    Firmware,
    FirmwareProof,
    ProofLevel,
    SeenBy,
)

A, B = ConnectorKey("A", 1), ConnectorKey("B", 2)
BOOKING = KeptBooking(
    connector=1,
    id="b1",
    charger="A",
    charger_name="Left",
    group_id="root",
    currents=PhaseCurrents(l1=1.0, l2=2.0, l3=3.0),
)


def filled() -> Ledger:
    ledger = Ledger()
    ledger.restore(
        [
            ledger.note_limit(A, 16.0),
            ledger.note_limit(B, 6.0),
            ledger.note_capacity("root", 20.0),
            ledger.note_maximum(A, 10.0),
            ledger.note_enabled(A, enabled=False),
            ledger.note_boost_duration(A, timedelta(minutes=30)),
            ledger.note_booking(BOOKING),
        ]
    )
    return ledger


def state(ledger: Ledger) -> tuple[object, ...]:
    return (
        ledger.limits_a,
        ledger.capacities_a,
        ledger.maxima_a,
        ledger.disabled,
        ledger.boosts,
        ledger.bookings,
    )


def test_what_its_records_say_is_what_it_knew() -> None:
    copy = Ledger()
    copy.restore(filled().records())
    assert state(copy) == state(filled())
    assert copy.bookings == {"b1": BOOKING}


def test_the_last_record_of_a_thing_counts() -> None:
    ledger = filled()
    ledger.apply(ledger.note_limit(A, 8.0))
    ledger.apply(ledger.note_enabled(A, enabled=True))
    ledger.apply(ledger.note_released("b1"))
    ledger.apply(ledger.note_released("b1"))
    assert (ledger.limits_a[A], ledger.disabled, ledger.bookings) == (8.0, set(), {})


def test_a_forgotten_charger_leaves_only_its_bookings() -> None:
    ledger = filled()
    ledger.apply(ledger.note_forgotten("A"))
    assert ledger.limits_a == {B: 6.0}
    assert (ledger.maxima_a, ledger.disabled, ledger.boosts) == ({}, set(), {})
    assert ledger.bookings == {"b1": BOOKING}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "transaction_started", "id": 1},
        {"kind": "limit", "charger": "A"},
        {"kind": "limit", "charger": "A", "connector": "x", "limit_a": 1},
        {"kind": "capacity", "group": "root", "capacity_a": None},
        {"kind": "booking", "id": "b2"},
        {"kind": "boost_duration", "charger": "A", "connector": 1, "duration_s": 0},
        {"kind": "boost_duration", "charger": "A", "connector": 1, "duration_s": math.nan},
        {"kind": "boost_duration", "charger": "A", "connector": 1, "duration_s": 86_401},
    ],
)
def test_a_record_that_does_not_read_as_one_of_its_own_changes_nothing(
    record: dict[str, Any],
) -> None:
    ledger = filled()
    ledger.restore([record])
    assert state(ledger) == state(filled())


def test_the_worst_hours_of_each_group_are_kept_apart() -> None:
    ledger = filled()
    hours = {8: PhaseCurrents(l1=9.5), 9: PhaseCurrents(l2=1.0)}
    ledger.apply(ledger.note_worst_hours("root", hours))
    ledger.apply(ledger.note_worst_hours("garage", {8: PhaseCurrents(l3=2.0)}))
    ledger.apply(ledger.note_worst_hours("root", {8: PhaseCurrents(l1=4.0)}))
    copy = Ledger()
    copy.restore(ledger.records())
    assert copy.worst_hours == {
        "root": {8: PhaseCurrents(l1=4.0), 9: PhaseCurrents(l2=1.0)},
        "garage": {8: PhaseCurrents(l3=2.0)},
    }


@pytest.mark.parametrize("rows", [None, [[8, 1.0]], [[8, 1.0, 2.0, 3.0], [9, 1.0, 2.0, None]]])
def test_worst_hours_that_do_not_tell_all_phases_change_nothing(rows: Any) -> None:
    ledger = Ledger()
    ledger.restore([{"kind": "worst_hours", "group": "root", "hours": rows}])
    assert ledger.worst_hours == {}


OLD = Firmware(vendor="Simple", model="One", version="1.0")
NEW = Firmware(vendor="Simple", model="One", version="1.1")
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def seen(*, holds: bool) -> Finding:
    return Finding(holds=holds, seen_by=SeenBy.COMPOSITE_SCHEDULE, seen_at=NOON)


def proven(ledger: Ledger, firmware: Firmware, *facts: Fact) -> FirmwareProof:
    for fact in facts:
        ledger.apply(ledger.note_finding(firmware, fact, seen(holds=True)))
    return ledger.proofs[firmware]


def test_what_was_seen_of_a_firmware_is_read_back() -> None:
    ledger = Ledger()
    ledger.apply(ledger.note_firmware("A", OLD))
    proven(ledger, OLD, *Fact)
    ledger.apply(ledger.note_interview(OLD, {"connectors": 2}))
    ledger.apply(ledger.note_finding(NEW, Fact.LAPSES, seen(holds=False)))
    with_stack = replace(seen(holds=True), lease="stack")
    ledger.apply(ledger.note_finding(OLD, Fact.LAPSES, with_stack))
    of_a_cap = replace(seen(holds=True), cap=True)
    ledger.apply(ledger.note_finding(OLD, Fact.OUTLASTS_REBOOT, of_a_cap))
    copy = Ledger()
    copy.restore(ledger.records())
    assert copy.proofs[OLD].lease == "stack"
    assert copy.proofs[OLD].findings[Fact.OUTLASTS_REBOOT].cap
    assert copy.firmwares == {"A": OLD}
    assert copy.interviews == {OLD: {"connectors": 2}}
    assert copy.proofs == ledger.proofs
    assert copy.proofs[NEW].findings[Fact.LAPSES] == seen(holds=False)


def test_it_is_known_over_a_rewrite_that_a_backup_is_being_made() -> None:
    ledger = Ledger()
    ledger.apply(ledger.note_backup(running=True))
    copy = Ledger()
    copy.restore(ledger.records())
    assert copy.in_backup

    copy.apply(copy.note_backup(running=False))
    assert list(copy.records()) == []


def test_what_was_seen_last_counts() -> None:
    ledger = Ledger()
    assert proven(ledger, OLD, *Fact).level is ProofLevel.PROVEN
    ledger.apply(ledger.note_finding(OLD, Fact.OUTLASTS_REBOOT, seen(holds=False)))
    assert not ledger.proofs[OLD].keeps_limit
    assert ledger.proofs[OLD].level is ProofLevel.LAPSE_SEEN


def test_a_charger_that_is_forgotten_takes_no_proof_with_it() -> None:
    ledger = Ledger()
    ledger.apply(ledger.note_firmware("A", OLD))
    proven(ledger, OLD, Fact.LAPSES)
    ledger.apply(ledger.note_forgotten("A"))
    assert ledger.firmwares == {}
    assert ledger.proofs[OLD].lapses


def test_a_limit_is_kept_only_where_it_outlasts_both() -> None:
    assert not proven(Ledger(), OLD, Fact.OUTLASTS_LINK_LOSS).keeps_limit
    assert not proven(Ledger(), OLD, Fact.OUTLASTS_REBOOT).keeps_limit
    both = proven(Ledger(), OLD, Fact.OUTLASTS_LINK_LOSS, Fact.OUTLASTS_REBOOT)
    assert both.keeps_limit
    assert both.level is ProofLevel.NOTHING


@pytest.mark.parametrize(
    "change",
    [{"fact": "flies"}, {"seen_by": "hearsay"}, {"seen_at": "noon"}, {"seen_at": None}],
)
def test_a_finding_that_means_nothing_proves_nothing(change: dict[str, Any]) -> None:
    ledger = Ledger()
    ledger.restore([ledger.note_finding(OLD, Fact.LAPSES, seen(holds=True)) | change])
    assert ledger.proofs == {}


@pytest.mark.parametrize("missing", ["vendor", "model", "version"])
def test_a_firmware_is_told_only_in_full(missing: str) -> None:
    assert OLD.is_told
    assert not replace(OLD, **{missing: ""}).is_told
