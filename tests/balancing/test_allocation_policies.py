"""The policies: in which order a group hands out what it has."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from custom_components.balanz.balancing.allocation import allocate
from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseMap
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.routes import Resource
from custom_components.balanz.balancing.schedule import PriorityCap

from .build import connector, group, key, site
from .instances import Instance, Kind, ask, instances, share


def yard(root: Policy | None = None, garage: Policy | None = None) -> Site:
    """A site with a garage, of which each has the policy given."""
    return site([replace(group(), policy=root), replace(group("garage", 100.0), policy=garage)])


def room(group_id: str, room_a: float) -> Mapping[Resource, float]:
    return {Resource(group_id, phase): room_a for phase in ALL_PHASES}


def test_everybody_has_the_minimum_before_a_higher_priority_has_more() -> None:
    fair = yard()
    claims = [ask(fair, "high", priority=2), ask(fair, "low")]

    assert share(fair, claims, room("root", 17.0)) == {"high": 11.0, "low": 6.0}


def test_a_strict_priority_has_all_it_can_take_before_the_next_has_anything() -> None:
    strict = yard(Policy.PRIORITY)
    claims = [ask(strict, "high", priority=2), ask(strict, "low")]

    assert share(strict, claims, room("root", 21.0)) == {"high": 16.0, "low": 0.0}
    assert share(strict, claims, room("root", 22.0)) == {"high": 16.0, "low": 6.0}


def test_equal_strict_priorities_share_evenly() -> None:
    strict = yard(Policy.PRIORITY)

    got = share(strict, [ask(strict, "a"), ask(strict, "b")], room("root", 21.0))

    assert got == {"a": 11.0, "b": 10.0}


def test_who_came_first_has_all_it_can_take_and_the_next_the_rest() -> None:
    queue = yard(Policy.FIRST_COME)
    claims = [ask(queue, name, came=came) for name, came in (("a", 2), ("b", 1), ("c", 3))]

    assert share(queue, claims, room("root", 29.0)) == {"a": 13.0, "b": 16.0, "c": 0.0}


def test_who_came_first_gives_way_to_a_higher_priority() -> None:
    queue = yard(Policy.FIRST_COME)
    claims = [ask(queue, "early", came=1.0), ask(queue, "high", came=2.0, priority=2)]

    assert share(queue, claims, room("root", 24.0)) == {"early": 8.0, "high": 16.0}


def test_a_group_without_a_policy_follows_the_one_above_it() -> None:
    queue = yard(Policy.FIRST_COME)
    claims = [ask(queue, "a", "garage", came=2.0), ask(queue, "b", "garage", came=1.0)]

    assert share(queue, claims, room("garage", 24.0)) == {"a": 8.0, "b": 16.0}


def test_a_policy_of_its_own_decides_who_in_a_group_gets_how_much_not_how_much_it_gets() -> None:
    shared = yard(None, Policy.FIRST_COME)
    late = ask(shared, "late", "garage", came=2.0)
    early = ask(shared, "early", "garage", came=1.0)
    outside = ask(shared, "outside", came=3.0)

    got = share(shared, [late, early, outside], room("root", 33.0))

    assert got == {"late": 6.0, "early": 16.0, "outside": 11.0}


def test_a_fair_group_in_a_queue_shares_what_its_first_car_brought_it() -> None:
    queue = yard(Policy.FIRST_COME, Policy.FAIR)
    claims = [
        ask(queue, "first", "garage", came=1.0),
        ask(queue, "second", came=2.0),
        ask(queue, "third", "garage", came=3.0),
    ]

    got = share(queue, claims, room("root", 26.0))

    assert got == {"first": 8.0, "second": 10.0, "third": 8.0}


def test_sharing_anew_in_a_group_keeps_to_a_cap_on_low_priorities_above_it() -> None:
    cap = PriorityCap(below_priority=2, capacity_a=10.0)
    capped = site(
        [
            replace(group(), policy=Policy.FIRST_COME, priority_caps=(cap,)),
            replace(group("garage", 100.0), policy=Policy.FAIR),
        ]
    )
    claims = [
        ask(capped, "high", "garage", PhaseMap.L1, came=1.0, priority=2),
        ask(capped, "low", "root", PhaseMap.L1, came=2.0),
        ask(capped, "last", "garage", PhaseMap.L1, came=3.0),
    ]
    rooms_a = {Resource("root", Phase.L1): 26.0, Resource("root", Phase.L1, 2): 10.0}

    assert share(capped, claims, rooms_a) == {"high": 16.0, "low": 10.0, "last": 0.0}


def test_sharing_anew_in_a_group_keeps_to_a_feeder_with_fewer_phases() -> None:
    lane = site(
        [
            replace(group(), phases=(Phase.L1,)),
            replace(group("garage", 100.0), policy=Policy.FIRST_COME),
        ]
    )
    claims = [ask(lane, "all", "garage", came=2.0)]
    claims += [
        ask(lane, phase_map.value, "garage", phase_map)
        for phase_map in (PhaseMap.L1, PhaseMap.L2, PhaseMap.L3)
    ]

    got = share(lane, claims, {Resource("root", Phase.L1): 26.0})

    assert sum(got.values()) <= 26.0


def test_who_waits_in_a_group_of_its_own_policy_is_told_the_limit_that_is_full() -> None:
    shared = yard(None, Policy.FIRST_COME)
    claims = [ask(shared, "a", "garage", came=1.0), ask(shared, "b", "garage", came=2.0)]

    shares = allocate(shared, claims, [20.0, 20.0, 20.0, 100.0, 100.0, 100.0])

    assert shares[key("b")].limit_a == 0
    assert shares[key("b")].binding == Resource("root", Phase.L1)


@given(instances(Kind(priorities=2, policies=(None, Policy.PRIORITY, Policy.FIRST_COME))))
def test_nobody_outside_of_a_group_loses_by_its_policy(instance: Instance) -> None:
    apart = set(instance.site.groups_apart)
    alike = {
        one.id: one if one.parent_id is None else replace(one, policy=None)
        for one in instance.site.groups.values()
    }
    plain = replace(instance, site=Site(groups=alike, connectors=instance.site.connectors))

    before, after = plain.shares(), instance.shares()

    for claim in instance.claims:
        if apart.isdisjoint(instance.site.routes.paths[claim.group_id]):
            assert after[claim.key].limit_a >= before[claim.key].limit_a


@given(instances(Kind(priorities=3, policies=(Policy.PRIORITY,))))
def test_a_lower_priority_takes_nothing_from_a_higher_where_order_is_strict(
    instance: Instance,
) -> None:
    high = tuple(claim for claim in instance.claims if claim.priority > 1)

    alone = replace(instance, claims=high).shares()
    shares = instance.shares()

    assert all(shares[claim.key] == alone[claim.key] for claim in high)


@given(instances(Kind(policies=(Policy.FIRST_COME,))))
def test_who_came_later_takes_nothing_from_who_came_first(instance: Instance) -> None:
    early = tuple(claim for claim in instance.claims if claim.arrival < 2)

    alone = replace(instance, claims=early).shares()
    shares = instance.shares()

    assert all(shares[claim.key] == alone[claim.key] for claim in early)


@given(instances(Kind(all_fit=True, priorities=3)))
def test_above_the_minimums_a_lower_priority_takes_nothing_from_a_higher(
    instance: Instance,
) -> None:
    at_minimum = tuple(
        claim._replace(maximum_a=claim.minimum_a) if claim.priority == 1 else claim
        for claim in instance.claims
    )

    alone = replace(instance, claims=at_minimum).shares()
    shares = instance.shares()

    for claim in instance.claims:
        if claim.priority > 1:
            assert shares[claim.key] == alone[claim.key]


def all_in_use(*names: str, share_a: float | None = None) -> Site:
    root = replace(group(), policy=Policy.ALL_IN_USE, share_a=share_a)
    return site([root], [connector(name, rating_a=32.0) for name in names])


def test_while_all_are_in_use_each_has_an_equal_share_though_one_cannot_use_it() -> None:
    full = all_in_use("a", "b")
    claims = [ask(full, "a", maximum_a=8.0), ask(full, "b", maximum_a=32.0)]

    assert share(full, claims, room("root", 30.0)) == {"a": 8.0, "b": 15.0}


def test_while_all_are_in_use_nobody_has_more_than_the_fixed_share() -> None:
    full = all_in_use("a", "b", share_a=10.0)
    claims = [ask(full, name, maximum_a=32.0) for name in ("a", "b")]

    assert share(full, claims, room("root", 50.0)) == {"a": 10.0, "b": 10.0}


def test_when_one_leaves_the_others_rise_to_what_there_is() -> None:
    full = all_in_use("a", "b", "c", share_a=10.0)
    claims = [ask(full, name, maximum_a=32.0) for name in ("a", "b")]

    assert share(full, claims, room("root", 50.0)) == {"a": 25.0, "b": 25.0}


@pytest.mark.parametrize("share_a", [None, 3.0, 40.0], ids=["equal", "too small", "too large"])
def test_a_share_never_takes_more_than_there_is(share_a: float | None) -> None:
    full = all_in_use("a", "b", "c", share_a=share_a)
    claims = [ask(full, name, came=n, maximum_a=32.0) for n, name in enumerate(("a", "b", "c"))]

    got = share(full, claims, room("root", 17.0))

    assert sum(got.values()) <= 17.0
    assert got["c"] == 0.0
    assert min(got["a"], got["b"]) >= 6.0


def test_who_is_held_to_a_share_is_told_the_group() -> None:
    full = all_in_use("a", "b", share_a=10.0)
    claims = [ask(full, name, maximum_a=32.0) for name in ("a", "b")]

    shares = allocate(full, claims, [50.0] * 3)

    assert shares[key("a")].shared_by == "root"
    assert shares[key("a")].binding is None
