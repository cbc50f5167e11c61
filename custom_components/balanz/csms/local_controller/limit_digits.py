"""Limits with more digits than OCPP 1.6 has (section 7.13: tenths), such as 13.33 A."""

from collections.abc import Mapping
from math import floor
from typing import Any

from ..rpc_frames import Payload
from .profile_reading import LARGEST_LIMIT

_ROUNDING = 1e-6
"""What is this close below a tenth was meant to be that tenth."""


def in_tenths(payload: Payload) -> Payload:
    """Return a call with the limits of its charging profile rounded down to tenths.

    It is the same object where nothing has to be rounded, or nothing can be.
    """
    for name in ("csChargingProfiles", "chargingProfile"):
        profile = payload.get(name)
        schedule = profile.get("chargingSchedule") if isinstance(profile, dict) else None
        if isinstance(profile, dict) and isinstance(schedule, dict):
            rounded = _schedule(schedule)
            if rounded != schedule:
                return payload | {name: profile | {"chargingSchedule": rounded}}
    return payload


def _schedule(schedule: Mapping[str, Any]) -> dict[str, Any]:
    rounded = {**schedule, **_rounded(schedule, "minChargingRate")}
    periods = schedule.get("chargingSchedulePeriod")
    if isinstance(periods, list):
        rounded["chargingSchedulePeriod"] = [
            {**period, **_rounded(period, "limit")} if isinstance(period, dict) else period
            for period in periods
        ]
    return rounded


def _rounded(fields: Mapping[str, Any], name: str) -> dict[str, float]:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return {}
    if not 0 <= value <= LARGEST_LIMIT:
        return {}
    return {name: floor(value * 10 + _ROUNDING) / 10}
