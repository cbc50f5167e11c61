"""An upper bound of one connector that was set while the site ran, as it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Any

from ..balancing.model import NOMINAL_VOLTAGE_V

_COUNTS_OF_LINES = (1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBound:
    """A bound as a current, a power, or both, and when it ends.

    Raises ValueError for what cannot be, and for one that says neither.
    """

    limit_a: float | None = None
    """A per line."""
    power_w: float | None = None
    """W over all lines."""
    until: datetime | None = None
    """UTC; None where nothing but a change ends it."""

    def __post_init__(self) -> None:
        """Check that it says something that can be."""
        told = [value for value in (self.limit_a, self.power_w) if value is not None]
        if not told or not all(isfinite(value) and value >= 0 for value in told):
            raise ValueError(f"no limit: {self.limit_a} A, {self.power_w} W")

    def current_a(self, lines: int) -> float:
        """Return what it leaves, A per line, where so many lines share the power."""
        limit_a = inf if self.limit_a is None else self.limit_a
        power_w = inf if self.power_w is None else self.power_w
        return min(limit_a, power_w / (NOMINAL_VOLTAGE_V * lines))

    def allows_more_than(self, other: KeptBound) -> bool:
        """Return whether it lets more flow than another one at any time, on any lines."""
        if any(self.current_a(lines) > other.current_a(lines) for lines in _COUNTS_OF_LINES):
            return True
        return self.until is not None and (other.until is None or self.until < other.until)

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        until = None if self.until is None else self.until.isoformat()
        return {"limit_a": self.limit_a, "power_w": self.power_w, "until": until}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> KeptBound:
        """Read back what was recorded. Raises KeyError, TypeError or ValueError."""
        until = record["until"]
        return cls(
            limit_a=_number(record["limit_a"]),
            # Bounds that were recorded before there were any in W have none.
            power_w=_number(record.get("power_w")),
            until=None if until is None else datetime.fromisoformat(until),
        )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
