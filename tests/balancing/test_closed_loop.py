"""Stories that take a while: chargers, cars and a house over simulated minutes."""

import random
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import LAG_S, Commitment
from custom_components.balanz.balancing.lag import ENOUGH_CUTS, MOST_S, LearntLag
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import Phase, PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.supply import PEAK_HOLD_S

from .build import connector, group, key, site
from .truth import Answer, Manner, Truth
from .world import World, limit_of

A, B, C = key("a"), key("b"), key("c")
STEADY_S = 120.0


def charging_world(
    *truths: Truth,
    capacity_a: float = 25.0,
    house_a: float | None = None,
    margin_a: float = 0.0,
) -> World:
    """Return a world in which all cars are plugged in from the start."""
    metered = house_a is not None
    yard = site(
        [group(rating_a=capacity_a, metered=metered, margin_a=margin_a)],
        [truth.connector for truth in truths],
    )
    world = World(yard, {truth.connector.key: truth for truth in truths})
    if house_a is not None:
        world.house["root"] = PhaseCurrents.uniform(house_a)
    for connector_key in world.known:
        world.after(0.0, partial(world.connect, connector_key, reboot=True))
        world.after(1.0, partial(world.plug, connector_key))
    world.metering()
    return world


def car(
    name: str,
    *,
    wiring: tuple[Phase, ...] = tuple(Phase),
    phase_map: PhaseMap = PhaseMap.L1_L2_L3,
    meters: bool = True,
    demand_a: float = 100.0,
    manner: Manner | None = None,
    rating_a: float = 16.0,
    keeps_limit: bool = False,
) -> Truth:
    return Truth(
        connector=connector(name, rating_a=rating_a, phase_map=phase_map, keeps_limit=keeps_limit),
        wiring=wiring,
        meters=meters,
        demand_a=demand_a,
        manners=(manner or Manner(),),
    )


def accepted(world: World) -> dict[str, float | None]:
    return {name.charger: limit_of(world, name) for name in world.known}


def limits_sent_since(world: World, connector_key: ConnectorKey, time: float) -> list[float]:
    return [limit_a for at, limit_a in world.known[connector_key].history if at > time]


def at_all_times(world: World, holds: Callable[[], bool]) -> None:
    def check() -> None:
        assert holds()

    world.after_event.append(check)


def test_two_cars_share_a_fuse_evenly() -> None:
    world = charging_world(car("a"), car("b"), capacity_a=24.0)
    world.run(STEADY_S)

    assert accepted(world) == {"a": 12.0, "b": 12.0}


def test_two_cars_and_a_house_share_a_fuse() -> None:
    world = charging_world(car("a"), car("b"), house_a=3.0, margin_a=1.0)
    world.run(STEADY_S)

    assert sorted(limit or 0 for limit in accepted(world).values()) == [10.0, 11.0]


def test_a_third_car_waits_for_its_minimum_and_gets_it_when_another_leaves() -> None:
    world = charging_world(car("a"), car("b"), car("c"), capacity_a=17.0)
    world.run(STEADY_S)
    waiting = [name for name, limit_a in accepted(world).items() if limit_a == 0.0]
    charging = [name for name, limit_a in accepted(world).items() if limit_a]
    assert len(waiting) == 1

    world.unplug(key(charging[0]))
    world.run(STEADY_S)

    assert limit_of(world, key(waiting[0])) in {8.0, 9.0}
    assert limit_of(world, key(charging[0])) == 0.0


def test_a_house_that_takes_more_gets_it_within_the_chargers_lag() -> None:
    world = charging_world(car("a"), car("b"), house_a=2.0)
    world.run(STEADY_S)
    assert world.flow("root").l1 == 25.0

    world.house["root"] = PhaseCurrents.uniform(10.0)
    world.run(2.0 + 0.2 + 3.0)

    assert world.flow("root").l1 <= 25.0


