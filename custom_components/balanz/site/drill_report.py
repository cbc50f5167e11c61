"""What an overload drill has shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..balancing.model import ConnectorKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DrilledConnector:
    """How one connector did. Currents in A per line; None is what was not seen."""

    key: ConnectorKey
    name: str
    from_a: float
    """Its limit before."""
    to_a: float | None = None
    """The lower limit that it accepted; None where it was asked for nothing, or did not."""
    accepted_after_s: float | None = None
    followed_after_s: float | None = None
    """When its meter showed that the car obeys; None where it did not, or there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """A drill that is over."""

    group_id: str
    at: datetime
    capacity_a: float
    """What the group was said to carry, A per phase."""
    connectors: tuple[DrilledConnector, ...]

    @property
    def slowest_s(self) -> float | None:
        """How long it took until all that were cut were seen to obey; None if not all were."""
        asked = [one for one in self.connectors if one.to_a is not None]
        times = [one.followed_after_s for one in asked if one.followed_after_s is not None]
        return max(times) if times and len(times) == len(asked) else None

    def as_record(self) -> dict[str, Any]:
        """Return the report as what JSON knows."""
        return {
            "group": self.group_id,
            "at": self.at.isoformat(),
            "capacity_a": self.capacity_a,
            "connectors": [
                {
                    "charger": one.key.charger,
                    "connector": one.key.connector,
                    "name": one.name,
                    "from_a": one.from_a,
                    "to_a": one.to_a,
                    "accepted_after_s": one.accepted_after_s,
                    "followed_after_s": one.followed_after_s,
                }
                for one in self.connectors
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> DrillReport:
        """Read back a report. Raises KeyError, TypeError or ValueError where it is none."""
        return cls(
            group_id=str(record["group"]),
            at=datetime.fromisoformat(record["at"]),
            capacity_a=float(record["capacity_a"]),
            connectors=tuple(
                DrilledConnector(
                    key=ConnectorKey(str(one["charger"]), int(one["connector"])),
                    name=str(one["name"]),
                    from_a=float(one["from_a"]),
                    to_a=_number(one["to_a"]),
                    accepted_after_s=_number(one["accepted_after_s"]),
                    followed_after_s=_number(one["followed_after_s"]),
                )
                for one in record["connectors"]
            ),
        )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
