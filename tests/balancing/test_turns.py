"""Cars take turns where not all can have their minimum at once: what each may rely on."""

import itertools
from functools import partial

import pytest

from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.inputs import ConnectorInput
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.balancing.tuning import Tuning
from custom_components.balanz.balancing.turns import STARTS_PER_TURN, Service, Turns

from .build import NOW, connector, decide, group, inputs, key, known, limits, obeying, site
from .garage import ARRIVAL_S, car, garage
from .truth import Truth
from .world import World

TURN_S = Tuning().turn_s
SHORT_TURN_S = Tuning().short_turn_s
HANDOVER_S = 45.0
"""One has to be cut and seen to follow before the other's car may begin."""
HOUR_S = 3600.0
FOUR_HOURS_S = 4 * HOUR_S
ONE_TURN_AS = 6.0 * TURN_S
SINGLE_PHASES = (PhaseMap.L1, PhaseMap.L2, PhaseMap.L3)


def on_times(world: World, name: str) -> list[float]:
    return [at for at, on in world.switched[key(name)] if on]


def off_times(world: World, name: str) -> list[float]:
    return [at for at, on in world.switched[key(name)] if not on]


def charging(world: World) -> str:
    return "".join(name.charger for name, truth in world.truths.items() if truth.current_a > 0)


def charged_as(world: World, name: str) -> float:
    return world.charged_as[key(name)]


def apart_as(world: World) -> float:
    return max(world.charged_as.values()) - min(world.charged_as.values())


def told_turn(world: World, name: str) -> float | None:
    """When a waiting car is told to expect its turn."""
    assert world.result is not None
    reason = world.result.reasons[key(name)]
    assert reason.rule is Rule.WAITING
    return reason.until


# Hours of scarcity


def test_three_cars_on_twelve_amperes_are_switched_once_a_turn_at_the_most() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0, read_together=True)
    world.run(ARRIVAL_S + FOUR_HOURS_S)

    for switched in world.switched.values():
        times = [at for at, _ in switched]
        assert len(times) <= FOUR_HOURS_S / TURN_S
        later = [at for at in times if at > ARRIVAL_S + TURN_S]
        assert min(b - a for a, b in itertools.pairwise(later)) >= TURN_S - HANDOVER_S


def test_three_cars_on_twelve_amperes_charge_within_one_turn_of_each_other() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0, read_together=True)
    world.run(ARRIVAL_S + FOUR_HOURS_S)

    assert apart_as(world) <= ONE_TURN_AS
    assert sum(world.charged_as.values()) >= 0.98 * 12.0 * FOUR_HOURS_S


def test_four_cars_on_sixteen_amperes_use_all_of_it() -> None:
    world = garage(*(car(name) for name in "abcd"), capacity_a=16.0, read_together=True)
    world.run(ARRIVAL_S + FOUR_HOURS_S)

    assert apart_as(world) <= 8.0 * TURN_S
    assert sum(world.charged_as.values()) >= 0.98 * 16.0 * FOUR_HOURS_S
    assert max(len(switched) for switched in world.switched.values()) <= 1 + FOUR_HOURS_S / TURN_S


def test_shorter_turns_come_round_sooner() -> None:
    world = garage(car("a"), car("b"), capacity_a=6.0, tuning=Tuning(turn_s=600.0))
    world.run(ARRIVAL_S + HOUR_S)

    assert len(on_times(world, "a")) == 4
    assert apart_as(world) <= 6.0 * 600.0


# Places


def test_whoever_charges_keeps_its_place_for_a_turn() -> None:
    world = garage(*(car(name) for name in "abc"), capacity_a=12.0, read_together=True)
    world.run(ARRIVAL_S + FOUR_HOURS_S)

    for name in "abc":
        turns = zip(on_times(world, name)[-3:], off_times(world, name)[-2:], strict=False)
        assert all(off - on >= TURN_S - HANDOVER_S for on, off in turns if off > on)


@pytest.mark.parametrize("came_s", [300.0, 1000.0, 2200.0, 5000.0])
def test_a_car_that_has_had_nothing_waits_five_minutes_at_the_most(came_s: float) -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0, came_s={"c": came_s})
    world.run(came_s + SHORT_TURN_S + HANDOVER_S)

    assert "c" in charging(world)


def test_a_car_that_got_its_first_turn_keeps_it() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0, came_s={"c": 1000.0})
    world.run(1000.0 + SHORT_TURN_S + TURN_S)

    assert off_times(world, "c") == []


def test_a_car_that_was_let_in_among_many_newcomers_keeps_its_place() -> None:
    world = garage(*(car(name) for name in "abcde"), capacity_a=12.0)
    sent: list[tuple[str, float]] = []
    world.after_step.append(
        lambda _, result: sent.extend((it.key.charger, it.limit_a) for it in result.commands)
    )
    world.run(ARRIVAL_S + SHORT_TURN_S - 1.0)
    sent.clear()
    world.run(HANDOVER_S)

    assert sorted(sent) == [("a", 0.0), ("b", 0.0), ("c", 6.0), ("d", 6.0)]


