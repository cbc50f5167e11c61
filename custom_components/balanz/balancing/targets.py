"""Who gets what: the limit that each connector should have, and why no more."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from .alarm import Alarm
from .allocation import allocate
from .claims import Claim, Share
from .defiance import in_the_way, share_of_defiant
from .demand import Idleness
from .headroom import Headroom
from .inputs import Line
from .model import ConnectorKey, Site
from .phases import EPSILON_A
from .policies import Policy
from .reasons import MAXIMUM_REACHED, Reason, Rule
from .restraint import restraints
from .standing import Standing
from .turns import Turns

PATIENCE_S = 5.0
"""A cut that is not answered for this long is no longer counted on: others are cut instead."""

_IDLE_RULES = {
    Idleness.DELAYED: Rule.DELAYED,
    Idleness.FULL: Rule.FULL,
    Idleness.ASLEEP: Rule.ASLEEP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a connector should have, A per line, and why it is no more."""

    limit_a: float
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What all connectors should have, and whose turn it is with that."""

    by_key: Mapping[ConnectorKey, Target]
    turns: Turns
    in_the_way: frozenset[ConnectorKey]
    """Those that do not keep their limits, and that others have less for."""


def targets(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    turns: Turns,
    now: float,
    alarm: Alarm,
) -> Targets:
    """Return what each connector should have now (monotonic seconds)."""
    turns = turns.advanced(standings, site.tuning, now)
    shares, blamed = _shares(site, standings, headroom, turns, now, alarm)
    waiting = _waiting(standings, shares, turns, now)
    has_place = {key: share.limit_a > 0 for key, share in shares.items()}
    # An overload that pauses all takes their places, so that they are not started for ever.
    has_place |= {key: False for key, one in standings.items() if headroom.pausing(one) is not None}
    turns = turns.settled(has_place, waiting, standings)
    turns.set_alarm(waiting, alarm)
    due_at = {
        key: at
        for key, at in turns.expected(waiting, standings).items()
        if site.policies[standings[key].connector.group_id] is not Policy.NEED
        or not turns.services[key].charged  # Who has had something waits for others' needs.
    }
    held_back = restraints(standings, shares, headroom, now)
    return Targets(
        by_key={
            key: Target(
                limit_a=_limit_a(standing, shares.get(key), now),
                reason=_reason(
                    standing, shares.get(key), headroom, turns, due_at.get(key), held_back.get(key)
                ),
            )
            for key, standing in standings.items()
        },
        turns=turns,
        in_the_way=blamed,
    )


def _shares(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    turns: Turns,
    now: float,
    alarm: Alarm,
) -> tuple[dict[ConnectorKey, Share], frozenset[ConnectorKey]]:
    """Allocate; return also who does not keep its limit and is in the way of others."""
    offline_a = {
        key: standing.booked_a
        for key, standing in standings.items()
        if standing.known.line is Line.OFFLINE
    }
    defiant = {
        key: standing
        for key, standing in standings.items()
        if standing.defies and key not in offline_a
    }
    claims = [
        claim
        for key, standing in standings.items()
        if key not in offline_a
        and headroom.pausing(standing) is None
        and (claim := _claim(site, standing, turns, now, alarm)) is not None
    ]
    hoped = _allocated(site, standings, headroom, claims, offline_a, defiant, now, alarm).shares
    if not defiant:
        return hoped, frozenset()
    fixed_a = offline_a | {key: standing.booked_a for key, standing in defiant.items()}
    others = [claim for claim in claims if claim.key not in defiant]
    beside = _allocated(site, standings, headroom, others, fixed_a, (), now, alarm)
    room = headroom.room(standings, beside.reckoned_a.items())
    told = {
        key: share_of_defiant(standing, hoped[key], room, headroom)
        for key, standing in defiant.items()
        if key in hoped
    }
    blamed = in_the_way(defiant.values(), standings, hoped, beside.shares, headroom, now)
    return beside.shares | told, blamed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allocation:
    """What connectors get, and what each has to be reckoned with meanwhile, A per line."""

    shares: dict[ConnectorKey, Share]
    reckoned_a: Mapping[ConnectorKey, float]


def _allocated(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    claims: Sequence[Claim],
    fixed_a: Mapping[ConnectorKey, float],
    relied_on: Container[ConnectorKey],
    now: float,
    alarm: Alarm,
) -> _Allocation:
    """Allocate; whoever cannot be brought to its share now keeps what it may be drawing.

    `fixed_a` are those that nothing is to be decided of. Those relied on count as if they could.
    """
    due: dict[ConnectorKey, Share] = {}
    while True:
        shares = {claim.key: Share(limit_a=0.0, binding=None) for claim in claims}
        allowed = [claim for claim in claims if claim.minimum_a <= claim.maximum_a]
        room = headroom.room(standings, fixed_a.items())
        shares |= allocate(site, allowed, room)
        stuck_a = {
            key: current_a
            for key, standing in standings.items()
            if key not in fixed_a
            and key not in relied_on
            and (current_a := _reckoned_a(standing, shares.get(key), now, alarm)) is not None
        }
        if not stuck_a:
            limits_a = {key: share.limit_a for key, share in shares.items()}
            return _Allocation(
                shares=_without_overload(due, standings, room) | shares,
                reckoned_a={**limits_a, **fixed_a},
            )
        # It gets its share later; until then the others live with what it may be drawing.
        due |= {key: shares[key] for key in stuck_a if key in shares}
        fixed_a = {**fixed_a, **stuck_a}
        claims = [claim for claim in claims if claim.key not in stuck_a]


def _claim(site: Site, standing: Standing, turns: Turns, now: float, alarm: Alarm) -> Claim | None:
    """Return what a connector asks for; None where it wants nothing, or has to rest."""
    if not standing.known.wants:
        return None
    connector, known = standing.connector, standing.known
    alarm.at(known.appetite.next_change(connector.minimum_a, now))
    rests_until = turns.rests_until(standing.key)
    if rests_until is not None:
        alarm.at(rests_until)
        return None
    most_a = max(known.appetite.demand_a(connector, standing.maximum_a), standing.minimum_a)
    accepted_a = known.commitment.accepted_a
    if standing.defies and accepted_a is not None:
        # What it takes beyond its limit does not earn it a higher one.
        most_a = max(min(most_a, accepted_a), standing.minimum_a)
    claim = Claim(
        key=standing.key,
        group_id=connector.group_id,
        way=standing.way,
        minimum_a=standing.minimum_a,
        maximum_a=standing.rounded_down(min(most_a, standing.maximum_a)),
        step_a=connector.step_a,
        priority=standing.priority,
        weight=connector.weight,
        order=turns.order(standing),
        needs_spare=turns.was_pushed_out(standing.key),
        reserves=turns.keeps_its_place_in_line(standing.key),
        arrival=known.waiting_since,
        spare=not known.appetite.is_keen(now),
    )
    if site.policies[connector.group_id] is not Policy.NEED:
        return claim
    needed_a = known.need.current_a(len(standing.phases), now)
    return replace(
        claim,
        before_needs=turns.goes_before_needs(standing.key) and needed_a != 0.0,
        needed_a=needed_a,
        time_left_s=known.need.time_left_s(known.waiting_since, now),
        lines=len(standing.phases),
    )


def _limit_a(standing: Standing, share: Share | None, now: float) -> float:
    """Return what to send of a share: as little as can be for a moment, to wake a car."""
    least_a = standing.connector.least_a
    if share is None or standing.known.appetite.is_being_woken(now):
        return least_a
    return max(share.limit_a, least_a)


def _waiting(
    standings: Mapping[ConnectorKey, Standing],
    shares: Mapping[ConnectorKey, Share],
    turns: Turns,
    now: float,
) -> dict[ConnectorKey, str]:
    """Return the cars that want current and get none, each with the group that has none left."""
    return {
        key: share.binding.group_id
        for key, share in shares.items()
        if share.limit_a == 0
        and share.binding is not None
        and key in turns.services
        and standings[key].known.appetite.is_keen(now)
    }


def _without_overload(
    due: Mapping[ConnectorKey, Share],
    standings: Mapping[ConnectorKey, Standing],
    room: Sequence[float],
) -> dict[ConnectorKey, Share]:
    """Take back the shares of those that others' profiles allow more than there is room for.

    Which limit rules is not known; their own is the only one that can be cut.
    """
    kept = dict(due)
    for key, share in due.items():
        standing = standings[key]
        over = any(room[number] < -EPSILON_A for number, _ in standing.way)
        if over and standing.foreign_a > share.limit_a + EPSILON_A:
            kept[key] = replace(share, limit_a=0.0)
    return kept


def _reckoned_a(standing: Standing, share: Share | None, now: float, alarm: Alarm) -> float | None:
    """Return what to reckon with if the connector may draw more than its share for now."""
    stuck_a = _stuck_at_a(standing, share, now, alarm)
    target_a = 0.0 if share is None else share.limit_a
    if standing.foreign_a > target_a + EPSILON_A:
        return max(stuck_a or 0.0, standing.foreign_a)
    return stuck_a


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
        # One that cannot be paused keeps the least that it understands.
        reckoned_a = standing.connector.least_a
    return reckoned_a if reckoned_a > target_a + EPSILON_A else None


def _reason(
    standing: Standing,
    share: Share | None,
    headroom: Headroom,
    turns: Turns,
    due_at: float | None,
    restraint: Reason | None,
) -> Reason:
    known = standing.known
    if known.line is Line.OFFLINE:
        return Reason(rule=Rule.NOT_CONNECTED)
    if not known.wants:
        return known.idle_reason
    if known.commitment.accepted_a is None:
        return Reason(rule=Rule.STARTING)
    paused_by = headroom.pausing(standing)
    if paused_by is not None:
        until = headroom.paused_until[paused_by]
        return Reason(rule=Rule.OVERLOAD, group_id=paused_by, until=until)
    idleness = known.appetite.idleness()
    if idleness is not None and (share is None or share.limit_a > 0 or share.binding is None):
        return Reason(rule=_IDLE_RULES[idleness])
    if share is None:
        return Reason(rule=Rule.RESTING, until=turns.rests_until(standing.key))
    return _reason_of_share(standing, share, headroom, due_at, restraint)


def _reason_of_share(
    standing: Standing,
    share: Share,
    headroom: Headroom,
    due_at: float | None,
    restraint: Reason | None,
) -> Reason:
    appetite = standing.known.appetite
    if share.binding is not None:
        group_id, phase, below_priority, surplus = share.binding
        if surplus:
            return Reason(rule=Rule.SURPLUS, group_id=group_id)
        if below_priority is not None:
            return Reason(rule=Rule.SCHEDULE, group_id=group_id, phase=phase)
        if group_id in headroom.blind:
            rule = Rule.SUPPLY_UNKNOWN
        elif restraint is not None:
            return restraint
        else:
            rule = Rule.SHARED if share.limit_a > 0 else Rule.WAITING
        return Reason(rule=rule, group_id=group_id, phase=phase, until=due_at)
    if share.shared_by is not None:
        return Reason(rule=Rule.ALL_IN_USE, group_id=share.shared_by)
    if appetite.demand_a(standing.connector, standing.maximum_a) < standing.maximum_a:
        return Reason(rule=Rule.CAR)
    if standing.held_by_unbalance:
        return Reason(rule=Rule.UNBALANCE)
    if standing.known.maximum_a > standing.maximum_a:
        return MAXIMUM_REACHED
    return standing.known.maximum_reason
