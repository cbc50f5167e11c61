"""The longer a meter is silent, the more is assumed, and nothing rises meanwhile."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.base_load_memory import BaseLoadMemory
from custom_components.balanz.balancing.commands import Kind
from custom_components.balanz.balancing.control import Result, State, step
from custom_components.balanz.balancing.meter_watch import (
    LOOK_AGAIN_S,
    UNSEEN_STEP_A,
    UNSEEN_STEP_S,
    MeterStage,
    MeterWatch,
)
from custom_components.balanz.balancing.model import Site, SiteError
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.balancing.supply import FIRST_HOLD_S, PEAK_HOLD_S, MeterReading

from .build import NOW, charging, connector, group, inputs, key, site, waiting

LOST_AFTER_S = 900.0
OLD_AFTER_S = LOST_AFTER_S / 3
FRESH_FOR_S = 30.0
HOUR = 30
LEARNT = MeterWatch(memory=BaseLoadMemory(hours={HOUR: PhaseCurrents.uniform(12.0)}))
HOUSE = replace(group(metered=True, rating_a=40.0), other_loads_a=33.0)
ALONE = site([HOUSE], [connector("a")])
FAST = site([HOUSE], [connector("a", rating_a=32.0)])


@dataclass
class Watch:
    """One site, stepped again and again; its car always draws all that it was given."""

    site: Site = ALONE
    state: State = field(default_factory=State)
    now: float = NOW
    limit_a: float = 16.0
    reading: MeterReading | None = None
    hour: int = HOUR
    result: Result | None = None

    def tell(self, house_a: float, *, every_s: float = 5.0, for_s: float = 0.0) -> None:
        """Let the meter report a house beside the car, for a while."""
        until = self.now + for_s
        while True:
            self.now += 1.0
            flow = PhaseCurrents.uniform(house_a + self.limit_a)
            self.reading = MeterReading(currents=flow, at=self.now, fresh_for_s=FRESH_FOR_S)
            self.step()
            if self.now >= until:
                return
            self.now += every_s - 1.0

    def pass_s(self, seconds: float) -> None:
        """Let time pass in silence: nothing happens but what a step has asked for."""
        until = self.now + seconds
        while (at := self._woken_at()) is not None and at <= until:
            self.now = at
            self.step()
        self.now = until

    def lose(self) -> None:
        """Let a sensor be unavailable."""
        self.reading = None
        self.step()

    def step(self) -> None:
        _, known = charging("a", self.limit_a) if self.limit_a else waiting("a")
        what = replace(
            inputs(self.site, [("a", known)], meters={"root": self.reading}),
            hour_of_week=self.hour,
        )
        self.result = step(self.site, what, self.state, self.now)
        self.state = self.result.state
        for command in self.result.commands:
            self.limit_a = command.limit_a

    def _woken_at(self) -> float | None:
        assert self.result is not None
        return self.result.wake_at

    @property
    def stage(self) -> MeterStage | None:
        return self.state.meters["root"].stage

    @property
    def assumed_a(self) -> float:
        assert self.result is not None
        return self.result.groups["root"].assumed.l1


def told(house_a: float = 2.0, *, peak_a: float | None = None, learnt: bool = True) -> Watch:
    """A site whose meter has told for a while, with a peak some minutes ago."""
    watch = Watch(state=State(meters={"root": LEARNT} if learnt else {}))
    watch.tell(house_a, for_s=FIRST_HOLD_S + 60.0)
    if peak_a is not None:
        watch.tell(peak_a)
    watch.tell(house_a, for_s=PEAK_HOLD_S + 60.0)
    return watch


def test_a_reading_is_what_counts_for_as_long_as_it_is_fresh() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.pass_s(FRESH_FOR_S - 1.0)

    assert (watch.stage, watch.assumed_a) == (MeterStage.FRESH, 2.0)


def test_of_an_ageing_meter_more_than_the_worst_of_the_last_minutes_is_assumed() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.pass_s(FRESH_FOR_S)

    assert (watch.stage, watch.assumed_a) == (MeterStage.AGEING, 9.0 + UNSEEN_STEP_A)


def test_with_each_minute_more_is_assumed_up_to_the_worst_of_such_an_hour() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.pass_s(FRESH_FOR_S)
    assumed_a = []
    for _ in range(4):
        assumed_a.append(watch.assumed_a)
        watch.pass_s(UNSEEN_STEP_S)

    assert (watch.stage, assumed_a) == (MeterStage.AGEING, [10.0, 11.0, 12.0, 12.0])


def test_where_no_hour_is_known_more_is_assumed_with_each_minute_until_the_meter_is_old() -> None:
    watch = Watch()
    watch.tell(2.0, for_s=10.0)
    watch.pass_s(OLD_AFTER_S + 1.0)

    assert (watch.stage, watch.assumed_a) == (MeterStage.OLD, 2.0 + 5 * UNSEEN_STEP_A)


@given(house_a=st.integers(8, 20).map(float), period_s=st.sampled_from([1.0, 5.0, 10.0]))
def test_a_steady_house_costs_the_car_its_first_ampere_within_a_minute(
    house_a: float, period_s: float
) -> None:
    watch = Watch(limit_a=40.0 - house_a, site=FAST)
    watch.tell(house_a, for_s=PEAK_HOLD_S + 60.0, every_s=period_s + 1.0)
    before_a = watch.limit_a
    watch.pass_s(60.0)

    assert watch.limit_a <= before_a - 1.0


def test_of_an_old_meter_the_worst_of_such_an_hour_is_assumed() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.pass_s(OLD_AFTER_S)

    assert (watch.stage, watch.assumed_a) == (MeterStage.OLD, 12.0)


def test_of_a_lost_meter_what_the_user_has_set_is_assumed() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.pass_s(LOST_AFTER_S)

    assert (watch.stage, watch.assumed_a) == (MeterStage.LOST, 33.0)
    assert watch.limit_a == 7.0


def test_what_was_seen_is_assumed_even_where_the_user_has_set_less() -> None:
    modest = site([replace(HOUSE, other_loads_a=1.0)], [connector("a")])
    watch = replace(told(2.0, peak_a=9.0), site=modest)
    watch.pass_s(2 * LOST_AFTER_S)

    assert (watch.stage, watch.assumed_a) == (MeterStage.LOST, 12.0)


def test_an_old_meter_is_reckoned_with_what_the_hours_bring() -> None:
    watch = told(2.0)
    memory = watch.state.meters["root"].memory
    hours = {**memory.hours, HOUR + 1: PhaseCurrents.uniform(20.0)}
    known = replace(watch.state.meters["root"], memory=replace(memory, hours=hours))
    watch.state = replace(watch.state, meters={"root": known})
    watch.pass_s(OLD_AFTER_S)
    watch.hour = HOUR + 1
    watch.pass_s(LOOK_AGAIN_S)

    assert watch.assumed_a == 20.0


def test_a_house_never_seen_at_its_worst_is_assumed_as_it_was() -> None:
    watch = told(2.0, peak_a=9.0, learnt=False)
    watch.pass_s(OLD_AFTER_S)

    assert (watch.stage, watch.assumed_a) == (MeterStage.OLD, 9.0 + UNSEEN_STEP_A)


def test_a_sensor_that_is_unavailable_ages_at_once() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.lose()

    assert (watch.stage, watch.assumed_a) == (MeterStage.AGEING, 9.0 + UNSEEN_STEP_A)


def test_a_peak_that_is_held_does_not_end_unseen() -> None:
    watch = Watch()
    watch.tell(2.0, for_s=10.0)
    watch.tell(11.0)
    watch.tell(2.0)
    watch.lose()
    watch.pass_s(PEAK_HOLD_S + 10.0)

    assert watch.assumed_a >= 11.0


def test_the_age_of_a_reading_counts_from_when_its_source_was_heard_of() -> None:
    watch = told(2.0)
    assert watch.reading is not None
    watch.now += 1.0
    watch.reading = replace(watch.reading, at=watch.now, age_s=OLD_AFTER_S, fresh_for_s=2.0)
    watch.step()
    heard = watch.stage
    watch.pass_s(2.0)

    assert [heard, watch.stage] == [MeterStage.FRESH, MeterStage.OLD]


def test_a_meter_that_has_told_nothing_since_the_start_is_lost_unless_its_hours_are_known() -> None:
    unknown, learnt = Watch(), Watch(state=State(meters={"root": LEARNT}))
    unknown.lose()
    learnt.lose()

    assert (unknown.stage, unknown.assumed_a) == (MeterStage.LOST, 33.0)
    assert (learnt.stage, learnt.assumed_a) == (MeterStage.OLD, 12.0)
    learnt.pass_s(LOST_AFTER_S)
    assert (learnt.stage, learnt.assumed_a) == (MeterStage.LOST, 33.0)


def test_the_first_reading_after_a_start_counts_at_once() -> None:
    watch = Watch(state=State(meters={"root": LEARNT}))
    watch.lose()
    watch.tell(2.0)

    assert watch.assumed_a == 2.0


def test_a_meter_that_comes_back_cuts_at_once() -> None:
    watch = told(2.0)
    watch.lose()
    watch.tell(30.0)

    assert (watch.stage, watch.limit_a) == (MeterStage.FRESH, 10.0)


def test_after_a_short_silence_what_was_assumed_is_held_as_a_peak() -> None:
    watch = told(2.0, peak_a=9.0)
    watch.lose()
    watch.now += 10.0
    watch.tell(2.0, for_s=PEAK_HOLD_S - 10.0)
    assert watch.assumed_a == 9.0
    watch.tell(2.0, for_s=20.0)

    assert watch.assumed_a == 2.0


def test_after_a_long_silence_a_meter_has_just_begun_to_tell() -> None:
    watch = told(2.0)
    watch.pass_s(LOST_AFTER_S + 60.0)
    watch.tell(2.0, for_s=FIRST_HOLD_S - 10.0)
    assert watch.assumed_a == 12.0
    watch.tell(2.0, for_s=20.0)

    assert watch.assumed_a == 2.0


def test_a_meter_that_comes_and_goes_does_not_hold_a_peak_for_ever() -> None:
    watch = told(2.0, peak_a=9.0)
    for _ in range(20):
        watch.lose()
        watch.now += 50.0
        watch.tell(2.0, for_s=20.0)

    assert watch.assumed_a == 2.0


def test_a_meter_that_is_not_fresh_is_named_as_what_keeps_a_raise() -> None:
    watch = told(2.0)
    watch.limit_a = 6.0
    watch.reading = None
    watch.step()

    assert watch.result is not None
    assert watch.result.commands == ()
    assert watch.result.reasons[key("a")].rule is Rule.SUPPLY_UNKNOWN


def test_an_inner_group_that_takes_more_is_seen_through_the_outer_meter_that_is_lost() -> None:
    nested = site([HOUSE, replace(group("garage", 30.0, metered=True), margin_a=0.0)])
    lost = State(meters={"root": MeterWatch(told_at=NOW - 60.0, missed_from=NOW - 60.0)})
    garage = MeterReading(currents=PhaseCurrents.uniform(21.0), at=NOW)
    what = inputs(nested, [], meters={"root": None, "garage": garage})

    assert step(nested, what, lost, NOW).groups["root"].assumed == PhaseCurrents.uniform(21.0)


@pytest.mark.parametrize("after_s", [0.0, -1.0, float("inf"), float("nan")])
def test_a_meter_has_to_be_lost_some_day(after_s: float) -> None:
    with pytest.raises(SiteError, match="lost after"):
        site([replace(HOUSE, meter_lost_after_s=after_s)])


LIVES = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.floats(-10.0, 35.0)),
        st.tuples(st.just("lose"), st.just(0.0)),
        st.tuples(st.just("pass"), st.floats(1.0, 1200.0)),
        st.tuples(st.just("hour"), st.integers(0, 167)),
    ),
    max_size=30,
)


@given(LIVES)
def test_no_silence_ever_lowers_what_is_assumed_or_raises_a_limit(
    life: list[tuple[str, float]],
) -> None:
    watch = Watch(state=State(meters={"root": LEARNT}))
    watch.tell(2.0, for_s=90.0)
    for what, value in life:
        before_a, limit_a = watch.assumed_a, watch.limit_a
        match what:
            case "tell":
                watch.tell(value)
                continue
            case "lose":
                watch.lose()
            case "pass":
                watch.pass_s(value)
            case _:
                watch.hour = int(value)
                watch.step()
        if watch.stage is not MeterStage.FRESH:
            assert watch.assumed_a >= before_a
            assert watch.limit_a <= limit_a
            assert watch.result is not None
            assert all(one.kind is not Kind.RAISE for one in watch.result.commands)
