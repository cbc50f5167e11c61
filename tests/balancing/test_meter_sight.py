"""Whether a meter sees the chargers, told from what it shows when they are told to change."""

import random
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.site_days.house import read_house
from custom_components.balanz.balancing.meter_sight import (
    ENOUGH_AGAINST,
    ENOUGH_FOR,
    LONGEST_CHANGE_S,
    WATCHED_S,
    MeterSight,
    SightFault,
)
from custom_components.balanz.balancing.phases import ZERO, PhaseCurrents
from custom_components.balanz.balancing.supply import DrawInterval, MeterReading

HOUSES = Path(__file__).parents[2] / "benchmarks" / "data" / "house_uci_1min_12days.csv.gz"
DAY_S = 86400
PERIOD_S = 10.0
FOLLOWS_S = 25.0
SIGHTS = {None: 1.0, SightFault.MISSES_CHARGERS: 0.0, SightFault.REVERSED: -1.0}


class Bench:
    """A group with chargers, a house and a meter that shows a share of what the chargers draw."""

    def __init__(self, share: float = 1.0, *, late_s: float = 0.0) -> None:
        self.share = share
        self.late_s = late_s
        self.house = PhaseCurrents.uniform(3.0)
        self.drawn = ZERO
        self.sight = MeterSight()
        self.given_a: float | None = 0.0
        self.now = 1000.0
        self._shown: deque[tuple[float, PhaseCurrents]] = deque()

    def read(self, draw: DrawInterval, told: PhaseCurrents) -> None:
        """Let the meter tell."""
        self._shown.append((self.now, self.drawn))
        while len(self._shown) > 1 and self._shown[1][0] <= self.now - self.late_s:
            self._shown.popleft()
        drawn = self._shown[0][1].map(lambda current_a: current_a * self.share)
        reading = MeterReading(currents=self.house + drawn, at=self.now)
        self.sight = self.sight.observe(reading, [draw], told, self.given_a)
        self.now += PERIOD_S

    def rest(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.read(DrawInterval(least=self.drawn, most=self.drawn), self.drawn)

    def command(self, to: PhaseCurrents, takes_s: float = FOLLOWS_S) -> None:
        """Have the chargers change, which takes a while in which nobody knows."""
        before = self.drawn
        between = DrawInterval(least=before.minimum(to), most=before.maximum(to))
        until = self.now + takes_s
        while self.now < until:
            if self.now > until - takes_s / 2:
                self.drawn = to
            self.read(between, before)
        self.drawn = to

    def go_through(self, times: int, *, high_a: float = 16.0) -> None:
        for number in range(times):
            self.command(PhaseCurrents.uniform(0.0 if number % 2 else high_a))
            self.rest(2 * WATCHED_S)


@pytest.mark.parametrize("fault", [None, *SightFault])
def test_a_few_changes_find_a_meter_out_and_acquit_a_right_one(fault: SightFault | None) -> None:
    bench = Bench(SIGHTS[fault])
    bench.rest(60.0)
    bench.go_through(ENOUGH_AGAINST - 1)
    assert bench.sight.fault is None
    bench.go_through(1)
    assert bench.sight.fault is fault


def test_a_meter_that_has_been_put_right_is_acquitted_by_a_few_changes() -> None:
    bench = Bench(0.0)
    bench.go_through(ENOUGH_AGAINST + 1)
    assert bench.sight.fault is SightFault.MISSES_CHARGERS
    bench.share = 1.0
    bench.go_through(ENOUGH_FOR)
    assert bench.sight.fault is None


def test_chargers_that_go_to_and_fro_acquit_a_meter_that_shows_it() -> None:
    bench = Bench(0.0)
    bench.go_through(ENOUGH_AGAINST + 1)
    bench.share = 1.0
    bench.rest(60.0)
    drawn = bench.drawn
    for _ in range(ENOUGH_FOR):
        either = DrawInterval(least=drawn, most=drawn + PhaseCurrents.uniform(11.0))
        bench.drawn = either.most
        bench.read(either, drawn)
        bench.drawn = drawn
        bench.read(either, drawn)
        bench.rest(60.0)
    assert bench.sight.fault is None


def test_a_meter_that_is_some_seconds_late_sees() -> None:
    bench = Bench(late_s=FOLLOWS_S + WATCHED_S / 2)
    bench.go_through(20)
    assert bench.sight.against == ()
    assert bench.sight.shown > 0


def test_small_changes_tell_nothing() -> None:
    bench = Bench(0.0)
    bench.go_through(20, high_a=4.0)
    assert bench.sight.against == ()


def test_what_a_car_does_of_its_own_tells_nothing() -> None:
    """The meter may have shown it before the charger told of it."""
    bench = Bench(0.0)
    for number in range(20):
        drawn = PhaseCurrents.uniform(16.0 * (number % 2))
        between = DrawInterval(least=ZERO, most=PhaseCurrents.uniform(16.0))
        bench.drawn = drawn
        for _ in range(3):
            bench.read(between, drawn)
        bench.rest(2 * WATCHED_S)
    assert bench.sight.against == ()


def test_a_change_that_takes_for_ever_tells_nothing() -> None:
    bench = Bench(0.0)
    for number in range(20):
        bench.command(PhaseCurrents.uniform(16.0 * (number % 2)), takes_s=LONGEST_CHANGE_S + 30.0)
        bench.rest(2 * WATCHED_S)
    assert bench.sight.against == ()


def test_a_change_that_is_followed_by_another_one_at_once_tells_nothing_against_a_meter() -> None:
    bench = Bench(0.0)
    for number in range(20):
        bench.command(PhaseCurrents.uniform(16.0 * (number % 2)))
        bench.rest(WATCHED_S / 3)
    assert bench.sight.against == ()


def test_a_car_on_another_phase_than_it_is_set_up_on_is_another_matter() -> None:
    bench = Bench(0.0)
    for number in range(20):
        drawn = PhaseCurrents(l1=16.0 * (number % 2), l2=0.0, l3=0.0)
        bench.command(drawn)
        bench.house = PhaseCurrents(l1=3.0, l2=3.0 + drawn.l1, l3=3.0)
        bench.rest(2 * WATCHED_S)
    assert bench.sight.against == ()


@pytest.mark.parametrize("tells", [True, False])
def test_a_battery_that_makes_up_for_the_chargers_is_no_fault_where_it_is_known(
    tells: bool,
) -> None:
    bench = Bench(0.0)
    for number in range(20):
        drawn_a = 16.0 * (number % 2)
        bench.given_a = 3 * drawn_a if tells else None
        bench.command(PhaseCurrents.uniform(drawn_a))
        bench.rest(2 * WATCHED_S)
    assert bench.sight.against == ()


def test_a_house_that_makes_up_for_the_chargers_now_and_then_is_no_fault() -> None:
    bench = Bench()
    for number in range(40):
        up = number % 2 == 0
        bench.command(PhaseCurrents.uniform(16.0 if up else 0.0))
        if number % 3 == 0:
            bench.house = PhaseCurrents.uniform(3.0 if not up else -13.0)
        bench.rest(2 * WATCHED_S)
        bench.house = PhaseCurrents.uniform(3.0)
        bench.rest(PERIOD_S)
        assert bench.sight.fault is None


@pytest.fixture(scope="module")
def days() -> list[list[PhaseCurrents]]:
    """What a real house has drawn on 12 days, every 15 s."""
    record = read_house(HOUSES)
    return [
        [PhaseCurrents(l1=l1, l2=l2, l3=l3) for l1, l2, l3 in record.load(day, 0, DAY_S, 1)]
        for day in range(record.days)
    ]


def through_a_day(bench: Bench, day: list[PhaseCurrents], luck: random.Random) -> int | None:
    """Let chargers change again and again; return after how many changes a fault was found."""
    bench.now, changes, found_after = 0.0, 0, None
    while bench.now < DAY_S - 900.0:
        high_a, lines = luck.choice([6.0, 10.0, 16.0]), luck.choice([1, 3])
        up = PhaseCurrents.uniform(high_a) if lines == 3 else PhaseCurrents(l1=high_a, l2=0, l3=0)
        for to in (up, ZERO):
            before, began = bench.drawn, bench.now
            between = DrawInterval(least=before.minimum(to), most=before.maximum(to))
            until = began + FOLLOWS_S + luck.uniform(60.0, 300.0)
            while bench.now < until:
                bench.house = day[int(bench.now // 15)]
                bench.drawn = before if bench.now < began + 8.0 else to
                follows = bench.now < began + FOLLOWS_S
                sure = DrawInterval(least=to, most=to)
                bench.read(between if follows else sure, before if follows else to)
            changes += 1
            if found_after is None and bench.sight.fault is not None:
                found_after = changes
    assert changes > 200
    return found_after


def test_on_no_day_of_a_real_house_a_right_meter_is_found_against(
    days: list[list[PhaseCurrents]],
) -> None:
    for number, day in enumerate(days):
        assert through_a_day(Bench(), day, random.Random(number)) is None


@pytest.mark.parametrize("fault", SightFault)
def test_in_a_real_house_a_wrong_meter_is_found_out_within_a_few_changes(
    days: list[list[PhaseCurrents]], fault: SightFault
) -> None:
    for number, day in enumerate(days[:4]):
        bench = Bench(SIGHTS[fault])
        found_after = through_a_day(bench, day, random.Random(number))
        assert found_after is not None
        assert found_after <= 12
        assert bench.sight.fault is fault


@given(st.lists(st.tuples(st.floats(-40, 40), st.floats(0, 32), st.booleans()), max_size=30))
def test_a_meter_is_found_against_only_by_as_many_changes_as_it_takes(
    events: list[tuple[float, float, bool]],
) -> None:
    bench = Bench()
    commands = 0
    for house_a, drawn_a, commanded in events:
        bench.house = replace(bench.house, l1=house_a)
        if commanded:
            commands += 1
            bench.command(PhaseCurrents.uniform(drawn_a))
        bench.rest(2 * WATCHED_S)
        assert bench.sight.fault is None or commands >= ENOUGH_AGAINST
