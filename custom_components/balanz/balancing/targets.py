"""Who gets what: the limit that each connector should have, and why no more."""

from collections.abc import Mapping
from dataclasses import dataclass

from .alarm import Alarm
from .allocation import allocate
from .claims import Claim, Share
from .headroom import Headroom
from .inputs import Line
from .model import ConnectorKey, Site
from .phases import EPSILON_A
from .reasons import Reason, Rule
from .standing import Standing

PATIENCE_S = 5.0
"""A cut that is not answered for this long is no longer counted on: others are cut instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a connector should have, A per line, and why it is no more."""

    limit_a: float
    reason: Reason


def targets(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    now: float,
    alarm: Alarm,
) -> dict[ConnectorKey, Target]:
    """Return what each connector should have now (monotonic seconds)."""
    shares = _shares(site, standings, headroom, now, alarm)
    return {
        key: Target(
            limit_a=shares[key].limit_a if key in shares else 0.0,
            reason=_reason(standing, shares.get(key), headroom),
        )
        for key, standing in standings.items()
    }


def _shares(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    now: float,
    alarm: Alarm,
) -> dict[ConnectorKey, Share]:
    """Allocate; whoever cannot be brought to its share now keeps what it may be drawing."""
    fixed_a = {
        key: standing.booked_a
        for key, standing in standings.items()
        if standing.known.line is Line.OFFLINE
    }
    excess_a = {
        key: standing.excess_a
        for key, standing in standings.items()
        if key not in fixed_a and standing.excess_a > 0
    }
    claims = [
        _claim(standing, alarm)
        for key, standing in standings.items()
        if standing.known.wants and key not in fixed_a
    ]
    due: dict[ConnectorKey, Share] = {}
    while True:
        shares = {claim.key: Share(limit_a=0.0, binding=None) for claim in claims}
        allowed = [claim for claim in claims if claim.minimum_a <= claim.maximum_a]
        room = headroom.room(standings, (excess_a | fixed_a).items())
        shares |= allocate(site, allowed, room)
        stuck_a = {
            key: current_a
            for key, standing in standings.items()
            if key not in fixed_a
            and (current_a := _stuck_at_a(standing, shares.get(key), now, alarm)) is not None
        }
        if not stuck_a:
            return due | shares
        # It gets its share later; until then the others live with what it may be drawing.
        due |= {key: shares[key] for key in stuck_a if key in shares}
        fixed_a |= stuck_a
        claims = [claim for claim in claims if claim.key not in stuck_a]


def _claim(standing: Standing, alarm: Alarm) -> Claim:
    connector = standing.connector
    commitment = standing.known.commitment
    appetite = standing.known.appetite
    alarm.at(appetite.next_change(connector.minimum_a))
    most_a = max(appetite.demand_a(connector, standing.maximum_a), standing.minimum_a)
    if standing.excess_a > 0 and commitment.accepted_a is not None:
        # What it takes beyond its limit is booked apart; it does not earn it a higher one.
        most_a = max(min(most_a, commitment.accepted_a), standing.minimum_a)
    runs = not commitment.in_doubt and standing.aim_a >= connector.minimum_a
    return Claim(
        key=standing.key,
        group_id=connector.group_id,
        way=standing.way,
        minimum_a=standing.minimum_a,
        maximum_a=standing.rounded_down(min(most_a, standing.maximum_a)),
        step_a=connector.step_a,
        priority=connector.priority,
        weight=connector.weight,
        order=(0.0 if runs else 1.0, standing.known.waiting_since),
        arrival=standing.known.waiting_since,
    )


def _stuck_at_a(standing: Standing, share: Share | None, now: float, alarm: Alarm) -> float | None:
    """Return what to reckon with if the connector cannot be brought to its share now."""
    commitment = standing.known.commitment
    pending = commitment.pending
    target_a = 0.0 if share is None else share.limit_a
    if pending is not None:
        patient_until = pending.sent_at + PATIENCE_S
        if commitment.failed_at is None and patient_until > now:
            alarm.at(patient_until)
            reckoned_a = pending.limit_a
        else:
            reckoned_a = standing.booked_a
    elif standing.must_wait(target_a):
        # It gets no higher either until then, so that others may have what it does not take.
        alarm.at(standing.retry_at)
        return standing.aim_a
    elif standing.known.line is Line.BUSY:
        reckoned_a = standing.aim_a
    elif commitment.failed_at is not None:
        # It is tried again, but others do not rely on that.
        reckoned_a = standing.booked_a
    else:
        return None
    return reckoned_a if reckoned_a > target_a + EPSILON_A else None


def _reason(standing: Standing, share: Share | None, headroom: Headroom) -> Reason:
    known = standing.known
    if known.line is Line.OFFLINE:
        return Reason(rule=Rule.NOT_CONNECTED)
    if not known.wants:
        return Reason(rule=known.idle_rule)
    if share is None or known.commitment.accepted_a is None:
        return Reason(rule=Rule.STARTING)
    if share.binding is not None:
        group_id, phase = share.binding
        rule = Rule.SHARED if share.limit_a > 0 else Rule.WAITING
        if group_id in headroom.blind:
            rule = Rule.SUPPLY_UNKNOWN
        return Reason(rule=rule, group_id=group_id, phase=phase)
    if known.appetite.asleep:
        return Reason(rule=Rule.ASLEEP)
    if known.appetite.demand_a(standing.connector, standing.maximum_a) < standing.maximum_a:
        return Reason(rule=Rule.CAR)
    return Reason(rule=Rule.MAXIMUM)
