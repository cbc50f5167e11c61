"""What is left for chargers: capacity less base load, for every group and phase."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .alarm import Alarm
from .allocation import Resource, load
from .inputs import Inputs
from .model import ROOT_GROUP_ID, ConnectorKey, Group, Site
from .phases import ZERO, PhaseCurrents
from .standing import Standing
from .supply import BaseLoad, DrawInterval, available, may_draw

RISE_S = 15.0
"""How long after a raise or a plug-in a car may be on its way up, unseen by its own meter."""
OVERLAP_S = 12.0
"""How long a reading that was replaced may still be what the group's meter shows."""
FOLLOW_S = 6.0
"""How long after its acceptance a cut may keep a rise of the base load from being seen. Cars
have 5 s to follow; counting on them sooner would cut others for a fall that is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What each group has for its chargers at the instant of a step, A per phase."""

    base_loads: Mapping[str, BaseLoad]
    """What the meters tell, for the metered groups."""
    blind: frozenset[str]
    """The metered groups whose meter tells nothing now."""
    assumed: Mapping[str, PhaseCurrents]
    """The base load to reckon with: measured, assumed while unknown, or set up."""
    available: Mapping[str, PhaseCurrents]
    taken_by_bookings_a: Mapping[Resource, float]

    def room(
        self,
        standings: Mapping[ConnectorKey, Standing],
        loads_a: Iterable[tuple[ConnectorKey, float]],
    ) -> dict[Resource, float]:
        """Return what is left of every group and phase besides bookings and given loads."""
        taken_a = dict(self.taken_by_bookings_a)
        for key, current_a in loads_a:
            for resource in standings[key].way:
                taken_a[resource] += current_a
        return {
            (group_id, phase): self.available[group_id][phase] - current_a
            for (group_id, phase), current_a in taken_a.items()
        }

    def unseen(self, standing: Standing) -> str | None:
        """Return a group on its way whose meter tells nothing now; None if there is none."""
        return next((group_id for group_id in standing.group_ids if group_id in self.blind), None)


def headroom(
    site: Site,
    inputs: Inputs,
    standings: Mapping[ConnectorKey, Standing],
    before: Mapping[str, BaseLoad],
    now: float,
    alarm: Alarm,
) -> Headroom:
    """Return what is left now (monotonic seconds); `before` is what the last step knew."""
    base_loads = _observed(site, inputs, standings, before, now)
    for base_load in base_loads.values():
        alarm.at(base_load.next_change(now))
    blind = frozenset(
        group.id
        for group in site.groups.values()
        if group.metered and inputs.meters.get(group.id) is None
    )
    assumed = _assumed(site, base_loads, blind)
    return Headroom(
        base_loads=base_loads,
        blind=blind,
        assumed=assumed,
        available={
            group.id: available(
                inputs.capacities_a[group.id],
                assumed[group.id],
                group.margin_a if group.metered else 0.0,
            )
            for group in site.groups.values()
        },
        taken_by_bookings_a=load(
            site, ((booking.group_id, booking.currents) for booking in inputs.bookings)
        ),
    )


def _observed(
    site: Site,
    inputs: Inputs,
    standings: Mapping[ConnectorKey, Standing],
    before: Mapping[str, BaseLoad],
    now: float,
) -> dict[str, BaseLoad]:
    """Take in each meter's reading that no step has seen yet."""
    known = {group_id: before.get(group_id, BaseLoad()) for group_id in inputs.meters}
    fresh = {
        group_id: reading
        for group_id, reading in inputs.meters.items()
        if reading is not None and reading.at != known[group_id].observed_at
    }
    if fresh:
        draws = [(standing.group_ids, _draw(standing, now)) for standing in standings.values()]
        draws.extend(
            (
                tuple(group.id for group in site.path(booking.group_id)),
                DrawInterval(least=ZERO, most=booking.currents),
            )
            for booking in inputs.bookings
        )
        for group_id, reading in fresh.items():
            inside = [draw for group_ids, draw in draws if group_id in group_ids]
            known[group_id] = known[group_id].observe(reading, inside)
    return {group_id: base_load.settled(now) for group_id, base_load in known.items()}


def _draw(standing: Standing, now: float) -> DrawInterval:
    known = standing.known
    if known.draw is None:
        # Nobody knows what it draws. The estimate then stays as it is as long as that explains
        # the meter, so that measured and booked current count once.
        return DrawInterval(least=ZERO, most=standing.booked)
    spread = standing.connector.phase_map.spread
    rising = known.may_rise_since is not None and now - known.may_rise_since < RISE_S
    overlaps = now - known.draw.at < OVERLAP_S
    followed_a = known.commitment.followed_a(now, FOLLOW_S)
    return may_draw(
        reading=known.draw.reading,
        before=known.draw.before if overlaps else None,
        commanded=spread(standing.aim_a),
        followed=None if followed_a is None else spread(followed_a),
        rising_to=standing.booked if rising else None,
    )


def _assumed(
    site: Site, base_loads: Mapping[str, BaseLoad], blind: frozenset[str]
) -> dict[str, PhaseCurrents]:
    assumed: dict[str, PhaseCurrents] = {}

    def assume(group: Group) -> PhaseCurrents:
        children = [assume(child) for child in site.groups.values() if child.parent_id == group.id]
        held = base_loads.get(group.id, BaseLoad()).held
        if group.metered and group.id not in blind:
            assumed[group.id] = held
        else:
            own = PhaseCurrents.uniform(group.other_loads_a, group.phases)
            assumed[group.id] = PhaseCurrents.total((own, *children)).maximum(held)
        return assumed[group.id]

    assume(site.groups[ROOT_GROUP_ID])
    return assumed
