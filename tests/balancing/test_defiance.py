"""Beside a charger that does not keep its limit the others make room at once, for all it takes."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import LAG_S, TOLERANCE_A, Commitment
from custom_components.balanz.balancing.control import Result
from custom_components.balanz.balancing.inputs import ConnectorInput, Inputs, Line
from custom_components.balanz.balancing.model import ConnectorKey, Site
from custom_components.balanz.balancing.phases import Phase, PhaseCurrents, PhaseMap

from .build import (
    NOW,
    charging,
    connector,
    decide,
    group,
    inputs,
    key,
    known,
    limits,
    obeying,
    site,
    waiting,
)
from .garage import ARRIVAL_S, car, garage
from .truth import Truth
from .world import World, limit_of

EPSILON_A = 1e-5
SETTLED_S = ARRIVAL_S + 120.0
PAIR = site([group(rating_a=20.0)], [connector("a"), connector("b")])


def defying(limit_a: float, draws_a: float, *, read_at: float = NOW - 1) -> Commitment:
    return obeying(limit_a, reading_a=draws_a, at=read_at)


def cut_again(limit_a: float, further_a: float, draws_a: float, *, at: float) -> Commitment:
    """One that defied its limit, and then accepted a lower one without being seen to follow."""
    defied = defying(limit_a, draws_a, read_at=at - 1).sent(further_a, at)
    return defied.accepted(at, connector("a")).measured(draws_a, at + 1)


def told(result: Result, what: Inputs, on: Site = PAIR) -> dict[str, float]:
    """What each connector has been told once the step's commands are taken, A per line."""
    return {
        one.charger: limits(result).get(
            one.charger, what.connectors[one].commitment.aim_a(on.connectors[one], NOW)
        )
        for one in on.connectors
    }


def test_others_make_room_at_once_for_all_that_it_takes() -> None:
    what = inputs(PAIR, [("a", known(defying(10.0, 16.0))), charging("b", 10.0)])

    # Nobody relies on what it is told: 4 A are left, and no car takes so few.
    assert told(decide(PAIR, what), what) == {"a": 10.0, "b": 0.0}


def test_a_further_cut_is_not_relied_upon_before_it_was_seen_to_be_followed() -> None:
    mad = cut_again(10.0, 8.0, 16.0, at=NOW - 3)
    what = inputs(PAIR, [("a", known(mad)), charging("b", 10.0)])

    assert not mad.exceeds
    assert told(decide(PAIR, what), what) == {"a": 8.0, "b": 0.0}


def test_it_is_cut_as_well_where_the_others_cannot_make_enough_room() -> None:
    small = site([group(rating_a=10.0)], [connector("a"), connector("b")])
    what = inputs(small, [("a", known(defying(10.0, 16.0))), waiting("b")])

    assert told(decide(small, what), what, small) == {"a": 0.0, "b": 0.0}


def test_its_limit_follows_its_share_but_never_upwards() -> None:
    for accepted_a, share_a in ((12.0, 10.0), (8.0, 8.0)):
        what = inputs(PAIR, [("a", known(defying(accepted_a, 16.0))), charging("b", 6.0)])

        assert told(decide(PAIR, what), what)["a"] == share_a


def test_it_is_relied_upon_again_once_it_was_seen_to_keep_a_limit() -> None:
    back = cut_again(10.0, 8.0, 16.0, at=NOW - 9).measured(8.0, NOW - 1)
    what = inputs(PAIR, [("a", known(back)), waiting("b")])

    assert told(decide(PAIR, what), what) == {"a": 10.0, "b": 10.0}


def test_one_that_falls_silent_is_not_taken_to_have_followed() -> None:
    silent = cut_again(10.0, 0.0, 16.0, at=NOW - 60).settled(NOW)

    assert silent.booked_a(connector("a"), NOW) == 16.0
    assert silent.measured_a(NOW) == 16.0
    assert silent.followed_a(NOW, within_s=30.0) is None
    assert silent.disconnected().booked_a(connector("a"), NOW) == 16.0


def beside(draws_a: float, other: tuple[str, ConnectorInput], capacity_a: float) -> Result:
    what = inputs(
        PAIR,
        [("a", known(defying(10.0, draws_a))), other],
        capacities_a={"root": capacity_a},
    )
    return decide(PAIR, what)


@pytest.mark.parametrize("other", [charging("b", 10.0), waiting("b")])
def test_it_is_in_the_way_where_others_have_less_for_it(
    other: tuple[str, ConnectorInput],
) -> None:
    assert beside(16.0, other, 20.0).in_the_way == {key("a")}


@pytest.mark.parametrize(
    ("draws_a", "other", "capacity_a"),
    [
        (16.0, charging("b", 16.0), 32.0),
        (11.5, charging("b", 10.0), 20.0),
        (16.0, ("b", known(obeying(0.0, reading_a=0.0), wants=False)), 20.0),
    ],
    ids=["there is enough for both", "it is merely inexact", "nobody else wants anything"],
)
def test_it_is_in_nobodys_way_where_nobody_lacks_anything(
    draws_a: float, other: tuple[str, ConnectorInput], capacity_a: float
) -> None:
    assert beside(draws_a, other, capacity_a).in_the_way == frozenset()


