"""Sets of profiles, and what they allow at a moment, worked out without any thought of speed."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from custom_components.balanz.csms.capabilities import RateUnit
from custom_components.balanz.csms.charging_profile import ChargingProfile
from custom_components.balanz.csms.command_values import ProfilePurpose, SchedulePeriod
from custom_components.balanz.csms.local_controller.composition import (
    InstalledProfile,
    Lines,
    RunningTransaction,
)

from .profiles import DEFAULT, MAX, TX, installed, running, stamp

DAY_S = 86_400
SECONDS = 150
"""How long a moment's set of profiles is looked at."""
offsets = st.integers(-20, SECONDS + 20)
limits_a = st.integers(0, 5).map(float)
sometimes = st.none() | st.none() | offsets


@st.composite
def profiles_installed(draw: st.DrawFn) -> InstalledProfile:
    purpose = draw(st.sampled_from([MAX, DEFAULT, TX]))
    kind = draw(st.sampled_from(["Absolute", "Absolute", "Recurring", "Relative"]))
    starts = sorted(draw(st.sets(st.integers(1, 100), max_size=3)))
    unit = draw(st.sampled_from(["A", "W"]))
    periods = []
    for start in [0, *starts]:
        limit = draw(limits_a) * (1 if unit == "A" else 690)
        phases = draw(st.sampled_from([None, None, 1, 3]))
        periods.append((start, limit) if phases is None else (start, limit, phases))
    fields: dict[str, Any] = {}
    begins: float | None = draw(offsets)
    if kind == "Recurring":
        fields["recurrencyKind"] = draw(st.sampled_from(["Daily", "Weekly"]))
        begins = draw(offsets) - draw(st.integers(0, 15)) * DAY_S
        if draw(st.booleans()):
            # Its last period begins just before the next round does.
            periods.append((DAY_S - draw(st.integers(1, 40)), draw(limits_a)))
    elif draw(st.integers(0, 4)) == 0:
        begins = None
    for name in ("validFrom", "validTo"):
        if (second := draw(sometimes)) is not None:
            fields[name] = stamp(second)
    if fields.get("validFrom", "") >= fields.get("validTo", "a"):
        del fields["validFrom"]
    if purpose == TX:
        fields["transactionId"] = draw(st.sampled_from([None, 7, 7, 8]))
    return installed(
        0 if purpose == MAX else draw(st.integers(1 if purpose == TX else 0, 2)),
        *periods,
        purpose=purpose,
        kind=kind,
        level=draw(st.integers(0, 3)),
        unit=unit,
        start=begins,
        duration=draw(st.none() | st.integers(1, 130) | st.just(DAY_S + 30)),
        **fields,
    )


def unique(profiles: list[InstalledProfile]) -> list[InstalledProfile]:
    """Only one of each purpose and stack level at a place, as a charger keeps them."""
    by_place = {(it.connector, it.profile.purpose, it.profile.stack_level): it for it in profiles}
    return list(by_place.values())


sets = st.lists(profiles_installed(), max_size=6).map(unique)
transactions = st.none() | st.integers(-20, SECONDS).map(lambda second: running(7, second))
lines_of_chargers = st.builds(Lines, wired=st.integers(1, 3), in_use=st.none() | st.integers(1, 3))


def plain_period(
    it: ChargingProfile, start: datetime | None, moment: datetime
) -> SchedulePeriod | None:
    """The period of a profile at a moment, as one would read it aloud."""
    if it.valid_from is not None and moment < it.valid_from:
        return None
    if it.valid_to is not None and moment >= it.valid_to:
        return None
    if start is None or moment < start:
        return None
    while it.recurrency == "Daily" and moment - start >= timedelta(days=1):
        start += timedelta(days=1)
    while it.recurrency == "Weekly" and moment - start >= timedelta(days=7):
        start += timedelta(days=7)
    elapsed_s = (moment - start).total_seconds()
    if it.duration_s is not None and elapsed_s >= it.duration_s:
        return None
    return max(
        (period for period in it.periods if period.start_s <= elapsed_s),
        key=lambda period: period.start_s,
    )


def plain_limit(
    profiles: list[InstalledProfile],
    connector: int,
    moment: datetime,
    transaction: RunningTransaction | None,
    lines: Lines,
) -> tuple[float | None, int | None]:
    """What is allowed at a moment, without any thought of speed."""

    def winner(purpose: ProfilePurpose, place: int) -> tuple[float, int | None] | None:
        found: list[tuple[int, float, int | None]] = []
        for one in profiles:
            it = one.profile
            if one.connector != place or it.purpose is not purpose:
                continue
            if it.transaction_id is not None and (
                transaction is None or it.transaction_id != transaction.id
            ):
                continue
            start = None if it.kind == "Relative" else it.starts_at
            if start is None:
                if purpose is ProfilePurpose.CHARGE_POINT_MAX:
                    start = one.installed_at
                elif transaction is None:
                    start = moment
                else:
                    # It runs, whatever the clocks say.
                    start = min(transaction.started_at, moment)
            period = plain_period(it, start, moment)
            if period is not None:
                found.append(in_amperes(it, period))
        if not found:
            return None
        _, limit_a, phases = max(found, key=lambda entry: entry[0])
        return limit_a, phases

    def in_amperes(it: ChargingProfile, period: SchedulePeriod) -> tuple[int, float, int | None]:
        limit_a = period.limit
        if it.unit is RateUnit.WATT:
            limit_a /= 230 * (lines.in_use or min(period.phases or 3, lines.wired))
        return it.stack_level, limit_a, period.phases

    own = None
    if connector:
        if transaction is not None:
            own = winner(ProfilePurpose.TX, connector)
        own = own or winner(ProfilePurpose.TX_DEFAULT, connector)
        own = own or winner(ProfilePurpose.TX_DEFAULT, 0)
    cap = winner(ProfilePurpose.CHARGE_POINT_MAX, 0)
    found = [it for it in (own, cap) if it is not None]
    if not found:
        return None, None
    phases = [it[1] for it in found if it[1] is not None]
    return min(it[0] for it in found), min(phases, default=None)
