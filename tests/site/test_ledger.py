"""The ledger reads back what it wrote, and nothing else."""

from typing import Any

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.storage.ledger import KeptBooking, Ledger

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
    assert (ledger.maxima_a, ledger.disabled) == ({}, set())
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
