"""Hypothesis strategies: small sites of any shape, and what happens on them."""

from dataclasses import dataclass, replace
from functools import partial

from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import Commitment
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.lag import CUTS_KEPT, MOST_S, LearntLag
from custom_components.balanz.balancing.model import Connector, Site
from custom_components.balanz.balancing.phases import ALL_PHASES, PhaseCurrents, PhaseMap

from .build import connector, group, site
from .truth import Answer, Manner, Truth
from .world import World

RATINGS_A = (10.0, 16.0, 20.0, 32.0)
MANNERS = st.builds(
    Manner,
    answer=st.sampled_from([*[Answer.ACCEPTED] * 6, *Answer]),
    after_s=st.sampled_from([0.1, 0.4, 3.0, 9.0]),
    lag_s=st.sampled_from([0.0, 1.0, 5.0, 14.0]),
)
QUICK_S = 14.0
"""Chargers that follow within this need not be known to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens after a while to one of the connectors or groups."""

    delay_s: float
    what: str
    whom: int
    amount_a: float


EVENTS = st.builds(
    Event,
    delay_s=st.sampled_from([0.0, 0.3, 2.0, 7.0, 21.0]),
    what=st.sampled_from(
        [
            *["plug", "house", "capacity"] * 2,
            "unplug",
            "enable",
            "disable",
            "demand",
            "disconnect",
            "forget",
            "reconnect",
            "reboot",
            "meter",
            "own_meter",
            "disk",
        ]
    ),
    whom=st.integers(0, 4),
    amount_a=st.sampled_from([0.0, 2.0, 6.0, 9.5, 13.0, 18.0, 25.0, 40.0]),
)


@st.composite
def groups(draw: st.DrawFn) -> tuple[Group, ...]:
    """A tree of one to three levels."""
    chosen = [_group(draw, "root", None)]
    for number in range(draw(st.integers(0, 2))):
        chosen.append(_group(draw, f"g{number}", draw(st.sampled_from(chosen)).id))
    return tuple(chosen)


def _group(draw: st.DrawFn, group_id: str, parent_id: str | None) -> Group:
    return group(
        group_id,
        draw(st.sampled_from([10.0, 16.0, 25.0, 40.0])),
        parent_id,
        metered=draw(st.booleans()),
        other_loads_a=draw(st.sampled_from([0.0, 2.5])),
        margin_a=draw(st.sampled_from([0.0, 1.0])),
    )


@st.composite
def connectors(draw: st.DrawFn, name: str, among: tuple[Group, ...]) -> Connector:
    """A charger of any kind."""
    minimum_a = draw(st.sampled_from([6.0, 6.0, 8.0]))
    rating_a = draw(st.sampled_from(RATINGS_A))
    return connector(
        name,
        draw(st.sampled_from(among)).id,
        rating_a,
        minimum_a=minimum_a,
        maximum_a=draw(st.sampled_from([rating_a, rating_a, 12.0, 9.7, 4.0])),
        fallback_a=draw(st.sampled_from([0.0, minimum_a])),
        step_a=draw(st.sampled_from([1.0, 1.0, 0.1])),
        phase_map=draw(st.sampled_from(PhaseMap)),
        priority=draw(st.sampled_from([1, 1, 2])),
        keeps_limit=draw(st.booleans()),
    )


@st.composite
def truths(draw: st.DrawFn, one: Connector) -> Truth:
    """A charger that may be slow and lose answers, yet obeys what it takes."""
    possible = one.phase_map.phases
    return Truth(
        connector=one,
        manners=tuple(draw(st.lists(MANNERS, min_size=1, max_size=6))),
        wiring=possible[: draw(st.sampled_from([1, len(possible)]))],
        limit_a=one.rating_a,
        meters=draw(st.booleans()),
        demand_a=draw(st.sampled_from([100.0, 100.0, 8.0])),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A site, its chargers, and up to two dozen events ahead of it."""
    tree = draw(groups())
    chosen = [draw(connectors(f"c{n}", tree)) for n in range(draw(st.integers(1, 5)))]
    built: Site = site(tree, chosen)
    world = World(
        built,
        {one.key: draw(truths(one)) for one in chosen},
        house={one.id: PhaseCurrents.uniform(2.0) for one in tree if one.metered},
    )
    for key, truth in world.truths.items():
        truth.plugged = draw(st.booleans())
        world.after(0.0, partial(world.connect, key, reboot=True))
    world.looks = draw(st.booleans())
    world.metering(groups_s=5.0)
    delay_s = 0.0
    for event in draw(st.lists(EVENTS, max_size=24)):
        delay_s += event.delay_s
        world.after(delay_s, partial(happen, world, event))
    return world


@st.composite
def learnt_worlds(draw: st.DrawFn) -> World:
    """The same with chargers as slow as can be, of which it was learnt how slow they are."""
    world = draw(worlds())
    for key, truth in world.truths.items():
        lag_s = draw(st.floats(1.0, MOST_S))
        truth.manners = tuple(replace(manner, lag_s=lag_s) for manner in truth.manners)
        # A meter is read now and then, so that a cut is seen to be followed a while after it was.
        seen_s = st.floats(lag_s, lag_s + 10.0)
        cuts_s = draw(st.lists(seen_s, min_size=int(lag_s > QUICK_S), max_size=CUTS_KEPT))
        world.known[key].commitment = Commitment(lag_s=LearntLag(cuts_s=tuple(cuts_s)).lag_s)
    return world


def happen(world: World, event: Event) -> None:
    """Let an event happen, where it can."""
    keys = list(world.known)
    key = keys[event.whom % len(keys)]
    group_ids = list(world.site.groups)
    group_id = group_ids[event.whom % len(group_ids)]
    truth = world.truths[key]
    match event.what:
        case "plug" if not truth.plugged and not truth.coming:
            world.plug(key)
        case "unplug":
            world.unplug(key)
        case "enable" | "disable":
            truth.enabled = event.what == "enable"
        case "demand" if not truth.coming:
            # A car that takes less just as it obeys a cut cannot be told from one that obeyed.
            truth.demand_a = event.amount_a
        case "disconnect" | "forget":
            world.disconnect(key, forget=event.what == "forget")
        case "reconnect" | "reboot" if not truth.online:
            world.connect(key, reboot=event.what == "reboot")
        case "reboot":
            world.disconnect(key)
            world.connect(key, reboot=True)
        case "own_meter":
            truth.meters = not truth.meters
        case "disk":
            world.durable = not world.durable
        case "capacity":
            rating_a = world.site.groups[group_id].rating_a
            world.capacities_a[group_id] = min(event.amount_a, rating_a)
        case "house" if group_id in world.meters:
            phase = ALL_PHASES[event.whom % 3]
            load = PhaseCurrents.uniform(event.amount_a - 6.0, [phase])
            world.house[group_id] = load
            world.read_group(group_id)
        case "meter" if group_id in world.meters:
            world.silent ^= {group_id}
            world.read_group(group_id)
        case _:
            pass
