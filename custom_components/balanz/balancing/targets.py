"""Who gets what: the limit that each connector should have, and why no more."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import inf

from .alarm import Alarm
from .allocation import allocate
from .claims import Claim, InLine, Share, Target
from .defiance import in_the_way, share_of_defiant
from .demand import Idleness
from .headroom import Headroom
from .inputs import Line
from .memory import Aim, Grounds, Recollection, Sharing
from .model import ConnectorKey, Site
from .needless_cuts import without_needless_cuts
from .phases import EPSILON_A
from .policies import Policy
from .reasons import MAXIMUM_REACHED, Reason, Rule
from .restraint import restraints
from .standing import Standing
from .turns import Turns
from .waking import waking

PATIENCE_S = 5.0
"""A cut that is not answered for this long is no longer counted on: others are cut instead."""
LEFTOVERS_AGAIN_AFTER_S = 900.0
"""How long a car that takes nothing waits for what others leave once that was taken back."""

_IDLE_RULES = {
    Idleness.DELAYED: Rule.DELAYED,
    Idleness.FULL: Rule.FULL,
    Idleness.ASLEEP: Rule.ASLEEP,
}


_LAST = (inf,)
_NOTHING = Share(limit_a=0.0, binding=None)
_NOT_CONNECTED = Reason(rule=Rule.NOT_CONNECTED)
_STARTING = Reason(rule=Rule.STARTING)
_CAR = Reason(rule=Rule.CAR)
_UNBALANCE = Reason(rule=Rule.UNBALANCE)


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
    recollection: Recollection,
    now: float,
    alarm: Alarm,
) -> Targets:
    """Return what each connector should have now (monotonic seconds)."""
    turns = turns.advanced(standings, site.tuning, now)
    shares, blamed = _shares(site, standings, headroom, turns, recollection, now, alarm)
    waiting = _waiting(standings, shares, turns, now)
    has_place = {key: share.limit_a > 0 for key, share in shares.items()}
    # An overload that pauses all takes their places, so that they are not started for ever.
    has_place |= dict.fromkeys(headroom.paused(standings), False)
    turns = turns.settled(has_place, waiting, standings)
    turns.set_alarm(waiting, alarm)
    due_at = {
        key: at
        for key, at in turns.expected(waiting, standings).items()
        if site.policies[standings[key].connector.group_id] is not Policy.NEED
        or not turns.services[key].charged  # Who has had something waits for others' needs.
    }
    held_back = restraints(standings, shares, headroom, now)
    shares = without_needless_cuts(standings, shares, headroom, now, alarm)
    # A limit binds many, all for the same reason.
    bound = cache(partial(_reason_bound, headroom))
    aims: dict[ConnectorKey, Aim] = {}
    for key, standing in standings.items():
        share = shares.get(key)
        grounds = Grounds(share, due_at.get(key), held_back.get(key), headroom.blind)
        aim = recollection.aims.get(key)
        if (
            aim is None
            or aim.standing is not standing
            or aim.grounds != grounds
            or _is_momentary(standing, share, headroom)
        ):
            reason = _reason(standing, grounds, headroom, turns, bound)
            target = Target(limit_a=_limit_a(standing, share, now), reason=reason)
            aim = Aim(standing, grounds, target)
        aims[key] = aim
    recollection.aims = aims
    return Targets(
        by_key={key: aim.target for key, aim in aims.items()}, turns=turns, in_the_way=blamed
    )


def _is_momentary(standing: Standing, share: Share | None, headroom: Headroom) -> bool:
    """Return whether more than that decides on a connector's target."""
    known = standing.known
    rests = share is None and known.wants
    return rests or known.appetite.idle_since is not None or bool(headroom.paused_until)


