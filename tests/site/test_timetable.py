"""Schedules come into force by the wall clock, and are looked at no more often than they change."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from custom_components.balanz.balancing.commitments import LAG_S
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.balancing.schedule import PriorityCap, ScheduleState
from custom_components.balanz.balancing.schedule_text import parse_schedule
from custom_components.balanz.site.timetable import LOOK_AT_LEAST_EVERY, Timetable
from custom_components.balanz.site.topology import build_site
from simulator.car import Car

from .build import accepted_a, charger, connector, group, settings, until
from .conftest import Bench

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EVENING = ScheduleState(capacity_a=16.0)
DAY = ScheduleState(capacity_a=32.0)


def timetable(holidays: frozenset[date] = frozenset(), **texts: str) -> Timetable:
    """A timetable of groups in Amsterdam."""
    one = Timetable()
    one.set_schedules(
        {group_id: parse_schedule(text) for group_id, text in texts.items()}, AMSTERDAM, holidays
    )
    return one


def local(clock: str, day: date = date(2026, 1, 14)) -> datetime:
    return datetime.combine(day, datetime.min.time(), AMSTERDAM).replace(
        hour=int(clock[:2]), minute=int(clock[3:5]), second=int(clock[6:] or 0)
    )


def capacities_a(states: Mapping[str, ScheduleState]) -> dict[str, float]:
    return {group_id: state.capacity_a for group_id, state in states.items()}


def test_a_site_without_schedules_has_nothing_to_follow() -> None:
    empty = Timetable()

    assert empty.look(local("12:00")) is False
    assert empty.states == {}
    assert empty.wait_s(local("12:00")) == LOOK_AT_LEAST_EVERY.total_seconds()


def test_a_band_holds_from_when_cars_begin_to_follow_it_to_its_last_second() -> None:
    house = timetable(root="17:00-20:59>0=16")

    assert house.look(local("16:59:44")) is False
    assert house.states == {}
    assert house.look(local("16:59:45")) is True
    assert house.states == {"root": EVENING}
    assert house.look(local("20:59:59")) is False
    assert house.states == {"root": EVENING}
    assert house.look(local("21:00:00")) is True
    assert house.states == {}


def test_it_tells_how_long_nothing_changes() -> None:
    house = timetable(root="17:00-20:59>0=16")
    house.look(local("16:30:00"))

    assert house.wait_s(local("16:30:00")) == 1785.0
    assert house.wait_s(local("16:59:30")) == 15.0
    assert house.wait_s(local("17:00:10")) == 0.0


def test_the_first_of_several_schedules_to_change_is_the_one_to_wait_for() -> None:
    house = timetable(root="17:00-20:59>0=16", garage="16:45-23:59>0=10")
    house.look(local("16:30:00"))

    assert house.wait_s(local("16:30:00")) == 885.0
    house.look(local("16:45:00"))
    assert capacities_a(house.states) == {"garage": 10.0}
    house.look(local("17:00:00"))
    assert capacities_a(house.states) == {"root": 16.0, "garage": 10.0}


def test_bands_that_meet_leave_no_second_between_them() -> None:
    house = timetable(root="00:00-16:59>0=32; 17:00-23:59>0=16")
    house.look(local("16:59:44"))

    assert house.states == {"root": DAY}
    assert house.look(local("16:59:45")) is True
    assert house.states == {"root": EVENING}


def test_bands_that_ask_for_the_same_are_no_change() -> None:
    house = timetable(root="00:00-16:59>0=16; 17:00-23:59>0=16")
    house.look(local("12:00"))

    assert house.wait_s(local("12:00")) == LOOK_AT_LEAST_EVERY.total_seconds()
    assert house.look(local("17:00")) is False


def test_a_schedule_that_never_changes_is_looked_at_once_a_week() -> None:
    house = timetable(root="00:00-24:00>0=16")
    house.look(local("12:00"))

    assert house.states == {"root": EVENING}
    assert house.wait_s(local("12:00")) == timedelta(days=7).total_seconds()


def test_a_schedule_that_changes_once_a_year_is_not_missed() -> None:
    new_years_day = date(2027, 1, 1)
    house = timetable(frozenset({new_years_day}), root="PH 00:00-24:00>0=16")
    now = local("12:00", date(2026, 12, 1))
    for _ in range(6):
        house.look(now)
        now += timedelta(seconds=house.wait_s(now))
        if now >= local("23:59", date(2026, 12, 31)):
            break

    assert now == local("00:00", new_years_day) - timedelta(seconds=LAG_S)
    assert house.look(now) is True


def test_a_clock_that_is_put_back_by_its_owner_is_believed() -> None:
    house = timetable(root="17:00-20:59>0=16")
    house.look(local("17:30"))

    assert house.look(local("16:30")) is True
    assert house.states == {}
    assert house.wait_s(local("16:30")) == 1785.0


def test_a_clock_that_is_put_on_by_its_owner_is_believed() -> None:
    house = timetable(root="17:00-20:59>0=16")
    house.look(local("12:00"))

    assert house.look(local("18:00")) is True
    assert house.states == {"root": EVENING}


def test_changed_schedules_hold_from_the_next_look_on() -> None:
    house = timetable(root="17:00-20:59>0=16")
    house.look(local("18:00"))
    house.set_schedules({"root": parse_schedule("17:00-20:59>0=32")}, AMSTERDAM, frozenset())

    assert house.look(local("18:00:01")) is True
    assert house.states == {"root": DAY}


def test_a_schedule_that_is_taken_away_no_longer_holds() -> None:
    house = timetable(root="00:00-24:00>0=16")
    house.look(local("12:00"))
    house.set_schedules({}, AMSTERDAM, frozenset())

    assert house.look(local("12:00:01")) is True
    assert house.states == {}


def test_the_wall_clock_decides_on_the_day_on_which_it_is_put_on() -> None:
    house = timetable(root="07:00-20:59>0=16")
    midnight = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    house.look(midnight)

    assert house.wait_s(midnight) == 6 * 3600.0 - LAG_S


def test_an_instant_may_be_told_in_any_time_zone() -> None:
    house = timetable(root="17:00-20:59>0=16")

    assert house.look(datetime(2026, 1, 14, 16, 0, tzinfo=UTC)) is True
    assert house.states == {"root": EVENING}


def test_what_falls_at_a_known_time_falls_early_enough_for_cars_to_follow() -> None:
    house = timetable(root="00:00-10:59>0=48; 11:00-23:59>0=16")
    house.look(local("11:00") - timedelta(seconds=LAG_S))

    assert house.states == {"root": EVENING}


# In the tree, and on a running site


def test_a_schedules_priorities_are_limits_of_its_group() -> None:
    yard = settings(charger("A"), groups=(group("garage"),))
    caps = (PriorityCap(below_priority=5, capacity_a=10.0),)
    states = {"garage": ScheduleState(capacity_a=48.0, priority_caps=caps)}

    tree = build_site(yard, states)

    assert tree.groups["garage"].priority_caps == caps
    assert tree.groups["root"].priority_caps == ()
    assert build_site(yard).groups["garage"].priority_caps == ()


async def test_a_schedule_lowers_what_a_running_site_gives_and_lets_it_rise_again(
    bench: Bench,
) -> None:
    whole_day = {"root": parse_schedule("00:00-24:00>0=10")}
    before = replace(settings(charger("A"), rating_a=32.0), schedules=whole_day)
    site = await bench.start(before)
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 10.0)

    await site.apply(replace(before, schedules={}))
    await until(lambda: accepted_a(site, "A") == 16.0)
    assert site.snapshot.groups["root"].capacity_a == 32.0


async def test_a_schedule_never_raises_what_the_fuse_or_the_user_allows(bench: Bench) -> None:
    whole_day = {"root": parse_schedule("00:00-24:00>0=100")}
    site = await bench.start(replace(settings(charger("A"), rating_a=14.0), schedules=whole_day))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 14.0)
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "A") == 8.0)


async def test_a_schedule_holds_low_priorities_back_and_says_so(bench: Bench) -> None:
    whole_day = {"root": parse_schedule("00:00-24:00>0=0:5=32")}
    yard = settings(charger("A", priority=1), charger("B", priority=5), rating_a=32.0)
    site = await bench.start(replace(yard, schedules=whole_day))
    low = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 16.0)
    await until(lambda: accepted_a(site, "A") == 0.0)

    assert connector(site, "A").offered_by.rule is Rule.SCHEDULE
    await until(lambda: low.currents_a == (0.0, 0.0, 0.0))
