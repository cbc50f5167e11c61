"""The situations that the ocpp-balanz project and the BCIT add-on were measured in, as worlds.

Their outcomes are the starting point of ours: what users got there they get here, and sooner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.schedule import PriorityCap

from .build import key
from .garage import car, garage
from .truth import Manner, Truth
from .world import World, limit_of

SETTLED_S = 900.0
"""By then everybody has what it gets, be it after a short turn."""
BANDS = (
    PriorityCap(below_priority=3, capacity_a=24.0),
    PriorityCap(below_priority=5, capacity_a=40.0),
)
"""0=24:3=40:5=48, of a group of 48 A."""
NOTHING_BELOW_5 = (PriorityCap(below_priority=5, capacity_a=0.0),)
"""0=0:5=48."""
QUICK = Manner(lag_s=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A group and its cars, and what each is to have once they have come to rest."""

    capacity_a: float = 48.0
    bands: tuple[PriorityCap, ...] = ()
    policy: Policy = Policy.FAIR
    cars: tuple[Truth, ...]
    limits_a: tuple[float, ...]
    """From the lowest up; which of several equal cars has which does not matter."""


def wanting(
    name: str, maximum_a: float = 32.0, *, takes_a: float = 100.0, priority: int = 1
) -> Truth:
    """A charger of 63 A with a maximum, and a car that takes so much of it."""
    return car(
        name,
        rating_a=63.0,
        maximum_a=maximum_a,
        demand_a=takes_a,
        priority=priority,
        manner=QUICK,
    )


def cars(count: int, maximum_a: float = 32.0) -> tuple[Truth, ...]:
    """So many equal cars."""
    return tuple(wanting(f"c{number}", maximum_a) for number in range(count))


def settled(case: Case) -> World:
    """The world of a case, at rest."""
    world = world_of(case)
    world.run(SETTLED_S)
    return world


def world_of(case: Case, *, came_s: Mapping[str, float | None] | None = None) -> World:
    return garage(
        *case.cars,
        capacity_a=case.capacity_a,
        came_s=came_s,
        priority_caps=case.bands,
        policy=case.policy,
    )


def limits_of(world: World) -> dict[str, float]:
    return {name.charger: limit_of(world, name) or 0.0 for name in world.known}


def never_more_than(
    world: World, limit_a: float, among: Iterable[str] | None = None
) -> list[float]:
    """Watch what chargers draw together; the list has every instant's sum that is too high."""
    keys = [key(name) for name in among] if among is not None else list(world.known)
    over: list[float] = []

    def look() -> None:
        drawn_a = sum(world.truths[name].current_a for name in keys)
        if drawn_a > limit_a + 1e-6:
            over.append(drawn_a)

    world.after_event.append(look)
    return over


LOW, MIDDLE, HIGH = 1, 3, 5
STRICT = Policy.PRIORITY

