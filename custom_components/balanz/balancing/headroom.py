"""What is left for chargers: capacity less base load, for every limit of every group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .alarm import Alarm
from .group import Group
from .inputs import Inputs
from .lease import LEASES_WITHIN
from .meter_watch import MeterStage
from .metered import Metered
from .model import NOMINAL_VOLTAGE_V, ROOT_GROUP_ID, ConnectorKey, Site
from .phases import PhaseCurrents
from .standing import Standing
from .supply import BaseLoad, available
from .surplus import Surplus, SurplusMode
from .trip import TripWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What each group has for its chargers at the instant of a step, A per phase."""

    base_loads: Mapping[str, BaseLoad]
    """What the meters tell, for the metered groups."""
    blind: frozenset[str]
    """The metered groups whose meter tells nothing now."""
    paused_until: Mapping[str, float]
    """The groups whose fuse may trip before cars follow a lower limit, and until when."""
    assumed: Mapping[str, PhaseCurrents]
    """The base load to reckon with: measured, assumed while unknown, or set up."""
    available: Mapping[str, PhaseCurrents]
    surpluses: Mapping[str, Surplus]
    """For the groups that charge from it."""
    site: Site
    limits: tuple[float, ...]
    """What is available at each of the site's `routes.resources`, A."""
    grantable: tuple[float, ...]
    """The same, and no more than a fuse could bear should balanz be gone while leases last."""
    booked: tuple[float, ...]
    """What bookings of chargers that left take of it."""

    def loads(
        self,
        standings: Mapping[ConnectorKey, Standing],
        loads_a: Iterable[tuple[ConnectorKey, float]],
    ) -> list[float]:
        """Return what bookings and given loads (A per line) add up to at each limit."""
        taken_a = list(self.booked)
        for key, current_a in loads_a:
            for number, units in standings[key].way:
                taken_a[number] += current_a * units
        for group_id, measured_a in self._measured_within_enforced(standings):
            self._cap(taken_a, group_id, measured_a)
        return taken_a

    def room(
        self,
        standings: Mapping[ConnectorKey, Standing],
        loads_a: Iterable[tuple[ConnectorKey, float]],
    ) -> list[float]:
        """Return what is left at each limit besides bookings and given loads (A per line)."""
        return self.left_of(self.loads(standings, loads_a))

    def left_of(self, taken_a: Sequence[float]) -> list[float]:
        """Return what loads leave at each limit."""
        return [
            limit_a - current_a for limit_a, current_a in zip(self.grantable, taken_a, strict=True)
        ]

    def unseen(self, standing: Standing) -> str | None:
        """Return a group on its way whose meter tells nothing now; None if there is none."""
        if not self.blind:
            return None
        return next((group_id for group_id in standing.group_ids if group_id in self.blind), None)

    def paused(self, standings: Mapping[ConnectorKey, Standing]) -> frozenset[ConnectorKey]:
        """Return the connectors in groups that pause all their chargers."""
        if not self.paused_until:
            return frozenset()
        return frozenset(key for key, one in standings.items() if self.pausing(one) is not None)

    def pausing(self, standing: Standing) -> str | None:
        """Return a group on its way that pauses all its chargers; None if there is none."""
        if not self.paused_until:
            return None
        return next((name for name in standing.group_ids if name in self.paused_until), None)

    def _measured_within_enforced(
        self, standings: Mapping[ConnectorKey, Standing]
    ) -> Iterable[tuple[str, float]]:
        """Return what is seen to flow on one line of each group that its hardware protects."""
        measured_a = {group.id: 0.0 for group in self.site.groups.values() if group.enforced}
        if measured_a:
            for standing in standings.values():
                innermost = standing.group_ids[0]
                if innermost in measured_a:
                    measured_a[innermost] += standing.measured_a
        return measured_a.items()

    def _cap(self, taken_a: list[float], group_id: str, measured_a: float) -> None:
        """Take off the groups above one what its own hardware does not let through.

        Unless more than that has been seen, which would prove the rating wrong.
        """
        most_a = max(self.site.groups[group_id].rating_a, measured_a)
        routes = self.site.routes
        for phase, number in routes.numbers_of[group_id]:
            excess_a = taken_a[number] - most_a
            if excess_a <= 0:
                continue
            for outer, units in routes.way(group_id, (phase,)):
                if routes.resources[outer].group_id != group_id:
                    taken_a[outer] -= excess_a * units


def headroom(
    site: Site,
    inputs: Inputs,
    standings: Mapping[ConnectorKey, Standing],
    metered: Metered,
    trips: Mapping[str, TripWatch],
    surpluses_before: Mapping[str, Surplus],
    now: float,
    alarm: Alarm,
) -> Headroom:
    """Return what is left now (monotonic seconds)."""
    base_loads = metered.base_loads
    assumed = _assumed(site, metered)
    paused_until = {
        group_id: trip.paused_until
        for group_id, trip in trips.items()
        if trip.paused_until is not None and trip.paused_until > now
    }
    for until in paused_until.values():
        alarm.at(until)
    surpluses = _surpluses(site, inputs, base_loads, surpluses_before, now)
    for surplus in surpluses.values():
        alarm.at(surplus.next_change(now))
    limits = _limits(site, inputs, assumed, surpluses, standings)
    return Headroom(
        surpluses=surpluses,
        base_loads=base_loads,
        blind=metered.blind,
        paused_until=paused_until,
        assumed=assumed,
        available={
            group.id: available(
                inputs.capacities_a[group.id],
                assumed[group.id],
                group.margin_a if group.metered else 0.0,
            )
            for group in site.groups.values()
        },
        site=site,
        limits=limits,
        grantable=_grantable(site, metered, limits, inputs.hour_of_week),
        booked=tuple(
            site.routes.load((booking.group_ids, booking.currents) for booking in inputs.bookings)
        ),
    )