def test_a_house_that_takes_less_gives_it_back_after_the_hold() -> None:
    world = charging_world(car("a"), car("b"), house_a=10.0)
    world.run(STEADY_S)
    assert world.flow("root").l1 == 25.0 or world.flow("root").l1 == 24.0

    world.house["root"] = PhaseCurrents.uniform(1.0)
    world.run(PEAK_HOLD_S - 10.0)
    assert world.flow("root").l1 <= 16.0
    world.run(STEADY_S)

    assert accepted(world) == {"a": 12.0, "b": 12.0}


def test_an_unmetered_cut_pays_for_a_raise_only_after_the_lag() -> None:
    world = charging_world(car("a", meters=False), car("b", meters=False), capacity_a=16.0)
    world.truths[B].plugged = False
    world.after(2.0, partial(world.unplug, B))
    world.run(60.0)
    assert accepted(world) == {"a": 16.0, "b": 0.0}

    world.after(0.0, partial(world.plug, B))
    plugged_at = world.now
    world.run(STEADY_S)

    raised_at, limit_a = next(sent for sent in world.known[B].history if sent[0] > plugged_at)
    assert limit_a >= 6.0
    assert raised_at >= plugged_at + LAG_S


def test_a_metered_cut_pays_for_a_raise_as_soon_as_it_is_seen() -> None:
    world = charging_world(car("a"), car("b"), capacity_a=16.0)
    world.after(2.0, partial(world.unplug, B))
    world.run(64.0)
    assert accepted(world) == {"a": 16.0, "b": 0.0}

    world.after(0.0, partial(world.plug, B))
    plugged_at = world.now
    world.run(STEADY_S)

    raised_at = next(at for at, _ in world.known[B].history if at > plugged_at)
    assert raised_at < plugged_at + LAG_S


def test_what_a_car_does_not_take_goes_to_the_other() -> None:
    world = charging_world(car("a", demand_a=7.0), car("b"), capacity_a=24.0)
    world.run(300.0)

    assert accepted(world) == {"a": 8.0, "b": 16.0}


def test_a_car_that_sleeps_keeps_its_minimum_and_gets_its_share_when_it_wakes() -> None:
    world = charging_world(car("a", demand_a=0.0), car("b"), capacity_a=24.0)
    world.run(300.0)
    assert accepted(world) == {"a": 6.0, "b": 16.0}

    world.truths[A].demand_a = 100.0
    world.run(STEADY_S)

    assert accepted(world) == {"a": 12.0, "b": 12.0}


@pytest.mark.parametrize("answer", [Answer.REJECTED, Answer.LOST, Answer.SILENT, Answer.LATE])
def test_a_charger_in_trouble_keeps_nobody_from_what_is_left(answer: Answer) -> None:
    trouble = car("a", manner=Manner(answer=answer))
    world = charging_world(trouble, car("b"), car("c"), capacity_a=40.0)
    world.run(STEADY_S)

    assert (limit_of(world, B), limit_of(world, C)) == (12.0, 12.0)


def test_an_offline_charger_keeps_nobody_from_what_is_left() -> None:
    world = charging_world(car("a"), car("b"), car("c"), capacity_a=40.0)
    world.run(STEADY_S)
    world.disconnect(A)
    world.run(STEADY_S)

    assert (limit_of(world, B), limit_of(world, C)) == (12.0, 12.0)


def test_an_offline_charger_that_keeps_its_limit_costs_no_more_than_that() -> None:
    world = charging_world(car("a", keeps_limit=True), car("b"), capacity_a=20.0)
    world.run(STEADY_S)
    world.disconnect(A)
    world.run(STEADY_S)

    assert limit_of(world, B) == 10.0
    assert limits_sent_since(world, B, world.now - STEADY_S) == []


def test_a_fuse_of_a_site_without_meter_is_never_overloaded() -> None:
    slow = Manner(after_s=3.0, lag_s=11.0)
    world = charging_world(
        *(car(name, meters=name != "b", manner=slow) for name in "abc"), capacity_a=25.0
    )
    world.run(STEADY_S)
    at_all_times(world, lambda: world.flow("root").l1 <= 25.0)
    for _ in range(4):
        world.truths[B].plugged = not world.truths[B].plugged
        world.run(45.0)


