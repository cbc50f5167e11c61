"""Charging profiles of OCPP 1.6 as values, and what a charger refuses (section 5.16)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from .clock import parse_timestamp

NOMINAL_VOLTAGE_V = 230.0


class Purpose(StrEnum):
    """What a profile is for."""

    CHARGE_POINT_MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(StrEnum):
    """What the periods of a schedule are relative to."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """How often a recurring schedule begins anew."""

    DAILY = "Daily"
    WEEKLY = "Weekly"

    @property
    def seconds(self) -> int:
        """Length of one round, s."""
        return 86_400 if self is Recurrency.DAILY else 604_800


class Unit(StrEnum):
    """The unit of a limit: amperes per phase, or watts over all phases."""

    A = "A"
    W = "W"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A limit from `start_s` seconds into the schedule on."""

    start_s: int
    limit: float
    number_phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Limits over time."""

    unit: Unit
    periods: tuple[Period, ...]
    start: datetime | None = None
    duration_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One charging profile."""

    id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedule: Schedule
    transaction_id: int | None = None
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTransaction:
    """What profiles need to know of a transaction; the id is None until the peer has given it."""

    id: int | None
    started: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCapabilities:
    """What a charger says it can take, in its configuration keys."""

    maximum_stack_level: int = 8
    maximum_periods: int = 24
    maximum_installed: int = 16
    units: tuple[Unit, ...] = (Unit.A, Unit.W)


class ProfileRejectedError(ValueError):
    """The charger answers Rejected, for this reason."""


def parse_profile(payload: Mapping[str, Any]) -> Profile:
    """Read a profile from a message with snake_case keys.

    Raises ProfileRejectedError if a value means nothing.
    """
    try:
        return _parse(payload)
    except (KeyError, TypeError, ValueError) as error:
        raise ProfileRejectedError(f"not a charging profile: {error!r}") from error


def _parse(payload: Mapping[str, Any]) -> Profile:
    schedule = payload["charging_schedule"]
    recurrency = payload.get("recurrency_kind")
    return Profile(
        id=int(payload["charging_profile_id"]),
        stack_level=int(payload["stack_level"]),
        purpose=Purpose(payload["charging_profile_purpose"]),
        kind=Kind(payload["charging_profile_kind"]),
        schedule=Schedule(
            unit=Unit(schedule["charging_rate_unit"]),
            periods=tuple(
                Period(
                    start_s=int(period["start_period"]),
                    limit=float(period["limit"]),
                    number_phases=period.get("number_phases"),
                )
                for period in schedule["charging_schedule_period"]
            ),
            start=_moment(schedule.get("start_schedule")),
            duration_s=schedule.get("duration"),
        ),
        transaction_id=payload.get("transaction_id"),
        recurrency=None if recurrency is None else Recurrency(recurrency),
        valid_from=_moment(payload.get("valid_from")),
        valid_to=_moment(payload.get("valid_to")),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_timestamp(text)


def check_profile(
    profile: Profile,
    connector_id: int,
    *,
    capabilities: ProfileCapabilities,
    transaction: RunningTransaction | None,
) -> None:
    """Raise ProfileRejectedError if the charger would not take this profile here and now."""
    _check_place(profile, connector_id, transaction)
    _check_schedule(profile, capabilities)


def _check_place(
    profile: Profile, connector_id: int, transaction: RunningTransaction | None
) -> None:
    if profile.purpose is Purpose.CHARGE_POINT_MAX and connector_id != 0:
        raise ProfileRejectedError("a ChargePointMaxProfile belongs on connector 0")
    if profile.purpose is not Purpose.TX:
        return
    if connector_id == 0:
        raise ProfileRejectedError("a TxProfile belongs on a connector")
    if transaction is None:
        raise ProfileRejectedError("a TxProfile needs a running transaction")
    if profile.transaction_id is not None and profile.transaction_id != transaction.id:
        raise ProfileRejectedError("the TxProfile is for another transaction")


def _check_schedule(profile: Profile, capabilities: ProfileCapabilities) -> None:
    schedule = profile.schedule
    if not 0 <= profile.stack_level <= capabilities.maximum_stack_level:
        raise ProfileRejectedError("no such stack level")
    if schedule.unit not in capabilities.units:
        raise ProfileRejectedError("unit not supported")
    if not 1 <= len(schedule.periods) <= capabilities.maximum_periods:
        raise ProfileRejectedError("wrong number of periods")
    if schedule.periods[0].start_s != 0:
        raise ProfileRejectedError("the first period must start at 0")
    if any(later.start_s <= earlier.start_s for earlier, later in pairwise(schedule.periods)):
        raise ProfileRejectedError("the periods must ascend")
    if not all(period.limit >= 0 for period in schedule.periods):
        raise ProfileRejectedError("a limit must be a number of at least 0")
    if profile.kind is Kind.RECURRING and (profile.recurrency is None or schedule.start is None):
        raise ProfileRejectedError("a recurring profile needs a start and a recurrency")
