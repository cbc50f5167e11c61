"""A world to test control in: chargers with cars, a house, and a site between them.

The site is not smart: it tells the ledger what a real one would know, and steps after every event.
"""

import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.commitments import READING_MAX_AGE_S, Commitment
from custom_components.balanz.balancing.control import Result, State, step
from custom_components.balanz.balancing.demand import Appetite
from custom_components.balanz.balancing.inputs import ConnectorInput, Draw, Inputs, Line
from custom_components.balanz.balancing.model import ConnectorKey, Site
from custom_components.balanz.balancing.need import Need
from custom_components.balanz.balancing.part import cuts_in, part_of
from custom_components.balanz.balancing.phase_use import PhaseUse
from custom_components.balanz.balancing.phases import ZERO, PhaseCurrents
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.supply import DrawInterval, MeterReading

from .build import inputs_in
from .truth import Answer, Truth

TIMEOUT_S = 10.0


@dataclass(slots=True, kw_only=True)
class Known:
    """What the site knows of a connector."""

    commitment: Commitment = field(default_factory=Commitment)
    appetite: Appetite = field(default_factory=Appetite)
    draw: Draw | None = None
    may_rise_since: float | None = None
    raised_at: float | None = None
    waiting_since: float = 0.0
    writes: int = 0
    generation: int = 0
    manner: int = 0
    history: list[tuple[float, float]] = field(default_factory=list)
    phase_use: PhaseUse = field(default_factory=PhaseUse)
    priority: int | None = None
    need: Need = field(default_factory=Need)


