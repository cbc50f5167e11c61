"""Chargers with cars of different kinds, ready to be started."""

from dataclasses import dataclass
from itertools import cycle, islice

from .car import Car
from .charger import SimulatedCharger
from .clock import Clock
from .options import ChargerOptions, SecurityOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A charger and the car that comes to it."""

    model: str
    rating_a: float
    phases: int
    car: Car


KINDS = (
    Kind(
        model="AC 11-3",
        rating_a=16.0,
        phases=3,
        car=Car(name="3-phase 16 A", phases=3, maximum_a=16.0, needed_wh=40_000.0),
    ),
    Kind(
        model="AC 7-1",
        rating_a=32.0,
        phases=1,
        car=Car(name="1-phase 32 A", phases=1, maximum_a=32.0, needed_wh=30_000.0),
    ),
    Kind(
        model="AC 22-3",
        rating_a=32.0,
        phases=3,
        car=Car(
            name="draws less than offered",
            phases=3,
            maximum_a=32.0,
            draws_at_most_a=9.0,
            needed_wh=35_000.0,
        ),
    ),
    Kind(
        model="AC 11-3 S",
        rating_a=16.0,
        phases=3,
        car=Car(
            name="sleeps",
            phases=3,
            maximum_a=16.0,
            needed_wh=25_000.0,
            asleep=((0.0, 20.0), (70.0, 110.0)),
        ),
    ),
)
"""A 3-phase 16 A car, a 1-phase 32 A car, one that draws less than offered, one that sleeps."""


def make_fleet(
    url: str,
    count: int,
    *,
    prefix: str = "CP",
    clock: Clock | None = None,
    arrival_gap_s: float = 2.0,
    sample_interval_s: int = 10,
    security: SecurityOptions | None = None,
) -> list[SimulatedCharger]:
    """Make chargers named prefix-1 and so on, of the four kinds in turn, on one clock.

    A car arrives every `arrival_gap_s` seconds.
    """
    clock = clock or Clock()
    return [
        SimulatedCharger(
            f"{prefix}-{number}",
            url,
            rating_a=kind.rating_a,
            phases=kind.phases,
            car=kind.car,
            clock=clock,
            options=ChargerOptions(
                model=kind.model,
                serial=f"SIM-{number:04}",
                id_tag=f"TAG-{number}",
                plug_in_after_s=number * arrival_gap_s,
                sample_interval_s=sample_interval_s,
                security=security,
            ),
        )
        for number, kind in enumerate(islice(cycle(KINDS), count), start=1)
    ]
