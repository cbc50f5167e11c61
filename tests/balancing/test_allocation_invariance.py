"""What must make no difference to sharing, and what must make only one."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.model import Site
from custom_components.balanz.balancing.policies import Policy

from .build import group
from .instances import Instance, Kind, instances

ANY = Kind(
    priorities=3,
    weights=(0.5, 1.0, 2.0, 3.0),
    steps_a=(1.0, 0.1),
    policies=(None, *Policy),
    has_history=True,
)


@given(instances(ANY), st.randoms(use_true_random=False))
def test_the_order_in_which_chargers_are_listed_makes_no_difference(
    instance: Instance, chance: random.Random
) -> None:
    shuffled = list(instance.claims)
    chance.shuffle(shuffled)

    assert replace(instance, claims=tuple(shuffled)).shares() == instance.shares()


@given(instances(ANY), st.randoms(use_true_random=False))
def test_the_order_in_which_groups_are_listed_makes_no_difference(
    instance: Instance, chance: random.Random
) -> None:
    """But for which of several full limits is named."""
    names = list(instance.site.groups)
    chance.shuffle(names)
    site = Site(
        groups={name: instance.site.groups[name] for name in names},
        connectors=instance.site.connectors,
    )
    phases = {it.key: it.phase_map.phases for it in site.connectors.values()}
    numbers = instance.site.routes.numbers
    moved = Instance(
        site=site,
        claims=tuple(
            claim._replace(way=site.routes.way(claim.group_id, phases[claim.key], claim.priority))
            for claim in instance.claims
        ),
        room=tuple(instance.room[numbers[resource]] for resource in site.routes.resources),
    )

    limits_a = {one: share.limit_a for one, share in instance.shares().items()}

    assert {one: share.limit_a for one, share in moved.shares().items()} == limits_a


@given(instances(ANY))
def test_sharing_twice_gives_the_same_and_changes_nothing_it_was_given(instance: Instance) -> None:
    claims, room = list(instance.claims), list(instance.room)

    first = instance.shares()
    again = instance.shares()

    assert first == again
    assert (claims, room) == (list(instance.claims), list(instance.room))


@given(instances(Kind(priorities=3, weights=(0.5, 1.0, 2.0), steps_a=(1.0, 0.1))))
def test_who_asks_for_what_it_got_gets_it_again(instance: Instance) -> None:
    shares = instance.shares()

    modest = replace(
        instance,
        claims=tuple(
            claim._replace(maximum_a=shares[claim.key].limit_a)
            for claim in instance.claims
            if shares[claim.key].limit_a > 0
        ),
    )

    for one, share in modest.shares().items():
        assert share.limit_a == shares[one].limit_a
        assert share.binding is None


@given(instances(Kind(all_fit=True)), st.data())
def test_more_room_never_hurts_the_worst_off(instance: Instance, data: st.DataObject) -> None:
    more_a = st.sampled_from([0.0, 0.5, 1.0, 3.0, 20.0])
    wider = replace(instance, room=tuple(room_a + data.draw(more_a) for room_a in instance.room))

    before = min(share.limit_a for share in instance.shares().values())

    assert min(share.limit_a for share in wider.shares().values()) >= before


@given(instances(Kind(has_history=True, priorities=2)), instances(Kind(priorities=2)))
def test_neighbours_under_a_feeder_that_is_not_full_do_not_touch_each_other(
    one: Instance, other: Instance
) -> None:
    alone = one.shares()

    together = dict(side_by_side(one, other).shares().items())

    for claim in one.claims:
        moved = claim.key._replace(charger=f"one-{claim.key.charger}")
        assert together[moved].limit_a == alone[claim.key].limit_a


def side_by_side(one: Instance, other: Instance) -> Instance:
    """Both sites as the two halves of a larger one, whose own limit is never full."""
    groups = {"root": group("root", 1000.0)}
    for name, half in (("one", one), ("other", other)):
        for it in half.site.groups.values():
            parent_id = "root" if it.parent_id is None else f"{name}-{it.parent_id}"
            groups[f"{name}-{it.id}"] = replace(it, id=f"{name}-{it.id}", parent_id=parent_id)
    site = Site(groups=groups, connectors={})
    rooms = {
        resource._replace(group_id=f"{name}-{resource.group_id}"): room_a
        for name, half in (("one", one), ("other", other))
        for resource, room_a in zip(half.site.routes.resources, half.room, strict=True)
    }
    claims = [
        claim._replace(
            key=claim.key._replace(charger=f"{name}-{claim.key.charger}"),
            group_id=f"{name}-{claim.group_id}",
            way=site.routes.way(
                f"{name}-{claim.group_id}",
                half.site.connectors[claim.key].phase_map.phases,
                claim.priority,
            ),
        )
        for name, half in (("one", one), ("other", other))
        for claim in half.claims
    ]
    room = tuple(rooms.get(resource, 10_000.0) for resource in site.routes.resources)
    return Instance(site=site, claims=tuple(claims), room=room)