@given(
    lags_s=st.lists(st.floats(1.0, MOST_S), min_size=3, max_size=3),
    meters=st.tuples(*[st.booleans()] * 3),
    comings=st.lists(st.tuples(st.integers(0, 2), st.floats(5.0, 90.0)), max_size=6),
)
@example(lags_s=[60.0, 60.0, 1.0], meters=(False,) * 3, comings=[(2, 90.0), (2, 90.0)])
def test_learnt_lags_keep_a_fuse_without_meter_from_being_overloaded_however_slow_chargers_are(
    lags_s: list[float], meters: tuple[bool, ...], comings: list[tuple[int, float]]
) -> None:
    names = list("abc")
    world = charging_world(
        *(
            car(name, meters=own_meter, manner=Manner(after_s=3.0, lag_s=lag_s))
            for name, own_meter, lag_s in zip(names, meters, lags_s, strict=True)
        ),
        capacity_a=25.0,
    )
    for name, lag_s in zip(names, lags_s, strict=True):
        lag = LearntLag(cuts_s=(lag_s,) * ENOUGH_CUTS)
        world.known[key(name)].commitment = Commitment(lag_s=lag.lag_s)
    # What they had before they came is out of anybody's hands for as long as they are slow.
    world.run(STEADY_S)
    at_all_times(world, lambda: world.flow("root").l1 <= 25.0)
    for number, wait_s in comings:
        truth = world.truths[key(names[number])]
        if truth.plugged:
            world.unplug(truth.connector.key)
        elif not truth.coming:
            world.plug(truth.connector.key)
        world.run(wait_s)


def test_single_phase_cars_of_unknown_wiring_are_counted_once() -> None:
    world = charging_world(
        car("a", wiring=(Phase.L1,), phase_map=PhaseMap.UNKNOWN),
        car("b", wiring=(Phase.L3,), phase_map=PhaseMap.UNKNOWN),
        house_a=5.0,
    )
    world.run(180.0)
    settled_at = world.now
    before = accepted(world)
    world.run(600.0)

    assert before == accepted(world) == {"a": 10.0, "b": 10.0}
    assert set(limits_sent_since(world, A, settled_at)) <= {10.0}


def test_an_unmetered_charger_on_a_metered_site_does_not_oscillate() -> None:
    world = charging_world(car("a", meters=False), car("b"), house_a=5.0)
    world.run(180.0)
    settled_at = world.now
    before = accepted(world)
    world.run(600.0)

    assert before == accepted(world) == {"a": 10.0, "b": 10.0}
    assert set(limits_sent_since(world, A, settled_at)) <= {10.0}


def test_a_car_found_charging_after_a_restart_is_counted_once() -> None:
    world = charging_world(
        car("a", wiring=(Phase.L1,), phase_map=PhaseMap.UNKNOWN), car("b"), house_a=5.0
    )
    world.truths[A].plugged = world.truths[B].plugged = True
    world.run(400.0)

    assert accepted(world) == {"a": 10.0, "b": 10.0}


@pytest.mark.parametrize("house_a", [3.0, 5.6, 6.0, 6.6, 7.1, 9.62])
def test_noise_causes_few_writes(house_a: float) -> None:
    chance = random.Random(7)
    world = charging_world(car("a"), car("b"), car("c"), house_a=house_a, margin_a=1.0)

    def noise() -> float:
        return chance.uniform(-0.4, 0.4)

    world.house_noise = lambda: PhaseCurrents(l1=noise(), l2=noise(), l3=noise())
    for truth in world.truths.values():
        truth.noise = noise
    world.run(1800.0)

    assert max(known.writes for known in world.known.values()) < 15


def test_a_second_rise_right_after_a_cut_is_answered_before_the_next_meter_values() -> None:
    # The cars meter every 10 s, so what they have given up is not known when the house rises again.
    world = charging_world(car("a"), car("b"), house_a=5.0)
    world.run(STEADY_S)
    world.house["root"] = PhaseCurrents.uniform(9.0)
    world.run(7.0)
    world.house["root"] = PhaseCurrents.uniform(13.0)
    world.run(4.0)

    assert sum(limit_of(world, name) or 0.0 for name in (A, B)) <= 12.0
