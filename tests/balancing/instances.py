"""Sites at random, and cars that ask for more than there is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from custom_components.balanz.balancing.admission import take
from custom_components.balanz.balancing.allocation import allocate
from custom_components.balanz.balancing.claims import Claim, Share
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.model import Connector, ConnectorKey, Site
from custom_components.balanz.balancing.phases import ALL_PHASES, PhaseMap
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.balancing.routes import Resource
from custom_components.balanz.balancing.schedule import PriorityCap

from .build import connector, key

RATING_A = 100.0
"""Of each group; the room of an instance is made up apart from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What to make up at random."""

    connectors: int = 10
    """At most."""
    groups: int = 6
    """At most."""
    all_fit: bool = False
    """Whether everybody's minimum fits."""
    weights: tuple[float, ...] = (1.0,)
    priorities: int = 1
    steps_a: tuple[float, ...] = (1.0,)
    policies: tuple[Policy | None, ...] = (None,)
    """Of the root, and of each group."""
    has_history: bool = False
    """Whether some had to give way before, keep their place in the line, or sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A site, what its cars ask for, and the room at each limit."""

    site: Site
    claims: tuple[Claim, ...]
    room: tuple[float, ...]

    def shares(self) -> dict[ConnectorKey, Share]:
        return allocate(self.site, self.claims, self.room)

    def left(self, shares: Mapping[ConnectorKey, Share]) -> list[float]:
        """What the shares leave of the room."""
        left = list(self.room)
        for claim in self.claims:
            take(left, claim.way, shares[claim.key].limit_a)
        return left

    def is_full(self, resource: Resource, claim: Claim, more_a: float, left: list[float]) -> bool:
        """Whether a limit that a claim meets has no room for so much more."""
        number = self.site.routes.numbers[resource]
        return left[number] < more_a * dict(claim.way)[number]


def random_instance(chance: Random, kind: Kind) -> Instance:
    """Make up one instance; the same chance makes the same."""
    groups = _groups(chance, kind)
    names = [f"c{number}" for number in range(chance.randint(1, kind.connectors))]
    site = Site(
        groups={one.id: one for one in groups},
        connectors={key(name): _connector(chance, kind, name, groups) for name in names},
    )
    claims = tuple(_claim(chance, kind, site, one) for one in site.connectors.values())
    return Instance(site=site, claims=claims, room=_room(chance, kind, site, claims))


def _groups(chance: Random, kind: Kind) -> list[Group]:
    groups = [_group(chance, kind, "root", None)]
    for number in range(1, chance.randint(1, kind.groups)):
        groups.append(_group(chance, kind, f"g{number}", chance.choice(groups).id))
    return groups


def _group(chance: Random, kind: Kind, group_id: str, parent_id: str | None) -> Group:
    has_caps = kind.priorities > 1 and chance.random() < 0.2
    return Group(
        id=group_id,
        name=group_id,
        parent_id=parent_id,
        rating_a=RATING_A,
        phases=(chance.choice(ALL_PHASES),) if chance.random() < 0.1 else ALL_PHASES,
        metered=chance.random() < 0.5,
        power_limit_w=10_000.0 if chance.random() < 0.25 else None,
        priority_caps=(PriorityCap(below_priority=2, capacity_a=10.0),) if has_caps else (),
        policy=chance.choice(kind.policies),
    )


def _connector(chance: Random, kind: Kind, name: str, groups: list[Group]) -> Connector:
    minimum_a = float(chance.choice((6, 6, 6, 8, 10)))
    return connector(
        name,
        chance.choice(groups).id,
        32.0,
        minimum_a=minimum_a,
        maximum_a=min(minimum_a + chance.choice((0, 1, 2, 4, 7, 10, 26)), 32.0),
        step_a=chance.choice(kind.steps_a),
        phase_map=chance.choice(tuple(PhaseMap)),
        priority=chance.randint(1, kind.priorities),
    )


def _claim(chance: Random, kind: Kind, site: Site, one: Connector) -> Claim:
    history = kind.has_history
    return Claim(
        key=one.key,
        group_id=one.group_id,
        way=site.routes.way(one.group_id, one.phase_map.phases, one.priority),
        minimum_a=one.minimum_a,
        maximum_a=one.maximum_a,
        step_a=one.step_a,
        priority=one.priority,
        weight=chance.choice(kind.weights),
        order=(float(chance.randint(0, 3)),),
        needs_spare=history and chance.random() < 0.3,
        reserves=history and chance.random() < 0.3,
        arrival=float(chance.randint(0, 3)),
        spare=history and chance.random() < 0.2,
    )


def _room(chance: Random, kind: Kind, site: Site, claims: tuple[Claim, ...]) -> tuple[float, ...]:
    least = [0.0] * len(site.routes.resources)
    most = [0.0] * len(site.routes.resources)
    for claim in claims:
        for number, units in claim.way:
            least[number] += claim.minimum_a * units
            most[number] += claim.maximum_a * units
    room = []
    for least_a, most_a in zip(least, most, strict=True):
        lowest_a = least_a if kind.all_fit else -5.0
        room_a = lowest_a + chance.choice((0.0, 1.0, 1.0, 1.0)) * chance.random() * (
            1.1 * most_a - lowest_a
        )
        # Hundredths, so that sums never miss a whole ampere by less than rounding errors.
        room.append(math.ceil(room_a * 100) / 100)
    return tuple(room)


def ask(
    site: Site,
    name: str,
    group_id: str = "root",
    phase_map: PhaseMap = PhaseMap.L1_L2_L3,
    *,
    came: float = 0.0,
    minimum_a: float = 6.0,
    maximum_a: float = 16.0,
    priority: int = 1,
) -> Claim:
    """What a car asks for that came at some time; who came first is the most deserving."""
    return Claim(
        key=key(name),
        group_id=group_id,
        way=site.routes.way(group_id, phase_map.phases, priority),
        minimum_a=minimum_a,
        maximum_a=maximum_a,
        priority=priority,
        order=(came,),
        arrival=came,
    )


def share(
    site: Site, claims: Sequence[Claim], rooms_a: Mapping[Resource, float]
) -> dict[str, float]:
    """Share the room of some limits, with plenty at all others; tell who gets how much."""
    shares = allocate(site, claims, [rooms_a.get(it, 1000.0) for it in site.routes.resources])
    return {one.charger: got.limit_a for one, got in shares.items()}


def instances(kind: Kind) -> SearchStrategy[Instance]:
    """Instances of a kind for property tests: evenly spread, which finds more than simple ones."""
    return st.integers(0, 2**32).map(lambda seed: random_instance(Random(seed), kind))
