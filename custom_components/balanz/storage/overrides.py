"""A capacity that a group has for a while, as it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityOverride:
    """What a group may carry instead of its capacity: a current, a power, or both.

    Raises ValueError for what no group can carry, and for one that says neither.
    """

    capacity_a: float | None = None
    """A per phase."""
    power_w: float | None = None
    """W over all phases."""
    until: datetime | None = None
    """With a time zone; None where nothing but a change ends it."""

    def __post_init__(self) -> None:
        """Check that it says something that can be."""
        told = [value for value in (self.capacity_a, self.power_w) if value is not None]
        if not told or not all(isfinite(value) and value >= 0 for value in told):
            raise ValueError(f"no capacity: {self.capacity_a} A, {self.power_w} W")

    def allows_more_than(self, other: CapacityOverride) -> bool:
        """Return whether it lets more flow than another one at any time."""
        return (
            _or_any(self.capacity_a) > _or_any(other.capacity_a)
            or _or_any(self.power_w) > _or_any(other.power_w)
            or (self.until is not None and (other.until is None or self.until < other.until))
        )

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            "capacity_a": self.capacity_a,
            "power_w": self.power_w,
            "until": None if self.until is None else self.until.isoformat(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CapacityOverride:
        """Read back what was recorded. Raises KeyError, TypeError or ValueError."""
        until = record["until"]
        return cls(
            capacity_a=_number(record["capacity_a"]),
            power_w=_number(record["power_w"]),
            until=None if until is None else datetime.fromisoformat(until),
        )


def _or_any(value: float | None) -> float:
    return inf if value is None else value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
