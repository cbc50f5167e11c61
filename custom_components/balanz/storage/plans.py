"""What a user has planned for a connector, until its car leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

BOOST_LASTS = timedelta(hours=1)
"""How long a boost lasts where the user has not said otherwise."""
LONGEST_BOOST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the car at a connector needs, and what it is granted; None is what nobody has said.

    Times have a time zone. Raises ValueError for an energy that cannot be.
    """

    departs_at: datetime | None = None
    energy_wh: float | None = None
    """What the session is to charge in all."""
    boosted_until: datetime | None = None
    """Until when it goes first."""

    def __post_init__(self) -> None:
        """Check what no car can need."""
        if self.energy_wh is not None and not (isfinite(self.energy_wh) and self.energy_wh > 0):
            raise ValueError(f"no energy: {self.energy_wh} Wh")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is planned."""
        return self == Plan()

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            "departs_at": _text(self.departs_at),
            "energy_wh": self.energy_wh,
            "boosted_until": _text(self.boosted_until),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Plan:
        """Read back what was recorded. Raises KeyError, TypeError or ValueError."""
        energy_wh = record["energy_wh"]
        return cls(
            departs_at=_moment(record["departs_at"]),
            energy_wh=None if energy_wh is None else float(energy_wh),
            boosted_until=_moment(record["boosted_until"]),
        )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
