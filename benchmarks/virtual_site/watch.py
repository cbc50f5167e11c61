"""Watches a site for breaches of its rules: what flows in truth against what the site says."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from custom_components.balanz.balancing.commitments import LAG_S
from custom_components.balanz.balancing.phases import PhaseCurrents
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from custom_components.balanz.site.snapshot import SiteSnapshot
from simulator.charger import SimulatedCharger
from simulator.clock import parse_timestamp
from simulator.faults import Faults, MeterFault
from simulator.frames import Direction, Frame
from simulator.virtual_time import EPOCH

TOLERANCE_A = 1.0
"""Neither meters nor cars are exact."""
FOLLOW_S = 30.0
"""How long a change may take to be followed by chargers that obey: up to 15 s in which a car that
was just raised may hide it, 5 s in the charger, 5 s in the car, and 5 s for meters and messages."""
EVIDENCE_S = 10.0
"""How soon at the latest there is a sign of what goes wrong: a reading, or the end of a call."""
BREACH_S = EVIDENCE_S + LAG_S + 5.0
"""How long it may take where a charger does not do as it should: from the first sign on, the lag of
the chargers and 5 s for messages."""
LOOK_S = 1.0
"""How often to look."""
CONTROL_S = 10.0
"""How soon after its reconnect a charger is under control."""
BOOK_S = 15.0
"""How soon a charger that does not obey is booked at what it draws: at the next reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that did not hold."""

    at_s: float
    rule: int
    """Its number among the rules that never break."""
    text: str

    def __str__(self) -> str:
        """Return one line for people."""
        return f"rule {self.rule} at {self.at_s:.1f} s: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A site at one moment, as it is in truth and as it says."""

    now_s: float
    settings: SiteSettings
    chargers: Mapping[str, SimulatedCharger]
    base_a: PhaseCurrents
    """What the house draws besides its chargers."""
    meter_fault: MeterFault
    snapshot: SiteSnapshot | None
    """None while the site does not run."""


