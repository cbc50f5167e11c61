"""Amperes to charging profiles (OCPP 1.6, sections 3.13 and 7.8)."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .capabilities import Capabilities, RateUnit
from .leases import LeaseMechanism, possible_leases
from .profile_forms import Kind, ProfileForm, Purpose
from .quirks import BY_THE_BOOK, Quirks

NOMINAL_VOLTAGE_V = 230.0
BACKDATING_S = 60.0
"""How long ago a profile starts by a clock whose skew is known."""
UNKNOWN_CLOCK_S = 86_400.0
"""The same where it is not: clocks are set wrong, also ours, by hours rather than by days."""
LAPSE_MARGIN_S = 20.0
"""How much later than promised a limit may fall back: charger and car take time to follow."""
TX_PROFILE_IDS = 1_000
"""How far the id of a TxProfile is above that of the default which it goes beside."""
FALLBACK_PROFILE_IDS = 2_000
"""The same for the profile beneath it, to which it falls back where it has an end."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a connector may draw, A per line, and what it falls back to by itself.

    Raises ValueError for currents and times that cannot be.
    """

    limit_a: float
    fallback_a: float
    lease_s: float | None = None
    """How long the limit lasts without renewal; None: for ever."""
    phases: int = 1
    """Lines that it is for; watts are those of all of them together."""
    fallback_phases: int | None = None
    """The same for what it falls back to; None: for as many."""

    def __post_init__(self) -> None:
        """Check that a charger could follow it."""
        for value in (self.limit_a, self.fallback_a, self.lease_s or 0.0):
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"no current or time: {value}")
        for phases in (self.phases, self.fallback_phases):
            if phases not in (None, 1, 2, 3):
                raise ValueError(f"no charger has {phases} phases")


def charging_profile(
    limit: Limit,
    *,
    connector: int,
    form: ProfileForm,
    capabilities: Capabilities,
    quirks: Quirks = BY_THE_BOOK,
    clock_skew_s: float | None,
    clock_lag_s: float = 0.0,
    now: datetime,
) -> dict[str, Any]:
    """Return the one profile that puts a limit in force and never expires to unlimited.

    It starts in the past even by the clock of a charger whose clock is behind, at the worst by the
    given lag. The next one takes its place, since the id stays the same, in whatever form.
    """
    age_s = max(_backdating_s(clock_skew_s), 2 * clock_lag_s)
    # A clock that is off by millennia must not take the start out of the calendar.
    start = max(now - timedelta(seconds=min(age_s, (now - _EPOCH).total_seconds())), _EPOCH)
    unit = rate_unit(capabilities)
    # A charger that may choose its lines is told how many the watts are for.
    tells_phases = quirks.tells_phases or (
        capabilities.switches_phases is True and unit is RateUnit.WATT
    )

    def period(start_s: int, limit_a: float, phases: int) -> dict[str, Any]:
        limit_a = quirks.rounded_down_a(limit_a)
        told = {"startPeriod": start_s, "limit": _in_unit(limit_a, unit, phases)}
        return told | ({"numberPhases": phases} if tells_phases else {})

    periods = [period(0, limit.limit_a, limit.phases)]
    tail = LeaseMechanism.TAIL
    if _can_lease(limit, form, capabilities, clock_skew_s, tail) and limit.lease_s is not None:
        lapses_after_s = math.floor((now - start).total_seconds() + limit.lease_s)
        periods.append(
            period(lapses_after_s, limit.fallback_a, limit.fallback_phases or limit.phases)
        )
    schedule: dict[str, Any] = {
        "chargingRateUnit": unit.value,
        "chargingSchedulePeriod": periods,
    }
    if form.kind is Kind.ABSOLUTE:
        schedule["startSchedule"] = _told(start)
    return {
        "chargingProfileId": connector,
        "stackLevel": form.stack_level,
        "chargingProfilePurpose": _standing_purpose(form).value,
        "chargingProfileKind": form.kind.value,
        "chargingSchedule": schedule,
    }


def ending(profile: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Return the same limit as a profile that ends; what lies beneath it is in force then.

    Its end is told twice, since some chargers know one way, and some the other.
    """
    start = starts_at(profile)
    assert start is not None  # Only an Absolute profile can tell when it ends.
    duration_s = math.floor((at - start).total_seconds())
    return profile | {
        "validTo": _told(start + timedelta(seconds=duration_s)),
        "chargingSchedule": profile["chargingSchedule"] | {"duration": duration_s},
    }


