"""What a car can use, learnt from what it takes."""

from itertools import pairwise

import pytest

from custom_components.balanz.balancing.demand import (
    TRY_AGAIN_AFTER_S,
    TRY_FULL_AFTER_S,
    WAKE_AFTER_S,
    WAKE_FOR_S,
    WINDOW_S,
    Appetite,
    Idleness,
)
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.targets import LEFTOVERS_AGAIN_AFTER_S
from custom_components.balanz.balancing.tuning import Tuning

from .build import connector, key
from .garage import ARRIVAL_S, car, garage
from .world import World, limit_of

CHARGER = connector("a", rating_a=32.0)


def taking(current_a: float, *, offer_a: float = 16.0, seconds: int = 70) -> Appetite:
    """A car that was offered current and read each ten seconds."""
    return read(Appetite().offered(offer_a, 0.0), current_a, 0, seconds)


def read(appetite: Appetite, current_a: float, since: int, seconds: int) -> Appetite:
    for now in range(since + 10, since + seconds + 1, 10):
        appetite = appetite.took(current_a, 6.0, float(now))
    return appetite


def test_a_new_car_may_want_all_that_it_is_allowed() -> None:
    assert Appetite().demand_a(CHARGER, 20.0) == 20.0


def test_a_car_that_leaves_current_unused_for_a_minute_is_thought_to_want_little_more() -> None:
    assert taking(9.0, seconds=50).demand_a(CHARGER, 16.0) == 16.0
    assert taking(9.0).demand_a(CHARGER, 16.0) == 10.0


def test_a_car_that_stays_a_little_below_its_limit_wants_it_all() -> None:
    assert taking(15.0).demand_a(CHARGER, 32.0) == 32.0


def test_a_car_that_uses_all_of_a_learnt_offer_is_offered_more() -> None:
    learnt = taking(9.0).offered(10.0, 80.0)

    assert learnt.took(10.0, 6.0, 90.0).demand_a(CHARGER, 32.0) == 13.0


def test_a_car_that_takes_nothing_for_a_minute_sleeps_and_keeps_its_minimum() -> None:
    asleep = taking(0.0)

    assert asleep.idleness() is Idleness.DELAYED
    assert asleep.demand_a(CHARGER, 16.0) == 6.0


def test_a_sleeping_car_wakes_by_drawing_current() -> None:
    awake = taking(0.0).took(6.0, 6.0, 100.0)

    assert awake.idleness() is None
    assert awake.demand_a(CHARGER, 16.0) == 16.0


def test_a_car_is_not_asleep_while_nothing_is_offered() -> None:
    paused = taking(0.0, offer_a=0.0, seconds=300)

    assert paused.idleness() is None
    assert paused.next_change(6.0, 300.0) is None


def test_a_new_offer_starts_a_new_window() -> None:
    appetite = taking(9.0, seconds=50).offered(12.0, 50.0)

    assert appetite.next_change(6.0, 50.0) == 50.0 + WINDOW_S
    assert appetite.offered(12.0, 55.0) == appetite
    assert read(appetite, 9.0, 50, 50).demand_a(CHARGER, 16.0) == 16.0


def test_demand_is_never_below_the_minimum_nor_above_the_maximum() -> None:
    assert taking(2.0).demand_a(CHARGER, 16.0) == 6.0
    assert taking(9.0).demand_a(CHARGER, 8.0) == 8.0


# A car's own maximum


