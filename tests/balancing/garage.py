"""Garages: worlds whose chargers are under control before the first car comes."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from custom_components.balanz.balancing.phases import Phase, PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.tuning import Tuning

from .build import connector, group, site
from .truth import Manner, Truth
from .world import World

ARRIVAL_S = 60.0
"""When cars come, s from the start."""


def car(
    name: str,
    *,
    phase_map: PhaseMap = PhaseMap.L1_L2_L3,
    wiring: tuple[Phase, ...] | None = None,
    demand_a: float = 100.0,
    rating_a: float = 16.0,
    maximum_a: float | None = None,
    minimum_a: float = 6.0,
    step_a: float = 1.0,
    priority: int = 1,
    weight: float = 1.0,
    meters: bool = True,
    keeps_limit: bool = False,
    manner: Manner | None = None,
) -> Truth:
    """A charger and its car, which uses all wired phases unless told otherwise."""
    one = connector(
        name,
        rating_a=rating_a,
        maximum_a=maximum_a,
        minimum_a=minimum_a,
        step_a=step_a,
        phase_map=phase_map,
        priority=priority,
        keeps_limit=keeps_limit,
    )
    return Truth(
        connector=replace(one, weight=weight),
        wiring=phase_map.phases if wiring is None else wiring,
        demand_a=demand_a,
        meters=meters,
        manners=(manner or Manner(),),
    )


def garage(
    *cars: Truth,
    capacity_a: float,
    came_s: Mapping[str, float | None] | None = None,
    house_a: float | None = None,
    read_each_s: float = 10.0,
    read_together: bool = False,
    tuning: Tuning | None = None,
    **changes: Any,
) -> World:
    """A site that has its chargers under control before the first car comes, a minute later.

    `came_s` tells when else a car comes, in s from the start; None is never. `house_a` is what a
    metered house takes; `changes` are fields of the root group. The world begins at 0 s. Many
    chargers that are read together cost fewer steps.
    """
    root = replace(group(rating_a=capacity_a, metered=house_a is not None), **changes)
    yard = replace(site([root], [one.connector for one in cars]), tuning=tuning or Tuning())
    world = World(yard, {one.connector.key: one for one in cars}, start=0.0)
    if house_a is not None:
        world.house["root"] = PhaseCurrents.uniform(house_a)
    for key in world.known:
        world.at(0.0, partial(world.connect, key, reboot=True))
        came_at = (came_s or {}).get(key.charger, ARRIVAL_S)
        if came_at is not None:
            world.at(came_at, partial(world.plug, key))
    if read_together:
        world.every(read_each_s, world.read_all)
    else:
        world.metering(chargers_s=read_each_s)
    return world