class Watch:
    """Looks at a site again and again, and keeps what it finds."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.looks = 0
        self.overload_clear_s: list[float] = []
        """How long each overload lasted that chargers had a part in."""
        self._settled_at_s = 0.0
        self._charger_changed_s: dict[str, float] = {}
        self._faulty_on_link: set[str] = set()
        self._faults: dict[str, Faults] = {}
        self._links: dict[str, tuple[int, bool]] = {}
        """How often each charger was connected, and whether it is and was accepted."""
        self._draws_a: dict[str, float] = {}
        self._told_s: dict[str, float] = {}
        """When each charger's last reading was taken; some have waited long to be sent."""
        self._not_booked_since_s: dict[str, float] = {}
        self._known_limits_a: dict[str, float | None] = {}
        """What the site knew each charger to have accepted, at the last look."""
        self._frames_seen: dict[str, Frame] = {}
        self._overloaded_since_s: float | None = None
        self._site_up_s: float | None = None
        self._meter_fault = MeterFault.NONE
        self._meter_fault_s = 0.0

    def disturbed(self, now_s: float, within_s: float = FOLLOW_S) -> None:
        """Excuse overloads for as long as the site and its chargers may take to follow."""
        self._settled_at_s = max(self._settled_at_s, now_s + within_s)

    def look(self, view: View) -> None:
        """Check all rules at one moment."""
        self.looks += 1
        self._notice(view)
        for rule, text in (
            *self._limits_are_valid(view),
            *self._currents_fit(view),
            *self._bookings_cover(view),
            *self._under_control(view),
        ):
            self.violations.append(Violation(at_s=view.now_s, rule=rule, text=text))

    def _notice(self, view: View) -> None:
        """Take in what has changed since the last look, and excuse what follows from it."""
        now_s = view.now_s
        if view.snapshot is None:
            self._site_up_s = None
            self.disturbed(now_s, BREACH_S)
        elif self._site_up_s is None:
            self._site_up_s = now_s
            self.disturbed(now_s, BREACH_S)
        if view.meter_fault is not self._meter_fault:
            self._meter_fault, self._meter_fault_s = view.meter_fault, now_s
            self.disturbed(now_s, BREACH_S)
        for name, charger in view.chargers.items():
            if charger.faults != Faults():
                self._faulty_on_link.add(name)
            if charger.faults != self._faults.get(name, Faults()):
                self._faults[name] = charger.faults
                self._charger_changed_s[name] = now_s
                self.disturbed(now_s, BREACH_S)
            draws_a = max(charger.currents_a)
            if draws_a > self._draws_a.get(name, 0.0) and not self._healthy(view, name):
                self.disturbed(now_s, BREACH_S)
            self._draws_a[name] = draws_a
            link = (charger.connections, charger.connected and charger.accepted)
            if link != self._links.get(name):
                if charger.faults == Faults():
                    self._faulty_on_link.discard(name)
                self._links[name] = link
                self._charger_changed_s[name] = now_s
                self.disturbed(now_s, BREACH_S)

    def _obeys(self, view: View, name: str) -> bool:
        """Whether a charger has long been reachable and without faults."""
        changed_s = self._charger_changed_s.get(name, 0.0)
        reachable = self._links.get(name, (0, False))[1]
        lasts = view.now_s - changed_s > BREACH_S
        return reachable and lasts and self._healthy(view, name)

    def _healthy(self, view: View, name: str) -> bool:
        charger = view.chargers[name]
        return charger.faults == Faults() and charger.limit_a is not None

    # Rule 1

    def _currents_fit(self, view: View) -> Iterator[tuple[int, str]]:
        overloaded = False
        judged = view.snapshot is not None and view.now_s > self._settled_at_s
        # Whoever is told less than flows, or what flowed long ago, cannot know better.
        judged = judged and view.meter_fault in {MeterFault.NONE, MeterFault.MILLIAMPERES}
        draws = {name: _draw(view, name) for name in view.chargers}
        for group in view.settings.groups:
            inside = list(_inside(view, group.id))
            flows = PhaseCurrents.total(draws[name] for name in inside)
            if group.parent_id is None:
                flows += view.base_a
            capacity_a = _capacity_a(view, group.id)
            for phase in group.phases:
                drawing = [name for name in inside if draws[name][phase] > TOLERANCE_A]
                if flows[phase] <= capacity_a + TOLERANCE_A or not drawing:
                    continue
                overloaded = True
                guilty = [name for name in drawing if self._obeys(view, name)]
                if judged and guilty:
                    flow = f"{flows[phase]:.1f} A of {capacity_a:g} A"
                    yield 1, f"{flow} in {group.id} on {phase.value}, {guilty} could be cut"
        if overloaded and self._overloaded_since_s is None:
            self._overloaded_since_s = view.now_s
        if not overloaded and self._overloaded_since_s is not None:
            self.overload_clear_s.append(view.now_s - self._overloaded_since_s)
            self._overloaded_since_s = None

    # Rules 3 and 4

    def _limits_are_valid(self, view: View) -> Iterator[tuple[int, str]]:
        for name, charger in view.chargers.items():
            for frame, limits_a in self._new_limits(name, charger):
                for limit_a in limits_a:
                    if limit_a and limit_a < 6.0:
                        yield 3, f"{name} was sent {limit_a} A"
                    if limit_a > charger.rating_a:
                        yield 3, f"{name} was sent {limit_a} A of {charger.rating_a} A"
                # Where no limit is known to be in force, what is sent is below all that may be.
                before_a = self._known_limits_a.get(name)
                silent = self._meter_fault is MeterFault.SILENT
                raised = before_a is not None and limits_a[0] > before_a
                if silent and raised and frame.at_s > self._meter_fault_s + LOOK_S:
                    yield 4, f"{name} was raised to {limits_a[0]} A while the meter is silent"
            recently = view.now_s - self._charger_changed_s.get(name, 0.0) < CONTROL_S
            self._known_limits_a[name] = None if recently else _known_limit_a(view, name)

    def _new_limits(
        self, name: str, charger: SimulatedCharger
    ) -> Iterator[tuple[Frame, list[float]]]:
        last = self._frames_seen.get(name)
        fresh: list[Frame] = []
        for frame in reversed(charger.frames):
            if frame is last:
                break
            fresh.append(frame)
        if fresh:
            self._frames_seen[name] = fresh[0]
        for frame in reversed(fresh):
            if frame.direction is Direction.SENT and '"MeterValues"' in frame.text:
                self._told_s[name] = _measured_s(frame)
            if frame.direction is Direction.RECEIVED and '"SetChargingProfile"' in frame.text:
                schedule = orjson.loads(frame.text)[3]["csChargingProfiles"]["chargingSchedule"]
                yield frame, [it["limit"] for it in schedule["chargingSchedulePeriod"]]

    # Rules 5 and 8

    def _bookings_cover(self, view: View) -> Iterator[tuple[int, str]]:
        if view.snapshot is None or self._site_up_s is None:
            return
        for name, charger in view.chargers.items():
            known = view.snapshot.chargers.get(name)
            if known is None or charger.faults.meter_factor < 1.0:
                continue
            booked_a = sum(connector.booked_a for connector in known.connectors)
            draws_a = max(charger.currents_a)
            if draws_a <= booked_a + TOLERANCE_A:
                self._not_booked_since_s.pop(name, None)
                continue
            since_s = self._not_booked_since_s.setdefault(name, view.now_s)
            # One that does not obey, or just did not, cannot be booked before its meter tells.
            faulty_s = BOOK_S if self._healthy(view, name) else view.now_s
            recently = view.now_s - self._charger_changed_s.get(name, 0.0) < faulty_s
            told = self._told_s.get(name, 0.0) > since_s + LOOK_S
            if not recently or (told and view.now_s - since_s > BOOK_S):
                yield 5, f"{name} draws {draws_a:.1f} A and is booked at {booked_a:g} A"

    def _under_control(self, view: View) -> Iterator[tuple[int, str]]:
        if view.snapshot is None or self._site_up_s is None:
            return
        for name, charger in view.chargers.items():
            # One that has refused limits is tried again ever more rarely, until it reconnects.
            if name in self._faulty_on_link or name not in view.snapshot.chargers:
                continue
            if not self._links[name][1]:
                continue
            since_s = max(self._charger_changed_s.get(name, 0.0), self._site_up_s)
            # A profile that is relative to a session limits nothing before one begins.
            limited = charger.limit_a is not None or (
                charger.transaction_id is None and charger.station.profiles.installed
            )
            if view.now_s - since_s > CONTROL_S and not limited:
                yield 8, f"{name} has been back for {view.now_s - since_s:.0f} s without a limit"


