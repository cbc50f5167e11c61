"""Charging profiles to test with, and plain words for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from custom_components.balanz.csms.local_controller.composition import (
    InstalledProfile,
    RunningTransaction,
)
from custom_components.balanz.csms.local_controller.profile_reading import read_profile

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MAX = "ChargePointMaxProfile"
DEFAULT = "TxDefaultProfile"
TX = "TxProfile"


def later(seconds: float) -> datetime:
    """A moment after noon."""
    return NOON + timedelta(seconds=seconds)


def stamp(seconds: float) -> str:
    """The same as OCPP writes it."""
    return later(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def profile(
    *periods: tuple[int, float] | tuple[int, float, int],
    purpose: str = DEFAULT,
    kind: str = "Absolute",
    number: int = 1,
    level: int = 0,
    unit: str = "A",
    start: float | None = 0,
    duration: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A profile in the words of OCPP; periods are (start, limit) or (start, limit, phases)."""
    names = ("startPeriod", "limit", "numberPhases")
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [dict(zip(names, it, strict=False)) for it in periods],
    }
    if start is not None and kind != "Relative":
        schedule["startSchedule"] = stamp(start)
    if duration is not None:
        schedule["duration"] = duration
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **fields,
    }


def setting(connector: int, raw: Any) -> dict[str, Any]:
    """A SetChargingProfile."""
    return {"connectorId": connector, "csChargingProfiles": raw}


def installed(
    connector: int, *periods: tuple[int, float] | tuple[int, float, int], **fields: Any
) -> InstalledProfile:
    """An installed profile."""
    return InstalledProfile(
        connector=connector, profile=read_profile(profile(*periods, **fields)), installed_at=NOON
    )


def running(number: int | None = 7, started: float = 0) -> RunningTransaction:
    """A transaction."""
    return RunningTransaction(id=number, started_at=later(started))
