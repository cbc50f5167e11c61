"""Read the charging profiles of a central system, as tolerantly as a charger would.

Fields that mean nothing beside the others are left out: the transactionId of a profile that is not
one of a transaction, the recurrencyKind of one that does not recur, and the startSchedule of a
Relative one. What cannot be meant is refused, and the text tells why.
"""

from datetime import datetime
from typing import Any

from ..capabilities import RateUnit
from ..charging_profile import KINDS, MAX_PERIODS, RECURRENCIES, ChargingProfile, ProfileError
from ..command_values import ProfilePurpose, SchedulePeriod
from ..lenient import MAX_INTEGER, integer, number, timestamp
from ..wording import ocpp_name

PURPOSES = {ocpp_name(purpose): purpose for purpose in ProfilePurpose}
LARGEST_LIMIT = 1_000_000.0
"""No charger has as many amperes or watts; a larger limit means none."""


def read_profile(raw: object) -> ChargingProfile:
    """Return a profile in the words of OCPP 1.6 as a value. Raises ProfileError.

    Times are cut to whole seconds, so that a profile is the same once it has been recorded.
    """
    profile = _object(raw, "csChargingProfiles")
    schedule = _object(profile.get("chargingSchedule"), "chargingSchedule")
    entries = schedule.get("chargingSchedulePeriod")
    if not isinstance(entries, list):
        raise ProfileError("chargingSchedulePeriod must be a list")
    if len(entries) > MAX_PERIODS:
        raise ProfileError(f"there are more than {MAX_PERIODS} periods")
    purpose = PURPOSES[_choice(profile, "chargingProfilePurpose", tuple(PURPOSES))]
    kind = _choice(profile, "chargingProfileKind", KINDS)
    recurs, is_relative = kind == "Recurring", kind == "Relative"
    read = ChargingProfile(
        id=_integer(profile, "chargingProfileId", least=-MAX_INTEGER),
        stack_level=_integer(profile, "stackLevel"),
        purpose=purpose,
        kind=kind,
        unit=RateUnit(_choice(schedule, "chargingRateUnit", tuple(RateUnit))),
        periods=tuple(_period(entry) for entry in entries),
        transaction_id=_transaction_id(profile) if purpose is ProfilePurpose.TX else None,
        recurrency=_choice(profile, "recurrencyKind", RECURRENCIES) if recurs else None,
        valid_from=_moment(profile, "validFrom"),
        valid_to=_moment(profile, "validTo"),
        duration_s=_optional_integer(schedule, "duration"),
        starts_at=None if is_relative else _moment(schedule, "startSchedule"),
        least_rate=_least_rate(schedule),
    )
    if recurs and read.starts_at is None:
        raise ProfileError("a Recurring profile needs a startSchedule")
    if read.duration_s == 0:
        raise ProfileError("a schedule of 0 s is none")
    if read.valid_from and read.valid_to and read.valid_to <= read.valid_from:
        raise ProfileError("validTo must come after validFrom")
    return read


def _object(raw: object, name: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ProfileError(f"{name} must be an object")
    return raw


def _period(raw: object) -> SchedulePeriod:
    period = _object(raw, "a period")
    phases = _optional_integer(period, "numberPhases")
    if phases not in (None, 1, 2, 3):
        raise ProfileError("numberPhases must be from 1 to 3")
    return SchedulePeriod(
        start_s=_integer(period, "startPeriod"), limit=_limit(period, "limit"), phases=phases
    )


def _limit(fields: dict[str, Any], field: str) -> float:
    value = number(fields.get(field))
    if value is None or value < 0:
        raise ProfileError(f"{field} must be a number of at least 0")
    return min(value, LARGEST_LIMIT)


def _least_rate(schedule: dict[str, Any]) -> float | None:
    return None if schedule.get("minChargingRate") is None else _limit(schedule, "minChargingRate")


def _integer(fields: dict[str, Any], field: str, *, least: int = 0) -> int:
    value = integer(fields.get(field))
    if value is None or not least <= value <= MAX_INTEGER:
        raise ProfileError(f"{field} must be a whole number from {least} to {MAX_INTEGER}")
    return value


def _optional_integer(fields: dict[str, Any], field: str) -> int | None:
    return None if fields.get(field) is None else _integer(fields, field)


def _transaction_id(profile: dict[str, Any]) -> int | None:
    if profile.get("transactionId") is None:
        return None
    return _integer(profile, "transactionId", least=-MAX_INTEGER)


def _choice(fields: dict[str, Any], field: str, choices: tuple[str, ...]) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or value not in choices:
        raise ProfileError(f"{field} must be one of {', '.join(choices)}")
    return value


def _moment(fields: dict[str, Any], field: str) -> datetime | None:
    if fields.get(field) is None:
        return None
    moment = timestamp(fields[field])
    if moment is None:
        raise ProfileError(f"{field} must be a time")
    return moment.replace(microsecond=0)
