"""A charger that refuses a form is told the limit in another one."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.profile_forms import (
    MOST_TRIES,
    FormSearch,
    Kind,
    ProfileForm,
    Purpose,
    profile_forms,
)
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.station import LimitAnswer, Station

from .client import RawCharger, wait_until
from .conftest import Bench, Dial

LEVELS_TO_8 = tuple(ProfileForm(stack_level=level) for level in (8, 7, 1, 0))
OF_TRANSACTION = (ProfileForm(stack_level=8, purpose=Purpose.TX),)
RELATIVE = tuple(ProfileForm(stack_level=level, kind=Kind.RELATIVE) for level in (8, 0))
UP_TO_8 = Capabilities(max_stack_level=8, rate_unit=RateUnit.AMPERE)


def limit(limit_a: float) -> Limit:
    return Limit(limit_a=limit_a, fallback_a=6.0)


def test_the_default_of_the_connector_is_tried_from_the_highest_stack_level_down() -> None:
    assert profile_forms(UP_TO_8, 2) == (*LEVELS_TO_8, *RELATIVE, *OF_TRANSACTION)


def test_the_whole_charger_is_limited_only_where_it_is_one_connector() -> None:
    more = profile_forms(UP_TO_8, 1)[len(LEVELS_TO_8) + len(RELATIVE) + 1 :]
    assert {form.purpose for form in more} == {Purpose.TX_DEFAULT, Purpose.CHARGE_POINT_MAX}
    assert all(form.whole_charger for form in more)
    for connectors in (None, 2):
        assert not any(form.whole_charger for form in profile_forms(UP_TO_8, connectors))


@given(st.none() | st.integers(0, 10_000), st.none() | st.integers(1, 16))
def test_no_form_is_tried_twice_and_not_too_many_are(
    highest: int | None, connectors: int | None
) -> None:
    forms = profile_forms(Capabilities(max_stack_level=highest), connectors)
    search = FormSearch()
    tried = []
    while True:
        form = search.form(forms)
        tried.append(form)
        search.refused(form, forms)
        if not search.tries_another:
            break
    assert tried == list(forms)
    assert len(tried) == len(set(tried)) <= MOST_TRIES
    assert search.form(forms) == forms[0]


def test_a_form_that_was_taken_outlasts_a_refusal() -> None:
    search = FormSearch()
    search.refused(LEVELS_TO_8[0], LEVELS_TO_8)
    assert search.took(LEVELS_TO_8[1], LEVELS_TO_8)
    search.refused(LEVELS_TO_8[1], LEVELS_TO_8)
    assert not search.tries_another
    assert search.form(LEVELS_TO_8) == LEVELS_TO_8[1]
    assert not search.took(LEVELS_TO_8[1], LEVELS_TO_8)


def test_what_was_taken_before_is_tried_first_after_a_boot() -> None:
    search = FormSearch()
    search.known = RELATIVE[1]
    forms = profile_forms(UP_TO_8, 2)
    assert search.form(forms) == RELATIVE[1]
    search.refused(RELATIVE[1], forms)
    assert search.tries_another
    assert search.form(forms) == LEVELS_TO_8[0]
    search.restart()
    assert search.form(forms) == RELATIVE[1]


def test_silence_is_no_reason_to_doubt_what_was_taken_before() -> None:
    search = FormSearch()
    forms = profile_forms(UP_TO_8, 2)
    search.unanswered(LEVELS_TO_8[0], forms)
    assert search.form(forms) == LEVELS_TO_8[1]

    search.known = RELATIVE[1]
    search.restart()
    search.unanswered(RELATIVE[1], forms)
    assert search.form(forms) == RELATIVE[1]


def test_an_answer_to_what_is_no_longer_tried_counts_for_nothing() -> None:
    search = FormSearch()
    late = ProfileForm(stack_level=0)
    assert not search.took(late, LEVELS_TO_8)
    search.refused(late, LEVELS_TO_8)
    assert search.form(LEVELS_TO_8) == LEVELS_TO_8[0]


@pytest.mark.parametrize("form", [*LEVELS_TO_8, *RELATIVE, *profile_forms(UP_TO_8, 1)])
def test_a_form_reads_back_as_it_was(form: ProfileForm) -> None:
    assert ProfileForm.from_record(form.as_record()) == form


@pytest.fixture
async def station(central: Bench, charger: RawCharger) -> Station:
    """CP1 with stack levels up to 8, after its interview."""
    station = central.stations["CP1"]
    await wait_until(lambda: len(charger.received("TriggerMessage")) >= 2 and not station.busy)
    station.learn(UP_TO_8)
    charger.calls.clear()
    return station


def told(charger: RawCharger) -> list[tuple[int, float]]:
    """Return the stack levels and limits that a charger was told."""
    return [
        (it["stackLevel"], it["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"])
        for it in (
            payload["csChargingProfiles"] for payload in charger.received("SetChargingProfile")
        )
    ]


@pytest.mark.parametrize("reply", [{"status": "Rejected"}, {"status": "Odd"}, None])
async def test_each_try_carries_the_limit_that_is_due(
    station: Station, charger: RawCharger, reply: Any
) -> None:
    charger.answers["SetChargingProfile"] = reply
    for limit_a in (16.0, 10.0):
        await station.set_limit(1, limit(limit_a), urgent=False)
        assert station.tries_another_form
    charger.answers["SetChargingProfile"] = {"status": "Accepted"}
    for limit_a in (6.0, 8.0):
        assert await station.set_limit(1, limit(limit_a), urgent=True) is LimitAnswer.ACCEPTED
        assert not station.tries_another_form
    assert told(charger) == [(8, 16.0), (7, 10.0), (1, 6.0), (1, 8.0)]


async def test_a_lost_line_says_nothing_of_a_form(station: Station, charger: RawCharger) -> None:
    charger.answers["SetChargingProfile"] = None
    writing = asyncio.create_task(station.set_limit(1, limit(16.0), urgent=False))
    await wait_until(lambda: charger.held)
    await charger.close()
    assert await writing is LimitAnswer.TIMED_OUT
    assert not station.tries_another_form


async def test_a_limit_of_the_whole_charger_is_set_at_connector_0(
    station: Station, charger: RawCharger
) -> None:
    station.count_connectors(1)
    charger.answers["SetChargingProfile"] = {"status": "NotSupported"}
    while True:
        await station.set_limit(1, limit(16.0), urgent=False)
        if not station.tries_another_form:
            break
    sent = charger.received("SetChargingProfile")
    assert [payload["connectorId"] for payload in sent] == [1] * 7 + [0] * 4
    assert sent[-1]["csChargingProfiles"]["chargingProfilePurpose"] == "ChargePointMaxProfile"
    assert {payload["csChargingProfiles"]["chargingProfileId"] for payload in sent} == {1}


async def test_the_search_begins_anew_after_a_boot(
    station: Station, charger: RawCharger, dial: Dial
) -> None:
    charger.answers["SetChargingProfile"] = {"status": "Rejected"}
    await station.set_limit(1, limit(16.0), urgent=False)
    again = await dial()
    await again.boot()
    await wait_until(lambda: station.ready)
    await station.set_limit(1, limit(16.0), urgent=True)
    assert told(again) == [(8, 16.0)]