def _shares(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    turns: Turns,
    recollection: Recollection,
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
    left_out = headroom.paused(standings) | offline_a.keys()
    claims = list(_claims(site, standings, left_out, turns, recollection, now, alarm))
    may_wake = waking(
        (standings[claim.key] for claim in claims if claim.spare), headroom.base_loads, now
    )
    if may_wake:
        claims = [
            claim._replace(spare=False) if claim.key in may_wake else claim for claim in claims
        ]

    def in_line(claims: Sequence[Claim]) -> Sequence[Claim]:
        return [
            claim.in_line(_LAST, reserves=False, before_needs=False)
            if claim.key in may_wake
            else claim.in_line(
                turns.order(standings[claim.key]),
                reserves=turns.keeps_its_place_in_line(claim.key),
                before_needs=turns.goes_before_needs(claim.key),
            )
            for claim in claims
        ]

    def shared(claims: Sequence[Claim], room: Sequence[float]) -> Mapping[ConnectorKey, Share]:
        return _shared(site, claims, room, in_line, recollection)

    hoped = _allocated(standings, headroom, claims, offline_a, defiant, shared, now, alarm).shares
    if not defiant:
        return hoped, frozenset()
    fixed_a = offline_a | {key: standing.booked_a for key, standing in defiant.items()}
    others = [claim for claim in claims if claim.key not in defiant]
    beside = _allocated(standings, headroom, others, fixed_a, (), shared, now, alarm)
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
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    claims: Sequence[Claim],
    fixed_a: Mapping[ConnectorKey, float],
    relied_on: Container[ConnectorKey],
    shared: Callable[[Sequence[Claim], Sequence[float]], Mapping[ConnectorKey, Share]],
    now: float,
    alarm: Alarm,
) -> _Allocation:
    """Allocate; whoever cannot be brought to its share now keeps what it may be drawing.

    `fixed_a` are those that nothing is to be decided of. Those relied on count as if they could.
    """
    due: dict[ConnectorKey, Share] = {}
    while True:
        shares = dict.fromkeys([claim.key for claim in claims], _NOTHING)
        allowed = [claim for claim in claims if claim.minimum_a <= claim.maximum_a]
        room = headroom.room(standings, fixed_a.items())
        shares |= shared(allowed, room)
        stuck_a = {
            key: current_a
            for key, standing in standings.items()
            if not standing.follows
            and key not in fixed_a
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


def _shared(
    site: Site,
    claims: Sequence[Claim],
    room: Sequence[float],
    in_line: InLine,
    recollection: Recollection,
) -> Mapping[ConnectorKey, Share]:
    """Share, unless it is the same as the last time."""
    known = recollection.sharing
    if known is not None and known.claims == claims and known.room == room:
        return known.shares
    order_counts = False

    def noted(claims: Sequence[Claim]) -> Sequence[Claim]:
        nonlocal order_counts
        order_counts = True
        return in_line(claims)

    shares = allocate(site, claims, room, noted)
    recollection.sharing = None if order_counts else Sharing(claims, room, shares)
    return shares


def _claims(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    left_out: Container[ConnectorKey],
    turns: Turns,
    recollection: Recollection,
    now: float,
    alarm: Alarm,
) -> Iterator[Claim]:
    """Yield what connectors ask for that want something and have not to rest; not in line yet."""

    def work_out(standing: Standing, now: float) -> tuple[tuple[Claim, float | None], float]:
        return _claim(site, standing, now)

    known_claims = recollection.claims
    for key, standing in standings.items():
        if not standing.known.wants or key in left_out:
            continue
        claim, changes_at = known_claims.of(standing, now, work_out)
        alarm.at(changes_at)
        if turns.services[key].has_place:
            yield claim
            continue
        rests_until = _passed_over_until(standing) if claim.spare else turns.rests_until(key)
        if rests_until is not None and rests_until > now:
            alarm.at(rests_until)
            continue
        yield claim._replace(needs_spare=True) if turns.was_pushed_out(key) else claim


def _passed_over_until(standing: Standing) -> float | None:
    """Return until when a car that takes nothing is not even offered what others leave.

    It has just been taken back, and would be again as soon as others take a little more.
    """
    paused_at = standing.known.commitment.accepted_at
    return None if paused_at is None else paused_at + LEFTOVERS_AGAIN_AFTER_S


def _claim(site: Site, standing: Standing, now: float) -> tuple[tuple[Claim, float | None], float]:
    """Return what a connector asks for, whoever goes first, and when time alone changes that.

    Then until when all of it holds.
    """
    connector, known = standing.connector, standing.known
    changes_at = known.appetite.next_change(connector.minimum_a, now)
    most_a = max(known.appetite.demand_a(connector, standing.maximum_a), standing.minimum_a)
    accepted_a = known.commitment.accepted_a
    if standing.defies and accepted_a is not None:
        # What it takes beyond its limit does not earn it a higher one.
        most_a = max(min(most_a, accepted_a), standing.minimum_a)
    until = inf if changes_at is None else changes_at
    claim = Claim(
        key=standing.key,
        group_id=connector.group_id,
        way=standing.way,
        minimum_a=standing.minimum_a,
        maximum_a=standing.rounded_down(min(most_a, standing.maximum_a)),
        step_a=connector.step_a,
        priority=standing.priority,
        weight=connector.weight,
        arrival=known.waiting_since,
        spare=not known.appetite.is_keen(now),
    )
    if site.policies[connector.group_id] is Policy.NEED:
        claim = claim._replace(
            needed_a=known.need.current_a(len(standing.phases), now),
            time_left_s=known.need.time_left_s(known.waiting_since, now),
            lines=len(standing.phases),
        )
        # What is still needed changes all the time.
        until = now
    return (claim, changes_at), until


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
    grounds: Grounds,
    headroom: Headroom,
    turns: Turns,
    bound: Callable[[Share, float | None, Reason | None], Reason],
) -> Reason:
    """Return why a connector has no more; `bound` tells it of those that a limit binds."""
    known, share = standing.known, grounds.share
    if known.line is Line.OFFLINE:
        return _NOT_CONNECTED
    if not known.wants:
        return known.idle_reason
    if known.commitment.accepted_a is None:
        return _STARTING
    paused_by = headroom.pausing(standing) if headroom.paused_until else None
    if paused_by is not None:
        until = headroom.paused_until[paused_by]
        return Reason(rule=Rule.OVERLOAD, group_id=paused_by, until=until)
    idleness = known.appetite.idleness()
    if idleness is not None and (share is None or share.limit_a > 0 or share.binding is None):
        return Reason(rule=_IDLE_RULES[idleness])
    if share is None:
        return Reason(rule=Rule.RESTING, until=turns.rests_until(standing.key))
    if share.binding is not None:
        return bound(share, grounds.due_at, grounds.restraint)
    return _reason_unbound(standing, share)


def _reason_bound(
    headroom: Headroom, share: Share, due_at: float | None, restraint: Reason | None
) -> Reason:
    """Return why a connector that a limit binds has no more."""
    assert share.binding is not None
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


def _reason_unbound(standing: Standing, share: Share) -> Reason:
    """Return why a connector that no limit binds has no more."""
    appetite = standing.known.appetite
    if share.shared_by is not None:
        return Reason(rule=Rule.ALL_IN_USE, group_id=share.shared_by)
    if appetite.demand_a(standing.connector, standing.maximum_a) < standing.maximum_a:
        return _CAR
    if standing.held_by_unbalance:
        return _UNBALANCE
    if standing.known.maximum_a > standing.maximum_a:
        return MAXIMUM_REACHED
    return standing.known.maximum_reason