CASES: dict[str, Case] = {
    # A newcomer had 6 A and 3 A more each two minutes. Nobody else wants it: all of it at once.
    "one newcomer": Case(cars=cars(1), limits_a=(32.0,)),
    "a maximum of 8 and one of 16": Case(
        capacity_a=100.0, cars=(wanting("a", 8.0), wanting("b", 16.0)), limits_a=(8.0, 16.0)
    ),
    "nine newcomers on 48 A": Case(cars=cars(9), limits_a=(0.0, *[6.0] * 8)),
    # 26 + 6 there, on the way to equal shares.
    "a newcomer beside one that has it all": Case(
        capacity_a=32.0, cars=cars(2), limits_a=(16.0, 16.0)
    ),
    # 13 + 13 + 6 there, on the way to equal shares.
    "a newcomer beside two that have it all": Case(
        capacity_a=32.0, cars=cars(3), limits_a=(10.0, 11.0, 11.0)
    ),
    "an even split": Case(capacity_a=30.0, cars=cars(3), limits_a=(10.0, 10.0, 10.0)),
    "an odd ampere": Case(capacity_a=32.0, cars=cars(3), limits_a=(10.0, 11.0, 11.0)),
    "two minimums and five amperes": Case(capacity_a=17.0, cars=cars(3), limits_a=(0.0, 8.0, 9.0)),
    # What a car was seen to take; one ampere more, so that it can show that it wants more, for
    # five minutes, and for a minute now and then.
    "a car that takes 10.1 A": Case(cars=(wanting("a", takes_a=10.1),), limits_a=(11.0,)),
    "a car that takes 10 A": Case(cars=(wanting("a", takes_a=10.0),), limits_a=(10.0,)),
    "a car that takes 3 A": Case(cars=(wanting("a", takes_a=3.0),), limits_a=(6.0,)),
    # 1.9 A was taken for nothing and lost its 6 A for six hours. It is a car that charges.
    "a car that takes 1.9 A": Case(cars=(wanting("a", takes_a=1.9),), limits_a=(6.0,)),
    # Theirs lost it after 5 min and had to be tried again: here it may begin whenever it likes.
    "a car that takes nothing": Case(cars=(wanting("a", takes_a=0.0),), limits_a=(6.0,)),
    "a known maximum of the charger": Case(cars=cars(1, 16.0), limits_a=(16.0,)),
    # 23 + 9 there, on the way: minimums first, then by priority.
    "two priorities": Case(
        capacity_a=32.0,
        cars=(wanting("a", priority=HIGH), wanting("b", priority=LOW)),
        limits_a=(6.0, 26.0),
    ),
    "two priorities, strictly": Case(
        capacity_a=32.0,
        policy=STRICT,
        cars=(wanting("a", priority=HIGH), wanting("b", priority=LOW)),
        limits_a=(0.0, 32.0),
    ),
    "a higher priority that can take it all, strictly": Case(
        capacity_a=20.0,
        policy=STRICT,
        cars=(wanting("a", priority=HIGH), wanting("b", priority=LOW)),
        limits_a=(0.0, 20.0),
    ),
    "a higher priority that can take it all": Case(
        capacity_a=20.0,
        cars=(wanting("a", priority=HIGH), wanting("b", priority=LOW)),
        limits_a=(6.0, 14.0),
    ),
    # 15 + 0 there, and 5 A that nobody had.
    "a tag of priority 10 and a charger of 3, strictly": Case(
        capacity_a=20.0,
        policy=STRICT,
        cars=(wanting("a", priority=10), wanting("b", priority=MIDDLE)),
        limits_a=(0.0, 20.0),
    ),
    "a band for low priorities": Case(bands=BANDS, cars=cars(2), limits_a=(12.0, 12.0)),
    "a band for middle priorities": Case(
        bands=BANDS, cars=(wanting("a", 63.0, priority=MIDDLE),), limits_a=(40.0,)
    ),
    "a band, and the rest for a high priority": Case(
        bands=BANDS,
        cars=(wanting("a", priority=LOW), wanting("b", 24.0, priority=HIGH)),
        limits_a=(24.0, 24.0),
    ),
    "a band of nothing": Case(
        bands=NOTHING_BELOW_5,
        cars=(wanting("a", priority=LOW), wanting("b", priority=HIGH)),
        limits_a=(0.0, 32.0),
    ),
    # A newcomer had 6 A of it.
    "a newcomer in a band of nothing": Case(bands=NOTHING_BELOW_5, cars=cars(1), limits_a=(0.0,)),
    "a limit of 5 A": Case(capacity_a=5.0, cars=cars(2), limits_a=(0.0, 0.0)),
    # They were counted as 6 + 6 beside a car of 6 A.
    "two sleepers and a car on 10 A": Case(
        capacity_a=10.0,
        cars=(wanting("a", takes_a=0.0), wanting("b", takes_a=0.0), wanting("c")),
        limits_a=(0.0, 0.0, 10.0),
    ),
    # 11 A there.
    "a maximum of 10.5 A in whole amperes": Case(cars=cars(1, 10.5), limits_a=(10.0,)),
    "a maximum below the minimum": Case(cars=cars(1, 5.0), limits_a=(0.0,)),
    "all four bands, strictly": Case(
        bands=BANDS,
        policy=STRICT,
        cars=(
            *cars(2),
            wanting("m", priority=MIDDLE),
            wanting("h", priority=HIGH),
        ),
        limits_a=(0.0, 0.0, 16.0, 32.0),
    ),
    "all four bands": Case(
        bands=BANDS,
        cars=(*cars(2), wanting("m", priority=MIDDLE), wanting("h", priority=HIGH)),
        limits_a=(6.0, 6.0, 6.0, 30.0),
    ),
    "two middle priorities on 40 A, strictly": Case(
        capacity_a=40.0,
        bands=BANDS[:1],
        policy=STRICT,
        cars=(*cars(2), wanting("m", priority=MIDDLE), wanting("n", priority=4)),
        limits_a=(0.0, 0.0, 8.0, 32.0),
    ),
    "two middle priorities on 40 A": Case(
        capacity_a=40.0,
        bands=BANDS[:1],
        cars=(*cars(2), wanting("m", priority=MIDDLE), wanting("n", priority=4)),
        limits_a=(6.0, 6.0, 6.0, 22.0),
    ),
}
