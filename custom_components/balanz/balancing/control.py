"""One step of control: from what is known now to the limits to send, cuts first.

A step decides a target for each connector, sends every cut at once and a raise only where what
could be drawn, this raise included, still fits every group and phase on its way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .allocation import EPSILON_A, Claim, Resource, Share, allocate, fits, load, resources
from .commitments import Commitment
from .demand import Appetite
from .model import Connector, ConnectorKey, Group, Site
from .phases import ZERO, Phase, PhaseCurrents
from .reasons import Reason, Rule
from .supply import BaseLoad, DrawInterval, MeterReading, available, may_draw

RAISE_SPACING_S = 10.0
"""The least time between two raises of a connector that charges."""
RETRY_S = 10.0
"""How long to wait after a write failed, doubled at each further refusal."""
RETRY_LONGEST_S = 600.0
PATIENCE_S = 5.0
"""A cut that is not answered for this long is no longer counted on: others are cut instead."""
RISE_S = 15.0
"""How long after a raise or a plug-in a car may be on its way up, unseen by its own meter."""
OVERLAP_S = 12.0
"""How long a reading that was replaced may still be what the group's meter shows."""
FOLLOW_S = 6.0
"""How long after its acceptance a cut may keep a rise of the base load from being seen. Cars
have 5 s to follow; counting on them sooner would cut others for a fall that is on its way."""
LEASE_S = 900.0
RENEW_AFTER_S = LEASE_S / 3


