"""What a step shows of each group: its loads, and whether its limit holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .allocation import EPSILON_A
from .headroom import Headroom
from .inputs import Inputs, Line
from .model import ConnectorKey, Group, Site
from .phases import Phase, PhaseCurrents
from .standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group as the step saw it; currents in A per phase."""

    base_load: PhaseCurrents | None
    available: PhaseCurrents | None
    booked: PhaseCurrents
    allocated: PhaseCurrents
    within_limit: bool
    overloaded: bool
    """Everything that can be cut is cut, and the limit still does not hold."""


def group_views(
    site: Site,
    inputs: Inputs,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    limits_a: Mapping[ConnectorKey, float],
) -> dict[str, GroupView]:
    """Return each group's view; `limits_a` is what each connector is left with, A per line."""
    loads = [_load(standing, limits_a[standing.key]) for standing in standings.values()]
    loads.extend(
        _Load(
            group_ids=tuple(group.id for group in site.path(booking.group_id)),
            booked=booking.currents,
            allocated=booking.currents,
            expected=booking.currents,
            cuttable=frozenset(),
        )
        for booking in inputs.bookings
    )
    return {
        group.id: _view(
            group,
            [one for one in loads if group.id in one.group_ids],
            headroom,
            inputs.capacities_a[group.id],
        )
        for group in site.groups.values()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    """What a connector or a booking puts on the groups that it flows through."""

    group_ids: tuple[str, ...]
    booked: PhaseCurrents
    allocated: PhaseCurrents
    expected: PhaseCurrents
    """What will be left once everything that is sent is answered, disobedience included."""
    cuttable: frozenset[Phase]
    """Where a charger that takes commands still has current."""


def _load(standing: Standing, limit_a: float) -> _Load:
    phase_map = standing.connector.phase_map
    takes_commands = standing.known.line is not Line.OFFLINE and standing.retry_at is None
    allocated = phase_map.spread(limit_a)
    obeys = standing.excess_a == 0
    return _Load(
        group_ids=standing.group_ids,
        booked=standing.booked,
        allocated=allocated,
        expected=allocated if obeys else phase_map.spread(limit_a + standing.excess_a),
        cuttable=frozenset(phase_map.phases if limit_a > 0 and takes_commands else ()),
    )


def _view(
    group: Group, loads: Collection[_Load], headroom: Headroom, capacity_a: float
) -> GroupView:
    base_load = headroom.assumed[group.id]
    told = not group.metered or (
        group.id not in headroom.blind and headroom.base_loads[group.id].latest is not None
    )
    booked = PhaseCurrents.total(one.booked for one in loads)
    expected = PhaseCurrents.total(one.expected for one in loads)
    over = _over(group, expected + base_load, capacity_a)
    return GroupView(
        base_load=base_load if told else None,
        available=headroom.available[group.id] if told else None,
        booked=booked,
        allocated=PhaseCurrents.total(one.allocated for one in loads),
        within_limit=not _over(group, booked + base_load, capacity_a),
        overloaded=told and any(all(phase not in one.cuttable for one in loads) for phase in over),
    )


def _over(group: Group, currents: PhaseCurrents, capacity_a: float) -> list[Phase]:
    """Return the phases of a group that carry more than its capacity."""
    return [phase for phase in group.phases if currents[phase] > capacity_a + EPSILON_A]