def _inside(view: View, group_id: str) -> Iterator[str]:
    parents = {group.id: group.parent_id for group in view.settings.groups}
    for charger in view.settings.chargers:
        outer: str | None = charger.group_id
        while outer is not None and outer != group_id:
            outer = parents[outer]
        if outer is not None and charger.identity in view.chargers:
            yield charger.identity


def _draw(view: View, name: str) -> PhaseCurrents:
    settings = _settings_of(view.settings.chargers, name)
    charger = view.chargers[name]
    return settings.phase_map.draw(charger.currents_a[: charger.phases])[1]


def _settings_of(chargers: Iterable[ChargerSettings], name: str) -> ChargerSettings:
    return next(charger for charger in chargers if charger.identity == name)


def _measured_s(frame: Frame) -> float:
    stamp = orjson.loads(frame.text)[3]["meterValue"][-1]["timestamp"]
    return (parse_timestamp(stamp) - EPOCH).total_seconds()


def _known_limit_a(view: View, name: str) -> float | None:
    known = None if view.snapshot is None else view.snapshot.chargers.get(name)
    if known is None or not known.connected:
        return None
    return known.connectors[0].accepted_a


def _capacity_a(view: View, group_id: str) -> float:
    if view.snapshot is not None:
        return view.snapshot.groups[group_id].capacity_a
    return next(group.rating_a for group in view.settings.groups if group.id == group_id)