class Line(StrEnum):
    """Whether a command can be sent to a charger now."""

    FREE = "free"
    BUSY = "busy"
    OFFLINE = "offline"


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
class Draw:
    """A connector's last reading on the phases of the grid, and the one before it."""

    reading: DrawInterval
    at: float
    before: DrawInterval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorInput:
    """What is known of a connector now."""

    line: Line
    wants: bool
    """A car is plugged in, may charge and has not finished."""
    idle_rule: Rule
    """Why it gets nothing where it does not want anything."""
    maximum_a: float
    commitment: Commitment
    appetite: Appetite
    draw: Draw | None = None
    """None where it does not meter, or has not for a while."""
    may_rise_since: float | None = None
    """When something last happened that lets its current rise."""
    raised_at: float | None = None
    waiting_since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Current that is booked for a charger that is no longer set up, or was moved."""

    id: str
    group_id: str
    currents: PhaseCurrents


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a step looks at."""

    capacities_a: Mapping[str, float]
    meters: Mapping[str, MeterReading | None]
    """For each metered group; None where its meter tells nothing usable now."""
    connectors: Mapping[ConnectorKey, ConnectorInput]
    bookings: tuple[Booking, ...] = ()
    durable: bool = True
    """Whether a raise can be recorded before it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a step hands on to the next one."""

    base_loads: Mapping[str, BaseLoad] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group as the step saw it; currents in A per phase."""

    base_load: PhaseCurrents | None
    available: PhaseCurrents | None
    booked: PhaseCurrents
    allocated: PhaseCurrents
    within_limit: bool
    overloaded: bool
    """Everything that can be cut is cut, and the limit still does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step decided."""

    state: State
    commands: tuple[Command, ...]
    reasons: Mapping[ConnectorKey, Reason]
    groups: Mapping[str, GroupView]
    wake_at: float | None
    """When to step again, should nothing happen until then."""


def step(site: Site, inputs: Inputs, state: State, now: float) -> Result:
    """Decide once. Pure: the same arguments give the same result."""
    return _Step(site, inputs, state, now).run()


class _Step:
    """The working of one step; it lives no longer than that."""

    def __init__(self, site: Site, inputs: Inputs, state: State, now: float) -> None:
        self._site = site
        self._inputs = inputs
        self._now = now
        self._wake_times: list[float] = []
        self._reasons: dict[ConnectorKey, Reason] = {}
        self._due: dict[ConnectorKey, Share] = {}
        self._booked = {
            key: site.connectors[key].phase_map.spread(
                known.commitment.booked_a(site.connectors[key], now)
            )
            for key, known in inputs.connectors.items()
        }
        self._blind = {
            group.id
            for group in site.groups.values()
            if group.metered and inputs.meters.get(group.id) is None
        }
        self._base_loads = self._observed(state)
        self._assumed = {group.id: self._assumed_base_load(group) for group in site.groups.values()}

    def run(self) -> Result:
        """Decide targets, then what to send."""
        shares = self._shares()
        cuts, raises = self._commands(shares)
        self._wake_for_commitments()
        times = [time for time in self._wake_times if time > self._now]
        return Result(
            state=State(base_loads=self._base_loads),
            commands=(*cuts, *raises),
            reasons=self._reasons,
            groups=self._views(cuts, raises),
            wake_at=min(times, default=None),
        )

    # What is left

    def _observed(self, state: State) -> dict[str, BaseLoad]:
        """Take in each meter's reading that no step has seen yet."""
        base_loads: dict[str, BaseLoad] = {}
        for group_id, reading in self._inputs.meters.items():
            base_load = state.base_loads.get(group_id, BaseLoad())
            if reading is not None and reading.at != base_load.observed_at:
                base_load = base_load.observe(reading, self._draws(group_id))
            base_loads[group_id] = base_load.settled(self._now)
        return base_loads

    def _draws(self, group_id: str) -> list[DrawInterval]:
        draws: list[DrawInterval] = []
        for key, known in self._inputs.connectors.items():
            connector = self._site.connectors[key]
            if not self._site.contains(group_id, connector.group_id):
                continue
            booked = self._booked[key]
            if known.draw is None:
                # Nobody knows what it draws. The estimate then stays as it is as long as that
                # explains the meter, so that measured and booked current count once.
                draws.append(DrawInterval(least=ZERO, most=booked))
                continue
            rising = known.may_rise_since is not None and self._now - known.may_rise_since < RISE_S
            overlaps = self._now - known.draw.at < OVERLAP_S
            aim_a = known.commitment.aim_a(connector, self._now)
            followed_a = known.commitment.followed_a(self._now, FOLLOW_S)
            draws.append(
                may_draw(
                    reading=known.draw.reading,
                    before=known.draw.before if overlaps else None,
                    commanded=connector.phase_map.spread(aim_a),
                    followed=None if followed_a is None else connector.phase_map.spread(followed_a),
                    rising_to=booked if rising else None,
                )
            )
        draws.extend(
            DrawInterval(least=ZERO, most=booking.currents)
            for booking in self._inputs.bookings
            if self._site.contains(group_id, booking.group_id)
        )
        return draws

    def _assumed_base_load(self, group: Group) -> PhaseCurrents:
        """Return the base load to reckon with: measured, assumed while unknown, or set up."""
        base_load = self._base_loads.get(group.id, BaseLoad())
        if (ends_at := base_load.next_change(self._now)) is not None:
            self._wake_times.append(ends_at)
        if group.id not in self._blind and group.metered:
            return base_load.held
        children = (
            self._assumed_base_load(child)
            for child in self._site.groups.values()
            if child.parent_id == group.id
        )
        own = PhaseCurrents.uniform(group.other_loads_a, group.phases)
        return PhaseCurrents.total((own, *children)).maximum(base_load.held)

    def _available(self, group: Group) -> PhaseCurrents:
        return available(
            self._inputs.capacities_a[group.id],
            self._assumed[group.id],
            group.margin_a if group.metered else 0.0,
        )

    def _room(self, loads: Mapping[ConnectorKey, PhaseCurrents]) -> dict[Resource, float]:
        """Return what is left of every group and phase besides bookings and given loads."""
        taken = load(
            self._site,
            [
                *((booking.group_id, booking.currents) for booking in self._inputs.bookings),
                *(
                    (self._site.connectors[key].group_id, currents)
                    for key, currents in loads.items()
                ),
            ],
        )
        free = {group.id: self._available(group) for group in self._site.groups.values()}
        return {
            (group_id, phase): free[group_id][phase] - current_a
            for (group_id, phase), current_a in taken.items()
        }

    # Who gets what

    def _shares(self) -> dict[ConnectorKey, Share]:
        """Allocate; whoever cannot be brought to its share now keeps what it may be drawing."""
        fixed = {
            key: self._booked[key]
            for key, known in self._inputs.connectors.items()
            if known.line is Line.OFFLINE
        }
        excess = {
            key: self._site.connectors[key].phase_map.spread(excess_a)
            for key, known in self._inputs.connectors.items()
            if key not in fixed and (excess_a := self._excess_a(key, known)) > 0
        }
        while True:
            claims = [
                self._claim(key, known)
                for key, known in self._inputs.connectors.items()
                if known.wants and key not in fixed
            ]
            allowed = [claim for claim in claims if claim.minimum_a <= claim.maximum_a]
            shares = {claim.key: Share(limit_a=0.0, binding=None) for claim in claims}
            shares |= allocate(self._site, allowed, self._room({**excess, **fixed}))
            stuck = {
                key: currents
                for key, known in self._inputs.connectors.items()
                if key not in fixed
                and (currents := self._stuck_at(key, known, shares.get(key))) is not None
            }
            if not stuck:
                return shares
            fixed |= stuck
            self._due |= {key: share for key in stuck if (share := shares.get(key)) is not None}

    def _claim(self, key: ConnectorKey, known: ConnectorInput) -> Claim:
        connector = self._site.connectors[key]
        commitment = known.commitment
        minimum_a = _minimum_a(connector)
        maximum_a = self._maximum_a(key, known)
        most_a = max(known.appetite.demand_a(connector, maximum_a), minimum_a)
        if self._excess_a(key, known) > 0 and commitment.accepted_a is not None:
            # What it takes beyond its limit is booked apart; it does not earn it a higher one.
            most_a = max(min(most_a, commitment.accepted_a), minimum_a)
        if (ends_at := known.appetite.next_change(connector.minimum_a)) is not None:
            self._wake_times.append(ends_at)
        runs = not commitment.in_doubt and (
            commitment.aim_a(connector, self._now) >= connector.minimum_a
        )
        return Claim(
            key=key,
            group_id=connector.group_id,
            phase_map=connector.phase_map,
            minimum_a=minimum_a,
            maximum_a=_rounded_down(min(most_a, maximum_a), connector.step_a),
            step_a=connector.step_a,
            priority=connector.priority,
            order=(0.0 if runs else 1.0, known.waiting_since),
        )

    def _maximum_a(self, key: ConnectorKey, known: ConnectorInput) -> float:
        connector = self._site.connectors[key]
        return min(known.maximum_a, connector.maximum_a, connector.rating_a)

    def _excess_a(self, key: ConnectorKey, known: ConnectorInput) -> float:
        """Return what a connector is booked above the limit that it should have obeyed by now."""
        commitment = known.commitment
        if commitment.accepted_a is None or commitment.pending is not None:
            return 0.0
        if not commitment.exceeds:
            return 0.0
        booked_a = commitment.booked_a(self._site.connectors[key], self._now)
        return max(booked_a - commitment.accepted_a, 0.0)

    def _stuck_at(
        self, key: ConnectorKey, known: ConnectorInput, share: Share | None
    ) -> PhaseCurrents | None:
        """Return what to reckon with if the connector cannot be brought to its share now."""
        connector = self._site.connectors[key]
        commitment = known.commitment
        target_a = 0.0 if share is None else share.limit_a
        pending = commitment.pending
        if pending is not None:
            patient_until = pending.sent_at + PATIENCE_S
            if commitment.failed_at is None and patient_until > self._now:
                self._wake_times.append(patient_until)
                reckoned_a = pending.limit_a
            else:
                reckoned_a = commitment.booked_a(connector, self._now)
        elif (retry_at := self._retry_at(commitment)) > self._now:
            # It gets no higher either until then, so that others may have what it does not take.
            self._wake_times.append(retry_at)
            return connector.phase_map.spread(commitment.aim_a(connector, self._now))
        elif known.line is Line.BUSY:
            reckoned_a = commitment.aim_a(connector, self._now)
        elif commitment.failed_at is not None:
            # It is tried again, but others do not rely on that.
            reckoned_a = commitment.booked_a(connector, self._now)
        else:
            return None
        if reckoned_a <= target_a + EPSILON_A:
            return None
        return connector.phase_map.spread(reckoned_a)

    def _retry_at(self, commitment: Commitment) -> float:
        if commitment.failed_at is None:
            return self._now
        wait_s = min(RETRY_S * 2.0 ** max(commitment.refusals - 1, 0), RETRY_LONGEST_S)
        return commitment.failed_at + wait_s

    # What to send

    def _commands(
        self, shares: Mapping[ConnectorKey, Share]
    ) -> tuple[list[Command], list[Command]]:
        cuts: list[Command] = []
        rising: list[tuple[ConnectorKey, float]] = []
        for key, known in self._inputs.connectors.items():
            connector = self._site.connectors[key]
            share = shares.get(key) or self._due.get(key)
            target_a = 0.0 if share is None else share.limit_a
            self._reasons[key] = self._reason(key, known, share)
            if known.line is Line.OFFLINE:
                continue
            commitment = known.commitment
            aim_a = commitment.aim_a(connector, self._now)
            if not commitment.in_doubt and abs(target_a - aim_a) <= EPSILON_A:
                if self._renewal_due(known, connector):
                    cuts.append(Command(key=key, limit_a=target_a, kind=Kind.RENEW))
                continue
            if known.line is Line.BUSY:
                continue
            if self._retry_at(commitment) > self._now:
                continue
            if target_a < aim_a or (commitment.in_doubt and target_a <= aim_a):
                limit_a = self._surely_lower(connector, commitment, target_a)
                cuts.append(Command(key=key, limit_a=limit_a, kind=Kind.CUT))
            else:
                rising.append((key, target_a))
        rising.sort(key=lambda entry: self._precedence(entry[0]))
        return cuts, self._raises(rising)

    def _unseen(self, connector: Connector) -> str | None:
        """Return a group on its way whose meter tells nothing now; None if there is none."""
        groups = self._site.path(connector.group_id)
        return next((group.id for group in groups if group.id in self._blind), None)

    def _precedence(self, key: ConnectorKey) -> tuple[int, float, ConnectorKey]:
        connector = self._site.connectors[key]
        return (-connector.priority, self._inputs.connectors[key].waiting_since, key)

    def _surely_lower(self, connector: Connector, commitment: Commitment, target_a: float) -> float:
        """Return what to send as a cut so that it raises nothing that a silent meter hides.

        What is booked while in doubt may be far above the limit that is really in force.
        """
        if not commitment.in_doubt or self._unseen(connector) is None:
            return target_a
        if commitment.accepted_a is not None:
            return min(target_a, commitment.accepted_a)
        fallback_a = _rounded_down(connector.fallback_a, connector.step_a)
        return min(target_a, fallback_a) if fallback_a >= connector.minimum_a else 0.0

    def _raises(self, rising: list[tuple[ConnectorKey, float]]) -> list[Command]:
        """Return the raises that fit beside everything that may be drawn, one after another."""
        raises: list[Command] = []
        room = self._room(self._booked)
        for key, target_a in rising:
            connector = self._site.connectors[key]
            known = self._inputs.connectors[key]
            unseen = self._unseen(connector)
            aim_a = known.commitment.aim_a(connector, self._now)
            if unseen is not None:
                self._reasons[key] = Reason(rule=Rule.SUPPLY_UNKNOWN, group_id=unseen)
                continue
            if not self._inputs.durable:
                self._reasons[key] = Reason(rule=Rule.STORAGE_FAILING)
                continue
            spaced_until = (
                known.raised_at + RAISE_SPACING_S
                if known.raised_at is not None and aim_a >= connector.minimum_a
                else self._now
            )
            if spaced_until > self._now:
                self._wake_times.append(spaced_until)
                self._reasons[key] = Reason(rule=Rule.SPACING, until=spaced_until)
                continue
            way = resources(self._site, connector.group_id, connector.phase_map)
            booked_a = known.commitment.booked_a(connector, self._now)
            limit_a = self._fitting(connector, target_a, aim_a, booked_a, way, room)
            if limit_a is None:
                self._reasons[key] = Reason(rule=Rule.CONFIRMING)
                continue
            extra_a = max(limit_a - booked_a, 0.0)
            for resource in way:
                room[resource] -= extra_a
            raises.append(Command(key=key, limit_a=limit_a, kind=Kind.RAISE))
        return raises

    @staticmethod
    def _fitting(
        connector: Connector,
        target_a: float,
        aim_a: float,
        booked_a: float,
        way: tuple[Resource, ...],
        room: Mapping[Resource, float],
    ) -> float | None:
        """Return the raise that fits: the target, or the minimum for a car that has nothing."""
        # A raise within what is booked already adds nothing, yet it may not leave before the
        # limit holds again on its way.
        for limit_a in (target_a, _minimum_a(connector)):
            if limit_a > aim_a and fits(room, way, max(limit_a - booked_a, 0.0)):
                return limit_a
        return None

    def _renewal_due(self, known: ConnectorInput, connector: Connector) -> bool:
        """Return whether the lease has to be renewed: it lapses, and somebody needs it."""
        commitment = known.commitment
        if (
            not known.wants
            or commitment.accepted_a is None
            or commitment.accepted_at is None
            or commitment.accepted_a <= connector.fallback_a
        ):
            return False
        due_at = max(commitment.accepted_at + RENEW_AFTER_S, self._retry_at(commitment))
        if due_at > self._now:
            self._wake_times.append(due_at)
            return False
        return known.line is Line.FREE and self._inputs.durable

    # Why

    def _reason(self, key: ConnectorKey, known: ConnectorInput, share: Share | None) -> Reason:
        connector = self._site.connectors[key]
        if known.line is Line.OFFLINE:
            return Reason(rule=Rule.NOT_CONNECTED)
        if not known.wants:
            return Reason(rule=known.idle_rule)
        if share is None or known.commitment.accepted_a is None:
            return Reason(rule=Rule.STARTING)
        if share.binding is not None:
            group_id, phase = share.binding
            rule = Rule.SHARED if share.limit_a > 0 else Rule.WAITING
            if group_id in self._blind:
                rule = Rule.SUPPLY_UNKNOWN
            return Reason(rule=rule, group_id=group_id, phase=phase)
        if known.appetite.asleep:
            return Reason(rule=Rule.ASLEEP)
        maximum_a = self._maximum_a(key, known)
        if known.appetite.demand_a(connector, maximum_a) < maximum_a:
            return Reason(rule=Rule.CAR)
        return Reason(rule=Rule.MAXIMUM)

    # What it looks like

    def _views(self, cuts: list[Command], raises: list[Command]) -> dict[str, GroupView]:
        site = self._site
        limits_a = {
            key: known.commitment.aim_a(site.connectors[key], self._now)
            for key, known in self._inputs.connectors.items()
        } | {command.key: command.limit_a for command in (*cuts, *raises)}
        allocated: dict[ConnectorKey, PhaseCurrents] = {}
        expected: dict[ConnectorKey, PhaseCurrents] = {}
        for key, known in self._inputs.connectors.items():
            spread = site.connectors[key].phase_map.spread
            allocated[key] = spread(limits_a[key])
            expected[key] = spread(limits_a[key] + self._excess_a(key, known))
        booked_load = self._load(self._booked)
        allocated_load = self._load(allocated)
        expected_load = self._load(expected)
        views: dict[str, GroupView] = {}
        for group in site.groups.values():
            known_base = not group.metered or (
                self._base_loads.get(group.id, BaseLoad()).latest is not None
                and self._inputs.meters.get(group.id) is not None
            )
            base_load = self._assumed[group.id]
            capacity_a = self._inputs.capacities_a[group.id]
            views[group.id] = GroupView(
                base_load=base_load if known_base else None,
                available=self._available(group) if known_base else None,
                booked=booked_load[group.id],
                allocated=allocated_load[group.id],
                within_limit=_within(group, booked_load[group.id] + base_load, capacity_a),
                overloaded=known_base
                and any(
                    (expected_load[group.id] + base_load)[phase] > capacity_a + EPSILON_A
                    and not self._can_be_cut(group, phase, limits_a)
                    for phase in group.phases
                ),
            )
        return views

    def _load(self, loads: Mapping[ConnectorKey, PhaseCurrents]) -> dict[str, PhaseCurrents]:
        parts: dict[str, list[PhaseCurrents]] = {group_id: [] for group_id in self._site.groups}
        for key, currents in loads.items():
            for group in self._site.path(self._site.connectors[key].group_id):
                parts[group.id].append(currents)
        for booking in self._inputs.bookings:
            for group in self._site.path(booking.group_id):
                parts[group.id].append(booking.currents)
        return {group_id: PhaseCurrents.total(currents) for group_id, currents in parts.items()}

    def _can_be_cut(
        self, group: Group, phase: Phase, limits_a: Mapping[ConnectorKey, float]
    ) -> bool:
        """Return whether a charger that takes commands still has current on this phase."""
        return any(
            limits_a[key] > 0
            and known.line is not Line.OFFLINE
            and self._retry_at(known.commitment) <= self._now
            and phase in self._site.connectors[key].phase_map.phases
            and self._site.contains(group.id, self._site.connectors[key].group_id)
            for key, known in self._inputs.connectors.items()
        )

    def _wake_for_commitments(self) -> None:
        """Ask to be woken when a cut counts as followed, or a reading as too old."""
        for known in self._inputs.connectors.values():
            if (changes_at := known.commitment.next_change(self._now)) is not None:
                self._wake_times.append(changes_at)


def _within(group: Group, currents: PhaseCurrents, capacity_a: float) -> bool:
    return all(currents[phase] <= capacity_a + EPSILON_A for phase in group.phases)


def _minimum_a(connector: Connector) -> float:
    steps = math.ceil(connector.minimum_a / connector.step_a - EPSILON_A)
    return round(steps * connector.step_a, 1)


def _rounded_down(current_a: float, step_a: float) -> float:
    return round(math.floor(current_a / step_a + EPSILON_A) * step_a, 1)
