"""What a charger says that it would offer a car (OCPP 1.6, GetCompositeSchedule)."""

from dataclasses import dataclass
from typing import Any

from .capabilities import RateUnit
from .lenient import number
from .profiles import NOMINAL_VOLTAGE_V
from .rpc_frames import Payload

MAX_PERIODS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeSchedule:
    """The limit of a connector from now on."""

    periods: tuple[tuple[float, float], ...]
    """From how many seconds after now on, and the limit then; at least one, ascending."""
    unit: RateUnit

    @property
    def limit_now_a(self) -> float:
        """The limit at this moment, A per line; watts are those of one line, as they are sent."""
        limit = [limit for start_s, limit in self.periods if start_s <= 0][-1]
        return limit if self.unit is RateUnit.AMPERE else limit / NOMINAL_VOLTAGE_V


def parse_composite_schedule(answer: Payload) -> CompositeSchedule | None:
    """Read an answer; None where it tells no limit for this moment."""
    schedule: Any = answer.get("chargingSchedule")
    if answer.get("status") != "Accepted" or not isinstance(schedule, dict):
        return None
    entries = schedule.get("chargingSchedulePeriod")
    periods: list[tuple[float, float]] = []
    for entry in entries[:MAX_PERIODS] if isinstance(entries, list) else []:
        start_s = number(entry.get("startPeriod")) if isinstance(entry, dict) else None
        limit = number(entry.get("limit")) if isinstance(entry, dict) else None
        if start_s is None or limit is None or limit < 0:
            return None
        periods.append((start_s, limit))
    if not any(start_s <= 0 for start_s, _ in periods):
        return None
    unit = RateUnit.WATT if schedule.get("chargingRateUnit") == "W" else RateUnit.AMPERE
    return CompositeSchedule(periods=tuple(sorted(periods)), unit=unit)