def test_a_newcomer_does_not_claim_what_others_charged_before_it_came() -> None:
    world = garage(
        car("a"), car("b"), car("c"), capacity_a=6.0, came_s={"c": FOUR_HOURS_S}, read_together=True
    )
    world.run(FOUR_HOURS_S)
    before = dict(world.charged_as)
    world.run(3 * HOUR_S)

    had = [world.charged_as[name] - before[name] for name in before]
    assert max(had) - min(had) <= 1.2 * ONE_TURN_AS


def test_when_a_turn_is_over_the_least_served_go_first() -> None:
    yard = site([group(rating_a=12.0)], [connector(name) for name in "abcd"])
    served_as = {key("a"): 4000.0, key("b"): 1000.0, key("c"): 2000.0, key("d"): 3000.0}
    services = {
        key(name): Service(since=0.0, has_place=name in "ab", charging=name in "ab", charged=True)
        for name in "abcd"
    }
    turns = Turns(services=services, served_as=served_as, rounds={"root": NOW - TURN_S}, at=NOW)

    def with_limit(limit_a: float) -> ConnectorInput:
        return known(obeying(limit_a, reading_a=limit_a))

    what = inputs(yard, [(name, with_limit(6.0 if name in "ab" else 0.0)) for name in "abcd"])
    result = decide(yard, what, State(turns=turns))

    assert limits(result) == {"a": 0.0}
    assert result.reasons[key("c")].rule is Rule.CONFIRMING
    assert result.reasons[key("d")].rule is Rule.WAITING


# Cars of different sizes


def one_on_each_phase(number: int) -> list[Truth]:
    return [car(f"{wiring}{number}", phase_map=wiring) for wiring in SINGLE_PHASES]


def test_a_three_phase_car_keeps_its_phases_against_single_phase_newcomers() -> None:
    # One after the other the car on each phase leaves, and another comes for the same phase.
    first, second = one_on_each_phase(1), one_on_each_phase(2)
    came_s = {"t": 100.0, "l12": 200.0, "l22": 240.0, "l32": 280.0}
    world = garage(*first, *second, car("t"), capacity_a=10.0, came_s=came_s)
    for wiring in SINGLE_PHASES:
        world.at(came_s[f"{wiring}2"], partial(world.unplug, key(f"{wiring}1")))
    world.run(100.0 + SHORT_TURN_S + HANDOVER_S)

    assert charging(world) == "t"


def test_cars_of_one_and_of_three_phases_have_the_same_time() -> None:
    world = garage(*one_on_each_phase(1), car("t"), capacity_a=10.0, read_together=True)
    world.run(ARRIVAL_S + FOUR_HOURS_S)

    assert apart_as(world) <= 10.0 * TURN_S


def test_a_stream_of_newcomers_does_not_put_off_a_turn_for_ever() -> None:
    first, second = one_on_each_phase(1), one_on_each_phase(2)
    never = dict.fromkeys(it.connector.key.charger for it in (*first, *second))
    world = garage(*first, *second, car("t"), capacity_a=10.0, came_s=never, read_together=True)
    for number in range(24):
        for truth in (first, second)[number % 2]:
            name = truth.connector.key
            world.at(30.0 + 600.0 * number, partial(world.plug, name))
            world.at(30.0 + 600.0 * number + 1100.0, partial(world.unplug, name))
    world.run(FOUR_HOURS_S)

    assert len(on_times(world, "t")) >= 3


# Disturbances


def test_a_car_that_the_house_pushes_out_again_and_again_is_started_twice_a_turn() -> None:
    world = garage(car("a"), car("b"), capacity_a=16.0, house_a=3.0)

    def toggle() -> None:
        high = world.house["root"].l1 > 3.0
        world.house["root"] = PhaseCurrents.uniform(3.0 if high else 6.0)

    world.every(120.0, toggle)
    world.run(2 * HOUR_S)

    assert_started_at_most_twice_a_turn(world)
    assert min(world.charged_as.values()) > 0.0


def test_a_car_that_overloads_pause_again_and_again_is_started_twice_a_turn() -> None:
    world = garage(car("a"), car("b"), capacity_a=16.0, house_a=1.0)

    def toggle() -> None:
        high = world.house["root"].l1 > 1.0
        world.house["root"] = PhaseCurrents.uniform(1.0 if high else 9.0)

    world.every(300.0, toggle)
    world.run(2 * HOUR_S)

    assert_started_at_most_twice_a_turn(world)


def assert_started_at_most_twice_a_turn(world: World) -> None:
    for name in world.known:
        starts = on_times(world, name.charger)
        later = starts[STARTS_PER_TURN:]
        spans = [after - before for before, after in zip(starts, later, strict=False)]
        assert all(span_s >= TURN_S - HANDOVER_S for span_s in spans)


