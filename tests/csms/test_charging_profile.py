"""Charging profiles that users write: read strictly, sent as they were written."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.charging_profile import ProfileError, parse_charging_profile
from custom_components.balanz.csms.validation import Direction, check

FULL: dict[str, Any] = {
    "chargingProfileId": 7,
    "transactionId": 4,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-03-01T12:00:00Z",
    "validTo": "2026-03-02T12:00:00Z",
    "chargingSchedule": {
        "duration": 600,
        "startSchedule": "2026-03-01T12:00:00Z",
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 11000.0, "numberPhases": 3},
            {"startPeriod": 60, "limit": 2300.0, "numberPhases": 1},
        ],
        "minChargingRate": 1380.0,
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """FULL with one field of another value, or without it."""
    profile = copy.deepcopy(FULL)
    *way, last = path.split("/")
    place: Any = profile
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return profile


def test_a_profile_with_everything_is_sent_as_it_was_written() -> None:
    sent = parse_charging_profile(FULL).as_v16()

    assert sent == FULL
    assert list(sent) == list(FULL)
    payload = {"connectorId": 1, "csChargingProfiles": sent}
    assert check("SetChargingProfile", Direction.REQUEST, payload) is None


def test_watts_may_all_go_through_one_line() -> None:
    assert parse_charging_profile(FULL).largest_a == pytest.approx(11000 / 230)


PERIODS = "chargingSchedule/chargingSchedulePeriod"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("chargingProfileId", None, "chargingProfileId is missing"),
        ("chargingProfileId", "7", "chargingProfileId must be a whole number"),
        ("chargingProfileId", True, "chargingProfileId must be a whole number"),
        ("stackLevel", -1, "stackLevel must be a whole number from 0"),
        ("chargingProfilePurpose", "TxDefaultProfile", "only a TxProfile has a transactionId"),
        ("chargingProfilePurpose", "Other", "chargingProfilePurpose must be one of"),
        ("chargingProfileKind", "Relative", "no startSchedule"),
        ("chargingProfileKind", "Absolute", "recurrencyKind belongs to"),
        ("recurrencyKind", None, "recurrencyKind belongs to"),
        ("validFrom", "2026-03-01T12:00:00", "validFrom must be a time with its time zone"),
        ("validTo", "soon", "validTo must be a time with its time zone"),
        ("chargingSchedule", [], "chargingSchedule must be an object"),
        ("chargingSchedule/chargingRateUnit", "kW", "chargingRateUnit must be one of A, W"),
        ("chargingSchedule/more", 1, "chargingSchedule has no more"),
        ("more", 1, "the profile has no more"),
        (PERIODS, {}, "chargingSchedulePeriod must be a list"),
        (PERIODS, [], "the first period must start at 0"),
        (PERIODS, [5], "a period must be an object"),
        (f"{PERIODS}/0/startPeriod", 1, "the first period must start at 0"),
        (f"{PERIODS}/0/startPeriod", 60, "the first period must start at 0"),
        (f"{PERIODS}/1/startPeriod", 0, "the periods must follow each other"),
        (f"{PERIODS}/0/limit", -1, "limit must be a number of at least 0"),
        (f"{PERIODS}/0/limit", float("nan"), "limit must be a number of at least 0"),
        (f"{PERIODS}/0/limit", 6.25, "limit must have one decimal at the most"),
        (f"{PERIODS}/0/numberPhases", 4, "numberPhases must be a whole number from 1 to 3"),
        (f"{PERIODS}/0/more", 1, "a period has no more"),
        (
            PERIODS,
            [{"startPeriod": second, "limit": 6.0} for second in range(101)],
            "more than 100 periods",
        ),
    ],
)
def test_what_is_wrong_with_a_profile_is_told(path: str, value: Any, told: str) -> None:
    with pytest.raises(ProfileError, match=told):
        parse_charging_profile(changed(path, value))


@given(limit=st.integers(min_value=0, max_value=100_000).map(lambda tenths: tenths / 10))
def test_each_limit_with_one_decimal_fits_the_schema(limit: float) -> None:
    sent = parse_charging_profile(changed(f"{PERIODS}/0/limit", limit)).as_v16()

    payload = {"connectorId": 1, "csChargingProfiles": sent}
    assert check("SetChargingProfile", Direction.REQUEST, payload) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(FULL)), inner, max_size=9)
        ),
    )
)
def test_whatever_is_no_profile_is_refused_and_nothing_else_happens(raw: Any) -> None:
    with pytest.raises(ProfileError):
        parse_charging_profile(raw)