def _limits(
    site: Site,
    inputs: Inputs,
    assumed: Mapping[str, PhaseCurrents],
    surpluses: Mapping[str, Surplus],
    standings: Mapping[ConnectorKey, Standing],
) -> tuple[float, ...]:
    limits: list[float] = []
    for resource in site.routes.resources:
        group = site.groups[resource.group_id]
        base_load = assumed[group.id]
        margin_a = group.margin_a if group.metered else 0.0
        if resource.below_priority is not None:
            limits.append(_cap_a(group, resource.below_priority))
            continue
        if resource.surplus:
            limits.append(_surplus_a(group, surpluses[group.id], standings))
            continue
        if resource.phase is not None:
            limits.append(inputs.capacities_a[group.id] - margin_a - base_load[resource.phase])
            continue
        power_w = group.power_now_w
        assert power_w is not None  # Routes number a power limit only where one is.
        voltage_v = inputs.voltages_v.get(group.id, NOMINAL_VOLTAGE_V)
        usable_a = power_w * group.power_factor / voltage_v
        limits.append(usable_a - margin_a * len(group.phases) - sum(base_load))
    return tuple(limits)


def _grantable(
    site: Site, metered: Metered, limits: tuple[float, ...], hour: int
) -> tuple[float, ...]:
    """Return the limits, lower where the house is known to take more at times.

    Should nobody control the site, chargers go on for as long as their leases last, or for ever.
    """
    worst = {
        group_id: soon
        for group_id, watch in metered.meters.items()
        if group_id in site.outlasted and (soon := watch.memory.soon(hour)) is not None
    }
    if not worst:
        return limits
    grantable = list(limits)
    for number, (group_id, phase, below_priority, _) in enumerate(site.routes.resources):
        if group_id in worst and phase is not None and below_priority is None:
            bearable_a = LEASES_WITHIN * site.groups[group_id].rating_a - worst[group_id][phase]
            grantable[number] = min(limits[number], bearable_a)
    return tuple(grantable)


def _surpluses(
    site: Site,
    inputs: Inputs,
    base_loads: Mapping[str, BaseLoad],
    before: Mapping[str, Surplus],
    now: float,
) -> dict[str, Surplus]:
    """Take in what the meters of groups that charge from surplus tell of it."""
    surpluses: dict[str, Surplus] = {}
    for group in site.groups.values():
        if not group.metered or group.surplus is SurplusMode.IGNORE:
            continue
        surplus = before.get(group.id, Surplus())
        signed = base_loads[group.id].signed
        # What a battery gives is not surplus: the car would empty it.
        given_a = inputs.battery_discharge_a.get(group.id, 0.0)
        metered = inputs.meters.get(group.id) is not None
        if metered and signed is not None and given_a is not None:
            surplus = surplus.observe(-sum(signed) - max(given_a, 0.0), now)
        surpluses[group.id] = surplus.settled(now)
    return surpluses


def _surplus_a(group: Group, surplus: Surplus, standings: Mapping[ConnectorKey, Standing]) -> float:
    charging_a = wanting_a = 0.0
    for standing in standings.values():
        if not standing.known.wants or group.id not in standing.group_ids:
            continue
        minimum_a = standing.minimum_a * len(standing.phases)
        wanting_a += minimum_a
        if standing.aim_a >= standing.minimum_a:
            charging_a += minimum_a
    return surplus.limit_a(group.surplus, charging_a, wanting_a)


def _cap_a(group: Group, below_priority: int) -> float:
    return next(
        cap.capacity_a for cap in group.priority_caps if cap.below_priority == below_priority
    )


def _assumed(site: Site, metered: Metered) -> dict[str, PhaseCurrents]:
    children: dict[str, list[Group]] = {group_id: [] for group_id in site.groups}
    for group in site.groups.values():
        if group.parent_id is not None:
            children[group.parent_id].append(group)
    assumed: dict[str, PhaseCurrents] = {}

    def assume(group: Group) -> PhaseCurrents:
        inner = PhaseCurrents.total(assume(child) for child in children[group.id])
        watch = metered.meters.get(group.id) if group.metered else None
        if watch is not None and watch.fresh:
            assumed[group.id] = metered.base_loads[group.id].held
            return assumed[group.id]
        least = inner if watch is None else inner.maximum(watch.assumed)
        if watch is None or watch.stage is MeterStage.LOST:
            own = PhaseCurrents.uniform(group.other_loads_a, group.phases)
            least = least.maximum(own + inner)
        assumed[group.id] = least
        return least

    assume(site.groups[ROOT_GROUP_ID])
    return assumed
