"""Currents on the three phases, plain and quick, and how the benchmark's chargers are wired."""

from custom_components.balanz.balancing.phases import PhaseMap

type Currents = tuple[float, float, float]
"""A on L1, L2 and L3."""

ROTATIONS = (PhaseMap.L1_L2_L3, PhaseMap.L2_L3_L1, PhaseMap.L3_L1_L2)
VOLTAGE_V = 230.0


def wiring(charger: int) -> PhaseMap:
    """Return how a charger is wired: each has its first line on the phase after the last one's."""
    return ROTATIONS[charger % 3]


def phases_used(charger: int, lines: int) -> tuple[int, ...]:
    """Return the numbers of the phases that a car on so many lines loads at a charger."""
    return tuple((charger + line) % 3 for line in range(lines))
