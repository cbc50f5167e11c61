"""One group of a large site, looked at without all others.

A step looks at all of a site, which takes long where that is large. Yet most that goes wrong does
so in one group, and whom to cut there does not depend on those outside it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .commands import Command, Kind
from .control import AllFits, State, glance
from .inputs import Booking, ConnectorInput, Inputs
from .model import Connector, Site
from .phases import EPSILON_A
from .surplus import SurplusMode


def part_of(site: Site, group_id: str) -> Site:
    """Return a group with all that hangs in it, and of the groups above it no more than limits.

    The meters of those are left out: they tell of all that is not part. So nothing falls short in
    a part that does not in the site.
    """
    above = {
        group.id: replace(group, metered=False, other_loads_a=0.0, surplus=SurplusMode.IGNORE)
        for group in site.path(group_id)
        if group.id != group_id
    }
    inside = {
        group.id: group for group in site.groups.values() if site.contains(group_id, group.id)
    }
    return replace(
        site,
        groups=above | inside,
        connectors={
            key: connector
            for key, connector in site.connectors.items()
            if connector.group_id in inside
        },
    )


def bookings_in(part: Site, bookings: Iterable[Booking]) -> Iterator[Booking]:
    """Yield what bookings take of the groups of a part."""
    for booking in bookings:
        group_ids = tuple(group_id for group_id in booking.group_ids if group_id in part.groups)
        if group_ids:
            yield replace(booking, group_ids=group_ids)


def cuts_in(part: Site, inputs: Inputs, state: State, now: float) -> tuple[Command, ...]:
    """Return the cuts that a part surely needs now; none where all of it fits.

    `inputs` are those of the part alone, `state` is what the last step of the site has handed on,
    `now` is in monotonic s. The next step of the site decides on everything else, and explains it.
    """
    connectors = part.connectors
    told = {
        key: _without_hopes(known, connectors[key], now) for key, known in inputs.connectors.items()
    }
    result = glance(part, replace(inputs, connectors=told), state, now)
    if isinstance(result, AllFits):
        return ()
    return tuple(
        command
        for command in result.commands
        if command.kind is Kind.CUT
        and _is_lower(command, told[command.key], connectors[command.key], now)
    )


def _without_hopes(known: ConnectorInput, connector: Connector, now: float) -> ConnectorInput:
    """Return the same for a car that has current; one that has none gets none at this look.

    Others would be cut for it by more than has to be.
    """
    if known.wants and known.commitment.aim_a(connector, now) < connector.minimum_a:
        return replace(known, wants=False)
    return known


def _is_lower(command: Command, known: ConnectorInput, connector: Connector, now: float) -> bool:
    """Return whether a command is sure to lower what a connector may draw."""
    commitment = known.commitment
    aim_a = commitment.aim_a(connector, now)
    return not commitment.in_doubt and command.limit_a < aim_a - EPSILON_A
