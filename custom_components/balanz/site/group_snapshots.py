"""Make the snapshots of groups after a step."""

from collections import Counter
from collections.abc import Iterable, Mapping

from ..balancing.control import Result
from ..balancing.model import Site
from .rooms import Rooms
from .snapshot import ChargerSnapshot, GroupSnapshot
from .topology import is_charger_group


def group_snapshots(
    rooms: Rooms,
    result: Result,
    *,
    capacities_a: Mapping[str, float],
    capacities_now_a: Mapping[str, float],
    charging: Mapping[str, int],
) -> dict[str, GroupSnapshot]:
    """Return how the groups that the user knows stand after a step."""
    snapshots: dict[str, GroupSnapshot] = {}
    shown = rooms.meters.snapshots(result)
    drilled = rooms.drills.running
    binding = {reason.group_id for reason in result.reasons.values()}
    for group in rooms.layout.site.groups.values():
        if is_charger_group(group.id):
            continue
        view = result.groups[group.id]
        snapshots[group.id] = GroupSnapshot(
            id=group.id,
            name=group.name,
            rating_a=group.rating_a,
            phases=group.phases,
            capacity_a=capacities_a[group.id],
            capacity_now_a=capacities_now_a[group.id],
            policy=group.policy,
            surplus=group.surplus,
            available=view.available,
            allocated=view.allocated,
            booked=view.booked,
            measured=rooms.meters.measured(group.id),
            base_load=view.base_load,
            within_limit=view.within_limit,
            limiting=group.id in binding,
            drill=rooms.drills.reports.get(group.id),
            drilling=drilled is not None and drilled.group_id == group.id,
            charging=charging.get(group.id, 0),
            meter=shown.get(group.id),
            smart_charging=rooms.smart_charging.is_on(group.id),
            override=rooms.capacity_settings.override_of(group.id),
        )
    return snapshots


def cars_charging(site: Site, chargers: Iterable[ChargerSnapshot]) -> Counter[str]:
    """Return how many cars charge in each group and in those below it."""
    return Counter(
        group_id
        for charger in chargers
        for connector in charger.connectors
        if connector.charging
        for group_id in site.routes.paths[site.connectors[connector.key].group_id]
    )