def fallback_profile(
    limit: Limit,
    *,
    connector: int,
    form: ProfileForm,
    capabilities: Capabilities,
    quirks: Quirks = BY_THE_BOOK,
    lease: LeaseMechanism = LeaseMechanism.STACK,
    now: datetime,
) -> dict[str, Any]:
    """Return the profile without an end that lies beneath all those that end by themselves.

    Beneath those of transactions it is the one that carries the limit in all other cases.
    """
    is_default = lease is LeaseMechanism.TRANSACTION
    beneath = charging_profile(
        Limit(
            limit_a=limit.fallback_a,
            fallback_a=limit.fallback_a,
            phases=limit.fallback_phases or limit.phases,
        ),
        connector=connector,
        form=form if is_default else replace(form, stack_level=0),
        capabilities=capabilities,
        quirks=quirks,
        # It has to have begun, however the clock is set by the time that it is needed.
        clock_skew_s=None,
        now=now,
    )
    if is_default:
        return beneath
    return beneath | {"chargingProfileId": connector + FALLBACK_PROFILE_IDS}


def for_transaction(profile: dict[str, Any], transaction_id: int) -> dict[str, Any]:
    """Return the same limit as a profile of a running transaction."""
    return profile | {
        "chargingProfileId": profile["chargingProfileId"] + TX_PROFILE_IDS,
        "transactionId": transaction_id,
        "chargingProfilePurpose": Purpose.TX.value,
    }


class OwnProfileIds(NamedTuple):
    """The ids of the profiles that balanz sets at a connector, the strongest last."""

    fallback: int
    standing: int
    """That of its limit, whatever runs."""
    transaction: int


def own_profile_ids(connector: int) -> OwnProfileIds:
    """Return the ids of the profiles that balanz sets at a connector."""
    return OwnProfileIds(
        fallback=connector + FALLBACK_PROFILE_IDS,
        standing=connector,
        transaction=connector + TX_PROFILE_IDS,
    )


def others_profiles(form: ProfileForm) -> tuple[Purpose, ...]:
    """Return the purposes of profiles that can only be somebody else's."""
    return tuple(it for it in Purpose if it not in (form.purpose, _standing_purpose(form)))


def lapses_after_s(
    limit: Limit,
    *,
    form: ProfileForm,
    capabilities: Capabilities,
    clock_skew_s: float | None,
    lease: LeaseMechanism | None = LeaseMechanism.TAIL,
) -> float | None:
    """Return how long after its sending a limit has surely fallen back; None if it does not.

    As soon as it is followed where there is nothing to fall: a limit no higher than the fallback
    stays.
    """
    if limit.limit_a <= limit.fallback_a:
        return LAPSE_MARGIN_S
    if limit.lease_s is None or not _can_lease(limit, form, capabilities, clock_skew_s, lease):
        return None
    return limit.lease_s + max(-(clock_skew_s or 0.0), 0.0) + LAPSE_MARGIN_S


def rate_unit(capabilities: Capabilities) -> RateUnit:
    """Return the unit that a charger's profiles need to have."""
    return capabilities.rate_unit or RateUnit.AMPERE


def starts_at(profile: dict[str, Any]) -> datetime | None:
    """Return when a profile starts, by the charger's clock; None if with each transaction."""
    start: str | None = profile["chargingSchedule"].get("startSchedule")
    return None if start is None else datetime.fromisoformat(start)


def _standing_purpose(form: ProfileForm) -> Purpose:
    """Return the purpose of the profile that is there whether or not a transaction runs."""
    return Purpose.TX_DEFAULT if form.purpose is Purpose.TX else form.purpose


def _backdating_s(clock_skew_s: float | None) -> float:
    if clock_skew_s is None:
        return UNKNOWN_CLOCK_S
    return BACKDATING_S + 2 * max(-clock_skew_s, 0.0)


def _can_lease(
    limit: Limit,
    form: ProfileForm,
    capabilities: Capabilities,
    clock_skew_s: float | None,
    lease: LeaseMechanism | None,
) -> bool:
    return (
        limit.lease_s is not None
        and limit.fallback_a < limit.limit_a
        and lease in possible_leases(form, capabilities)
        and clock_skew_s is not None
        and abs(clock_skew_s) <= limit.lease_s / 4
    )


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_unit(current_a: float, unit: RateUnit, phases: int) -> float:
    """Return a limit in the charger's unit, rounded down to a tenth of an ampere or a watt."""
    if unit is RateUnit.WATT:
        return float(math.floor(_unnoised(current_a * NOMINAL_VOLTAGE_V * phases)))
    return math.floor(_unnoised(current_a * 10)) / 10


def _unnoised(value: float) -> float:
    """Undo what binary fractions do to a product such as 6.3 times 10."""
    return round(value, 6)
