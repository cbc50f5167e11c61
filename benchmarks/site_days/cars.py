"""Cars: what one can take, and how slowly it follows."""

import zlib
from collections import deque
from dataclasses import dataclass

from .phases import VOLTAGE_V

MINIMUM_A = 6.0
RAMP_A_PER_S = 4.0
TAPER_WH = 1000.0
"""The last part of a charge, over which a car takes less and less."""
TAPER_LEAST = 0.08
CHARGING_SHARE = 0.9
"""How much of a stay the recorded energy may take at full current."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarKind:
    """What a car's own charger can do."""

    lines: int
    maximum_a: float

    @property
    def power_w(self) -> float:
        """The most it takes."""
        return self.lines * self.maximum_a * VOLTAGE_V

    def energy_wh(self, time_s: float) -> float:
        """Return what fits into a stay."""
        return self.power_w * time_s / 3600 * CHARGING_SHARE


KINDS = (
    CarKind(lines=1, maximum_a=16.0),
    CarKind(lines=1, maximum_a=32.0),
    CarKind(lines=2, maximum_a=16.0),
    CarKind(lines=3, maximum_a=16.0),
    CarKind(lines=3, maximum_a=32.0),
)
_UP_TO_PERCENT = (15, 40, 50, 95, 100)


def kind_of(driver: str, energy_wh: float, stay_s: float) -> CarKind:
    """Return the car that somebody drives: always the same, if the energy fits into the stay."""
    percent = hash_of(driver) % 100
    first = next(number for number, upper in enumerate(_UP_TO_PERCENT) if percent < upper)
    large_enough = (kind for kind in KINDS[first:] if kind.energy_wh(stay_s) >= energy_wh)
    return next(large_enough, KINDS[-1])


def hash_of(text: str) -> int:
    """Return a number that is the same for a text on every machine."""
    return zlib.crc32(text.encode())


class Battery:
    """What a car still wants, and what it can take by that."""

    def __init__(self, kind: CarKind, energy_wh: float) -> None:
        """Begin a charge of so much."""
        self.left_wh = energy_wh
        self._maximum_a = kind.maximum_a
        self._wh_per_as = kind.lines * VOLTAGE_V / 3600

    @property
    def maximum_a(self) -> float:
        """The most that it takes now, A per line."""
        if self.left_wh >= TAPER_WH:
            return self._maximum_a
        if self.left_wh <= 0:
            return 0.0
        share = TAPER_LEAST + (1 - TAPER_LEAST) * self.left_wh / TAPER_WH
        return self._maximum_a * share

    def take(self, current_a: float, time_s: float) -> None:
        """Charge for a while, at most to the end."""
        self.left_wh = max(self.left_wh - current_a * self._wh_per_as * time_s, 0.0)


class Car:
    """A car at a charger: it follows the offered current late, and wakes up later still."""

    def __init__(self, battery: Battery, *, reaction_s: float, wake_s: float) -> None:
        """Plug in, with nothing offered yet."""
        self.battery = battery
        self.current_a = 0.0
        self._reaction_s = reaction_s
        self._wake_s = wake_s
        self._heard: deque[tuple[float, float]] = deque()
        self._follows_a = 0.0
        self._awake_at = 0.0

    def offered(self, limit_a: float, at: float) -> None:
        """The charger's signal changes."""
        self._heard.append((at + self._reaction_s, limit_a))

    def second(self, now: float) -> bool:
        """Let a second end at this time; return whether the current is another one after it."""
        before_a = self.current_a
        if before_a:
            self.battery.take(before_a, 1.0)
        while self._heard and self._heard[0][0] <= now:
            at, limit_a = self._heard.popleft()
            if limit_a >= MINIMUM_A > self._follows_a:
                self._awake_at = at + self._wake_s
            self._follows_a = limit_a
        target_a = 0.0
        if self._follows_a >= MINIMUM_A and now >= self._awake_at:
            target_a = min(self._follows_a, self.battery.maximum_a)
        # A car falls as soon as it has heard; only what it adds, it adds gently.
        self.current_a = min(target_a, before_a + RAMP_A_PER_S)
        return self.current_a != before_a