def test_who_takes_too_much_elsewhere_is_not_to_blame() -> None:
    yard = site(
        [group(rating_a=63.0), group("garage", 20.0)],
        [connector("a", "garage"), connector("b", "garage"), connector("c")],
    )
    mad = known(defying(10.0, 16.0))
    what = inputs(yard, [("a", mad), charging("b", 10.0), ("c", mad)])

    assert decide(yard, what).in_the_way == {key("a")}


@st.composite
def garages(draw: st.DrawFn) -> World:
    """Chargers that all answer and follow promptly, of which some will cease to obey."""
    cars = [
        car(
            name,
            rating_a=draw(st.sampled_from([16.0, 32.0])),
            phase_map=draw(st.sampled_from([PhaseMap.L1_L2_L3, PhaseMap.L1, PhaseMap.L2])),
            step_a=draw(st.sampled_from([1.0, 0.1])),
        )
        for name in "abcd"[: draw(st.integers(2, 4))]
    ]
    return garage(
        *cars,
        capacity_a=draw(st.sampled_from([16.0, 20.0, 32.0, 50.0])),
        house_a=draw(st.sampled_from([None, 0.0, 4.0])),
    )


@given(
    world=garages(),
    wild=st.lists(
        st.tuples(st.integers(0, 3), st.floats(7.0, 32.0), st.floats(0.0, 40.0)),
        min_size=1,
        max_size=3,
    ),
    changes=st.lists(st.tuples(st.floats(0.0, 120.0), st.floats(0.0, 12.0)), max_size=3),
)
def test_from_the_first_reading_on_that_shows_it_all_cuts_leave_that_make_the_rest_fit(
    world: World,
    wild: list[tuple[int, float, float]],
    changes: list[tuple[float, float]],
) -> None:
    world.run(SETTLED_S)
    keys = list(world.known)
    for number, draws_a, after_s in wild:
        truth = world.truths[keys[number % len(keys)]]
        world.after(after_s, partial(_defy, truth, draws_a))
    for after_s, load_a in changes:
        world.after(after_s, partial(_change, world, load_a))
    shown: set[ConnectorKey] = set()

    def check(inputs: Inputs, result: Result) -> None:
        shown.difference_update([one for one in keys if not _is_above(world, one)])
        shown.update(one for one in keys if _is_above(world, one) and _had_its_time(world, one))
        view = result.groups["root"]
        assert view.base_load is not None
        for phase in Phase:
            expected_a, free_a = view.base_load[phase], 0.0
            for one in keys:
                if phase not in world.site.connectors[one].phase_map.phases:
                    continue
                commitment = inputs.connectors[one].commitment
                if one in shown:
                    reading = commitment.reading
                    expected_a += 0.0 if reading is None else reading.current_a
                    continue
                aim_a = commitment.aim_a(world.site.connectors[one], world.now)
                told_a = limits(result).get(one.charger, aim_a)
                expected_a += told_a
                if inputs.connectors[one].line is Line.FREE:
                    free_a += told_a
            assert expected_a <= inputs.capacities_a["root"] + EPSILON_A or free_a == 0

    world.after_step.append(check)
    world.run(180.0)


def _defy(truth: Truth, draws_a: float) -> None:
    truth.defies_with_a = min(draws_a, truth.connector.rating_a)


def _change(world: World, load_a: float) -> None:
    if "root" in world.meters:
        world.house["root"] = PhaseCurrents.uniform(load_a)
        world.read_group("root")
    else:
        world.capacities_a["root"] = world.site.groups["root"].rating_a - load_a


def _is_above(world: World, one: ConnectorKey) -> bool:
    """Whether the last reading says that it takes more than it has accepted."""
    commitment = world.known[one].commitment
    assert commitment.reading is not None
    assert commitment.accepted_a is not None
    return commitment.reading.current_a > commitment.accepted_a + TOLERANCE_A


def _had_its_time(world: World, one: ConnectorKey) -> bool:
    commitment = world.known[one].commitment
    assert commitment.reading is not None
    assert commitment.accepted_at is not None
    return commitment.reading.at >= commitment.accepted_at + LAG_S


def test_a_garage_is_shared_again_once_the_charger_has_come_to_its_senses() -> None:
    world = garage(car("a"), car("b"), capacity_a=20.0)
    world.run(SETTLED_S)
    world.truths[key("a")].defies_with_a = 16.0
    world.run(60.0)
    assert limit_of(world, key("b")) == 0.0
    world.truths[key("a")].defies_with_a = None
    world.run(120.0)
    assert limit_of(world, key("a")) == limit_of(world, key("b")) == 10.0
