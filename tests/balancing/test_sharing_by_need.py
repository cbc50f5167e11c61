"""Sharing by need: who goes first, and what needs can never take."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.claims import Claim
from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.phases import ALL_PHASES, EPSILON_A, Phase, PhaseMap
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.routes import Resource

from .build import group, site
from .instances import Instance, Kind, ask, random_instance, share

HOUR_S = 3600.0
TOLD = Kind(
    priorities=2,
    weights=(0.5, 1.0, 2.0),
    steps_a=(1.0, 0.1),
    policies=(Policy.NEED,),
    has_history=True,
)


def yard(garage: Policy | None = None) -> Site:
    """A site that shares by need, with a garage."""
    return site(
        [replace(group(), policy=Policy.NEED), replace(group("garage", 100.0), policy=garage)]
    )


YARD = yard()


def car(
    name: str,
    needed_a: float | None = None,
    left_s: float = HOUR_S,
    phase_map: PhaseMap = PhaseMap.L1_L2_L3,
    *,
    before_needs: bool = False,
    priority: int = 1,
) -> Claim:
    """What a car asks for that needs a current until it leaves."""
    claim = ask(YARD, name, phase_map=phase_map, priority=priority)
    told = claim if needed_a is None else claim._replace(needed_a=needed_a, time_left_s=left_s)
    return told._replace(before_needs=before_needs, lines=len(phase_map.phases))


def among(room_a: float, *cars: Claim) -> dict[str, float]:
    """Share what the main group has on each phase."""
    return share(YARD, cars, {Resource("root", phase): room_a for phase in ALL_PHASES})


# Who goes first


def test_who_leaves_first_has_what_it_needs_before_others_have_their_minimum() -> None:
    assert among(16.0, car("later", 12.0, 2 * HOUR_S), car("soon", 12.0)) == {
        "soon": 16.0,
        "later": 0.0,
    }


def test_who_needs_more_in_the_same_time_gets_more() -> None:
    assert among(20.0, car("much", 16.0), car("little", 8.0)) == {"much": 13.0, "little": 7.0}


def test_who_had_to_give_way_comes_back_as_soon_as_its_minimum_fits() -> None:
    metered = site([replace(group(metered=True), policy=Policy.NEED)])
    soon, later = car("soon", 12.0), car("later", 12.0, 2 * HOUR_S)._replace(needs_spare=True)
    room = {Resource("root", phase): 18.0 for phase in ALL_PHASES}

    assert share(metered, (soon, later), room) == {"soon": 12.0, "later": 6.0}


def test_what_nobody_needs_in_time_is_used_all_the_same() -> None:
    assert among(30.0, car("a", 7.0), car("b", 7.0, 2 * HOUR_S)) == {"a": 15.0, "b": 15.0}


def test_a_need_is_met_in_whole_steps() -> None:
    assert among(14.0, car("soon", 7.2), car("later", 16.0, 2 * HOUR_S))["soon"] == 8.0


def test_an_impossible_need_takes_no_more_than_the_car_can_use() -> None:
    assert among(22.0, car("late", 400.0), car("later", 6.0, HOUR_S * 2)) == {
        "late": 16.0,
        "later": 6.0,
    }


def test_nobodys_need_takes_the_minimum_of_one_whose_turn_it_is() -> None:
    charging = car("charging", 2.0, 9 * HOUR_S, before_needs=True)

    assert among(16.0, car("soon", 16.0), charging) == {"soon": 10.0, "charging": 6.0}


def test_who_has_what_it_needs_goes_last() -> None:
    sated = car("a", 0.0, float("inf"))

    assert among(11.0, sated, car("b", 6.0, 9 * HOUR_S)) == {"a": 0.0, "b": 11.0}


def test_a_car_of_which_nothing_is_known_goes_before_one_that_stays_for_long() -> None:
    guest = car("guest")

    assert among(11.0, guest, car("stays", 8.0, 9 * HOUR_S)) == {"guest": 11.0, "stays": 0.0}
    assert among(11.0, guest, car("leaves", 8.0)) == {"guest": 0.0, "leaves": 11.0}


def test_where_nobody_tells_all_is_as_in_a_fair_group() -> None:
    assert among(33.0, car("a"), car("b"), car("c")) == {"a": 11.0, "b": 11.0, "c": 11.0}


def test_no_need_goes_before_that_of_a_higher_priority() -> None:
    high = car("high", 12.0, 9 * HOUR_S, priority=2)

    assert among(16.0, car("low", 16.0), high) == {"high": 16.0, "low": 0.0}


def test_the_example_that_the_architecture_works_out_by_hand() -> None:
    a, b, c = car("a", 14.0), car("b", 10.0, 2 * HOUR_S), car("c")

    assert among(24.0, a, b, c) == {"a": 14.0, "b": 10.0, "c": 0.0}
    assert among(24.0, b, c) == {"b": 15.0, "c": 9.0}


# Scarce phases


def test_a_phase_that_is_short_goes_to_the_car_that_uses_the_others_too() -> None:
    cars = (car("wide", 16.0), car("narrow", 16.0, 0.9 * HOUR_S, PhaseMap.L1))
    short = {Resource("root", phase): 16.0 for phase in ALL_PHASES}

    assert share(YARD, cars, short) == {"wide": 16.0, "narrow": 0.0}


def test_where_needs_fit_only_time_counts() -> None:
    cars = (car("wide", 6.0), car("narrow", 9.0, 0.9 * HOUR_S, PhaseMap.L1))
    enough = {Resource("root", phase): 15.0 for phase in ALL_PHASES}

    assert share(YARD, cars, enough) == {"wide": 6.0, "narrow": 9.0}


def test_a_car_on_another_phase_loses_nothing_by_a_need() -> None:
    cars = (car("a", 16.0, HOUR_S, PhaseMap.L1), car("b", 6.0, 9 * HOUR_S, PhaseMap.L2))

    assert share(YARD, cars, {Resource("root", Phase.L1): 10.0}) == {"a": 10.0, "b": 16.0}


# Groups


def test_a_garage_that_goes_by_need_shares_so_what_a_fair_site_leaves_it() -> None:
    fair = site([group(), replace(group("garage", 100.0), policy=Policy.NEED)])
    late, soon = (
        ask(fair, name, "garage")._replace(needed_a=10.0, time_left_s=left_s)
        for name, left_s in (("late", 9 * HOUR_S), ("soon", HOUR_S))
    )
    rooms_a = {Resource("root", phase): 27.0 for phase in ALL_PHASES}

    got = share(fair, [late, soon, ask(fair, "outside")], rooms_a)

    assert got == {"late": 8.0, "soon": 10.0, "outside": 9.0}


# Whatever the needs


@st.composite
def needy(draw: st.DrawFn) -> Instance:
    """A site that goes by need, and cars of which some have told."""
    chance = Random(draw(st.integers(0, 2**32)))
    instance = random_instance(chance, TOLD)
    return replace(instance, claims=tuple(_told(chance, claim) for claim in instance.claims))


def _told(chance: Random, claim: Claim) -> Claim:
    claim = claim._replace(before_needs=chance.random() < 0.5, lines=chance.randint(1, 3))
    if chance.random() < 0.3:
        return claim
    needed_a = chance.choice((0.0, 3.0, 8.0, 20.0, 500.0))
    left_s = float("inf") if needed_a == 0.0 else chance.uniform(300.0, 10 * HOUR_S)
    return claim._replace(needed_a=needed_a, time_left_s=left_s)


@given(needy())
def test_nothing_is_given_that_is_not_there(instance: Instance) -> None:
    shares = instance.shares()

    left = instance.left(shares)

    for room_a, left_a in zip(instance.room, left, strict=True):
        assert left_a >= min(room_a, 0.0) - EPSILON_A


@given(needy())
def test_everybody_gets_nothing_or_something_between_minimum_and_maximum(
    instance: Instance,
) -> None:
    shares = instance.shares()

    for claim in instance.claims:
        limit_a = shares[claim.key].limit_a
        assert limit_a == 0.0 or claim.minimum_a <= limit_a <= claim.maximum_a
        steps = limit_a / claim.step_a
        assert steps == pytest.approx(round(steps))


@given(needy())
def test_nothing_stays_unused_that_a_car_that_charges_could_use(instance: Instance) -> None:
    shares = instance.shares()
    left = instance.left(shares)

    for claim in instance.claims:
        share = shares[claim.key]
        more_a = min(claim.step_a, claim.maximum_a - share.limit_a)
        if share.limit_a > 0 and more_a > EPSILON_A:
            assert share.binding is not None
            assert instance.is_full(share.binding, claim, more_a, left)


@given(needy())
def test_the_order_in_which_needs_are_told_makes_no_difference(instance: Instance) -> None:
    backwards = replace(instance, claims=instance.claims[::-1])

    assert backwards.shares() == instance.shares()
