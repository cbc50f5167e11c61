"""What every controller of the benchmark is: it hears, and says which limits to send."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from custom_components.balanz.csms.events import (
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)

from .phases import Currents

type ChargerEvent = StatusChanged | MeterValuesReceived | TransactionStarted | TransactionStopped


class Order(NamedTuple):
    """A limit to send to a charger, A per line."""

    charger: int
    limit_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the driver of a car that plugs in tells: the energy, and when the car leaves."""

    energy_wh: float
    departs_at: float


class Controller(Protocol):
    """A way to share. Times are seconds from the beginning of the day."""

    def capacity_changed(self, capacity_a: float, /) -> None:
        """Take in what the main group may carry from now on."""

    def metered(self, currents: Currents, now: float, /) -> None:
        """Take in what the meter of the main group shows."""

    def heard(self, charger: int, event: ChargerEvent, now: float, /) -> None:
        """Take in what a charger says."""

    def told(self, charger: int, wish: Wish, /) -> None:
        """Take in what a driver says; comes before what the charger says of the car."""

    def accepted(self, charger: int, now: float, /) -> None:
        """Take in that a charger accepted the limit that was sent last."""

    def step(self, now: float, /) -> Iterable[Order]:
        """Decide; nothing is ordered from a charger whose last answer is still to come."""

    @property
    def wake_at(self) -> float | None:
        """When to step again, should nothing happen until then."""

    @property
    def step_us(self) -> float | None:
        """The mean time of a step, if that is of interest."""
