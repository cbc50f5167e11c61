"""An upper bound of one connector that was set while the site ran, as it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBound:
    """A bound, A per line, and when it ends (UTC); None where nothing but a change ends it.

    Raises ValueError for a current that cannot be.
    """

    limit_a: float
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Check that it is a current."""
        if not (isfinite(self.limit_a) and self.limit_a >= 0):
            raise ValueError(f"no limit: {self.limit_a} A")

    def allows_more_than(self, other: KeptBound) -> bool:
        """Return whether it lets more flow than another one at any time."""
        if self.limit_a > other.limit_a:
            return True
        return self.until is not None and (other.until is None or self.until < other.until)

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        until = None if self.until is None else self.until.isoformat()
        return {"limit_a": self.limit_a, "until": until}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> KeptBound:
        """Read back what was recorded. Raises KeyError, TypeError or ValueError."""
        until = record["until"]
        return cls(
            limit_a=float(record["limit_a"]),
            until=None if until is None else datetime.fromisoformat(until),
        )
