"""Two limits at one charger: a cap beside the other's profiles, or one profile merged of both."""

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
    choose_mode,
    clears_to_forward,
    composite_is_forwarded,
    hand_over,
    own_forms,
    own_profile_id,
    set_to_forward,
    start_to_forward,
)
from custom_components.balanz.csms.local_controller.profile_store import ProfileStore
from custom_components.balanz.csms.profile_forms import Purpose, profile_forms
from custom_components.balanz.csms.validation import Direction, check
from custom_components.balanz.csms.wording import ocpp_name
from simulator.profile_set import ProfileSet, merged
from simulator.profiles import Kind, Period, Profile, Schedule, Unit
from simulator.profiles import Purpose as SimulatedPurpose
from simulator.profiles import RunningTransaction as SimulatedTransaction

from .profiles import DEFAULT, MAX, NOON, TX, installed, later, profile, running, setting

UNKNOWN = Capabilities()
OWN_ID = 77
OF_CENTRAL = (
    installed(0, (0, 20.0), purpose=MAX, number=1),
    installed(1, (0, 10.0), purpose=DEFAULT, number=2),
    installed(1, (0, 8.0), purpose=TX, number=3, transactionId=7),
)


@pytest.mark.parametrize(
    ("capabilities", "connectors", "proven", "mode"),
    [
        (UNKNOWN, 1, True, Mode.CAP),
        (Capabilities(max_profiles=2), 1, True, Mode.CAP),
        (Capabilities(max_profiles=1), 1, True, Mode.MERGE),
        (UNKNOWN, 2, True, Mode.MERGE),
        (UNKNOWN, None, True, Mode.MERGE),
        (UNKNOWN, 1, False, Mode.MERGE),
    ],
)
def test_a_cap_is_for_one_connector_that_has_room_and_was_seen_to_keep_it(
    capabilities: Capabilities, connectors: int | None, proven: bool, mode: Mode
) -> None:
    assert choose_mode(capabilities, connectors=connectors, cap_is_proven=proven) is mode


def test_a_cap_is_written_as_nothing_else_and_a_merge_in_any_form() -> None:
    capabilities = Capabilities(max_stack_level=4)
    caps = own_forms(Mode.CAP, capabilities, 1)

    assert [(it.purpose, it.stack_level) for it in caps] == [
        (Purpose.CHARGE_POINT_MAX, 4),
        (Purpose.CHARGE_POINT_MAX, 0),
    ]
    assert own_forms(Mode.MERGE, capabilities, 1) == list(profile_forms(capabilities, 1))


def test_in_a_cap_profiles_of_transactions_go_on_untouched_and_caps_do_not() -> None:
    for purpose, goes_on in ((TX, True), (DEFAULT, True), (MAX, False)):
        asked = setting(1, profile((0, 6), purpose=purpose))
        assert (set_to_forward(Mode.CAP, asked) is asked) is goes_on
        assert set_to_forward(Mode.MERGE, asked) is None
    assert set_to_forward(Mode.CAP, setting(1, "nothing")) is None


def test_in_a_merge_a_start_goes_on_without_its_profile() -> None:
    start = {"connectorId": 1, "idTag": "TAG", "chargingProfile": profile((0, 6), purpose=TX)}

    assert start_to_forward(Mode.MERGE, start) == {"connectorId": 1, "idTag": "TAG"}
    assert start_to_forward(Mode.CAP, start) is start


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
        ({"id": OWN_ID}, []),
    ],
)
def test_in_a_cap_only_what_cannot_match_the_own_profile_is_cleared(
    asked: dict[str, Any], forwarded: list[dict[str, Any]]
) -> None:
    found = clears_to_forward(Mode.CAP, asked, profiles=OF_CENTRAL, own_ids=[OWN_ID])

    assert list(found) == forwarded
    assert clears_to_forward(Mode.MERGE, asked, profiles=OF_CENTRAL, own_ids=[OWN_ID]) == ()


criteria = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 5) | st.just(OWN_ID),
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
        for sent in clears_to_forward(Mode.CAP, payload, profiles=OF_CENTRAL, own_ids=[OWN_ID]):
            assert check("ClearChargingProfile", Direction.REQUEST, sent) is None
            purpose = sent.get("chargingProfilePurpose")
            charger = charger.cleared(
                profile_id=sent.get("id"),
                connector_id=sent.get("connectorId"),
                purpose=None if purpose is None else SimulatedPurpose(purpose),
                stack_level=sent.get("stackLevel"),
            )

    assert [it.profile.id for it in charger.installed] == [OWN_ID]


def test_the_own_profile_gives_way_to_an_id_that_is_used() -> None:
    assert own_profile_id(7, OF_CENTRAL) == 7
    assert own_profile_id(2, OF_CENTRAL) == 4
    assert own_profile_id(1, OF_CENTRAL[1:]) == 1


def test_only_in_a_cap_the_charger_knows_what_a_car_gets() -> None:
    assert composite_is_forwarded(Mode.CAP)
    assert not composite_is_forwarded(Mode.MERGE)


def test_a_charger_that_turns_to_a_merge_loses_the_others_profiles_but_not_the_own() -> None:
    assert hand_over(Mode.MERGE, OF_CENTRAL, own_ids=[3]) == (("ClearChargingProfile", {"id": 2}),)


def test_a_charger_that_turns_to_a_cap_is_given_the_others_profiles() -> None:
    calls = hand_over(Mode.CAP, OF_CENTRAL, own_ids=[OWN_ID])

    charger = ProfileStore()
    charger.transaction_started(1, running(7), id_tag="TAG", now=NOON)
    for action, payload in calls:
        assert check(action, Direction.REQUEST, payload) is None
        charger.set_profile(payload, NOON)
    assert charger.profiles == OF_CENTRAL[1:]


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
        if set_to_forward(mode, asked) is not None:
            charger = in_simulator(charger, one.connector, one)
    form = own_forms(mode, UNKNOWN, 1)[0]
    own_id = own_profile_id(1, store.profiles)

    rewritten_at = NOON
    for second in range(120):
        now = later(second)
        if now >= rewritten_at:
            found = upper_bounds(store.profiles, store.transactions, {1: Place()}, now)[1]
            own = installed(
                0 if form.whole_charger else 1,
                (0, found.keeps(allocation_a)),
                purpose=form.purpose.value,
                number=own_id,
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
