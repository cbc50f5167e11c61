"""One step of control: from what is known now to the limits to send, cuts first.

A step decides a target for each connector, sends every cut at once and a raise only where what
could be drawn, this raise included, still fits every group and phase on its way. A glance finds out
whether there is anything to cut, and is a step only then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .alarm import Alarm
from .budget import Budget, budgets
from .commands import Calm, Command, plan
from .group_view import GroupView, group_views
from .headroom import Headroom, headroom
from .inputs import Inputs
from .memory import Recollection, StepMemory
from .meter_sight import MeterSight
from .meter_watch import MeterWatch
from .metered import Metered, metered
from .model import ConnectorKey, Site
from .reasons import Reason
from .shortfall import falls_short
from .standing import Standing, standings
from .supply import BaseLoad
from .surplus import Surplus
from .targets import targets
from .trip import TripWatch
from .turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a step hands on to the next one."""

    base_loads: Mapping[str, BaseLoad] = field(default_factory=dict)
    meters: Mapping[str, MeterWatch] = field(default_factory=dict)
    """For each metered group."""
    sights: Mapping[str, MeterSight] = field(default_factory=dict)
    """For each metered group."""
    trips: Mapping[str, TripWatch] = field(default_factory=dict)
    """For each metered group."""
    surpluses: Mapping[str, Surplus] = field(default_factory=dict)
    """For each group that charges from surplus."""
    turns: Turns = field(default_factory=Turns)
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By charger identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step decided."""

    state: State
    commands: tuple[Command, ...]
    cuts_waiting: frozenset[ConnectorKey]
    """Connectors that would be cut if their line were free."""
    reasons: Mapping[ConnectorKey, Reason]
    groups: Mapping[str, GroupView]
    in_the_way: frozenset[ConnectorKey]
    """Those that do not keep their limits, and that others have less for."""
    wake_at: float | None
    """When to step again, should nothing happen until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllFits:
    """What a glance came to that found nothing to cut."""

    wake_at: float | None
    """When time alone may change that."""


def step(
    site: Site, inputs: Inputs, state: State, now: float, memory: StepMemory | None = None
) -> Result:
    """Decide once. Pure: the same arguments give the same result.

    With a memory of the step before, which is one of another time, it only takes less long.
    """
    return _decided(_seen(site, inputs, state, now, memory), state)


def glance(
    site: Site, inputs: Inputs, state: State, now: float, memory: StepMemory | None = None
) -> Result | AllFits:
    """Decide as a step does, but only where something is left to be cut for want of room."""
    seen = _seen(site, inputs, state, now, memory)
    patience = Alarm(now)
    if falls_short(seen.standing, seen.left, now, patience):
        return _decided(seen, state)
    seen.alarm.at(patience.wake_at)
    return AllFits(wake_at=seen.alarm.wake_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """All that is found out before anything is decided."""

    site: Site
    inputs: Inputs
    now: float
    alarm: Alarm
    recollection: Recollection
    standing: Mapping[ConnectorKey, Standing]
    trips: Mapping[str, TripWatch]
    told: Metered
    left: Headroom


def _seen(site: Site, inputs: Inputs, state: State, now: float, memory: StepMemory | None) -> _Seen:
    inputs = inputs.with_fresh_meters(now)
    recollection = (memory or StepMemory()).of(site)
    standing = standings(site, inputs, recollection.standings, now)
    recollection.standings = standing
    alarm = Alarm(now)
    alarm.at(
        min((at for one in standing.values() if (at := one.changes_at) is not None), default=None)
    )
    trips = {
        group_id: state.trips.get(group_id, TripWatch()).observe(site.groups[group_id], reading)
        for group_id, reading in inputs.meters.items()
    }
    before = Metered(meters=state.meters, base_loads=state.base_loads, sights=state.sights)
    told = metered(site, inputs, standing, before, recollection, now, alarm)
    inputs = inputs.without_meters(told.reversed)
    left = headroom(site, inputs, standing, told, trips, state.surpluses, now, alarm)
    return _Seen(
        site=site,
        inputs=inputs,
        now=now,
        alarm=alarm,
        recollection=recollection,
        standing=standing,
        trips=trips,
        told=told,
        left=left,
    )


def _decided(seen: _Seen, state: State) -> Result:
    site, standing, left, alarm, now = seen.site, seen.standing, seen.left, seen.alarm, seen.now
    aims = targets(site, standing, left, state.turns, seen.recollection, now, alarm)
    wanted = aims.by_key
    writes = budgets(state.budgets, standing, site.tuning, now)
    calm = Calm(tuning=site.tuning, budgets=writes, durable=seen.inputs.durable, now=now)
    booked = left.loads(standing, ((key, one.booked_a) for key, one in standing.items()))
    sending = plan(standing, wanted, left, booked, calm, now, alarm)
    limits_a = {key: one.aim_a for key, one in standing.items()} | {
        command.key: command.limit_a for command in sending.commands
    }
    return Result(
        state=State(
            base_loads=left.base_loads,
            meters=seen.told.meters,
            sights=seen.told.sights,
            trips=seen.trips,
            surpluses=left.surpluses,
            turns=aims.turns,
            budgets=writes,
        ),
        commands=sending.commands,
        cuts_waiting=sending.cuts_waiting,
        reasons={key: target.reason for key, target in wanted.items()} | dict(sending.held_back),
        groups=group_views(site, standing, left, limits_a, booked),
        in_the_way=aims.in_the_way,
        wake_at=alarm.wake_at,
    )
