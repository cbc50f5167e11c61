"""Two limits at one charger: a cap beside the other's profiles, or one profile merged of both."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.capabilities import Capabilities
from custom_components.balanz.csms.command_values import CommandStatus
from custom_components.balanz.csms.local_controller.bound import Place, upper_bounds
from custom_components.balanz.csms.local_controller.composition import (
    InstalledProfile,
    Lines,
    limit_at,
)
from custom_components.balanz.csms.local_controller.modes import (
    Mode,
    clears_to_forward,
    handed_over,
    may_cap,
    moved_id,
    set_to_forward,
    start_to_forward,
)
from custom_components.balanz.csms.local_controller.profile_store import ProfileStore
from custom_components.balanz.csms.profile_forms import Purpose, cap_forms, profile_forms
from custom_components.balanz.csms.profiles import own_profile_ids
from custom_components.balanz.csms.validation import Direction, check
from custom_components.balanz.csms.wording import ocpp_name
from simulator.profile_set import ProfileSet, merged
from simulator.profiles import Kind, Period, Profile, Schedule, Unit
from simulator.profiles import Purpose as SimulatedPurpose
from simulator.profiles import RunningTransaction as SimulatedTransaction

from .profiles import DEFAULT, MAX, NOON, TX, installed, later, profile, running, setting

UNKNOWN = Capabilities()
OWN_ID = own_profile_ids(1).standing
OF_CENTRAL = (
    installed(0, (0, 20.0), purpose=MAX, number=1),
    installed(1, (0, 10.0), purpose=DEFAULT, number=2),
    installed(1, (0, 8.0), purpose=TX, number=3, transactionId=7),
)


@pytest.mark.parametrize(
    ("capabilities", "connectors", "may"),
    [
        (UNKNOWN, 1, True),
        (Capabilities(max_profiles=2), 1, True),
        (Capabilities(max_profiles=1), 1, False),
        (UNKNOWN, 2, False),
        (UNKNOWN, None, False),
    ],
    ids=["one", "room for two", "room for one", "two", "unknown"],
)
def test_a_cap_is_for_one_connector_with_room(
    capabilities: Capabilities, connectors: int | None, may: bool
) -> None:
    assert may_cap(capabilities, connectors=connectors) is may


def test_a_cap_is_written_as_nothing_else() -> None:
    caps = cap_forms(Capabilities(max_stack_level=4))

    assert [(it.purpose, it.stack_level) for it in caps] == [
        (Purpose.CHARGE_POINT_MAX, 4),
        (Purpose.CHARGE_POINT_MAX, 0),
    ]


@pytest.mark.parametrize(
    ("told", "goes_on"),
    [
        (profile((0, 6), purpose=TX), True),
        (profile((0, 6), purpose=DEFAULT), True),
        (profile((0, 6.33), purpose=DEFAULT), True),
        (profile((0, 6), purpose=MAX), False),
        (profile((0, -1), purpose=TX), False),
        (profile((0, 1e300), purpose=TX), False),
        (profile((0, 6), purpose=TX) | {"chargingProfileId": None}, False),
        ("nothing", False),
    ],
    ids=["of a session", "for all", "digits", "cap", "below zero", "endless", "no id", "text"],
)
def test_in_a_cap_the_charger_is_sent_what_can_be_read_and_is_no_cap(
    told: Any, goes_on: bool
) -> None:
    assert (set_to_forward(setting(1, told)) is not None) is goes_on


@pytest.mark.parametrize(("limit", "told"), [(6.33, 6.3), (6.3, 6.3)])
def test_in_a_cap_the_charger_is_sent_limits_in_tenths(limit: float, told: float) -> None:
    asked = setting(1, profile((0, 6.0), (60, limit), vendor="field"))
    start = {"idTag": "TAG", "chargingProfile": profile((0, limit), purpose=TX)}

    assert set_to_forward(asked) == setting(1, profile((0, 6.0), (60, told), vendor="field"))
    assert start_to_forward(start) == {
        "idTag": "TAG",
        "chargingProfile": profile((0, told), purpose=TX),
    }


def test_in_a_cap_what_a_charger_can_read_goes_on_to_the_letter() -> None:
    asked = setting(1, profile((0, 6.1), (60, 7), purpose=TX))

    assert set_to_forward(asked) is asked


@pytest.mark.parametrize(("purpose", "goes_on"), [(TX, True), (DEFAULT, False)])
def test_in_a_cap_a_start_to_forward_with_a_profile_of_its_session(
    purpose: str, goes_on: bool
) -> None:
    start = {"idTag": "TAG", "chargingProfile": profile((0, 6), purpose=purpose)}

    assert (start_to_forward(start) is start) is goes_on


@pytest.mark.parametrize(
    ("asked", "forwarded"),
    [
        ({}, [{"chargingProfilePurpose": TX}, {"chargingProfilePurpose": DEFAULT}]),
        (
            {"stackLevel": 1},
            [
                {"stackLevel": 1, "chargingProfilePurpose": TX},
                {"stackLevel": 1, "chargingProfilePurpose": DEFAULT},
            ],
        ),
        ({"chargingProfilePurpose": TX}, [{"chargingProfilePurpose": TX}]),
        ({"chargingProfilePurpose": MAX}, []),
        ({"id": 1}, []),
        ({"id": 2}, [{"id": 2}]),
        ({"id": 99}, [{"id": 99}]),
    ],
)
def test_in_a_cap_only_what_cannot_match_the_own_profile_is_cleared(
    asked: dict[str, Any], forwarded: list[dict[str, Any]]
) -> None:
    assert list(clears_to_forward(asked, kept_here=[1])) == forwarded


criteria = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 5),
        "connectorId": st.integers(0, 2),
        "chargingProfilePurpose": st.sampled_from([MAX, DEFAULT, TX]),
        "stackLevel": st.integers(0, 3),
    },
)


@given(st.lists(criteria, max_size=4))
@settings(deadline=None)
def test_whatever_is_cleared_a_charger_keeps_its_cap(asked: list[dict[str, Any]]) -> None:
    own = Profile(
        id=OWN_ID,
        stack_level=2,
        purpose=SimulatedPurpose.CHARGE_POINT_MAX,
        kind=Kind.ABSOLUTE,
        schedule=Schedule(unit=Unit.A, periods=(Period(start_s=0, limit=6.0),), start=NOON),
    )
    charger = ProfileSet().with_profile(0, own)

    for payload in asked:
        for sent in clears_to_forward(payload, kept_here=[1]):
            assert check("ClearChargingProfile", Direction.REQUEST, sent) is None
            purpose = sent.get("chargingProfilePurpose")
            charger = charger.cleared(
                profile_id=moved_id(sent["id"]) if "id" in sent else None,
                connector_id=sent.get("connectorId"),
                purpose=None if purpose is None else SimulatedPurpose(purpose),
                stack_level=sent.get("stackLevel"),
            )

    assert [it.profile.id for it in charger.installed] == [OWN_ID]


@given(st.sets(st.integers(-5_000, 20_000), max_size=50))
def test_no_profile_of_another_gets_an_id_of_balanz_or_of_a_third(ids: set[int]) -> None:
    moved = [moved_id(it) for it in ids]

    assert not set(moved) & set(own_profile_ids(1))
    assert len(set(moved)) == len(ids)


def test_only_ids_that_are_in_the_way_are_moved() -> None:
    assert [moved_id(it) for it in (0, 2, 77, 1000, 1002)] == [0, 2, 77, 1000, 1002]


def test_a_charger_that_turns_to_a_cap_is_given_the_others_profiles_in_tenths() -> None:
    one = installed(1, (0, 10.33), purpose=DEFAULT, number=2)

    payload = handed_over(one)

    assert check("SetChargingProfile", Direction.REQUEST, payload) is None
    assert payload == setting(1, profile((0, 10.3), purpose=DEFAULT, number=2))


def in_simulator(charger: ProfileSet, connector: int, one: InstalledProfile) -> ProfileSet:
    it = one.profile
    periods = [Period(start_s=period.start_s, limit=period.limit) for period in it.periods]
    schedule = Schedule(
        unit=Unit(it.unit.value),
        periods=tuple(periods),
        start=it.starts_at,
        duration_s=it.duration_s,
    )
    return charger.with_profile(
        connector,
        Profile(
            id=it.id,
            stack_level=it.stack_level,
            purpose=SimulatedPurpose(ocpp_name(it.purpose)),
            kind=Kind(it.kind),
            schedule=schedule,
            transaction_id=it.transaction_id,
        ),
    )


@st.composite
def profiles_of_central(draw: st.DrawFn) -> InstalledProfile:
    purpose = draw(st.sampled_from([MAX, DEFAULT, TX]))
    later_limits = draw(
        st.dictionaries(st.integers(1, 90), st.integers(0, 20).map(float), max_size=2)
    )
    return installed(
        0 if purpose == MAX else 1,
        (0, float(draw(st.integers(0, 20)))),
        *sorted(later_limits.items()),
        purpose=purpose,
        number=draw(st.integers(1, 5)),
        level=draw(st.integers(0, 2)),
        start=draw(st.integers(-20, 60)),
        duration=draw(st.none() | st.integers(1, 90)),
        transactionId=7,
    )


@given(
    st.lists(profiles_of_central(), max_size=6),
    st.sampled_from(Mode),
    st.sampled_from([0.0, 6.0, 10.0, 16.0]),
)
@settings(max_examples=200, deadline=None)
def test_in_both_modes_a_charger_never_gets_more_than_either_allows(
    wanted: list[InstalledProfile], mode: Mode, allocation_a: float
) -> None:
    store, charger = ProfileStore(), ProfileSet()
    store.transaction_started(1, running(7), id_tag="TAG", now=NOON)
    for one in wanted:
        asked = setting(one.connector, one.profile.as_v16())
        assert store.set_profile(asked, NOON).status is CommandStatus.ACCEPTED
        if mode is Mode.CAP and set_to_forward(asked) is not None:
            moved = replace(one, profile=replace(one.profile, id=moved_id(one.profile.id)))
            charger = in_simulator(charger, one.connector, moved)
    form = (cap_forms if mode is Mode.CAP else partial(profile_forms, connectors=1))(UNKNOWN)[0]

    rewritten_at = NOON
    for second in range(120):
        now = later(second)
        if now >= rewritten_at:
            found = upper_bounds(store.profiles, store.transactions, {1: Place()}, now)[1]
            own = installed(
                0 if form.whole_charger else 1,
                (0, found.keeps(allocation_a)),
                purpose=form.purpose.value,
                number=OWN_ID,
                level=2,
            )
            charger = in_simulator(charger, own.connector, own)
            rewritten_at = found.until or later(10_000)
        given_a = merged(
            charger.connector_limit(1, now, SimulatedTransaction(id=7, started=NOON), phases=3),
            charger.charger_limit(now, phases=3),
        )
        theirs = limit_at(store.profiles, 1, now, transaction=running(7), lines=Lines()).limit_a
        assert given_a is not None
        assert given_a.limit_a <= min(allocation_a, 99.0 if theirs is None else theirs)
