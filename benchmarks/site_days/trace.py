"""What each car had over the day, for the chart."""

from .days import SiteDay
from .house import SLOT_S
from .world import World

BIN_S = 600
SAMPLE_S = 10
PHASE = 0
"""One phase tells it: L1."""


class Trace:
    """Mean currents on one phase, in bins of ten minutes."""

    def __init__(self, day: SiteDay, policy: str) -> None:
        """Begin with nothing."""
        self.policy = policy
        bins = -(-day.layout.length_s // BIN_S)
        self.cars_a = [[0.0] * bins for _ in day.stays]
        """For each stay, A."""
        self.capacities_a = [day.capacity_at(number * BIN_S) for number in range(bins)]
        self.house_a = [0.0] * bins
        for slot, load in enumerate(day.house):
            self.house_a[slot * SLOT_S // BIN_S] += load[PHASE] * SLOT_S / BIN_S

    def watch(self, world: World) -> None:
        """Take in a second."""
        if world.now % SAMPLE_S:
            return
        number = world.now // BIN_S
        for place, session in enumerate(world.sessions):
            if PHASE in session.stay.phases:
                self.cars_a[place][number] += session.car.current_a * SAMPLE_S / BIN_S
