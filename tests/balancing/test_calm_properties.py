"""Whatever happened: once nothing happens any more, a site comes to rest, and it is safe there."""

from collections import Counter

from hypothesis import given, settings

from custom_components.balanz.balancing.commands import Kind
from custom_components.balanz.balancing.control import Result
from custom_components.balanz.balancing.inputs import Inputs
from custom_components.balanz.balancing.phases import PhaseCurrents

from .truth import Manner
from .world import World
from .worlds import worlds

EVENTFUL_S = 150.0
SETTLING_S = 400.0
FIRST_TURNS_S = 5 * 260.0
"""Where but one of five cars can charge, each has its first turn before they come to rest."""
CALM_S = 300.0


def calm_down(world: World) -> None:
    """Let all troubles end: every link, meter and disk works, and every charger answers."""
    world.durable = True
    world.silent.clear()
    for group_id in world.meters:
        world.house[group_id] = PhaseCurrents.uniform(2.0)
    for key, truth in world.truths.items():
        truth.manners = (Manner(),)
        if not truth.online:
            world.connect(key)


@settings(max_examples=60)
@given(worlds())
def test_a_site_comes_to_rest(world: World) -> None:
    sent: list[tuple[float, str, float]] = []

    def note(inputs: Inputs, result: Result) -> None:
        sent.extend(
            (world.now, command.key.charger, command.limit_a)
            for command in result.commands
            if command.kind is not Kind.RENEW
        )

    world.run(EVENTFUL_S)
    calm_down(world)
    world.run(FIRST_TURNS_S)
    world.after_step.append(note)
    world.run(CALM_S)

    # Whether a car that has shown its own maximum takes more by now is looked at now and then: an
    # ampere less, one more, and one less again.
    looked_at = sum(known.appetite.learnt_a is not None for known in world.known.values())
    writes = Counter(charger for _, charger, _ in sent)
    assert max(writes.values(), default=0) <= 3 * looked_at


@settings(max_examples=60)
@given(worlds())
def test_at_rest_no_measured_fuse_carries_too_much_that_a_cut_could_end(world: World) -> None:
    world.run(EVENTFUL_S)
    calm_down(world)
    world.run(SETTLING_S)

    for group_id in world.meters:
        flow = world.flow(group_id)
        chargers = [
            truth.draw
            for truth in world.truths.values()
            if world.site.contains(group_id, truth.connector.group_id)
        ]
        drawn = PhaseCurrents.total(chargers)
        for phase in world.site.groups[group_id].phases:
            assert flow[phase] <= world.capacities_a[group_id] + 1e-6 or drawn[phase] == 0
