"""Minimums: who may charge at all where not everybody can."""

from dataclasses import replace

from hypothesis import given

from custom_components.balanz.balancing.admission import admit
from custom_components.balanz.balancing.claims import Claim
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.balancing.routes import Resource

from .build import group, site
from .instances import Instance, Kind, ask, instances, share
from .optimum import most_admitted


def charging(instance: Instance) -> set[ConnectorKey]:
    return {one for one, share in instance.shares().items() if share.limit_a > 0}


def deserves(claim: Claim) -> tuple[int, tuple[float, ...], ConnectorKey]:
    """Who has the smallest goes first."""
    return -claim.priority, claim.order, claim.key


@given(instances(Kind(priorities=3)))
def test_who_charges_is_decided_in_order_of_what_each_deserves(instance: Instance) -> None:
    """A car charges exactly where its minimum fits beside those of all before it."""
    left = list(instance.room)
    expected = set()
    for claim in sorted(instance.claims, key=deserves):
        if all(left[number] >= claim.minimum_a * units for number, units in claim.way):
            expected.add(claim.key)
            for number, units in claim.way:
                left[number] -= claim.minimum_a * units

    assert charging(instance) == expected


@given(instances(Kind(all_fit=True, priorities=2, weights=(1.0, 2.0))))
def test_everybody_charges_where_all_minimums_fit(instance: Instance) -> None:
    assert len(charging(instance)) == len(instance.claims)


@given(instances(Kind(priorities=2)))
def test_the_most_deserving_charges_wherever_its_minimum_fits_at_all(instance: Instance) -> None:
    first = min(instance.claims, key=deserves)

    fits = all(instance.room[number] >= first.minimum_a * units for number, units in first.way)

    assert (first.key in charging(instance)) == fits


@given(instances(Kind(connectors=12)))
def test_of_equal_cars_on_single_phases_as_many_charge_as_possible(instance: Instance) -> None:
    """Their limits nest, so that nobody stands in the way of more than one other."""
    ways = {
        position: instance.site.routes.way(claim.group_id, PhaseMap.L1.phases)
        for position, claim in enumerate(instance.claims)
    }
    claims = tuple(
        claim._replace(way=ways[position], minimum_a=6.0, maximum_a=16.0)
        for position, claim in enumerate(instance.claims)
    )
    equal = replace(instance, claims=claims)

    assert len(charging(equal)) == most_admitted(claims, instance.room)


@given(instances(Kind()))
def test_no_more_charge_than_can_at_once(instance: Instance) -> None:
    assert len(charging(instance)) <= most_admitted(instance.claims, instance.room)


@given(instances(Kind(connectors=6)))
def test_who_is_first_in_line_and_blocked_keeps_its_place_on_every_phase(
    instance: Instance,
) -> None:
    """With the others' minimums gone, there is room for who waits: nobody behind it took any."""
    reserving = tuple(claim._replace(reserves=True) for claim in instance.claims)
    ranked = sorted(reserving, key=deserves)
    _, refused = admit(reserving, list(instance.room))
    out = {reserving[position].key for position in refused}
    first_out = next((claim for claim in ranked if claim.key in out), None)
    if first_out is None or not fits(first_out, instance.room):
        return

    left = list(instance.room)
    for claim in ranked[ranked.index(first_out) + 1 :]:
        if claim.key not in out:
            for number, units in claim.way:
                left[number] -= claim.minimum_a * units

    assert fits(first_out, left)


def fits(claim: Claim, left: list[float] | tuple[float, ...]) -> bool:
    return all(left[number] >= claim.minimum_a * units for number, units in claim.way)


def test_who_is_first_in_line_keeps_what_it_needs_of_a_power_limit() -> None:
    yard = site([replace(group(), power_limit_w=4_000.0)])
    claims = [
        ask(yard, "charging", phase_map=PhaseMap.L1, came=1.0),
        ask(yard, "large", came=2.0)._replace(reserves=True),
        ask(yard, "small", phase_map=PhaseMap.L2, came=3.0),
    ]

    got = share(yard, claims, {Resource("root", None): 20.0})

    assert got == {"charging": 16.0, "large": 0.0, "small": 0.0}


@given(instances(Kind(has_history=True, priorities=2)))
def test_what_is_admitted_is_taken_and_nothing_else(instance: Instance) -> None:
    left = list(instance.room)

    admitted, refused = admit(instance.claims, left, instance.site.routes.metered)

    expected = list(instance.room)
    for claim in admitted:
        for number, units in claim.way:
            expected[number] -= claim.minimum_a * units
    assert all(abs(one - other) < 1e-6 for one, other in zip(left, expected, strict=True))
    assert len(admitted) + len(refused) == len(instance.claims)