class World:
    """One site in simulated time."""

    def __init__(
        self,
        site: Site,
        truths: Mapping[ConnectorKey, Truth],
        *,
        house: Mapping[str, PhaseCurrents] | None = None,
        capacities_a: Mapping[str, float] | None = None,
        start: float = 1000.0,
    ) -> None:
        self.site = site
        self.truths = dict(truths)
        self.known = {key: Known() for key in site.connectors}
        self.house = dict(house or {})
        self.capacities_a = {group.id: group.rating_a for group in site.groups.values()}
        self.capacities_a.update(capacities_a or {})
        self.meters: dict[str, MeterReading | None] = {
            group.id: None for group in site.groups.values() if group.metered
        }
        self.silent: set[str] = set()
        self.durable = True
        self.looks = False
        """Whether each group is looked at by itself before each step."""
        self.charged_as = dict.fromkeys(site.connectors, 0.0)
        """What each connector has charged so far, ampere-seconds per line."""
        self.switched: dict[ConnectorKey, list[tuple[float, bool]]] = {
            key: [] for key in site.connectors
        }
        """When each car was switched on or off by its limit."""
        self.now = start
        self.state = State()
        self.result: Result | None = None
        self.house_noise: Callable[[], PhaseCurrents] = lambda: ZERO
        self.after_step: list[Callable[[Inputs, Result], None]] = []
        self.after_event: list[Callable[[], None]] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._writes = itertools.count()

    # Time

    def at(self, time: float, action: Callable[[], None]) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._queue, (time, next(self._order), action))

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Let something happen in a while."""
        self.at(self.now + delay_s, action)

    def every(self, interval_s: float, action: Callable[[], None]) -> None:
        """Let something happen again and again."""

        def again() -> None:
            action()
            self.after(interval_s, again)

        self.after(interval_s, again)

    def run(self, duration_s: float) -> None:
        """Let time pass; each event is followed by a step."""
        until = self.now + duration_s
        while (upcoming := self._next_time()) is not None and upcoming <= until:
            self._pass_until(upcoming)
            if self._queue and self._queue[0][0] <= upcoming:
                heapq.heappop(self._queue)[2]()
            self._step()
            for check in self.after_event:
                check()
        self._pass_until(until)

    def _pass_until(self, time: float) -> None:
        for key, truth in self.truths.items():
            current_a = truth.current_a
            self.charged_as[key] += current_a * (time - self.now)
            truth.advance(time)
            if (truth.current_a > 0) != (current_a > 0):
                self.switched[key].append((time, truth.current_a > 0))
        self.now = time

    def _next_time(self) -> float | None:
        times = [self._queue[0][0]] if self._queue else []
        if self.result is not None and self.result.wake_at is not None:
            times.append(self.result.wake_at)
        return min(times, default=None)

    def metering(self, *, chargers_s: float = 10.0, groups_s: float = 2.0) -> None:
        """Let all meters report, each at its own time."""
        for number, key in enumerate(self.known):
            self.after(0.7 * number, partial(self.every, chargers_s, partial(self.read, key)))
        for group_id in self.meters:
            self.every(groups_s, partial(self.read_group, group_id))

    # Events

    def connect(self, key: ConnectorKey, *, reboot: bool = False) -> None:
        """Let a charger dial in."""
        truth, known = self.truths[key], self.known[key]
        if reboot and not truth.connector.keeps_limit:
            truth.forget()
        truth.online = True
        known.generation += 1
        truth.latest = max(truth.latest, next(self._writes))
        known.commitment = known.commitment.connected(keeps_limit=truth.connector.keeps_limit)
        known.draw = None

    def disconnect(self, key: ConnectorKey, *, forget: bool = False) -> None:
        """Let a link break; a charger that does not keep its limit may forget it."""
        truth, known = self.truths[key], self.known[key]
        if not truth.online:
            return
        truth.online = False
        known.generation += 1
        known.commitment = known.commitment.disconnected()
        known.draw = None
        known.phase_use = PhaseUse()
        if forget and not truth.connector.keeps_limit:
            truth.forget()

    def plug(self, key: ConnectorKey) -> None:
        """Let a car arrive."""
        self.truths[key].plugged = True
        known = self.known[key]
        known.appetite = Appetite().offered(known.commitment.accepted_a or 0.0, self.now)
        known.may_rise_since = known.waiting_since = self.now
        known.phase_use = PhaseUse()

    def unplug(self, key: ConnectorKey) -> None:
        """Let a car leave."""
        self.truths[key].plugged = False

    def read(self, key: ConnectorKey) -> None:
        """Let a charger report its line currents."""
        truth, known = self.truths[key], self.known[key]
        if not truth.online or not truth.meters:
            return
        truth.has_metered = True
        lines = truth.line_currents_a
        least, most = truth.connector.phase_map.draw(lines)
        reading = DrawInterval(least=least, most=most)
        before = known.draw.reading if known.draw is not None else None
        known.draw = Draw(reading=reading, at=self.now, before=before)
        if least == most:
            known.phase_use = known.phase_use.took(most, self.now)
        known.commitment = known.commitment.measured(max(lines), self.now)
        known.appetite = known.appetite.took(max(lines), truth.connector.minimum_a, self.now)

    def read_all(self) -> None:
        """Let all chargers report at once."""
        for key in self.known:
            self.read(key)

    def flow(self, group_id: str) -> PhaseCurrents:
        """What really flows through a group."""
        inside = [
            self.house.get(group.id, PhaseCurrents.uniform(group.other_loads_a))
            for group in self.site.groups.values()
            if self.site.contains(group_id, group.id)
        ]
        draws = [
            truth.draw
            for truth in self.truths.values()
            if self.site.contains(group_id, truth.connector.group_id)
        ]
        return PhaseCurrents.total((*inside, *draws))

    def read_group(self, group_id: str) -> None:
        """Let a group's meter report, or tell nothing usable while it is silent."""
        self.meters[group_id] = (
            None
            if group_id in self.silent
            else MeterReading(currents=self.flow(group_id) + self.house_noise(), at=self.now)
        )

    # The site

    def inputs(self) -> Inputs:
        """What a step would look at now."""
        return Inputs(
            capacities_a=dict(self.capacities_a),
            meters=dict(self.meters),
            connectors={key: self._input(key) for key in self.known},
            durable=self.durable,
        )

    def _input(self, key: ConnectorKey) -> ConnectorInput:
        truth, known = self.truths[key], self.known[key]
        if known.draw is not None and self.now - known.draw.at > READING_MAX_AGE_S:
            known.draw = None
        line = Line.FREE if known.commitment.pending is None else Line.BUSY
        return ConnectorInput(
            line=line if truth.online else Line.OFFLINE,
            wants=truth.plugged and truth.enabled,
            idle_reason=Reason(rule=Rule.SWITCHED_OFF if truth.plugged else Rule.NO_CAR),
            maximum_a=truth.connector.maximum_a,
            commitment=known.commitment,
            appetite=known.appetite,
            draw=known.draw,
            may_rise_since=known.may_rise_since,
            raised_at=known.raised_at,
            waiting_since=known.waiting_since,
            writes=known.writes,
            phase_use=known.phase_use,
            priority=known.priority,
            need=known.need,
        )

    def _step(self) -> None:
        for known in self.known.values():
            known.commitment = known.commitment.settled(self.now)
        for group_id in self.site.groups if self.looks else ():
            part = part_of(self.site, group_id)
            for cut in cuts_in(part, inputs_in(part, self.inputs()), self.state, self.now):
                self._send(cut)
        inputs = self.inputs()
        self.result = step(self.site, inputs, self.state, self.now)
        self.state = self.result.state
        for check in self.after_step:
            check(inputs, self.result)
        for command in self.result.commands:
            self._send(command)

    def _send(self, command: Command) -> None:
        truth, known = self.truths[command.key], self.known[command.key]
        known.commitment = known.commitment.sent(command.limit_a, self.now)
        known.writes += 1
        known.history.append((self.now, command.limit_a))
        if command.kind is Kind.RAISE:
            known.raised_at = known.may_rise_since = self.now
        manner = truth.manners[known.manner % len(truth.manners)]
        known.manner += 1
        write, generation = next(self._writes), known.generation

        def take() -> None:
            truth.take(write, command.limit_a, self.now, manner.lag_s)

        def answer() -> None:
            if known.generation != generation:
                return
            if manner.answer is Answer.ACCEPTED:
                known.commitment = known.commitment.accepted(self.now, truth.connector)
                known.appetite = known.appetite.offered(command.limit_a, self.now)
            elif manner.answer is Answer.REJECTED:
                known.commitment = known.commitment.rejected(self.now)
            else:
                known.commitment = known.commitment.timed_out(self.now)

        answered = manner.answer in {Answer.ACCEPTED, Answer.REJECTED}
        if manner.answer in {Answer.ACCEPTED, Answer.SILENT}:
            self.after(manner.after_s / 2, take)
        elif manner.answer is Answer.LATE:
            self.after(TIMEOUT_S + manner.after_s, take)
        self.after(manner.after_s if answered else TIMEOUT_S, answer)


def limit_of(world: World, key: ConnectorKey) -> float | None:
    """The limit that a charger last accepted."""
    return world.known[key].commitment.accepted_a
