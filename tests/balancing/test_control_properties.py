"""The rules that never break, on any site, whatever happens to it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.control import AllFits, Result, State, glance, step
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.inputs import Inputs, Line
from custom_components.balanz.balancing.model import ConnectorKey, Site
from custom_components.balanz.balancing.part import cuts_in, part_of
from custom_components.balanz.balancing.phases import Phase

from .build import inputs_in
from .world import World
from .worlds import learnt_worlds, worlds

EPSILON_A = 1e-5
PERIOD_S = 150.0


@given(worlds())
def test_no_charger_may_draw_more_than_is_booked_for_it(world: World) -> None:
    world.after_event.append(partial(_none_draws_more_than_booked, world))
    world.run(PERIOD_S)


@given(learnt_worlds())
def test_no_charger_may_draw_more_than_is_booked_however_slow_it_was_learnt_to_be(
    world: World,
) -> None:
    world.after_event.append(partial(_none_draws_more_than_booked, world))
    world.run(PERIOD_S)


@given(worlds())
def test_a_raise_fits_beside_all_that_may_be_drawn_on_its_way(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        raises = {c.key: c.limit_a for c in result.commands if c.kind is Kind.RAISE}
        for group, phase in _ways(world.site, raises):
            base_load = result.groups[group.id].base_load
            assert base_load is not None
            margin_a = group.margin_a if group.metered else 0.0
            total_a = base_load[phase] + sum(
                max(_booked_a(world, inputs, key), raises.get(key, 0.0))
                for key in _on(world.site, group, phase)
            )
            assert total_a <= inputs.capacities_a[group.id] - margin_a + EPSILON_A

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_where_a_limit_does_not_hold_all_that_can_be_cut_is_cut_at_once(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        commanded = {command.key: command.limit_a for command in result.commands}
        _check_all_is_cut(world, inputs, result, commanded)

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_a_glance_decides_what_a_step_does_or_there_is_nothing_to_cut(world: World) -> None:
    states: list[State] = [State()]

    def check(inputs: Inputs, result: Result) -> None:
        seen = glance(world.site, inputs, states[-1], world.now)
        states.append(result.state)
        if isinstance(seen, AllFits):
            _check_all_is_cut(world, inputs, result, {})
        else:
            assert seen == result

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_a_look_at_one_group_cuts_all_that_its_limits_need_and_no_more_than_that(
    world: World,
) -> None:
    states: list[State] = [State()]

    def check(inputs: Inputs, result: Result) -> None:
        before, now = states[-1], world.now
        states.append(result.state)
        for group_id in world.site.groups:
            part = part_of(world.site, group_id)
            told = inputs_in(part, inputs)
            cuts = {cut.key: cut.limit_a for cut in cuts_in(part, told, before, now)}
            if cuts:
                assert glance(world.site, inputs, before, now) == result
            for key, limit_a in cuts.items():
                connector = part.connectors[key]
                assert world.site.contains(group_id, connector.group_id)
                assert limit_a == 0 or limit_a >= connector.minimum_a
                assert limit_a < inputs.connectors[key].commitment.aim_a(connector, now)
                assert inputs.connectors[key].line is Line.FREE
            inside = [it for it in part.groups if world.site.contains(group_id, it)]
            _check_all_is_cut(world, told, result, cuts, inside, in_doubt=False)

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_a_limit_is_nothing_or_at_least_the_minimum_and_in_whole_steps(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        for command in result.commands:
            connector = world.site.connectors[command.key]
            steps = command.limit_a / connector.step_a
            assert abs(steps - round(steps)) < 1e-6
            assert command.limit_a == round(command.limit_a, 1)
            assert command.limit_a <= min(connector.rating_a, connector.maximum_a)
            assert command.limit_a == 0 or command.limit_a >= connector.minimum_a

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_nothing_rises_under_a_meter_that_tells_nothing(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        for command in result.commands:
            connector = world.site.connectors[command.key]
            path = world.site.path(connector.group_id)
            if all(inputs.meters.get(group.id) or not group.metered for group in path):
                continue
            commitment = inputs.connectors[command.key].commitment
            assert command.kind is not Kind.RAISE
            in_force_a = commitment.accepted_a
            if in_force_a is None:
                in_force_a = connector.fallback_a
            pending_a = commitment.pending.limit_a if commitment.pending else 0.0
            assert command.limit_a <= max(in_force_a, pending_a) + EPSILON_A

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds(), st.sets(st.sampled_from(["root", "g0", "g1"]), min_size=1))
def test_losing_a_meter_never_makes_a_limit_higher(world: World, lost: set[str]) -> None:
    states: list[State] = [State()]

    def check(inputs: Inputs, result: Result) -> None:
        blind = replace(
            inputs,
            meters={g: None if g in lost else reading for g, reading in inputs.meters.items()},
        )
        without = step(world.site, blind, states[-1], world.now)
        states.append(result.state)
        seen, unseen = (
            _in_force_after(world, inputs, result),
            _in_force_after(world, inputs, without),
        )
        for key, connector in world.site.connectors.items():
            if any(
                group.id in lost and group.metered for group in world.site.path(connector.group_id)
            ):
                before_a = inputs.connectors[key].commitment.aim_a(connector, world.now)
                assert unseen[key] <= max(seen[key], before_a) + EPSILON_A

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_a_disk_that_fails_allows_cuts_only(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        if not inputs.durable:
            assert all(command.kind is Kind.CUT for command in result.commands)

    world.durable = False
    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_every_connector_has_a_reason(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        assert result.reasons.keys() == inputs.connectors.keys()

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_nothing_is_sent_twice_at_a_time_to_a_charger_or_to_one_that_is_offline(
    world: World,
) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        keys = [command.key for command in result.commands]
        assert len(keys) == len(set(keys))
        assert all(inputs.connectors[key].line is Line.FREE for key in keys)

    world.after_step.append(check)
    world.run(PERIOD_S)


@given(worlds())
def test_cuts_come_before_raises(world: World) -> None:
    def check(inputs: Inputs, result: Result) -> None:
        kinds = [command.kind is Kind.RAISE for command in result.commands]
        assert kinds == sorted(kinds)

    world.after_step.append(check)
    world.run(PERIOD_S)


def _none_draws_more_than_booked(world: World) -> None:
    for key, truth in world.truths.items():
        booked_a = world.known[key].commitment.booked_a(truth.connector, world.now)
        # Where nothing was ever measured, what the charger allows is all there is to go by.
        could_draw_a = truth.current_a if truth.has_metered else truth.limit_a
        assert could_draw_a <= booked_a + EPSILON_A


def _check_all_is_cut(
    world: World,
    inputs: Inputs,
    result: Result,
    commanded: Mapping[ConnectorKey, float],
    group_ids: Collection[str] | None = None,
    *,
    in_doubt: bool = True,
) -> None:
    """Check that limits hold once these commands are obeyed, or nothing more could be cut.

    `in_doubt` is whether those can be cut of whom nobody knows which limit they have.
    """
    for group in world.site.groups.values():
        if group_ids is not None and group.id not in group_ids:
            continue
        view = result.groups[group.id]
        if view.within_limit or view.base_load is None:
            continue
        for phase in group.phases:
            expected_a, free_a = view.base_load[phase], 0.0
            for key in _on(world.site, group, phase):
                known = inputs.connectors[key]
                connector = world.site.connectors[key]
                aim_a = known.commitment.aim_a(connector, world.now)
                expected_a += commanded.get(key, aim_a)
                retrying = known.commitment.failed_at is not None
                surely = in_doubt or not known.commitment.in_doubt
                if known.line is Line.FREE and not retrying and surely:
                    free_a += commanded.get(key, aim_a)
            fits = expected_a <= inputs.capacities_a[group.id] + EPSILON_A
            assert fits or free_a == 0, (group.id, phase)


def _booked_a(world: World, inputs: Inputs, key: ConnectorKey) -> float:
    connector = world.site.connectors[key]
    return inputs.connectors[key].commitment.booked_a(connector, world.now)


def _on(site: Site, group: Group, phase: Phase) -> list[ConnectorKey]:
    """Return the connectors whose current may flow through a group on a phase."""
    return [
        key
        for key, connector in site.connectors.items()
        if phase in connector.phase_map.phases and site.contains(group.id, connector.group_id)
    ]


def _ways(site: Site, raised: dict[ConnectorKey, float]) -> Iterator[tuple[Group, Phase]]:
    """Yield each group and phase that a raised current flows through."""
    for group in site.groups.values():
        for phase in group.phases:
            if raised.keys() & set(_on(site, group, phase)):
                yield group, phase


def _in_force_after(world: World, inputs: Inputs, result: Result) -> dict[ConnectorKey, float]:
    commanded: dict[ConnectorKey, Command] = {c.key: c for c in result.commands}
    return {
        key: commanded[key].limit_a
        if key in commanded
        else known.commitment.aim_a(world.site.connectors[key], world.now)
        for key, known in inputs.connectors.items()
    }
