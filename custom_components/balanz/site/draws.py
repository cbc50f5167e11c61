"""What a reading of a charger says about the currents on the grid's phases.

Currents are exact. A power tells a current where there is one line; of three lines one may carry
it all. A register tells what has flown on average since it last moved. What follows from those two
is a bound: it may show that a car takes nothing, but never that it keeps its limit.
"""

from dataclasses import dataclass, replace

from ..balancing.model import Connector
from ..balancing.supply import DrawInterval
from ..csms.events import MeterValues

NOMINAL_VOLTAGE_V = 230.0
LOWEST_VOLTAGE_V = 207.0
"""The least that a public grid may have (EN 50160)."""
AT_REST_BELOW_A = 1.0
"""Less than this is the electronics of a charger, not a car."""
MOST_UNCERTAIN_W = 200.0
MOST_READINGS = 40
EXACT_WH = 1e-4
"""Less than this is but a matter of reckoning."""
FINEST_WH = 0.01
OLDEST_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What one reading says, A."""

    interval: DrawInterval | None = None
    line_a: float | None = None
    """The largest current of a line, where it is known."""
    at_most_a: float | None = None
    """What no line surely exceeds; None where nothing bounds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPower:
    """The average power by the differences of an energy register. Times are monotonic seconds."""

    readings: tuple[tuple[float, float], ...] = ()
    """When, and Wh."""
    step_wh: float | None = None
    """The register is at least as fine as this: its smallest step, or what two steps differ by."""
    moved_wh: float | None = None
    """Its last step."""

    def read(self, register_wh: float, now: float) -> RegisterPower:
        """Return the power after a reading."""
        if self.readings and register_wh < self.readings[-1][1]:
            return RegisterPower(readings=((now, register_wh),), step_wh=self.step_wh)
        kept = [it for it in self.readings if now - it[0] <= OLDEST_S][1 - MOST_READINGS :]
        readings = (*kept, (now, register_wh))
        moved_wh = register_wh - self.readings[-1][1] if self.readings else 0.0
        if moved_wh < EXACT_WH:
            return replace(self, readings=readings)
        steps_wh = [moved_wh]
        if self.step_wh is not None:
            steps_wh.append(self.step_wh)
        if self.moved_wh is not None and abs(moved_wh - self.moved_wh) >= EXACT_WH:
            steps_wh.append(abs(moved_wh - self.moved_wh))
        step_wh = max(min(steps_wh), FINEST_WH)
        return RegisterPower(readings=readings, step_wh=step_wh, moved_wh=moved_wh)

    def stopped(self) -> RegisterPower:
        """Return what stays known when nobody can tell what flows, or something else does."""
        return RegisterPower(step_wh=self.step_wh) if self.readings else self

    def bounds_w(self) -> tuple[float, float] | None:
        """Return between what the power was in the shortest time that tells it well enough."""
        if self.step_wh is None or not self.readings:
            return None
        now, last_wh = self.readings[-1]
        for at, register_wh in reversed(self.readings[:-1]):
            if now <= at:
                continue
            per_hour = 3600.0 / (now - at)
            if self.step_wh * per_hour <= MOST_UNCERTAIN_W:
                mean_w, doubt_w = (last_wh - register_wh) * per_hour, self.step_wh * per_hour
                return max(mean_w - doubt_w, 0.0), mean_w + doubt_w
        return None

    @property
    def power_w(self) -> float | None:
        """The middle of that."""
        bounds_w = self.bounds_w()
        return None if bounds_w is None else sum(bounds_w) / 2


def drawn(values: MeterValues, connector: Connector, lines: int, register: RegisterPower) -> Drawn:
    """Return what a reading says of a connector with so many lines."""
    currents_a = values.currents_a
    if currents_a is None and lines == 1 and values.neutral_a is not None:
        currents_a = (values.neutral_a,)
    if currents_a:
        return _by_currents(currents_a, values.per_phase, connector, lines)
    if values.power_w is not None:
        known_v = [voltage_v for voltage_v in values.voltages_v if voltage_v is not None]
        return _by_power(
            values.power_w, values.power_w, min(known_v, default=None), connector, lines
        )
    bounds_w = None if values.energy_wh is None else register.bounds_w()
    if bounds_w is None:
        return Drawn()
    # It is an average, so that the current of one line is not known from it either.
    return replace(_by_power(*bounds_w, None, connector, lines), line_a=None)


def wired_lines(currents_a: tuple[float, ...], lines: int) -> tuple[float, ...]:
    """Return the currents of the lines that a charger has.

    One of a single line may report it under the name of the grid phase that it is wired to.
    """
    return (max(currents_a),) if lines == 1 else currents_a[:lines]


def _by_currents(
    currents_a: tuple[float, ...], per_phase: bool, connector: Connector, lines: int
) -> Drawn:
    phase_map, largest_a = connector.phase_map, max(currents_a)
    if per_phase or lines == 1:
        lines_a = wired_lines(currents_a, lines)
        largest_a = max(lines_a)
        least, most = phase_map.draw(lines_a)
        if len(lines_a) < lines:
            # A line that it does not tell of is not one that carries nothing.
            most = most.maximum(phase_map.spread(largest_a))
        interval = DrawInterval(least=least, most=most)
    else:
        # One value for three lines: it holds for each of them at the most.
        most = phase_map.spread(largest_a)
        interval = DrawInterval(least=phase_map.spread(0.0), most=most)
    return Drawn(interval=interval, line_a=largest_a, at_most_a=largest_a)


def _by_power(
    least_w: float,
    most_w: float,
    voltage_v: float | None,
    connector: Connector,
    lines: int,
) -> Drawn:
    """Return what a power says: a single line carries it all, and of three one may."""
    phase_map = connector.phase_map
    usual_v = NOMINAL_VOLTAGE_V if voltage_v is None else voltage_v
    single = lines == 1
    least_a = least_w / usual_v if single and phase_map.lines is not None else 0.0
    return Drawn(
        interval=DrawInterval(
            least=phase_map.spread(least_a), most=phase_map.spread(most_w / usual_v)
        ),
        line_a=most_w / usual_v if single else None,
        at_most_a=most_w / (LOWEST_VOLTAGE_V if voltage_v is None else voltage_v),
    )
