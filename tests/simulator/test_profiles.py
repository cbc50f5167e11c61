"""Which charging profile is in force, by the rules of OCPP 1.6."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.composite import composite_periods
from simulator.profile_set import ActiveLimit, ProfileSet, merged
from simulator.profiles import (
    Kind,
    Period,
    Profile,
    ProfileCapabilities,
    ProfileRejectedError,
    Purpose,
    Recurrency,
    RunningTransaction,
    Schedule,
    Unit,
    check_profile,
    parse_profile,
)

from .conftest import profile_payload

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TRANSACTION = RunningTransaction(id=7, started=NOON - timedelta(hours=1))


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make(limit: float = 10, **fields: Any) -> Profile:
    """A TxDefaultProfile in force since noon, unless the fields say otherwise."""
    schedule: dict[str, Any] = {
        "unit": Unit.A,
        "start": NOON,
        "periods": (Period(start_s=0, limit=limit),),
    }
    schedule |= {key: fields.pop(key) for key in ("unit", "start", "periods") if key in fields}
    schedule["duration_s"] = fields.pop("duration_s", None)
    defaults: dict[str, Any] = {
        "id": 1,
        "stack_level": 0,
        "purpose": Purpose.TX_DEFAULT,
        "kind": Kind.ABSOLUTE,
    }
    return Profile(schedule=Schedule(**schedule), **(defaults | fields))


def installed(*places: tuple[int, Profile]) -> ProfileSet:
    profiles = ProfileSet()
    for connector_id, profile in places:
        profiles = profiles.with_profile(connector_id, profile)
    return profiles


def limit_a(
    profiles: ProfileSet,
    now: datetime = NOON,
    *,
    transaction: RunningTransaction | None = TRANSACTION,
    phases: int = 3,
) -> float | None:
    limit = profiles.connector_limit(1, now, transaction, phases=phases)
    return None if limit is None else limit.limit_a


def test_without_profiles_there_is_no_limit() -> None:
    assert limit_a(ProfileSet()) is None
    assert ProfileSet().charger_limit(NOON, phases=3) is None


def test_the_highest_stack_level_wins() -> None:
    low, high = make(16, id=1, stack_level=0), make(8, id=2, stack_level=1)

    assert limit_a(installed((1, high), (1, low))) == 8
    assert limit_a(installed((1, make(8, id=1)), (1, make(16, id=2, stack_level=1)))) == 16


def test_an_expired_profile_gives_way_to_the_one_below_and_then_to_no_limit() -> None:
    short = make(8, id=2, stack_level=1, duration_s=60)
    long = make(12, id=1, valid_to=after(120))
    profiles = installed((1, long), (1, short))

    assert limit_a(profiles, after(59)) == 8
    assert limit_a(profiles, after(60)) == 12
    assert limit_a(profiles, after(120)) is None


def test_a_profile_is_not_in_force_before_its_start_or_validity() -> None:
    assert limit_a(installed((1, make(start=after(10))))) is None
    assert limit_a(installed((1, make(valid_from=after(10))))) is None
    assert limit_a(installed((1, make(valid_from=NOON)))) == 10


def test_a_connectors_default_overrides_that_of_connector_0_whatever_the_stack_level() -> None:
    everywhere, here = make(8, id=1, stack_level=5), make(16, id=2)

    assert limit_a(installed((0, everywhere))) == 8
    assert limit_a(installed((0, everywhere), (1, here))) == 16


def test_a_tx_profile_overrules_the_default_of_its_transaction_only() -> None:
    default = make(8, stack_level=5)
    mine = make(16, id=2, purpose=Purpose.TX, transaction_id=7)
    profiles = installed((1, default), (1, mine))

    assert limit_a(profiles) == 16
    assert limit_a(profiles, transaction=None) == 8
    assert limit_a(profiles, transaction=RunningTransaction(id=8, started=NOON)) == 8
    assert limit_a(profiles.without_transaction(1)) == 8


def test_charge_point_max_limits_the_charger() -> None:
    profiles = installed((0, make(20, purpose=Purpose.CHARGE_POINT_MAX)))

    assert profiles.charger_limit(NOON, phases=3) == ActiveLimit(limit_a=20)
    assert limit_a(profiles) is None


def test_periods_follow_each_other() -> None:
    tail = make(periods=(Period(start_s=0, limit=16), Period(start_s=960, limit=6)))

    assert limit_a(installed((1, tail)), after(959)) == 16
    assert limit_a(installed((1, tail)), after(960)) == 6
    assert limit_a(installed((1, tail)), after(1e6)) == 6


def test_relative_and_unanchored_schedules_begin_with_the_transaction() -> None:
    periods = (Period(start_s=0, limit=16), Period(start_s=3600, limit=6))
    relative = make(kind=Kind.RELATIVE, periods=periods)
    unanchored = make(start=None, periods=periods)

    for profile in (relative, unanchored):
        profiles = installed((1, profile))
        assert limit_a(profiles, after(-1)) == 16
        assert limit_a(profiles, NOON) == 6
        assert limit_a(profiles, transaction=None) is None


@pytest.mark.parametrize(
    ("recurrency", "round_s"), [(Recurrency.DAILY, 86_400), (Recurrency.WEEKLY, 604_800)]
)
def test_a_recurring_schedule_begins_anew(recurrency: Recurrency, round_s: int) -> None:
    profiles = installed((1, make(kind=Kind.RECURRING, recurrency=recurrency, duration_s=3600)))

    for number in (0, 1, 5):
        assert limit_a(profiles, after(number * round_s + 10)) == 10
        assert limit_a(profiles, after(number * round_s + 3600)) is None


@pytest.mark.parametrize(
    ("number_phases", "phases", "expected"),
    [(None, 3, 10), (3, 3, 10), (1, 3, 30), (None, 1, 30), (3, 1, 30)],
)
def test_watts_are_shared_by_the_phases_that_can_carry_them(
    number_phases: int | None, phases: int, expected: float
) -> None:
    period = Period(start_s=0, limit=6900, number_phases=number_phases)

    assert limit_a(installed((1, make(unit=Unit.W, periods=(period,)))), phases=phases) == expected


def test_a_new_profile_replaces_its_id_and_its_place() -> None:
    same_id = installed((0, make(8, id=1)), (1, make(9, id=1, stack_level=3)))
    same_place = installed((1, make(8, id=1)), (1, make(9, id=2)))
    elsewhere = installed((0, make(8, id=1)), (1, make(9, id=2)))

    assert [len(it.installed) for it in (same_id, same_place, elsewhere)] == [1, 1, 2]
    assert limit_a(same_place) == 9


def test_clearing_takes_what_matches_all_criteria() -> None:
    profiles = installed(
        (0, make(id=1)),
        (1, make(id=2)),
        (1, make(id=3, stack_level=2)),
        (0, make(id=4, purpose=Purpose.CHARGE_POINT_MAX)),
    )

    def left(**criteria: Any) -> list[int]:
        return [it.profile.id for it in profiles.cleared(**criteria).installed]

    assert left() == []
    assert left(profile_id=2, stack_level=9) == [1, 3, 4]
    assert left(connector_id=1) == [1, 4]
    assert left(connector_id=1, stack_level=2) == [1, 2, 4]
    assert left(purpose=Purpose.TX_DEFAULT) == [4]
    assert left(purpose=Purpose.TX) == [1, 2, 3, 4]


def test_merged_limits_are_the_lower_of_each() -> None:
    one, other = ActiveLimit(limit_a=8), ActiveLimit(limit_a=10, number_phases=1)

    assert merged(None, None) is None
    assert merged(one, None) is one
    assert merged(None, other) is other
    assert merged(one, other) == ActiveLimit(limit_a=8, number_phases=1)


def reject(
    profile: Profile, connector_id: int = 1, transaction: RunningTransaction | None = TRANSACTION
) -> str:
    with pytest.raises(ProfileRejectedError) as rejected:
        check_profile(
            profile,
            connector_id,
            capabilities=ProfileCapabilities(units=(Unit.A,), maximum_periods=2),
            transaction=transaction,
        )
    return str(rejected.value)


def test_profiles_in_the_wrong_place_are_rejected() -> None:
    tx = make(purpose=Purpose.TX, transaction_id=8)

    assert "connector 0" in reject(make(purpose=Purpose.CHARGE_POINT_MAX))
    assert "connector" in reject(tx, connector_id=0)
    assert "running" in reject(tx, transaction=None)
    assert "another" in reject(tx)


def test_schedules_that_the_charger_cannot_follow_are_rejected() -> None:
    def periods(*starts: int, limit: float = 6) -> Profile:
        return make(periods=tuple(Period(start_s=start, limit=limit) for start in starts))

    assert "stack" in reject(make(stack_level=99))
    assert "unit" in reject(make(unit=Unit.W))
    assert "number" in reject(periods())
    assert "number" in reject(periods(0, 1, 2))
    assert "first" in reject(periods(5))
    assert "ascend" in reject(periods(0, 0))
    assert "limit" in reject(periods(0, limit=-1))
    assert "limit" in reject(periods(0, limit=float("nan")))
    assert "recurring" in reject(make(kind=Kind.RECURRING))


def test_a_profile_is_read_from_its_message() -> None:
    payload = profile_payload(
        10.5, valid_to="2027-01-01T00:00:00", recurrency_kind="Daily", transaction_id=7
    )

    profile = parse_profile(payload)

    assert profile.schedule.periods == (Period(start_s=0, limit=10.5),)
    assert profile.recurrency is Recurrency.DAILY
    assert profile.valid_to == datetime(2027, 1, 1, tzinfo=UTC)
    assert profile.transaction_id == 7


@pytest.mark.parametrize(
    "fields",
    [
        {"charging_profile_kind": "Sometimes"},
        {"valid_from": "tomorrow"},
        {"stack_level": None},
        {"charging_schedule": {}},
    ],
)
def test_a_message_without_sense_is_rejected(fields: dict[str, Any]) -> None:
    with pytest.raises(ProfileRejectedError):
        parse_profile(profile_payload(10) | fields)


seconds = st.integers(-100_000, 100_000)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    starts = sorted({0, *draw(st.lists(st.integers(1, 50_000), max_size=3))})
    kind = draw(st.sampled_from(Kind))
    return make(
        id=draw(st.integers(1, 6)),
        stack_level=draw(st.integers(0, 3)),
        purpose=draw(st.sampled_from((Purpose.TX_DEFAULT, Purpose.TX))),
        kind=kind,
        recurrency=Recurrency.DAILY if kind is Kind.RECURRING else None,
        start=after(draw(seconds)),
        duration_s=draw(st.none() | st.integers(1, 80_000)),
        valid_from=draw(st.none() | seconds.map(after)),
        valid_to=draw(st.none() | seconds.map(after)),
        periods=tuple(Period(start_s=start, limit=draw(st.integers(0, 32))) for start in starts),
    )


profile_sets = st.lists(st.tuples(st.sampled_from((0, 1)), profiles()), max_size=6).map(
    lambda places: installed(*places)
)


@given(profile_sets, st.integers(0, 86_399))
def test_the_composite_schedule_tells_the_limit_of_every_second(
    profiles: ProfileSet, second: int
) -> None:
    def offered_a(moment: datetime) -> float:
        limit = limit_a(profiles, moment)
        return 32.0 if limit is None else limit

    periods = composite_periods(
        profiles,
        offered_a,
        begin=NOON,
        duration_s=86_400,
        transactions_started=[TRANSACTION.started],
    )

    told = [period.limit_a for period in periods if period.start_s <= second][-1]
    assert told == offered_a(after(second))


@given(profile_sets, st.tuples(st.sampled_from((0, 1)), profiles()))
def test_setting_a_profile_twice_is_setting_it_once(
    profiles: ProfileSet, place: tuple[int, Profile]
) -> None:
    once = profiles.with_profile(*place)

    assert once.with_profile(*place) == once
    assert len({it.profile.id for it in once.installed}) == len(once.installed)


@given(profile_sets, seconds)
def test_a_limit_always_comes_from_an_installed_profile(profiles: ProfileSet, second: int) -> None:
    limits = {period.limit for it in profiles.installed for period in it.profile.schedule.periods}

    assert limit_a(profiles, after(second)) in limits | {None}
