"""What to send: every cut at once, and a raise only where it surely fits."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .admission import take
from .alarm import Alarm
from .budget import Budget
from .claims import Target
from .commitments import TOLERANCE_A
from .headroom import Headroom
from .inputs import Line
from .lease import LEASE_S, renewed_after_s, stays_s
from .model import ConnectorKey
from .phases import EPSILON_A
from .reasons import Reason, Rule
from .standing import RETRY_S, Standing
from .tuning import Tuning

DEAD_BAND_A = 2.0
"""A raise that brings less is hardly worth a write: it waits longer, or for more."""
SMALL_RAISE_SPACING = 6.0
"""How many times the usual spacing it waits."""
LITTLE_MORE = 0.1
"""A raise by no more than this part of what a car has waits until its limit is to be renewed."""


class Kind(StrEnum):
    """What a command does. Cuts go first, and raises are recorded before they are sent."""

    CUT = "cut"
    RAISE = "raise"
    RENEW = "renew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A limit to send, A per line."""

    key: ConnectorKey
    limit_a: float
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """What holds raises back, however much is left."""

    tuning: Tuning
    budgets: Mapping[str, Budget]
    durable: bool
    """Whether a raise can be recorded before it is sent."""
    now: float
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send now, and what keeps the raises that have to wait."""

    commands: tuple[Command, ...]
    """Cuts and renewals first, raises last."""
    held_back: Mapping[ConnectorKey, Reason]
    cuts_waiting: frozenset[ConnectorKey] = frozenset()
    """Connectors that would be cut if their line were free."""


def plan(
    standings: Mapping[ConnectorKey, Standing],
    targets: Mapping[ConnectorKey, Target],
    headroom: Headroom,
    booked: Sequence[float],
    calm: Calm,
    now: float,
    alarm: Alarm,
) -> Plan:
    """Return what brings the connectors closer to their targets now (monotonic seconds).

    `booked` is what is booked at each limit of the site.
    """
    commands: list[Command] = []
    doubtful: list[Standing] = []
    rising: list[Standing] = []
    cuts_waiting: set[ConnectorKey] = set()
    room = headroom.left_of(booked)
    for key, standing in standings.items():
        line = standing.known.line
        if line is Line.OFFLINE:
            continue
        target_a = targets[key].limit_a
        in_doubt = standing.known.commitment.in_doubt
        if not in_doubt and abs(target_a - standing.aim_a) <= EPSILON_A:
            remind_at, renew_at = standing.known.commitment.remind_at, _renewal_at(standing, calm)
            alarm.at(remind_at)
            alarm.at(renew_at)
            free = line is Line.FREE and standing.retry_at is None
            if remind_at is not None and remind_at <= now and free:
                commands.append(Command(key=key, limit_a=target_a, kind=Kind.CUT))
            elif renew_at is not None and renew_at <= now and line is Line.FREE and calm.durable:
                commands.append(Command(key=key, limit_a=target_a, kind=Kind.RENEW))
        elif line is Line.BUSY:
            if target_a < standing.aim_a:
                cuts_waiting.add(key)
        elif standing.must_wait(target_a) and not _is_pressing(standing, target_a, room, now):
            continue
        elif in_doubt and (
            target_a <= standing.aim_a + EPSILON_A
            or _obstacle(standing, headroom, calm) is not None
        ):
            # One that may have lost its limit does not wait for it until it may be raised.
            doubtful.append(standing)
        elif target_a < standing.aim_a:
            commands.append(Command(key=key, limit_a=target_a, kind=Kind.CUT))
        else:
            rising.append(standing)
    if doubtful:
        commands.extend(_settling(standings, doubtful, targets, headroom))
    raises, held_back = _raises(rising, targets, room, headroom, calm, now)
    for reason in held_back.values():
        alarm.at(reason.until)
    return Plan(
        commands=(*commands, *raises), held_back=held_back, cuts_waiting=frozenset(cuts_waiting)
    )


def _raises(
    rising: Iterable[Standing],
    targets: Mapping[ConnectorKey, Target],
    room: list[float],
    headroom: Headroom,
    calm: Calm,
    now: float,
) -> tuple[list[Command], dict[ConnectorKey, Reason]]:
    """Return the raises that fit beside all that may be drawn, and why the others have to wait.

    `room` is what is left beside that; the raises are taken off it.
    """
    raises: list[Command] = []
    held_back: dict[ConnectorKey, Reason] = {}
    for standing in sorted(rising, key=_precedence):
        key = standing.key
        obstacle = _obstacle(standing, headroom, calm)
        if obstacle is not None:
            held_back[key] = obstacle
            continue
        limit_a = _fitting_a(standing, targets[key].limit_a, room)
        if limit_a is None:
            held_back[key] = Reason(rule=Rule.CONFIRMING)
            continue
        until = _spaced_until(standing, limit_a, calm)
        if until is not None and until > now:
            held_back[key] = Reason(rule=Rule.SPACING, until=until)
            continue
        take(room, standing.way, max(limit_a - standing.booked_a, 0.0))
        raises.append(Command(key=key, limit_a=limit_a, kind=Kind.RAISE))
    return raises, held_back


def _is_pressing(standing: Standing, target_a: float, room: Sequence[float], now: float) -> bool:
    """Return whether a cut that failed is not to wait ever longer: too much flows because of it."""
    failed_at = standing.known.commitment.failed_at
    return (
        failed_at is not None
        and now >= failed_at + RETRY_S
        and standing.measured_a > target_a + TOLERANCE_A
        and any(room[number] < -EPSILON_A for number, _ in standing.way)
    )


def _renewal_at(standing: Standing, calm: Calm) -> float | None:
    """Return when the lease has to be renewed; None where it does not lapse or nobody needs it."""
    commitment = standing.known.commitment
    if (
        not standing.known.wants
        or commitment.accepted_a is None
        or commitment.accepted_at is None
        or commitment.accepted_a <= standing.connector.fallback_a
    ):
        return None
    budget = calm.budgets[standing.key.charger]
    # A limit that was told without an end may take one by now; nobody waits for that.
    has_end = commitment.lapse is not None
    after_s = renewed_after_s(
        standing.connector.lease_s if has_end else LEASE_S,
        missed=has_end and standing.known.appetite.idle_since is None,
        scarcity=budget.spacing(calm.tuning, calm.now),
    )
    due_at = commitment.accepted_at + after_s
    return due_at if standing.retry_at is None else max(due_at, standing.retry_at)


def _settling(
    standings: Mapping[ConnectorKey, Standing],
    doubtful: Collection[Standing],
    targets: Mapping[ConnectorKey, Target],
    headroom: Headroom,
) -> Iterator[Command]:
    """Yield what settles which limit is in force where that is not known.

    What is booked meanwhile may be far above it. So what is sent may in truth be a raise, and has
    to fit beside all that the others may still be drawing.
    """
    keys = {standing.key for standing in doubtful}
    room = headroom.room(
        standings, ((key, one.booked_a) for key, one in standings.items() if key not in keys)
    )
    for standing in sorted(doubtful, key=_precedence):
        room_a = min(room[number] / units for number, units in standing.way)
        fitting_a = standing.rounded_down(room_a)
        sure_a = _surely_lower_a(standing, headroom)
        if fitting_a >= standing.minimum_a and headroom.unseen(standing) is None:
            sure_a = max(sure_a, fitting_a)
        known_a = standing.rounded_down(standing.aim_a)
        limit_a = min(targets[standing.key].limit_a, known_a, sure_a)
        limit_a = max(limit_a, standing.connector.least_a)
        take(room, standing.way, limit_a)
        yield Command(key=standing.key, limit_a=limit_a, kind=Kind.CUT)


def _surely_lower_a(standing: Standing, headroom: Headroom) -> float:
    """Return the highest limit that is no raise, whichever of those possible is in force."""
    connector, commitment = standing.connector, standing.known.commitment
    if commitment.accepted_a is not None:
        return commitment.accepted_a
    if headroom.unseen(standing) is None:
        return 0.0
    fallback_a = standing.rounded_down(connector.fallback_a)
    return fallback_a if fallback_a >= connector.minimum_a else 0.0


def _precedence(standing: Standing) -> tuple[int, float, ConnectorKey]:
    return (-standing.priority, standing.known.waiting_since, standing.key)


def _obstacle(standing: Standing, headroom: Headroom, calm: Calm) -> Reason | None:
    """Return what forbids any raise of the connector now, however much is left."""
    unseen = headroom.unseen(standing)
    if unseen is not None:
        return Reason(rule=Rule.SUPPLY_UNKNOWN, group_id=unseen)
    if not calm.durable:
        return Reason(rule=Rule.STORAGE_FAILING)
    exhausted_until = calm.budgets[standing.key.charger].exhausted_until(calm.tuning, calm.now)
    if exhausted_until is not None:
        return Reason(rule=Rule.WRITES_SPENT, until=exhausted_until)
    return None


def _spaced_until(standing: Standing, limit_a: float, calm: Calm) -> float | None:
    """Return from when on a connector that charges may be raised; None where it need not wait."""
    raised_at = standing.known.raised_at
    if raised_at is None or standing.aim_a < standing.connector.minimum_a:
        return None
    spacing_s = calm.tuning.raise_spacing_s * calm.budgets[standing.key.charger].spacing(
        calm.tuning, calm.now
    )
    more_a = limit_a - standing.aim_a
    if more_a < DEAD_BAND_A:
        spacing_s *= SMALL_RAISE_SPACING
    until = raised_at + spacing_s
    accepted_at = standing.known.commitment.accepted_at
    if more_a <= LITTLE_MORE * standing.aim_a and accepted_at is not None:
        return max(until, accepted_at + stays_s(standing.connector.lease_s))
    return until


def _fitting_a(standing: Standing, target_a: float, room: Sequence[float]) -> float | None:
    """Return the raise that fits: the target, or as much of it as is worth a write."""
    # A raise within what is booked already adds nothing, yet it may not leave before the limit
    # holds again on its way.
    room_a = min(room[number] / units for number, units in standing.way)
    if not room_a >= -EPSILON_A:
        return None
    limit_a = min(target_a, standing.rounded_down(standing.booked_a + room_a))
    more_a = limit_a - standing.aim_a
    worth_it = limit_a >= target_a or more_a >= DEAD_BAND_A or standing.aim_a <= 0.0
    if limit_a >= standing.minimum_a and more_a > EPSILON_A and worth_it:
        return limit_a
    return None