class Obedient:
    """A car with a maximum of its own, at a charger that follows its demand after ten seconds."""

    def __init__(self, maximum_a: float, *, stays_below_a: float = 0.0) -> None:
        self.maximum_a = maximum_a
        self.allowed_a = 32.0
        self.now = 0
        self.offers_a: list[float] = []
        self._stays_below_a = stays_below_a
        self._appetite = Appetite()

    @property
    def current_a(self) -> float:
        return min(self.maximum_a, self._appetite.offer_a - self._stays_below_a)

    def run(self, seconds: int) -> float:
        """Let time pass, and return what it is offered after it."""
        for _ in range(seconds // 10):
            self.now += 10
            offer_a = self._appetite.demand_a(CHARGER, self.allowed_a)
            self._appetite = self._appetite.offered(offer_a, float(self.now))
            self._appetite = self._appetite.took(self.current_a, 6.0, float(self.now))
            self.offers_a.append(offer_a)
        return self.offers_a[-1]

    def looks(self) -> list[int]:
        """When it was offered more than before, s."""
        offers_a = list(enumerate(self.offers_a, 1))
        return [10 * at for (_, old_a), (at, new_a) in pairwise(offers_a) if new_a > old_a]


def test_a_car_at_its_own_maximum_holds_no_ampere_that_it_does_not_take() -> None:
    at_16 = Obedient(16.0)

    assert at_16.run(120) == 17.0
    assert at_16.run(400) == 16.0


def test_a_car_at_its_own_maximum_is_offered_more_less_and_less_often_but_each_hour() -> None:
    at_16 = Obedient(16.0)
    at_16.run(6 * 3600)

    waits_s = [later - earlier for earlier, later in pairwise(at_16.looks())]
    assert waits_s[:3] == pytest.approx([700, 1300, 2500], abs=40)
    assert waits_s[3:] == pytest.approx([TRY_AGAIN_AFTER_S + 100.0] * len(waits_s[3:]), abs=40)
    assert len(waits_s) >= 5


def test_a_car_that_takes_all_of_a_look_has_its_maximum_within_a_minute_and_a_half() -> None:
    grown = Obedient(10.0)
    grown.run(600)
    assert grown.offers_a[-1] == 10.0
    grown.maximum_a = 32.0
    while grown.offers_a[-1] == 10.0:
        grown.run(10)

    assert grown.now <= 600 + 300
    grown.run(90)
    assert grown.current_a == 32.0


def test_what_others_leave_is_no_sign_that_a_car_at_its_maximum_wants_more() -> None:
    at_16 = Obedient(16.0)
    at_16.run(600)
    at_16.allowed_a = 8.0
    at_16.run(240)
    at_16.allowed_a = 32.0

    assert max(at_16.run(10) for _ in range(60)) <= 17.0


def test_a_car_that_took_more_before_is_offered_more_all_the_time() -> None:
    dipped = Obedient(16.0)
    dipped.run(120)
    dipped.maximum_a = 7.0
    assert dipped.run(2 * 3600) == 8.0

    dipped.maximum_a = 16.0
    dipped.run(60)
    assert dipped.current_a == 16.0


def test_a_car_that_stays_below_its_limit_gets_back_what_it_then_lacks() -> None:
    modest = Obedient(16.0, stays_below_a=1.0)
    modest.allowed_a = 20.0
    modest.run(1200)

    assert modest.current_a == 16.0
    assert modest.run(2 * 3600) == 17.0
    assert min(modest.offers_a) == 16.0


# Delayed, full, asleep


def charged_and_stopped() -> Appetite:
    return read(taking(16.0), 0.0, 70, 120)


def paused_and_not_gone_on() -> Appetite:
    """Charged until 70 s, paused until 100 s, and offered 16 A in vain since."""
    paused = taking(16.0).offered(0.0, 80.0)
    return read(paused.offered(16.0, 100.0), 0.0, 100, 70)


def test_a_car_that_has_taken_nothing_since_it_came_is_delayed() -> None:
    assert taking(0.0).idleness() is Idleness.DELAYED


def test_a_car_that_charged_and_stopped_by_itself_is_full() -> None:
    assert charged_and_stopped().idleness() is Idleness.FULL


def test_a_car_that_does_not_go_on_after_a_pause_is_asleep() -> None:
    assert paused_and_not_gone_on().idleness() is Idleness.ASLEEP


@pytest.mark.parametrize(
    ("idle", "wait_s"),
    [
        (taking(0.0), TRY_AGAIN_AFTER_S),
        (paused_and_not_gone_on(), TRY_AGAIN_AFTER_S),
        (charged_and_stopped(), TRY_FULL_AFTER_S),
    ],
    ids=["delayed", "asleep", "full"],
)
def test_an_idle_car_competes_for_current_again_after_a_while(
    idle: Appetite, wait_s: float
) -> None:
    assert idle.idle_since is not None
    due_at = idle.idle_since + wait_s
    passed_over = idle.offered(0.0, idle.idle_since + 1.0)

    assert not passed_over.is_keen(due_at - 1.0)
    assert passed_over.next_change(6.0, due_at - 1.0) == due_at
    assert passed_over.is_keen(due_at)


def test_an_idle_car_that_is_offered_current_all_the_while_never_competes_for_it() -> None:
    idle = taking(0.0)

    assert not idle.is_keen(100.0 + TRY_FULL_AFTER_S)


def test_only_a_car_that_is_asleep_is_woken_and_but_once() -> None:
    asleep = paused_and_not_gone_on()
    assert asleep.idle_since is not None
    wake_at = asleep.idle_since + WAKE_AFTER_S

    assert not asleep.is_being_woken(wake_at - 1.0)
    assert asleep.is_being_woken(wake_at)
    assert not asleep.is_being_woken(wake_at + WAKE_FOR_S)
    woken = asleep.offered(0.0, wake_at).offered(6.0, wake_at + WAKE_FOR_S)
    still = read(woken, 0.0, int(wake_at + WAKE_FOR_S), 600)
    assert not any(still.is_being_woken(wake_at + WAKE_FOR_S + later) for later in range(3000))
    assert not any(charged_and_stopped().is_being_woken(float(at)) for at in range(3000))


def test_a_car_that_gets_another_chance_is_thought_to_want_no_more_than_it_is_offered() -> None:
    idle = taking(0.0)
    assert idle.idle_since is not None
    again = idle.offered(0.0, 80.0).offered(6.0, idle.idle_since + TRY_AGAIN_AFTER_S)

    assert again.is_keen(again.since)
    assert again.demand_a(CHARGER, 32.0) == 6.0
    assert again.took(6.0, 6.0, again.since + 10.0).demand_a(CHARGER, 32.0) == 9.0


# On a site


A, B, C = key("a"), key("b"), key("c")
HOUR_S = 3600.0
TURN_S = Tuning().turn_s


def wants(world: World, name: ConnectorKey, demand_a: float) -> None:
    world.truths[name].demand_a = demand_a


def raises(world: World, name: ConnectorKey) -> list[float]:
    """When a charger was let charge, having had 0 A."""
    history = world.known[name].history
    return [at for (_, old_a), (at, new_a) in pairwise(history) if old_a == 0.0 < new_a]


def withdrawals(world: World, name: ConnectorKey) -> list[float]:
    history = world.known[name].history
    return [at for (_, old_a), (at, new_a) in pairwise(history) if old_a > 0.0 == new_a]


def sleeps_after_a_pause(world: World, name: ConnectorKey, *, until_woken: bool) -> None:
    """Let a car take nothing after a pause, until its offer is withdrawn and given back."""
    truth = world.truths[name]
    wanted_a, offered, asleep = truth.demand_a, False, False

    def follow() -> None:
        nonlocal offered, asleep
        was_offered, offered = offered, truth.plugged and truth.limit_a >= 6.0
        if was_offered and not offered:
            asleep = not asleep or not until_woken
            truth.demand_a = 0.0 if asleep else wanted_a

    world.after_event.append(follow)


def paused_for_a_minute_at(world: World, time: float) -> None:
    capacity_a = world.capacities_a["root"]
    world.at(time, lambda: world.capacities_a.update(root=0.0))
    world.at(time + 60.0, lambda: world.capacities_a.update(root=capacity_a))


def test_idle_cars_hold_nothing_that_others_want() -> None:
    world = garage(car("a", demand_a=0.0), car("b"), car("c"), capacity_a=20.0)
    world.run(ARRIVAL_S + 900.0)

    assert [limit_of(world, name) for name in (A, B, C)] == [0.0, 10.0, 10.0]


def test_idle_cars_are_offered_their_minimum_of_what_others_leave() -> None:
    world = garage(car("a", demand_a=0.0), car("b"), car("c"), capacity_a=38.0)
    world.run(ARRIVAL_S + 900.0)

    assert [limit_of(world, name) for name in (A, B, C)] == [6.0, 16.0, 16.0]


def test_what_was_taken_back_from_an_idle_car_is_not_offered_again_at_once() -> None:
    world = garage(car("a", demand_a=0.0), car("b"), car("c"), capacity_a=38.0)
    taken_back_at = ARRIVAL_S + 900.0
    world.at(taken_back_at, lambda: world.capacities_a.update(root=37.0))
    world.at(taken_back_at + 60.0, lambda: world.capacities_a.update(root=40.0))
    world.run(taken_back_at + LEFTOVERS_AGAIN_AFTER_S - 10.0)
    assert limit_of(world, A) == 0.0

    world.run(30.0)
    assert limit_of(world, A) == 6.0


def test_a_car_that_goes_on_by_itself_after_a_pause_is_not_woken() -> None:
    world = garage(car("a"), capacity_a=16.0)
    paused_for_a_minute_at(world, 1000.0)
    world.run(2000.0)

    assert withdrawals(world, A) == [1000.0]
    assert limit_of(world, A) == 16.0


def test_a_sleeper_is_woken_by_a_short_withdrawal() -> None:
    world = garage(car("a"), capacity_a=16.0)
    sleeps_after_a_pause(world, A, until_woken=True)
    paused_for_a_minute_at(world, 1000.0)
    world.run(1500.0)

    pause_at, wake_at = withdrawals(world, A)
    assert pause_at == 1000.0
    assert WAKE_AFTER_S <= wake_at - 1060.0 <= WAKE_AFTER_S + WINDOW_S + 20.0
    assert raises(world, A)[-1] - wake_at == pytest.approx(WAKE_FOR_S, abs=2.0)
    assert world.truths[A].current_a == 16.0


def test_a_sleeper_that_does_not_wake_is_left_alone_after_one_call() -> None:
    world = garage(car("a"), capacity_a=16.0, read_together=True)
    sleeps_after_a_pause(world, A, until_woken=False)
    paused_for_a_minute_at(world, 1000.0)
    world.run(1000.0 + 6 * HOUR_S)

    assert len(withdrawals(world, A)) == 2
    assert limit_of(world, A) == 6.0


def test_a_car_that_begins_by_itself_has_its_maximum_within_a_minute_and_a_half() -> None:
    world = garage(car("a", demand_a=0.0, rating_a=32.0), capacity_a=40.0)
    world.run(ARRIVAL_S + 2 * HOUR_S)
    assert limit_of(world, A) == 6.0

    wants(world, A, 32.0)
    world.run(90.0)

    assert world.truths[A].current_a == 32.0


def test_a_dip_of_a_cars_current_lends_the_rest_to_another_and_is_forgotten_afterwards() -> None:
    world = garage(car("a"), car("b"), capacity_a=24.0)
    world.run(900.0)
    wants(world, A, 7.0)
    world.run(720.0)
    assert [limit_of(world, name) for name in (A, B)] == [8.0, 16.0]

    wants(world, A, 16.0)
    world.run(120.0)

    assert [limit_of(world, name) for name in (A, B)] == [12.0, 12.0]


def test_a_delayed_car_is_tried_each_hour_when_the_turn_of_another_ends() -> None:
    world = garage(car("a", demand_a=0.0), car("b"), capacity_a=10.0, read_together=True)
    world.run(ARRIVAL_S + 5 * HOUR_S)

    tries = raises(world, A)
    assert len(tries) >= 3
    assert all(
        HOUR_S <= later - earlier <= HOUR_S + TURN_S + 120.0 for earlier, later in pairwise(tries)
    )
    assert world.charged_as[B] >= 0.95 * 10.0 * 5 * HOUR_S


def test_a_delayed_car_whose_time_has_come_charges_at_its_next_try() -> None:
    world = garage(car("a", demand_a=0.0), car("b"), capacity_a=10.0, read_together=True)
    world.at(2 * HOUR_S, lambda: wants(world, A, 16.0))
    world.run(2 * HOUR_S)
    before_as = world.charged_as[A]
    world.run(2 * HOUR_S)

    assert before_as == 0.0
    assert world.charged_as[A] >= 6.0 * 0.9 * TURN_S


def test_a_full_car_is_not_tried_for_six_hours() -> None:
    world = garage(car("a"), car("b"), capacity_a=10.0, came_s={"b": 4000.0}, read_together=True)
    world.at(2000.0, lambda: wants(world, A, 0.0))
    world.run(2000.0 + 6 * HOUR_S)

    assert raises(world, A) == [ARRIVAL_S]
    world.run(HOUR_S)
    assert len(raises(world, A)) == 2


def test_a_full_car_is_tried_each_six_hours() -> None:
    world = garage(car("a"), car("b"), capacity_a=10.0, came_s={"b": 4000.0}, read_together=True)
    world.at(2000.0, lambda: wants(world, A, 0.0))
    world.run(2000.0 + 12 * HOUR_S)

    assert len(raises(world, A)) == 2


def test_cars_that_sleep_after_each_pause_still_have_their_turns() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0)
    for name in (A, B, C):
        sleeps_after_a_pause(world, name, until_woken=True)
    world.run(ARRIVAL_S + 4 * HOUR_S)

    assert max(world.charged_as.values()) - min(world.charged_as.values()) <= 6.0 * TURN_S
