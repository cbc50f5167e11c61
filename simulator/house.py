"""A house: what it draws besides its chargers, its solar panels, and how it is wired."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from .profiles import NOMINAL_VOLTAGE_V

type Load = Callable[[float], float]
"""Amperes on one phase, given simulated seconds."""
type Amperes = tuple[float, float, float]

_DAY_S = 86_400.0


def constant(current_a: float) -> Load:
    """Draw the same at all times."""
    return lambda _: current_a


def steps(*changes: tuple[float, float], before_a: float = 0.0) -> Load:
    """Draw what each (second, amperes) says from then on. The seconds ascend."""

    def load(seconds: float) -> float:
        due = [current_a for begin_s, current_a in changes if begin_s <= seconds]
        return due[-1] if due else before_a

    return load


def daily(*, base_a: float, peak_a: float, noise_a: float = 0.0, seed: int = 0) -> Load:
    """Draw more in the morning and most in the evening, with noise that the seed decides.

    Second 0 is noon. The noise changes each minute.
    """

    def load(seconds: float) -> float:
        hour = (seconds / 3600 + 12) % 24
        morning, evening = (math.exp(-(((hour - at) / 1.5) ** 2)) for at in (7.5, 19.0))
        noise = Random(f"{seed} {int(seconds // 60)}").uniform(-noise_a, noise_a)
        return max(0.0, base_a + (peak_a - base_a) * max(0.7 * morning, evening) + noise)

    return load


def sunshine(*, peak_a: float) -> Load:
    """Yield from 6 to 18 h, most at noon, which is second 0."""

    def load(seconds: float) -> float:
        return max(0.0, peak_a * math.cos(2 * math.pi * (seconds % _DAY_S) / _DAY_S))

    return load


class Draws(Protocol):
    """Something that draws current on its own L1, L2 and L3."""

    @property
    def currents_a(self) -> Amperes:
        """What it draws now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a charger is wired: the grid phases, counted from 0, that feed its L1, L2 and L3."""

    charger: Draws
    phases: tuple[int, int, int] = (0, 1, 2)


class House:
    """The site's loads; any of them may be replaced while it runs."""

    def __init__(
        self,
        *,
        base: tuple[Load, Load, Load],
        solar: Load | None = None,
        wires: Sequence[Wire] = (),
    ) -> None:
        self.base = base
        self.solar = solar or constant(0.0)
        """What the panels yield on each of the three phases."""
        self.wires = list(wires)

    def base_load_a(self, seconds: float) -> Amperes:
        """What the house draws without chargers and panels."""
        one, two, three = (load(seconds) for load in self.base)
        return one, two, three

    def chargers_a(self) -> Amperes:
        """What the chargers draw now, on the grid phases."""
        totals = [0.0, 0.0, 0.0]
        for wire in self.wires:
            for phase, current_a in zip(wire.phases, wire.charger.currents_a, strict=True):
                totals[phase] += current_a
        return totals[0], totals[1], totals[2]

    def grid_currents_a(self, seconds: float) -> Amperes:
        """What flows at the grid connection, per phase; below 0 is export."""
        solar_a = self.solar(seconds)
        one, two, three = (
            base_a - solar_a + charger_a
            for base_a, charger_a in zip(self.base_load_a(seconds), self.chargers_a(), strict=True)
        )
        return one, two, three

    def grid_powers_w(self, seconds: float) -> tuple[float, float, float]:
        """What flows at the grid connection, per phase, at nominal voltage."""
        one, two, three = (it * NOMINAL_VOLTAGE_V for it in self.grid_currents_a(seconds))
        return one, two, three
