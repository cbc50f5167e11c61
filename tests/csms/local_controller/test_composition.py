"""What profiles allow together, at every second."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.command_values import ProfilePurpose
from custom_components.balanz.csms.local_controller.composition import (
    ComposedLimit,
    Composition,
    InstalledProfile,
    Lines,
    RunningTransaction,
    composite_schedule,
    limit_at,
)
from simulator.profile_set import ProfileSet, merged
from simulator.profiles import Kind, Period, Profile, Purpose, Recurrency, Schedule, Unit
from simulator.profiles import RunningTransaction as SimulatedTransaction

from .plain import DAY_S, SECONDS, lines_of_chargers, plain_limit, sets, transactions
from .profiles import MAX, NOON, TX, installed, later, running, stamp

WEEK_S = 604_800


def allowed(
    *profiles: InstalledProfile,
    at: float = 0,
    connector: int = 1,
    transaction: RunningTransaction | None = None,
    lines: Lines | None = None,
) -> ComposedLimit:
    return limit_at(profiles, connector, later(at), transaction=transaction, lines=lines or Lines())


def limits(
    *profiles: InstalledProfile, seconds: Sequence[float], **more: Any
) -> list[float | None]:
    return [allowed(*profiles, at=second, **more).limit_a for second in seconds]


def test_without_profiles_nothing_limits_for_ever() -> None:
    assert allowed() == ComposedLimit(limit_a=None)


def test_periods_begin_at_their_second_and_end_before_the_next() -> None:
    schedule = installed(1, (0, 16.0), (60, 10.0), duration=120)

    assert limits(schedule, seconds=[-0.001, 0, 59.999, 60, 119.999, 120]) == [
        None,
        16.0,
        16.0,
        10.0,
        10.0,
        None,
    ]
    assert allowed(schedule, at=-5).until == later(0)
    assert allowed(schedule, at=0).until == later(60)
    assert allowed(schedule, at=60).until == later(120)
    assert allowed(schedule, at=120).until is None


def test_without_duration_the_last_period_stays() -> None:
    assert allowed(installed(1, (0, 16.0), (60, 10.0)), at=1e9) == ComposedLimit(limit_a=10.0)


def test_the_highest_stack_level_that_runs_rules_and_no_other() -> None:
    low = installed(1, (0, 6.0), level=0)
    high = installed(1, (0, 16.0), level=3, number=2, start=10, duration=10)

    assert limits(low, high, seconds=[9, 10, 19, 20]) == [6.0, 16.0, 16.0, 6.0]


def test_a_profile_is_valid_from_and_up_to_its_dates() -> None:
    dated = installed(1, (0, 6.0), validFrom=stamp(10), validTo=stamp(20), start=-100)

    assert limits(dated, seconds=[9.9, 10, 19.9, 20]) == [None, 6.0, 6.0, None]


def test_a_profile_of_the_transaction_overrules_defaults_of_any_stack_level() -> None:
    default = installed(1, (0, 6.0), level=8)
    own = installed(1, (0, 16.0), purpose=TX, number=2, transactionId=7, duration=60)

    assert limits(default, own, seconds=[0, 60], transaction=running(7)) == [16.0, 6.0]
    assert allowed(default, own, transaction=running(8)).limit_a == 6.0
    assert allowed(default, own).limit_a == 6.0


def test_a_connectors_own_default_overrules_that_of_all() -> None:
    of_all = installed(0, (0, 6.0), level=8)
    own = installed(1, (0, 16.0), number=2, duration=60)

    assert limits(of_all, own, seconds=[0, 60]) == [16.0, 6.0]
    assert limits(of_all, own, seconds=[0, 60], connector=2) == [6.0, 6.0]


def test_the_whole_chargers_limit_caps_all_others() -> None:
    cap = installed(0, (0, 10.0, 1), (60, 32.0), purpose=MAX)
    own = installed(1, (0, 16.0, 3), number=2)

    assert allowed(cap, own) == ComposedLimit(limit_a=10.0, phases=1, until=later(60))
    assert allowed(cap, own, at=60) == ComposedLimit(limit_a=16.0, phases=3)
    assert allowed(cap, own, connector=0, at=60).limit_a == 32.0


def test_a_day_begins_anew_at_the_second_at_which_it_started() -> None:
    daily = installed(
        1,
        (0, 16.0),
        (3600, 6.0),
        kind="Recurring",
        recurrencyKind="Daily",
        duration=7200,
        start=-10 * DAY_S,
    )

    seconds = [-1, 0, 3599, 3600, 7199, 7200, DAY_S - 1, DAY_S]
    assert limits(daily, seconds=seconds) == [None, 16.0, 16.0, 6.0, 6.0, None, None, 16.0]
    assert allowed(daily, at=7200).until == later(DAY_S)
    assert allowed(daily, at=-11 * DAY_S).until == later(-10 * DAY_S)


def test_a_week_is_anchored_at_the_weekday_of_its_start() -> None:
    weekly = installed(
        1, (0, 16.0), (DAY_S, 6.0), kind="Recurring", recurrencyKind="Weekly", start=-3 * WEEK_S
    )

    assert limits(weekly, seconds=[-1, 0, DAY_S - 1, DAY_S, WEEK_S - 1, WEEK_S]) == [
        6.0,
        16.0,
        16.0,
        6.0,
        6.0,
        16.0,
    ]


def test_a_round_is_cut_short_by_the_next_one() -> None:
    daily = installed(
        1,
        (0, 16.0),
        (2 * DAY_S, 6.0),
        kind="Recurring",
        recurrencyKind="Daily",
        duration=3 * DAY_S,
    )

    assert allowed(daily, at=2 * DAY_S).limit_a == 16.0


@pytest.mark.parametrize("kind", ["Relative", "Absolute"])
def test_what_tells_no_start_counts_from_that_of_the_transaction(kind: str) -> None:
    relative = installed(1, (0, 16.0), (60, 6.0), kind=kind, start=None)

    assert limits(relative, seconds=[100, 159, 160], transaction=running(started=100)) == [
        16.0,
        16.0,
        6.0,
    ]


def test_before_a_transaction_what_it_would_begin_with_is_known() -> None:
    relative = installed(1, (0, 16.0), (60, 6.0), kind="Relative", validTo=stamp(500))

    assert allowed(relative, at=100) == ComposedLimit(limit_a=16.0, until=later(500))


def test_a_transaction_that_begins_in_our_future_has_begun() -> None:
    relative = installed(1, (0, 16.0), (60, 6.0), kind="Relative")

    assert allowed(relative, transaction=running(started=30)) == ComposedLimit(
        limit_a=16.0, until=later(90)
    )


@pytest.mark.parametrize("kind", ["Relative", "Absolute"])
def test_a_limit_of_the_whole_charger_without_start_counts_from_its_installation(
    kind: str,
) -> None:
    cap = installed(0, (0, 16.0), (60, 6.0), purpose=MAX, kind=kind, start=None)

    assert limits(cap, seconds=[59, 60]) == [16.0, 6.0]
    assert limits(cap, seconds=[59, 60], transaction=running(started=50)) == [16.0, 6.0]


@pytest.mark.parametrize(
    ("told", "lines", "amperes"),
    [
        (None, Lines(), 16.0),
        (3, Lines(), 16.0),
        (1, Lines(), 48.0),
        (None, Lines(wired=1), 48.0),
        (3, Lines(wired=2), 24.0),
        (None, Lines(in_use=1), 48.0),
        (1, Lines(in_use=3), 16.0),
    ],
)
def test_watts_are_those_of_all_lines_that_share_them(
    told: int | None, lines: Lines, amperes: float
) -> None:
    period = (0, 11_040.0) if told is None else (0, 11_040.0, told)

    assert allowed(installed(1, period, unit="W"), lines=lines).limit_a == amperes


@pytest.mark.parametrize("lines", [{"wired": 0}, {"wired": 4}, {"in_use": 0}, {"in_use": 4}])
def test_lines_that_no_charger_has_are_refused(lines: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="no charger has such lines"):
        Lines(**lines)


def test_a_change_that_changes_nothing_is_looked_past() -> None:
    flat = installed(1, *((second, 16.0) for second in range(20)), (20, 6.0))

    assert allowed(flat).until == later(20)


def test_a_limit_that_never_changes_is_told_to_end_where_nobody_looked_on() -> None:
    daily = installed(1, (0, 16.0), kind="Recurring", recurrencyKind="Daily")

    assert allowed(daily).until == later(50 * DAY_S)


def test_what_ends_after_the_last_year_never_ends() -> None:
    last = installed(1, (0, 6.0), (2**31 - 1, 7.0), start=None, startSchedule=None)
    start = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    transaction = RunningTransaction(id=1, started_at=start)

    assert limit_at([last], 1, start, transaction=transaction, lines=Lines()) == ComposedLimit(
        limit_a=6.0
    )


# At every second


@given(sets, st.integers(0, 2), transactions, lines_of_chargers, st.integers(1, SECONDS))
@settings(max_examples=300, deadline=None)
def test_the_composite_schedule_is_right_at_every_second(
    profiles: list[InstalledProfile],
    connector: int,
    transaction: RunningTransaction | None,
    lines: Lines,
    duration_s: int,
) -> None:
    composition = Composition(profiles, connector, transaction=transaction, lines=lines)

    periods, told_s = composite_schedule(composition.at, NOON, duration_s, most_periods=10_000)

    assert told_s == duration_s
    starts = [start_s for start_s, _ in periods]
    assert starts[0] == 0
    for second in range(duration_s):
        _, found = [it for it in periods if it[0] <= second][-1]
        expected = plain_limit(profiles, connector, later(second), transaction, lines)
        assert found == expected, second
    assert all(before[1] != after[1] for before, after in pairwise(periods))


@given(sets, st.integers(0, 2), transactions, lines_of_chargers, st.integers(0, SECONDS * 4))
@settings(max_examples=300, deadline=None)
def test_a_limit_holds_until_it_is_told_to_change_and_changes_then(
    profiles: list[InstalledProfile],
    connector: int,
    transaction: RunningTransaction | None,
    lines: Lines,
    quarters: int,
) -> None:
    moment = later(quarters / 4)

    def plain(at: datetime) -> tuple[float | None, int | None]:
        return plain_limit(profiles, connector, at, transaction, lines)

    now = limit_at(profiles, connector, moment, transaction=transaction, lines=lines)

    assert (now.limit_a, now.phases) == plain(moment)
    last = later(SECONDS + 200) if now.until is None else now.until - timedelta(milliseconds=1)
    while moment < min(last, later(SECONDS + 200)):
        assert plain(moment) == (now.limit_a, now.phases)
        moment += timedelta(seconds=1)
    if now.until is not None and now.until < later(SECONDS + 200):
        assert plain(now.until) != (now.limit_a, now.phases)


def simulated(one: InstalledProfile) -> Profile:
    it = one.profile
    return Profile(
        id=it.id,
        stack_level=it.stack_level,
        purpose=next(purpose for purpose in Purpose if purpose.name == it.purpose.name),
        kind=Kind(it.kind),
        schedule=Schedule(
            unit=Unit(it.unit.value),
            periods=tuple(
                Period(start_s=period.start_s, limit=period.limit, number_phases=period.phases)
                for period in it.periods
            ),
            start=it.starts_at,
            duration_s=it.duration_s,
        ),
        transaction_id=it.transaction_id,
        recurrency=None if it.recurrency is None else Recurrency(it.recurrency),
        valid_from=it.valid_from,
        valid_to=it.valid_to,
    )


@given(sets, st.integers(0, SECONDS), st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_a_simulated_charger_agrees(
    profiles: list[InstalledProfile], second: int, wired: int
) -> None:
    # It gives a ChargePointMaxProfile without a start none, which is left open by the standard.
    profiles = [
        it
        for it in profiles
        if it.profile.purpose is not ProfilePurpose.CHARGE_POINT_MAX
        or (it.profile.starts_at is not None)
    ]
    charger = ProfileSet()
    for number, it in enumerate(profiles):
        renumbered = Profile(**{**_fields(simulated(it)), "id": number})
        charger = charger.with_profile(it.connector, renumbered)
    transaction = SimulatedTransaction(id=7, started=NOON)

    theirs = merged(
        charger.connector_limit(1, later(second), transaction, phases=wired),
        charger.charger_limit(later(second), phases=wired),
    )

    ours = allowed(*profiles, at=second, transaction=running(7), lines=Lines(wired=wired))
    assert ours.limit_a == (None if theirs is None else theirs.limit_a)


def _fields(value: Profile) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def test_a_hostile_set_is_composed_within_ten_milliseconds() -> None:
    hostile = [
        installed(
            1,
            *((second * 2, float(second % 2)) for second in range(100)),
            kind="Recurring",
            recurrencyKind="Daily",
            level=level,
            number=level,
            start=-level * DAY_S * 365,
            duration=199,
        )
        for level in range(32)
    ]
    best_s = min(_timed(hostile) for _ in range(3))

    assert best_s < 0.01


def _timed(profiles: list[InstalledProfile]) -> float:
    began = perf_counter()
    composition = Composition(profiles, 1, transaction=running(), lines=Lines())
    periods, told_s = composite_schedule(composition.at, NOON, 2**31 - 1, most_periods=100)
    took_s = perf_counter() - began
    assert len(periods) == 100
    assert told_s < 2**31 - 1
    return took_s


def test_an_endless_change_of_nothing_is_told_as_far_as_it_was_looked() -> None:
    daily = installed(1, (0, 16.0), kind="Recurring", recurrencyKind="Daily")
    composition = Composition([daily], 1, transaction=None, lines=Lines())

    periods, told_s = composite_schedule(composition.at, NOON, 2**31 - 1, most_periods=24)

    assert periods == ((0, (16.0, None)),)
    assert told_s == 200 * DAY_S
