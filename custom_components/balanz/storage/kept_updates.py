"""A change of a charger's firmware that has not ended, as it outlives a restart."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class UpdateStage(StrEnum):
    """How far a change of firmware is."""

    QUEUED = "queued"
    """It waits for its charger to be idle, or for another charger's change to end."""
    REQUESTED = "requested"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    INSTALLING = "installing"
    RESTARTING = "restarting"
    """It is installed; the charger has to come back with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptUpdate:
    """What a user has asked for, and how far it has come."""

    firmware: str
    """Its key in the catalogue."""
    version: str
    version_before: str
    stage: UpdateStage
    request_id: int
    """By which the charger tells of it, where it is signed."""
    tries: int
    """How often the charger was asked."""
    retries_itself: bool
    """Whether the charger tries again by itself where it cannot load it."""

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            "firmware": self.firmware,
            "version": self.version,
            "version_before": self.version_before,
            "stage": self.stage.value,
            "request_id": self.request_id,
            "tries": self.tries,
            "retries_itself": self.retries_itself,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> KeptUpdate:
        """Read back what was recorded. Raises KeyError, TypeError or ValueError."""
        return cls(
            firmware=str(record["firmware"]),
            version=str(record["version"]),
            version_before=str(record["version_before"]),
            stage=UpdateStage(record["stage"]),
            request_id=int(record["request_id"]),
            tries=int(record["tries"]),
            retries_itself=record["retries_itself"] is True,
        )
