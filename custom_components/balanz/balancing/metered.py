"""What the meters of groups tell at the instant of a step, and how far that can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from .alarm import Alarm
from .group import Group
from .inputs import Inputs
from .memory import Recollection
from .meter_sight import MeterSight, SightFault
from .meter_watch import MeterWatch
from .model import ConnectorKey, Site
from .phases import ZERO, PhaseCurrents
from .standing import Standing
from .supply import BaseLoad, DrawInterval, MeterReading, may_draw

RISE_S = 15.0
"""How long after a raise or a plug-in a car may be on its way up, unseen by its own meter."""
OVERLAP_S = 12.0
"""How long a reading that was replaced may still be what the group's meter shows."""
FOLLOW_S = 6.0
"""How long after its acceptance a cut may keep a rise of the base load from being seen. Cars
have 5 s to follow; counting on them sooner would cut others for a fall that is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What is known of the metered groups, by group id."""

    meters: Mapping[str, MeterWatch] = field(default_factory=dict)
    base_loads: Mapping[str, BaseLoad] = field(default_factory=dict)
    sights: Mapping[str, MeterSight] = field(default_factory=dict)

    @property
    def reversed(self) -> frozenset[str]:
        """The groups whose meter tells the wrong sign, so that nobody knows what flows."""
        return frozenset(
            group_id
            for group_id, sight in self.sights.items()
            if sight.fault is SightFault.REVERSED
        )

    @property
    def blind(self) -> frozenset[str]:
        """The groups whose meter does not tell what flows now."""
        return frozenset(group_id for group_id, watch in self.meters.items() if not watch.fresh)


def metered(
    site: Site,
    inputs: Inputs,
    standings: Mapping[ConnectorKey, Standing],
    before: Metered,
    recollection: Recollection,
    now: float,
    alarm: Alarm,
) -> Metered:
    """Return what is known now (monotonic seconds), given what the last step knew."""
    newest_draw_at = max(
        (one.known.draw.at for one in standings.values() if one.known.draw is not None), default=0.0
    )
    watches: dict[str, MeterWatch] = {}
    base_loads: dict[str, BaseLoad] = {}
    sights: dict[str, MeterSight] = {}
    for group in site.groups.values():
        if not group.metered:
            continue
        reading = inputs.meters.get(group.id)
        watch = before.meters.get(group.id, MeterWatch())
        base_load = before.base_loads.get(group.id, BaseLoad())
        sight = before.sights.get(group.id, MeterSight())
        draws: list[DrawInterval] | None = None
        if reading is not None and reading.at != sight.observed_at:
            draws = _draws(group, reading, inputs, standings, recollection, is_new=True, now=now)
            given_a = inputs.battery_discharge_a.get(group.id, 0.0)
            sight = sight.observe(reading, draws, _told(group, standings), given_a)
        sights[group.id] = sight
        if reading is None or sight.fault is SightFault.REVERSED:
            # Peaks do not end unseen: what was in use stays the least to assume.
            watch = watch.missed(group, base_load, now, inputs.hour_of_week)
            alarm.at(watch.next_change(group, now))
        else:
            known = watch.returning(base_load, now)
            is_new = reading.at != known.observed_at
            watch = watch.heard(reading)
            if is_new or newest_draw_at > reading.at:
                if sight.fault is SightFault.MISSES_CHARGERS:
                    draws = []
                elif draws is None or not is_new:
                    draws = _draws(
                        group, reading, inputs, standings, recollection, is_new=is_new, now=now
                    )
                limit = PhaseCurrents.uniform(inputs.capacities_a[group.id] - group.margin_a)
                take_in = known.observe if is_new else known.refine
                known = take_in(reading, draws, limit)
                watch = watch.learnt(known, now, inputs.hour_of_week)
            base_load = known.settled(now)
            alarm.at(reading.fresh_until)
            alarm.at(base_load.next_change(now))
        watches[group.id] = watch
        base_loads[group.id] = base_load
    return Metered(meters=watches, base_loads=base_loads, sights=sights)


def _draws(
    group: Group,
    reading: MeterReading,
    inputs: Inputs,
    standings: Mapping[ConnectorKey, Standing],
    recollection: Recollection,
    *,
    is_new: bool,
    now: float,
) -> list[DrawInterval]:
    """Return what the group's chargers may have drawn when a reading was taken."""
    at = reading.at
    draws_now, draws_then = recollection.draws, recollection.past_draws

    def drew(standing: Standing, _now: float) -> tuple[DrawInterval, float]:
        return _drew(standing, at), inf

    draws = [
        draws_now.of(standing, now, _draw)
        if is_new or (draw := standing.known.draw) is None or draw.at < at
        else draws_then.of(standing, now, drew, at)
        for standing in standings.values()
        if group.id in standing.group_ids
    ]
    draws.extend(
        DrawInterval(least=ZERO, most=booking.currents)
        for booking in inputs.bookings
        if group.id in booking.group_ids
    )
    return draws


def _told(group: Group, standings: Mapping[ConnectorKey, Standing]) -> PhaseCurrents:
    """Return what the group's chargers have told last that they draw."""
    return PhaseCurrents.total(
        draw.reading.most
        for standing in standings.values()
        if (draw := standing.known.draw) is not None and group.id in standing.group_ids
    )


def _drew(standing: Standing, at: float) -> DrawInterval:
    """Return what a connector that has told since may have drawn at the time of a reading."""
    draw = standing.known.draw
    assert draw is not None
    before = draw.before or DrawInterval(least=ZERO, most=standing.booked)
    most = before.most.maximum(draw.reading.most)
    followed_a = standing.known.commitment.followed_a(at, FOLLOW_S)
    if followed_a is not None:
        most = most.minimum(standing.connector.phase_map.spread(followed_a))
    return DrawInterval(least=before.least.minimum(draw.reading.least).minimum(most), most=most)


def _draw(standing: Standing, now: float) -> tuple[DrawInterval, float]:
    """Return what a connector may be drawing, and until when."""
    known = standing.known
    if known.draw is None:
        # Nobody knows what it draws. The estimate then stays as it is as long as that explains
        # the meter, so that measured and booked current count once.
        return DrawInterval(least=ZERO, most=standing.booked), inf
    spread = standing.connector.phase_map.spread
    risen_at = -inf if known.may_rise_since is None else known.may_rise_since + RISE_S
    overlaps_until = known.draw.at + OVERLAP_S
    followed_a = known.commitment.followed_a(now, FOLLOW_S)
    interval = may_draw(
        reading=known.draw.reading,
        before=known.draw.before if now < overlaps_until else None,
        commanded=spread(standing.aim_a),
        followed=None if followed_a is None else spread(followed_a),
        rising_to=standing.booked if now < risen_at else None,
    )
    times = (risen_at, overlaps_until, known.commitment.follows_at(now, FOLLOW_S))
    return interval, min((time for time in times if time > now), default=inf)