def test_a_charger_whose_link_drops_for_a_while_keeps_its_place() -> None:
    world = garage(*(car(name, keeps_limit=True) for name in "abc"), capacity_a=12.0)
    world.at(1000.0, partial(world.disconnect, key("b")))
    world.at(1040.0, partial(world.connect, key("b")))
    world.run(1700.0)

    assert off_times(world, "b") == []
    assert charging(world) == "bc"


def test_a_charger_whose_link_drops_does_not_hold_up_the_turns_of_others() -> None:
    world = garage(*(car(name, keeps_limit=True) for name in "abc"), capacity_a=12.0)
    world.run(900.0)
    due_at = told_turn(world, "a")
    assert due_at is not None
    world.disconnect(key("b"))
    world.at(due_at - 200.0, partial(world.connect, key("b")))
    world.run(due_at + HANDOVER_S - world.now)

    assert "a" in charging(world)


def test_a_waiting_charger_whose_link_drops_for_a_while_has_its_turn_in_time() -> None:
    world = garage(*(car(name, keeps_limit=True) for name in "abc"), capacity_a=12.0)
    world.run(900.0)
    due_at = told_turn(world, "a")
    assert due_at is not None
    world.disconnect(key("a"))
    world.after(30.0, partial(world.connect, key("a")))
    world.run(due_at + HANDOVER_S - world.now)

    assert "a" in charging(world)


# What is announced


def test_a_newcomer_is_told_when_its_turn_comes_and_it_comes_true() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0, came_s={"c": 1000.0})
    world.run(1100.0)
    due_at = told_turn(world, "c")

    assert due_at == 1000.0 + SHORT_TURN_S
    world.run(due_at - 1.0 - world.now)
    assert "c" not in charging(world)
    world.run(HANDOVER_S)
    assert "c" in charging(world)


def test_whoever_was_paused_is_told_when_its_turn_comes_and_it_comes_true() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0)
    world.run(900.0)
    due_at = told_turn(world, "a")

    assert due_at is not None
    world.run(due_at - 1.0 - world.now)
    assert charging(world) == "bc"
    world.run(HANDOVER_S)
    assert "a" in charging(world)


def test_the_second_in_the_queue_is_told_a_later_turn_and_it_comes_true() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=6.0)
    world.run(ARRIVAL_S + 2 * TURN_S + 900.0)
    waiting = sorted(
        (due_at, name)
        for name in "abc"
        if name not in charging(world) and (due_at := told_turn(world, name)) is not None
    )

    (first_at, first), (second_at, second) = waiting
    assert second_at - first_at == pytest.approx(TURN_S)
    world.run(first_at + HANDOVER_S - world.now)
    assert charging(world) == first
    world.run(second_at + 2 * HANDOVER_S - world.now)
    assert charging(world) == second


def test_the_third_of_three_newcomers_is_told_when_its_turn_comes() -> None:
    world = garage(*(car(name) for name in "abcde"), capacity_a=12.0)
    world.run(200.0)
    due_at = told_turn(world, "e")

    assert due_at is not None
    world.run(due_at + HANDOVER_S - world.now)
    assert on_times(world, "e")[0] == pytest.approx(due_at, abs=HANDOVER_S)


# Weights and priorities


def test_a_car_of_twice_the_weight_has_twice_the_turns() -> None:
    world = garage(car("a", weight=2.0), car("b"), capacity_a=6.0, read_together=True)
    world.run(ARRIVAL_S + 6 * HOUR_S)

    assert abs(charged_as(world, "a") - 2 * charged_as(world, "b")) <= 2 * ONE_TURN_AS
    assert charged_as(world, "a") > 1.5 * charged_as(world, "b")


def test_a_higher_priority_never_waits_and_the_others_take_turns() -> None:
    world = garage(car("a", priority=2), car("b"), car("c"), capacity_a=12.0, read_together=True)
    world.run(ARRIVAL_S + FOUR_HOURS_S)

    assert off_times(world, "a") == []
    assert abs(charged_as(world, "b") - charged_as(world, "c")) <= ONE_TURN_AS


def test_a_higher_priority_takes_the_place_of_one_in_its_turn() -> None:
    world = garage(car("a"), car("b"), car("c", priority=2), capacity_a=12.0, came_s={"c": 1000.0})
    world.run(1000.0 + HANDOVER_S)

    assert "c" in charging(world)


def test_a_session_may_have_another_priority_than_its_charger() -> None:
    world = garage(car("a"), car("b"), car("c"), capacity_a=12.0)
    world.known[key("c")].priority = 2
    world.run(ARRIVAL_S + 2 * HOUR_S)

    assert off_times(world, "c") == []


def test_a_car_that_starves_does_not_take_the_place_of_a_higher_priority() -> None:
    world = garage(car("a", priority=2), car("b"), capacity_a=6.0)
    world.run(ARRIVAL_S + 2 * HOUR_S)

    assert charging(world) == "a"
    assert charged_as(world, "b") == 0.0
