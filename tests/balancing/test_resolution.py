"""The step in which a charger's current moves, told from what it does with its limits."""

import math
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import LAG_S, Commitment
from custom_components.balanz.balancing.resolution import (
    ENOUGH,
    LIMITS_KEPT,
    SETTLES_S,
    STEADY_S,
    Resolution,
    ResolutionWatch,
    Seen,
)

from .build import NOW, connector

A = connector("A", rating_a=32.0)
EACH_S = 300.0
EVERY_S = 10.0


class Learner:
    """A connector whose limits and readings are taken in one after the other."""

    def __init__(self) -> None:
        self.resolution = Resolution()
        self.watch = ResolutionWatch()
        self.commitment = Commitment(online=True)
        self.now = NOW

    @property
    def step_a(self) -> float | None:
        return self.resolution.step_a

    def limit(self, limit_a: float) -> None:
        self.commitment = self.commitment.sent(limit_a, self.now).accepted(self.now, A)

    def read(self, current_a: float) -> None:
        self.commitment = self.commitment.measured(current_a, self.now)
        self.watch, sure = self.watch.measured(self.commitment, self.now)
        self.resolution = self.resolution.saw(sure)
        self.now += EVERY_S

    def go_through(
        self, limits_a: Iterable[float], charger: Callable[[float], float], car_a: float = 32.0
    ) -> None:
        """Set limits one after the other, at a charger that makes a current of each."""
        for limit_a in limits_a:
            self.limit(limit_a)
            until = self.now + EACH_S
            while self.now < until:
                self.read(min(charger(limit_a), car_a))


def down(step_a: float) -> Callable[[float], float]:
    return lambda limit_a: math.floor(round(limit_a / step_a, 6)) * step_a


def up(step_a: float) -> Callable[[float], float]:
    return lambda limit_a: math.ceil(round(limit_a / step_a, 6)) * step_a


DAY = (16, 7, 11, 9, 13, 8, 15, 10, 6, 12, 14, 16)


@pytest.mark.parametrize("step_a", [1.0, 2.0, 3.0, 4.0])
def test_a_charger_that_rounds_down_tells_its_step(step_a: float) -> None:
    learner = Learner()
    learner.go_through(DAY * 2, down(step_a))
    assert learner.step_a == step_a


@pytest.mark.parametrize("step_a", [2.0, 3.0])
def test_a_charger_that_rounds_up_tells_its_step(step_a: float) -> None:
    learner = Learner()
    learner.go_through(DAY * 2, up(step_a))
    assert learner.step_a == step_a


@pytest.mark.parametrize("step_a", [0.1, 1.0])
def test_tenths_are_told_from_whole_amperes_where_limits_have_some(step_a: float) -> None:
    learner = Learner()
    learner.go_through((10.7, 7.5, 12.6, 9.0, 15.0, 16.0) * 2, down(step_a))
    assert learner.step_a == step_a


def test_nothing_is_known_at_first_and_after_one_limit() -> None:
    learner = Learner()
    assert learner.step_a is None
    learner.go_through([10] * 10, down(1.0))
    assert learner.step_a is None


def test_steps_that_are_no_multiples_stay_unknown() -> None:
    learner = Learner()
    taken = (6.0, 8.0, 10.0, 13.0, 16.0)
    learner.go_through(DAY * 2, lambda limit_a: max(it for it in taken if it <= limit_a))
    assert learner.step_a is None


@pytest.mark.parametrize("car_a", [6.0, 10.0, 12.0])
def test_a_car_with_a_small_charger_of_its_own_is_no_step(car_a: float) -> None:
    learner = Learner()
    learner.go_through(DAY * 3, down(1.0), car_a=car_a)
    assert learner.step_a in {None, 1.0}


def test_a_car_that_takes_less_the_fuller_it_is_is_no_step() -> None:
    learner = Learner()
    for _ in range(3):
        learner.watch = ResolutionWatch()
        learner.go_through((16, 15, 13), down(1.0))
        for limit_a, car_a in ((15, 14), (15, 12), (13, 12), (13, 10), (11, 10), (9, 8), (8, 8)):
            learner.go_through([limit_a], down(1.0), car_a=car_a)
    assert learner.step_a in {None, 1.0}


def test_a_car_that_was_held_for_a_while_by_its_battery_is_no_step() -> None:
    learner = Learner()
    for _ in range(3):
        learner.go_through((10, 11, 12, 13), down(1.0), car_a=10.0)
        learner.go_through((13, 16), down(1.0))
    assert learner.step_a is None


def test_a_car_that_takes_a_little_less_than_it_may_is_no_step() -> None:
    learner = Learner()
    learner.go_through(DAY * 2, lambda limit_a: limit_a - 0.4)
    assert learner.step_a == 1.0
    odd = Learner()
    odd.go_through(DAY * 2, lambda limit_a: limit_a - 0.9)
    assert odd.step_a is None


def test_what_flows_before_a_car_can_have_followed_is_not_looked_at() -> None:
    learner = Learner()
    for limit_a in DAY * 3:
        learner.limit(limit_a)
        until = learner.now + LAG_S + SETTLES_S + STEADY_S
        while learner.now < until:
            learner.read(down(2.0)(limit_a))
    assert learner.resolution == Resolution()


def test_a_current_that_moves_is_not_looked_at() -> None:
    learner = Learner()
    learner.limit(11.0)
    for number in range(60):
        learner.read(10.0 + number % 2)
    assert learner.resolution == Resolution()


def test_limits_of_others_and_doubtful_ones_teach_nothing() -> None:
    learner = Learner()
    learner.limit(11.0)
    learner.commitment = learner.commitment.overruled(10.0, learner.now)
    for _ in range(60):
        learner.read(10.0)
    learner.commitment = learner.commitment.overruled(None, learner.now)
    learner.commitment = learner.commitment.sent(10.0, learner.now).timed_out(learner.now)
    for _ in range(60):
        learner.read(10.0)
    assert learner.resolution == Resolution()


def test_no_limit_is_kept_more_often_than_it_takes() -> None:
    resolution = Resolution()
    for number in range(100):
        resolution = resolution.saw([Seen(6.0 + number % 12, 6.0)])
        assert len(resolution.seen) <= LIMITS_KEPT * ENOUGH
    newest = [it for it in resolution.seen if it.limit_a == 9.0]
    assert len(newest) == ENOUGH
    assert resolution.saw([newest[-1]]).seen[-1] == newest[-1]


@given(
    limits_a=st.lists(st.integers(6, 16), min_size=1, max_size=40),
    noise_a=st.lists(st.floats(-0.1, 0.1), min_size=1),
)
def test_a_charger_of_whole_amperes_is_never_taken_for_a_coarser_one(
    limits_a: list[int], noise_a: list[float]
) -> None:
    resolution = Resolution()
    for number, limit_a in enumerate(limits_a):
        off_a = noise_a[number % len(noise_a)]
        resolution = resolution.saw([Seen(float(limit_a), limit_a + off_a)])
    assert resolution.step_a in {None, 1.0}
