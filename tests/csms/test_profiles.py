"""Amperes to charging profiles."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.capabilities import Capabilities, Key, RateUnit, Setting
from custom_components.balanz.csms.profile_forms import (
    Kind,
    ProfileForm,
    Purpose,
    profile_forms,
)
from custom_components.balanz.csms.profiles import (
    LAPSE_MARGIN_S,
    Limit,
    charging_profile,
    lapses_after_s,
    starts_at,
)
from custom_components.balanz.csms.validation import Direction, check

from .client import check_call

NOW = datetime(2026, 3, 1, 12, 0, 0, 900_000, tzinfo=UTC)


def profile(
    limit: Limit,
    *,
    form: ProfileForm | None = None,
    capabilities: Capabilities | None = None,
    clock_skew_s: float | None = None,
    clock_lag_s: float = 0.0,
    now: datetime = NOW,
) -> dict[str, Any]:
    return charging_profile(
        limit,
        connector=2,
        form=form or profile_forms(capabilities or Capabilities(), None)[0],
        capabilities=capabilities or Capabilities(),
        clock_skew_s=clock_skew_s,
        clock_lag_s=clock_lag_s,
        now=now,
    )


def periods(result: dict[str, Any]) -> list[tuple[int, float]]:
    schedule = result["chargingSchedule"]
    return [(it["startPeriod"], it["limit"]) for it in schedule["chargingSchedulePeriod"]]


async def test_the_profile_of_a_charger_of_which_nothing_is_known() -> None:
    result = profile(Limit(limit_a=16.0, fallback_a=6.0, lease_s=900.0))

    assert result == {
        "chargingProfileId": 2,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2026-02-28T12:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
        },
    }
    payload = {"connectorId": 2, "csChargingProfiles": result}
    await check_call("SetChargingProfile", payload)


def test_a_lease_ends_in_the_fallback() -> None:
    capabilities = Capabilities(max_periods=2)

    result = profile(
        Limit(limit_a=16.0, fallback_a=6.0, lease_s=900.0),
        capabilities=capabilities,
        clock_skew_s=10.0,
    )

    assert result["chargingSchedule"]["startSchedule"] == "2026-03-01T11:59:00Z"
    assert periods(result) == [(0, 16.0), (60 + 900, 6.0)]


@pytest.mark.parametrize(
    ("limit", "max_periods", "clock_skew_s"),
    [
        pytest.param(Limit(limit_a=16, fallback_a=6), 2, 0.0, id="no-lease-wanted"),
        pytest.param(Limit(limit_a=16, fallback_a=6, lease_s=900), 1, 0.0, id="one-period"),
        pytest.param(Limit(limit_a=16, fallback_a=6, lease_s=900), None, 0.0, id="unknown"),
        pytest.param(Limit(limit_a=16, fallback_a=6, lease_s=900), 2, None, id="skew-unknown"),
        pytest.param(Limit(limit_a=16, fallback_a=6, lease_s=900), 2, -226.0, id="skew-large"),
        pytest.param(Limit(limit_a=6, fallback_a=6, lease_s=900), 2, 0.0, id="nothing-to-lose"),
        pytest.param(Limit(limit_a=0, fallback_a=6, lease_s=900), 2, 0.0, id="would-raise"),
    ],
)
def test_without_proof_a_limit_stays_for_ever(
    limit: Limit, max_periods: int | None, clock_skew_s: float | None
) -> None:
    result = profile(
        limit, capabilities=Capabilities(max_periods=max_periods), clock_skew_s=clock_skew_s
    )

    assert periods(result) == [(0, limit.limit_a)]


@pytest.mark.parametrize(
    ("limit_a", "skew_s", "after_s"),
    [
        (16.0, 0.0, 900.0 + LAPSE_MARGIN_S),
        (16.0, 30.0, 900.0 + LAPSE_MARGIN_S),
        (16.0, -30.0, 930.0 + LAPSE_MARGIN_S),
        (16.0, None, None),
        (6.0, None, LAPSE_MARGIN_S),
        (0.0, 0.0, LAPSE_MARGIN_S),
    ],
)
def test_a_limit_has_surely_lapsed_when_even_a_clock_behind_says_so(
    limit_a: float, skew_s: float | None, after_s: float | None
) -> None:
    limit = Limit(limit_a=limit_a, fallback_a=6.0, lease_s=900.0)
    told = lapses_after_s(
        limit, form=ProfileForm(), capabilities=Capabilities(max_periods=2), clock_skew_s=skew_s
    )

    assert told == after_s


def test_a_clock_that_nobody_knows_may_be_hours_behind() -> None:
    result = profile(Limit(limit_a=16.0, fallback_a=6.0), clock_skew_s=None)

    start = starts_at(result)
    assert start is not None
    assert start < NOW - timedelta(hours=23)


def test_a_clock_that_is_known_to_be_behind_gets_twice_that() -> None:
    result = profile(Limit(limit_a=16.0, fallback_a=6.0), clock_skew_s=-100.0)

    assert starts_at(result) == NOW.replace(microsecond=0) - timedelta(seconds=60 + 200)


def test_a_profile_starts_in_the_past_even_for_a_clock_that_is_days_behind() -> None:
    result = profile(Limit(limit_a=16.0, fallback_a=6.0), clock_lag_s=7 * 86_400.0)

    start = datetime.fromisoformat(result["chargingSchedule"]["startSchedule"])
    assert start < NOW - timedelta(days=7)


@pytest.mark.parametrize("clock_lag_s", [1.8e9, 6e10])
def test_a_clock_that_was_never_set_does_not_break_the_start(clock_lag_s: float) -> None:
    result = profile(Limit(limit_a=16.0, fallback_a=6.0), clock_lag_s=clock_lag_s)

    assert result["chargingSchedule"]["startSchedule"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("limit_a", "sent"), [(6.0, 6.0), (6.3, 6.3), (6.39, 6.3), (0.04, 0.0), (15.999, 15.9)]
)
def test_amperes_are_rounded_down_to_tenths(limit_a: float, sent: float) -> None:
    assert periods(profile(Limit(limit_a=limit_a, fallback_a=0.0))) == [(0, sent)]


def test_a_charger_that_takes_only_watts_gets_watts_of_its_phases() -> None:
    result = profile(
        Limit(limit_a=16.0, fallback_a=6.0, phases=3),
        capabilities=Capabilities(rate_unit=RateUnit.WATT),
    )

    assert result["chargingSchedule"]["chargingRateUnit"] == "W"
    assert periods(result) == [(0, 11040.0)]


@settings(deadline=None, derandomize=True, database=None)
@given(
    limit_a=st.floats(0, 500),
    fallback_a=st.floats(0, 63),
    lease_s=st.none() | st.floats(1, 3600),
    skew_s=st.none() | st.floats(-7e10, 3e11),
    unit=st.sampled_from(RateUnit),
    max_stack_level=st.none() | st.integers(0, 10**6),
)
def test_a_profile_is_always_valid_never_too_high_and_never_ends_in_no_limit(
    *,
    limit_a: float,
    fallback_a: float,
    lease_s: float | None,
    skew_s: float | None,
    unit: RateUnit,
    max_stack_level: int | None,
) -> None:
    result = profile(
        Limit(limit_a=limit_a, fallback_a=fallback_a, lease_s=lease_s),
        capabilities=Capabilities(rate_unit=unit, max_periods=2, max_stack_level=max_stack_level),
        clock_skew_s=skew_s,
        clock_lag_s=max(-(skew_s or 0.0), 0.0),
    )

    payload = {"connectorId": 2, "csChargingProfiles": result}
    assert check("SetChargingProfile", Direction.REQUEST, payload) is None
    highest = limit_a * (230 if unit is RateUnit.WATT else 1)
    assert all(limit <= highest + 1e-6 for _, limit in periods(result))
    assert periods(result)[0][0] == 0
    assert {"validTo", "validFrom"}.isdisjoint(result)
    assert "duration" not in result["chargingSchedule"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit_a": -1.0},
        {"limit_a": float("nan")},
        {"fallback_a": float("inf")},
        {"lease_s": -1.0},
        {"phases": 0},
    ],
)
def test_a_limit_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no c"):
        Limit(**{"limit_a": 6.0, "fallback_a": 0.0} | wrong)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("Current", RateUnit.AMPERE),
        ("A", RateUnit.AMPERE),
        ("Power,Current", RateUnit.AMPERE),
        ("Power", RateUnit.WATT),
        ("w", RateUnit.WATT),
        ("", None),
        ("hp", None),
    ],
)
def test_the_unit_is_understood_as_chargers_write_it(value: str, unit: RateUnit | None) -> None:
    configuration = {Key.RATE_UNIT: Setting(value=value, readonly=True)}

    assert Capabilities.from_settings(configuration).rate_unit is unit


def test_a_number_that_cannot_be_read_is_unknown() -> None:
    configuration = {
        Key.MAX_STACK_LEVEL: Setting(value="many", readonly=True),
        Key.MAX_PERIODS: Setting(value="-1", readonly=True),
    }

    assert Capabilities.from_settings(configuration) == Capabilities()


async def test_a_profile_that_counts_from_a_transaction_tells_no_time() -> None:
    relative = ProfileForm(stack_level=3, kind=Kind.RELATIVE)
    limit = Limit(limit_a=16.0, fallback_a=6.0, lease_s=900.0)
    can_lease = Capabilities(max_periods=2)

    result = profile(limit, form=relative, capabilities=can_lease, clock_skew_s=0.0)

    assert result["chargingProfileKind"] == "Relative"
    assert result["chargingSchedule"] == {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
    }
    assert starts_at(result) is None
    assert lapses_after_s(limit, form=relative, capabilities=can_lease, clock_skew_s=0.0) is None
    await check_call("SetChargingProfile", {"connectorId": 2, "csChargingProfiles": result})


async def test_a_limit_of_the_whole_charger_is_told_as_such() -> None:
    whole = ProfileForm(purpose=Purpose.CHARGE_POINT_MAX, whole_charger=True)
    result = profile(Limit(limit_a=16.0, fallback_a=6.0), form=whole)
    assert result["chargingProfilePurpose"] == "ChargePointMaxProfile"
    await check_call("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": result})
