"""The load of real houses, told apart by phase."""

from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .phases import Currents
from .tables import Row, rows

SLOT_S = 15
"""How finely the load of several houses is told; each house's own changes once a minute."""
SLOTS_PER_MINUTE = 60 // SLOT_S
MINUTES_PER_DAY = 24 * 60
COLUMNS = (
    "Global_active_power",
    "Global_intensity",
    "Sub_metering_1",
    "Sub_metering_2",
    "Sub_metering_3",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRecord:
    """One house's load, minute by minute, A per phase, from a midnight on."""

    minutes: tuple[Currents, ...]

    @property
    def days(self) -> int:
        """How many whole days there are."""
        return len(self.minutes) // MINUTES_PER_DAY

    def load(self, day: int, start_s: int, length_s: int, houses: int) -> list[Currents]:
        """Return the load of some houses, A per phase, for each slot of a stretch of time.

        Each house has another of the recorded days, its phases and its minutes shifted. After the
        last recorded day comes the first.
        """
        slots = []
        for slot in range(length_s // SLOT_S):
            sums = [0.0, 0.0, 0.0]
            for house in range(houses):
                minute = (start_s // SLOT_S + slot - house) // SLOTS_PER_MINUTE
                recorded_day = (day + house * max(self.days // houses, 1)) % self.days
                index = recorded_day * MINUTES_PER_DAY + minute
                loads = self.minutes[index % (self.days * MINUTES_PER_DAY)]
                for phase in range(3):
                    sums[(phase + house) % 3] += loads[phase]
            slots.append((sums[0], sums[1], sums[2]))
        return slots


def read_house(path: Path) -> HouseRecord:
    """Return the load that a file holds. Raises InputError."""
    minutes = tuple(_by_phase(row) for row in rows(path, COLUMNS))
    if len(minutes) < MINUTES_PER_DAY:
        raise InputError(f"{path}: {len(minutes)} minutes are no whole day")
    return HouseRecord(minutes=minutes)


def _by_phase(row: Row) -> Currents:
    """Return the current of one minute: kitchen, laundry and water heater each have a phase.

    What no sub-meter measures lies on all three alike. Each part has that share of the house's
    current that it has of its power.
    """
    total_wh = row.number("Global_active_power") * 1000 / 60
    current_a = row.number("Global_intensity")
    kitchen_wh, laundry_wh, heater_wh = (row.number(column) for column in COLUMNS[2:])
    parts_wh = kitchen_wh + laundry_wh + heater_wh
    third_wh = max(total_wh - parts_wh, 0.0) / 3
    whole_wh = parts_wh + 3 * third_wh
    if whole_wh == 0:
        return (0.0, 0.0, 0.0)
    a_per_wh = current_a / whole_wh
    return (
        (kitchen_wh + third_wh) * a_per_wh,
        (laundry_wh + third_wh) * a_per_wh,
        (heater_wh + third_wh) * a_per_wh,
    )
