"""The phases that a car really uses: learnt from its currents, and what others gain from it."""

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phase_use import LEARNT_AFTER_S, PhaseUse
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents, PhaseMap

from .build import key
from .garage import ARRIVAL_S, car, garage
from .world import World, limit_of

L1_ALONE = PhaseCurrents(l1=16.0)
L1_AND_L2 = PhaseCurrents(l1=16.0, l2=16.0)
A, B, C = key("a"), key("b"), key("c")
STEADY_S = 480.0


def learnt(currents: PhaseCurrents = L1_ALONE) -> PhaseUse:
    """A car that has drawn the same for just long enough, from 0 s on."""
    return PhaseUse().took(currents, 0.0).took(currents, LEARNT_AFTER_S)


def test_all_wired_phases_count_until_fewer_were_seen_for_a_minute() -> None:
    seen = PhaseUse().took(L1_ALONE, 0.0)

    assert seen.took(L1_ALONE, LEARNT_AFTER_S - 1.0).in_use(ALL_PHASES) == ALL_PHASES
    assert seen.took(L1_ALONE, LEARNT_AFTER_S).in_use(ALL_PHASES) == (Phase.L1,)


def test_one_reading_long_ago_teaches_nothing() -> None:
    seen = PhaseUse().took(L1_ALONE, 0.0)

    assert seen.took(PhaseCurrents(), 600.0).in_use(ALL_PHASES) == ALL_PHASES


def test_a_car_that_draws_nothing_uses_all_that_is_wired() -> None:
    idle = PhaseUse().took(PhaseCurrents(), 0.0).took(PhaseCurrents(), 600.0)

    assert idle.in_use(ALL_PHASES) == ALL_PHASES


def test_what_a_charger_itself_takes_does_not_count_as_use() -> None:
    humming = PhaseCurrents(l1=16.0, l2=0.4, l3=0.9)

    assert learnt(humming).in_use(ALL_PHASES) == (Phase.L1,)


def test_two_phases_of_three_are_learnt_alike() -> None:
    assert learnt(L1_AND_L2).in_use(ALL_PHASES) == (Phase.L1, Phase.L2)


def test_another_phase_puts_all_in_doubt_again_for_a_minute() -> None:
    switched = learnt().took(L1_AND_L2, 100.0)

    assert switched.in_use(ALL_PHASES) == ALL_PHASES
    again = switched.took(L1_AND_L2, 100.0 + LEARNT_AFTER_S)
    assert again.in_use(ALL_PHASES) == (Phase.L1, Phase.L2)


def test_a_phase_that_was_used_once_counts_until_the_car_leaves() -> None:
    fewer = learnt(L1_AND_L2).took(L1_ALONE, 100.0).took(L1_ALONE, 600.0)

    assert fewer.in_use(ALL_PHASES) == (Phase.L1, Phase.L2)


def test_phases_outlive_a_pause() -> None:
    paused = learnt().took(PhaseCurrents(), 100.0).took(PhaseCurrents(), 900.0)

    assert paused.in_use(ALL_PHASES) == (Phase.L1,)


def test_a_phase_that_is_not_wired_is_no_use() -> None:
    assert learnt(PhaseCurrents(l2=16.0)).in_use((Phase.L1,)) == (Phase.L1,)


# What others gain


def limits_a(world: World) -> dict[str, float | None]:
    return {name.charger: limit_of(world, name) for name in world.known}


def test_two_single_phase_cars_on_different_phases_end_up_with_a_phase_each() -> None:
    one, two = car("a", wiring=(Phase.L1,)), car("b", wiring=(Phase.L2,))
    world = garage(one, two, capacity_a=16.0)
    world.run(ARRIVAL_S + 30.0)
    assert limits_a(world) == {"a": 8.0, "b": 8.0}

    world.run(STEADY_S)
    assert limits_a(world) == {"a": 16.0, "b": 16.0}


def test_what_a_single_phase_car_leaves_lets_a_waiting_car_charge() -> None:
    wired_to_l2 = car("c", phase_map=PhaseMap.L2)
    world = garage(
        car("a", wiring=(Phase.L1,)), car("b", wiring=(Phase.L1,)), wired_to_l2, capacity_a=12.0
    )
    world.run(ARRIVAL_S + STEADY_S)

    assert limits_a(world) == {"a": 6.0, "b": 6.0, "c": 12.0}


def test_the_phases_of_a_rotated_charger_are_those_of_the_grid() -> None:
    rotated = car("a", phase_map=PhaseMap.L2_L3_L1, wiring=(Phase.L2,))
    world = garage(rotated, car("b", phase_map=PhaseMap.L3), capacity_a=16.0)
    world.run(ARRIVAL_S + STEADY_S)

    assert world.known[A].phase_use.in_use(ALL_PHASES) == (Phase.L2,)
    assert limits_a(world) == {"a": 16.0, "b": 16.0}


def test_a_charger_of_unknown_wiring_never_learns() -> None:
    # Which of the grid's phases its first line loads is what nobody knows.
    unknown = car("a", phase_map=PhaseMap.UNKNOWN, wiring=(Phase.L1,))
    world = garage(unknown, car("b", phase_map=PhaseMap.L2), capacity_a=16.0)
    world.run(ARRIVAL_S + 900.0)

    assert limits_a(world) == {"a": 8.0, "b": 8.0}


def test_a_charger_that_does_not_meter_keeps_all_its_phases_booked() -> None:
    silent = car("a", wiring=(Phase.L1,), meters=False)
    world = garage(silent, car("b", phase_map=PhaseMap.L2), capacity_a=16.0)
    world.run(ARRIVAL_S + 900.0)

    assert limits_a(world) == {"a": 8.0, "b": 8.0}


def test_a_new_car_is_booked_on_all_phases_whatever_the_one_before_used() -> None:
    world = garage(car("a", wiring=(Phase.L1,)), car("b", phase_map=PhaseMap.L2), capacity_a=16.0)
    world.run(ARRIVAL_S + STEADY_S)
    assert limits_a(world) == {"a": 16.0, "b": 16.0}

    world.unplug(A)
    world.run(60.0)
    world.truths[A].wiring = ALL_PHASES
    world.plug(A)
    world.run(STEADY_S)

    assert limits_a(world) == {"a": 8.0, "b": 8.0}


@pytest.mark.parametrize("late", [Phase.L2, Phase.L3])
def test_no_fuse_is_overloaded_for_longer_than_a_car_that_changes_its_phases_takes_to_follow(
    late: Phase,
) -> None:
    world = garage(
        car("a", wiring=(Phase.L1,)), car("b", phase_map=PhaseMap(late.lower())), capacity_a=16.0
    )
    world.run(ARRIVAL_S + STEADY_S)
    world.truths[A].wiring = (Phase.L1, late)
    world.run(30.0)

    assert world.flow("root")[late] <= 16.0


def test_a_car_that_waits_for_one_phase_does_not_wait_for_all_three() -> None:
    # It was paused, and remembers; else it would have to displace the car on L2 as well.
    keys: tuple[ConnectorKey, ...] = (A, B, C)
    world = garage(
        car("a", wiring=(Phase.L1,)),
        car("b", phase_map=PhaseMap.L1),
        car("c", phase_map=PhaseMap.L2),
        capacity_a=10.0,
    )
    world.run(ARRIVAL_S + 2 * 3600.0)

    a_as, b_as, c_as = (world.charged_as[name] for name in keys)
    assert abs(a_as - b_as) <= 10.0 * 1800.0
    assert c_as >= 0.95 * 10.0 * 2 * 3600.0
