"""Short ways to say what a site looks like and what is known of its connectors."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from custom_components.balanz.balancing.commitments import Ceiling, Commitment, Reading
from custom_components.balanz.balancing.control import Result, State, step
from custom_components.balanz.balancing.demand import Appetite
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.inputs import ConnectorInput, Draw, Inputs, Line
from custom_components.balanz.balancing.model import Connector, ConnectorKey, Site
from custom_components.balanz.balancing.part import bookings_in
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.supply import DrawInterval, MeterReading

NOW = 1000.0
LONG_AGO = NOW - 500.0


def key(name: str) -> ConnectorKey:
    return ConnectorKey(charger=name, connector=1)


def group(
    group_id: str = "root",
    rating_a: float = 25.0,
    parent_id: str | None = None,
    *,
    metered: bool = False,
    other_loads_a: float = 0.0,
    margin_a: float = 0.0,
) -> Group:
    return Group(
        id=group_id,
        name=group_id,
        parent_id=parent_id if group_id == "root" or parent_id else "root",
        rating_a=rating_a,
        metered=metered,
        other_loads_a=other_loads_a,
        margin_a=margin_a,
    )


def connector(
    name: str,
    group_id: str = "root",
    rating_a: float = 16.0,
    *,
    minimum_a: float = 6.0,
    maximum_a: float | None = None,
    fallback_a: float = 6.0,
    step_a: float = 1.0,
    phase_map: PhaseMap = PhaseMap.L1_L2_L3,
    priority: int = 1,
    keeps_limit: bool = False,
    pauses: bool = True,
) -> Connector:
    return Connector(
        key=key(name),
        name=name,
        group_id=group_id,
        rating_a=rating_a,
        maximum_a=rating_a if maximum_a is None else maximum_a,
        minimum_a=minimum_a,
        fallback_a=fallback_a,
        step_a=step_a,
        phase_map=phase_map,
        priority=priority,
        keeps_limit=keeps_limit,
        pauses=pauses,
    )


def site(groups: Iterable[Group], connectors: Iterable[Connector] = ()) -> Site:
    return Site(
        groups={one.id: one for one in groups},
        connectors={one.key: one for one in connectors},
    )


def obeying(limit_a: float, *, reading_a: float | None = None, at: float = NOW - 5) -> Commitment:
    """A charger that has long followed this limit, and what it last measured."""
    return Commitment(
        online=True,
        accepted_a=limit_a,
        accepted_at=LONG_AGO + 400.0,
        ceilings=(Ceiling(limit_a=limit_a, since=LONG_AGO + 400.0),),
        reading=None if reading_a is None else Reading(current_a=reading_a, at=at),
    )


def known(
    commitment: Commitment,
    *,
    line: Line = Line.FREE,
    wants: bool = True,
    idle_rule: Rule = Rule.NO_CAR,
    maximum_a: float = 100.0,
    appetite: Appetite | None = None,
    draw: Draw | None = None,
    may_rise_since: float | None = None,
    raised_at: float | None = None,
    waiting_since: float = 0.0,
) -> ConnectorInput:
    return ConnectorInput(
        line=line,
        wants=wants,
        idle_reason=Reason(rule=idle_rule),
        maximum_a=maximum_a,
        commitment=commitment,
        appetite=Appetite() if appetite is None else appetite,
        draw=draw,
        may_rise_since=may_rise_since,
        raised_at=raised_at,
        waiting_since=waiting_since,
    )


def drawing(current_a: float, phase_map: PhaseMap = PhaseMap.L1_L2_L3, at: float = NOW - 5) -> Draw:
    lines = len(phase_map.phases)
    least, most = phase_map.draw((current_a,) * lines)
    return Draw(reading=DrawInterval(least=least, most=most), at=at, before=None)


def charging(name: str, limit_a: float, draws_a: float | None = None) -> tuple[str, ConnectorInput]:
    """A car that charges steadily, on a charger that meters."""
    current_a = limit_a if draws_a is None else draws_a
    return name, known(obeying(limit_a, reading_a=current_a), draw=drawing(current_a))


def waiting(name: str, since: float = NOW - 100) -> tuple[str, ConnectorInput]:
    """A car that is plugged in and paused."""
    return name, known(obeying(0.0, reading_a=0.0), draw=drawing(0.0), waiting_since=since)


def meter(*currents_a: float, at: float = NOW) -> MeterReading:
    """A reading of all three phases; one value stands for all."""
    l1, l2, l3 = currents_a if len(currents_a) == 3 else currents_a * 3
    return MeterReading(currents=PhaseCurrents(l1=l1, l2=l2, l3=l3), at=at)


def inputs(
    on: Site,
    connectors: Iterable[tuple[str, ConnectorInput]],
    *,
    capacities_a: Mapping[str, float] | None = None,
    meters: Mapping[str, MeterReading | None] | None = None,
    durable: bool = True,
) -> Inputs:
    ratings = {one.id: one.rating_a for one in on.groups.values()}
    return Inputs(
        capacities_a=ratings | dict(capacities_a or {}),
        meters=dict(meters or {}),
        connectors={key(name): what for name, what in connectors},
        durable=durable,
    )


def decide(on: Site, what: Inputs, state: State | None = None, now: float = NOW) -> Result:
    return step(on, what, State() if state is None else state, now)


def limits(result: Result) -> dict[str, float]:
    """What a step sends, by charger."""
    return {command.key.charger: command.limit_a for command in result.commands}


def inputs_in(part: Site, inputs: Inputs) -> Inputs:
    """What of it a look at a part of the site is to know."""
    return replace(
        inputs,
        meters={it.id: inputs.meters.get(it.id) for it in part.groups.values() if it.metered},
        connectors={key: inputs.connectors[key] for key in part.connectors},
        bookings=tuple(bookings_in(part, inputs.bookings)),
    )
