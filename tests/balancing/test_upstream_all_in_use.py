"""The rule of the BCIT add-on: fixed or equal shares while every connector is in use.

There a profile was set on the last start and cleared on the first stop. What a clear left was no
limit at all; here the group's capacity holds whoever starts and stops.
"""

from dataclasses import replace
from functools import partial

from custom_components.balanz.balancing.commands import Kind
from custom_components.balanz.balancing.control import Result
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.inputs import Inputs
from custom_components.balanz.balancing.model import ConnectorKey, Site
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.reasons import Rule

from .build import group, key, site
from .garage import car, garage
from .truth import Answer, Manner, Truth
from .upstream import limits_of, never_more_than
from .world import World

A, B, C = key("a"), key("b"), key("c")
STEADY_S = 120.0
ALL_IN_USE = Policy.ALL_IN_USE


def two(*, share_a: float | None = None) -> World:
    """Two chargers of 32 A on 30 A; their cars come when the test lets them."""
    return garage(
        car("a", rating_a=32.0),
        car("b", rating_a=32.0),
        capacity_a=30.0,
        came_s={"a": None, "b": None},
        policy=ALL_IN_USE,
        share_a=share_a,
    )


def plug(world: World, *names: ConnectorKey) -> None:
    for name in names:
        world.after(0.0, partial(world.plug, name))
    world.run(STEADY_S)


def unplug(world: World, *names: ConnectorKey) -> None:
    for name in names:
        world.after(0.0, partial(world.unplug, name))
    world.run(STEADY_S)


def test_the_first_car_has_it_all_and_with_the_second_each_has_half() -> None:
    world = two()
    plug(world, A)
    assert limits_of(world) == {"a": 30.0, "b": 0.0}

    plug(world, B)
    assert limits_of(world) == {"a": 15.0, "b": 15.0}

    unplug(world, A)
    assert limits_of(world) == {"a": 0.0, "b": 30.0}

    plug(world, A)
    assert limits_of(world) == {"a": 15.0, "b": 15.0}


def test_a_fixed_share_may_be_less_than_an_equal_one() -> None:
    world = two(share_a=10.0)
    plug(world, A, B)

    assert limits_of(world) == {"a": 10.0, "b": 10.0}
    assert world.result is not None
    assert world.result.reasons[A].rule is Rule.ALL_IN_USE


def on_connectors(*numbers: tuple[str, int], capacity_a: float) -> World:
    """Chargers with several connectors, all with a car."""
    truths: list[Truth] = []
    for charger, number in numbers:
        one = car(charger, rating_a=32.0)
        named = replace(one.connector, key=ConnectorKey(charger=charger, connector=number))
        truths.append(replace(one, connector=named))
    return garage(*truths, capacity_a=capacity_a, policy=ALL_IN_USE)


def test_both_connectors_of_one_charger_count() -> None:
    # There one charger was one start: the rule never applied.
    world = on_connectors(("a", 1), ("a", 2), capacity_a=30.0)
    world.run(300.0)

    assert {world.known[name].commitment.accepted_a for name in world.known} == {15.0}


def test_four_connectors_of_two_chargers_have_a_quarter_each() -> None:
    four = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    world = on_connectors(*four, capacity_a=40.0)
    world.run(300.0)
    assert {world.known[name].commitment.accepted_a for name in world.known} == {10.0}

    unplug(world, ConnectorKey("a", 2))

    assert sorted(known.commitment.accepted_a or 0.0 for known in world.known.values()) == [
        0.0,
        13.0,
        13.0,
        14.0,
    ]


def in_two_groups(first: Group, second: Group, *cars: tuple[Truth, str]) -> World:
    truths = [
        replace(truth, connector=replace(truth.connector, group_id=group_id))
        for truth, group_id in cars
    ]
    yard: Site = site([group(rating_a=100.0), first, second], [it.connector for it in truths])
    world = World(yard, {truth.connector.key: truth for truth in truths}, start=0.0)
    for name in world.known:
        world.at(0.0, partial(world.connect, name, reboot=True))
    world.metering()
    world.run(60.0)
    return world


def test_a_start_elsewhere_sends_nothing_to_a_group_that_has_its_shares() -> None:
    # There every start anywhere sent all profiles again.
    full = replace(group("full", 30.0), policy=ALL_IN_USE)
    other = group("other", 30.0)
    world = in_two_groups(full, other, (car("a"), "full"), (car("b"), "full"), (car("c"), "other"))
    plug(world, A, B)
    world.run(300.0)
    sent: list[str] = []

    def note(_: Inputs, result: Result) -> None:
        sent.extend(it.key.charger for it in result.commands if it.kind is not Kind.RENEW)

    world.after_step.append(note)
    plug(world, C)

    assert limits_of(world) == {"a": 15.0, "b": 15.0, "c": 16.0}
    assert sent == ["c"]


def test_two_of_three_share_all_there_is_and_the_limit_holds() -> None:
    # There two of three were not limited at all, nor were the two that were left.
    world = garage(
        *(car(name, rating_a=32.0) for name in "abc"),
        capacity_a=30.0,
        came_s={"c": None},
        policy=ALL_IN_USE,
        share_a=10.0,
    )
    over = never_more_than(world, 30.0)
    world.run(200.0)
    assert limits_of(world) == {"a": 15.0, "b": 15.0, "c": 0.0}

    plug(world, C)
    assert limits_of(world) == {"a": 10.0, "b": 10.0, "c": 10.0}

    unplug(world, A)
    assert limits_of(world) == {"a": 0.0, "b": 15.0, "c": 15.0}
    assert over == []


def test_a_share_that_was_refused_or_lost_is_sent_again() -> None:
    # There it was tried again at the next start anywhere.
    world = two()
    once = (Answer.REJECTED, Answer.LOST, Answer.ACCEPTED)
    plug(world, A)
    world.truths[A].manners = tuple(Manner(answer=answer) for answer in once)
    world.known[A].manner = 0
    over = never_more_than(world, 30.0)
    plug(world, B)

    assert limits_of(world) == {"a": 15.0, "b": 15.0}
    assert over == []


def test_a_charger_in_two_groups_keeps_to_the_narrower_share() -> None:
    # There both groups' profiles were set, and neither was ever cleared.
    outer = replace(group("outer", 30.0), policy=ALL_IN_USE)
    inner = replace(group("inner", 16.0, "outer"), policy=ALL_IN_USE)
    world = in_two_groups(
        outer,
        inner,
        (car("a"), "inner"),
        (car("b"), "inner"),
        (car("c"), "outer"),
    )
    plug(world, A, B, C)
    assert limits_of(world) == {"a": 8.0, "b": 8.0, "c": 10.0}

    unplug(world, A)
    world.run(300.0)

    assert limits_of(world) == {"a": 0.0, "b": 15.0, "c": 15.0}


def test_no_share_outlives_the_last_car() -> None:
    # There a profile for all transactions was never cleared.
    world = two(share_a=10.0)
    plug(world, A, B)
    unplug(world, A, B)
    plug(world, B)

    assert limits_of(world) == {"a": 0.0, "b": 30.0}
