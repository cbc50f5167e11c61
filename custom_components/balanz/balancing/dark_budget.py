"""Whether a site stays within its limits should nobody control it any more.

Each charger then draws what it does on its own: what it limits itself to without its link where
the user vouches for that, its fallback where its leases were proven to lapse, its last limit where
only that was proven to last, else its rating.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from .commitments import Commitment
from .inputs import Booking
from .model import NOMINAL_VOLTAGE_V, Connector, ConnectorKey, Site
from .phases import EPSILON_A, Phase, PhaseCurrents

_ALL_PRIORITIES = 1_000_000_000
"""Bands of priorities are rules of control: without it only fuses and cables bind."""
_UNKNOWN = Commitment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """How much a limit of a group would be exceeded by."""

    group_id: str
    phase: Phase | None
    """None for the group's power."""
    missing_a: float
    """A on that phase, or over all phases together where it is the power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DarkBudget:
    """What the site's limits would have to carry."""

    shortages: tuple[Shortage, ...]
    """The worst first; none where the site is safe without control."""
    unproven: tuple[str, ...]
    """The chargers that are reckoned with at their rating, by identity.

    Those that load the worst limit come first, the largest load before the others.
    """
    loads_worst: int = 0
    """How many of them load the worst limit."""

    @property
    def is_safe(self) -> bool:
        """Whether all limits would hold."""
        return not self.shortages

    @property
    def worst(self) -> Shortage | None:
        """The limit that lacks most."""
        return self.shortages[0] if self.shortages else None


def dark_budget(
    site: Site,
    capacities_a: Mapping[str, float],
    base_loads: Mapping[str, PhaseCurrents],
    commitments: Mapping[ConnectorKey, Commitment],
    bookings: Iterable[Booking] = (),
) -> DarkBudget:
    """Return what would be missing where, if control ended now.

    `base_loads` is what each group carries besides its chargers at the worst; a group that is
    left out carries what it was set up with.
    """
    routes = site.routes
    loads_a = routes.load((booking.group_ids, booking.currents) for booking in bookings)
    inside_a: dict[str, float] = {}
    unproven: dict[str, dict[int, float]] = {}
    for key, connector in site.connectors.items():
        current_a, proven = _alone_a(connector, commitments.get(key, _UNKNOWN))
        group = site.groups[connector.group_id]
        if group.enforced:
            # What the connectors of one charger share, its own hardware keeps to its rating.
            used_a = inside_a.get(group.id, 0.0)
            current_a = min(current_a, max(group.rating_a - used_a, 0.0))
            inside_a[group.id] = used_a + current_a
        phases = connector.phase_map.phases
        way = routes.way(connector.group_id, phases, _ALL_PRIORITIES)
        for number, units in way:
            loads_a[number] += current_a * units
        if not proven:
            own_a = unproven.setdefault(key.charger, {})
            for number, units in way:
                own_a[number] = own_a.get(number, 0.0) + current_a * units
    shortages: list[tuple[int, Shortage]] = []
    for number, resource in enumerate(routes.resources):
        group = site.groups[resource.group_id]
        if resource.surplus or resource.below_priority is not None or group.enforced:
            continue
        own = PhaseCurrents.uniform(group.other_loads_a, group.phases)
        base_load = base_loads.get(group.id, own)
        if resource.phase is not None:
            limit_a = capacities_a[group.id] - base_load[resource.phase]
        elif group.power_limit_w is not None:
            usable_a = group.power_limit_w * group.power_factor / NOMINAL_VOLTAGE_V
            limit_a = usable_a - sum(base_load)
        else:
            continue
        missing_a = loads_a[number] - limit_a
        if loads_a[number] > 0 and missing_a > EPSILON_A:
            shortage = Shortage(
                group_id=group.id, phase=resource.phase, missing_a=round(missing_a, 1)
            )
            shortages.append((number, shortage))
    shortages.sort(key=lambda it: -it[1].missing_a)
    shares_a = {
        identity: own_a.get(shortages[0][0], 0.0) if shortages else 0.0
        for identity, own_a in unproven.items()
    }
    return DarkBudget(
        shortages=tuple(shortage for _, shortage in shortages),
        unproven=tuple(sorted(unproven, key=lambda identity: -shares_a[identity])),
        loads_worst=sum(share_a > 0 for share_a in shares_a.values()),
    )


def _alone_a(connector: Connector, commitment: Commitment) -> tuple[float, bool]:
    """Return what a connector may draw once it is left alone, and whether anything proves that."""
    if connector.offline_a is not None and not commitment.defies:
        return min(connector.offline_a, connector.rating_a), True
    if not connector.keeps_limit and not commitment.defies:
        return connector.rating_a, False
    lost = commitment.disconnected()
    booked_a = lost.booked_a(connector, inf)
    if connector.keeps_limit and connector.lapses and lost.lapse is not None:
        # A car that waits now may be charging when control ends.
        return max(booked_a, min(connector.fallback_a, connector.rating_a)), True
    return booked_a, connector.keeps_limit
