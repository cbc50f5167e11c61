"""Sharing never goes over a limit, leaves nothing that could be used, and says what binds."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.balancing.policies import Policy

from .instances import Instance, Kind, instances

EPSILON_A = 1e-5
KINDS = {
    "one priority": Kind(),
    "priorities and weights": Kind(priorities=3, weights=(0.5, 1.0, 2.0, 3.0)),
    "tenths of an ampere": Kind(steps_a=(1.0, 0.1)),
    "strict priorities": Kind(priorities=3, policies=(Policy.PRIORITY,)),
    "first come": Kind(priorities=2, policies=(Policy.FIRST_COME,)),
    "all in use": Kind(policies=(Policy.ALL_IN_USE, None)),
    "groups with policies of their own": Kind(priorities=3, policies=(None, *Policy)),
}
ANY = st.one_of([instances(kind) for kind in KINDS.values()])
WITH_HISTORY = instances(Kind(priorities=2, has_history=True, policies=(None, *Policy)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(data=st.data())
@settings(max_examples=60)
def test_no_limit_is_exceeded(kind: Kind, data: st.DataObject) -> None:
    instance = data.draw(instances(kind))

    left = instance.left(instance.shares())

    for left_a, room_a in zip(left, instance.room, strict=True):
        assert left_a >= min(room_a, 0.0) - EPSILON_A


@given(WITH_HISTORY)
def test_no_limit_is_exceeded_whatever_the_cars_have_been_through(instance: Instance) -> None:
    left = instance.left(instance.shares())

    for left_a, room_a in zip(left, instance.room, strict=True):
        assert left_a >= min(room_a, 0.0) - EPSILON_A


@given(st.one_of(ANY, WITH_HISTORY))
def test_everybody_gets_nothing_or_whole_steps_between_minimum_and_maximum(
    instance: Instance,
) -> None:
    shares = instance.shares()

    assert shares.keys() == {claim.key for claim in instance.claims}
    for claim in instance.claims:
        limit_a = shares[claim.key].limit_a
        assert limit_a == 0 or claim.minimum_a <= limit_a <= claim.maximum_a
        assert math.isclose(limit_a, round(limit_a / claim.step_a) * claim.step_a)


@given(ANY)
def test_nobody_could_get_one_more_step(instance: Instance) -> None:
    shares = instance.shares()
    left = instance.left(shares)

    for claim in instance.claims:
        share = shares[claim.key]
        more_a = claim.step_a if share.limit_a else claim.minimum_a
        if share.limit_a + more_a > claim.maximum_a or share.shared_by is not None:
            continue
        assert any(left[number] < more_a * units for number, units in claim.way)


@given(ANY)
def test_what_is_said_to_bind_does_bind(instance: Instance) -> None:
    shares = instance.shares()
    left = instance.left(shares)

    for claim in instance.claims:
        share = shares[claim.key]
        if share.binding is not None:
            more_a = claim.step_a if share.limit_a else claim.minimum_a
            assert instance.is_full(share.binding, claim, more_a, left)
        elif share.shared_by is None:
            assert share.limit_a == claim.maximum_a


@given(instances(Kind(policies=(Policy.ALL_IN_USE,))))
def test_who_is_held_to_a_share_is_so_by_a_group_with_that_policy(instance: Instance) -> None:
    shares = instance.shares()

    for claim in instance.claims:
        share = shares[claim.key]
        if share.shared_by is None:
            continue
        assert instance.site.policies[share.shared_by] is Policy.ALL_IN_USE
        assert claim.minimum_a <= share.limit_a < claim.maximum_a
