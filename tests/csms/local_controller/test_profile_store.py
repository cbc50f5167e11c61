"""To another central system it is as if the charger held its profiles."""

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.capabilities import Capabilities, Key, RateUnit
from custom_components.balanz.csms.charging_profile import ProfileError
from custom_components.balanz.csms.command_values import CommandStatus
from custom_components.balanz.csms.local_controller.composite_answer import InForce
from custom_components.balanz.csms.local_controller.composition import Lines
from custom_components.balanz.csms.local_controller.profile_reading import read_profile
from custom_components.balanz.csms.local_controller.profile_records import StoreDamaged
from custom_components.balanz.csms.local_controller.profile_store import (
    ProfileLimits,
    ProfileStore,
)
from custom_components.balanz.csms.rpc_errors import CallError
from custom_components.balanz.csms.validation import Direction, check

from .profiles import DEFAULT, MAX, NOON, TX, later, profile, running, setting, stamp

ACCEPTED = CommandStatus.ACCEPTED
REJECTED = CommandStatus.REJECTED
UNKNOWN = CommandStatus.UNKNOWN


def charging_store(connector: int = 1, transaction_id: int | None = 7) -> ProfileStore:
    """A store of a charger with two connectors, of which one charges."""
    store = ProfileStore(connectors=2)
    store.transaction_started(connector, running(transaction_id), id_tag="TAG", now=NOON)
    return store


def install(store: ProfileStore, connector: int, raw: Any) -> CommandStatus:
    return store.set_profile(setting(connector, raw), NOON).status


def ids(store: ProfileStore) -> list[int]:
    return [it.profile.id for it in store.profiles]


# SetChargingProfile


@pytest.mark.parametrize(
    ("connector", "raw", "status", "reason"),
    [
        (0, profile((0, 6), purpose=MAX), ACCEPTED, ""),
        (1, profile((0, 6), purpose=MAX), REJECTED, "belongs to connector 0"),
        (0, profile((0, 6)), ACCEPTED, ""),
        (2, profile((0, 6)), ACCEPTED, ""),
        (0, profile((0, 6), purpose=TX, transactionId=7), REJECTED, "belongs to a connector"),
        (1, profile((0, 6), purpose=TX, transactionId=7), ACCEPTED, ""),
        (1, profile((0, 6), purpose=TX), ACCEPTED, ""),
        (1, profile((0, 6), purpose=TX, transactionId=8), REJECTED, "another transaction"),
        (2, profile((0, 6), purpose=TX, transactionId=7), REJECTED, "needs a transaction"),
        (1, profile((0, 6), level=8), ACCEPTED, ""),
        (1, profile((0, 6), level=9), REJECTED, "stackLevel is above 8"),
        (1, profile(*((it, 6) for it in range(24))), ACCEPTED, ""),
        (1, profile(*((it, 6) for it in range(25))), REJECTED, "more than 24 periods"),
    ],
)
def test_a_profile_is_taken_where_a_charger_would_take_it(
    connector: int, raw: Any, status: CommandStatus, reason: str
) -> None:
    store = charging_store()

    answer = store.set_profile(setting(connector, raw), NOON)

    assert answer.status is status
    assert reason in answer.reason
    assert len(store.profiles) == (1 if status is ACCEPTED else 0)
    assert check("SetChargingProfile", Direction.RESPONSE, answer.as_v16()) is None


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"chargingSchedule": None}, "must be an object"),
    ({"chargingProfileId": 2**40}, "chargingProfileId must be"),
    ({"stackLevel": -1}, "stackLevel must be"),
    ({"chargingProfilePurpose": ["TxProfile"]}, "chargingProfilePurpose must be one of"),
    ({"chargingProfileKind": "Dynamic"}, "chargingProfileKind must be one of"),
    ({"chargingProfileKind": "Recurring"}, "recurrencyKind must be one of"),
    ({"validFrom": "0001-01-01T00:00:00+14:00"}, "validFrom must be a time"),
    ({"validFrom": "soon"}, "validFrom must be a time"),
    ({"validFrom": stamp(5), "validTo": stamp(5)}, "validTo must come after validFrom"),
    ({"chargingProfilePurpose": "TxProfile", "transactionId": "x"}, "transactionId must be"),
]
HOSTILE_SCHEDULES: list[tuple[dict[str, Any], str]] = [
    ({"duration": 0}, "a schedule of 0 s is none"),
    ({"duration": -5}, "duration must be"),
    ({"duration": 2**60}, "duration must be"),
    ({"chargingRateUnit": "kW"}, "chargingRateUnit must be one of"),
    ({"minChargingRate": "a lot"}, "minChargingRate must be a number"),
    ({"chargingSchedulePeriod": {}}, "must be a list"),
    ({"chargingSchedulePeriod": []}, "first period must start at 0"),
    ({"chargingSchedulePeriod": [5]}, "a period must be an object"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}] * 2}, "follow each other"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}] * 99_999}, "more than 100"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": -1}]}, "limit must be a number"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": float("nan")}]}, "limit must be"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": float("inf")}]}, "limit must be"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10**400}]}, "limit must be"),
    ({"chargingSchedulePeriod": [{"startPeriod": 0}]}, "limit must be"),
    (
        {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6, "numberPhases": 4}]},
        "numberPhases must be from 1 to 3",
    ),
]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        *((profile((0, 6)) | fields, reason) for fields, reason in HOSTILE),
        *(
            (
                profile((0, 6))
                | {"chargingSchedule": profile((0, 6))["chargingSchedule"] | fields},
                reason,
            )
            for fields, reason in HOSTILE_SCHEDULES
        ),
        (None, "csChargingProfiles must be an object"),
        (
            profile((0, 6), kind="Recurring", recurrencyKind="Daily", start=None),
            "a Recurring profile needs a startSchedule",
        ),
    ],
)
def test_what_no_charger_could_follow_is_refused_and_told_and_the_old_profile_stays(
    raw: Any, reason: str
) -> None:
    store = charging_store()
    install(store, 1, profile((0, 10)))

    answer = store.set_profile(setting(1, raw), NOON)

    assert answer.status is REJECTED
    assert reason in answer.reason
    assert store.profiles[0].profile.periods[0].limit == 10


def test_fields_that_mean_nothing_beside_the_others_do_no_harm() -> None:
    default = read_profile(profile((0, 6), transactionId=3, recurrencyKind="Daily"))
    relative = profile((0, 6), kind="Relative")
    relative["chargingSchedule"]["startSchedule"] = stamp(0)

    assert (default.transaction_id, default.recurrency) == (None, None)
    assert read_profile(relative).starts_at is None


def test_numbers_as_text_and_times_without_zone_are_understood() -> None:
    raw = profile((0, 6), validTo="2026-03-02T13:00:00")
    raw["stackLevel"] = " 2 "
    raw["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = "16.5"

    read = read_profile(raw)

    assert (read.stack_level, read.periods[0].limit, read.valid_to) == (2, 16.5, later(3600))


def test_a_limit_beyond_all_chargers_is_as_good_as_none() -> None:
    assert read_profile(profile((0, 1e300))).periods[0].limit == 1_000_000


@pytest.mark.parametrize("connector", [-1, 3, 2**40])
def test_a_connector_that_is_not_there_is_an_error(connector: int) -> None:
    with pytest.raises(CallError):
        install(charging_store(), connector, profile((0, 6)))


def test_a_charger_without_smart_charging_says_so() -> None:
    store = ProfileStore(limits=ProfileLimits(max_profiles=0))

    assert install(store, 1, profile((0, 6))) is CommandStatus.NOT_SUPPORTED
    start = {"idTag": "TAG", "chargingProfile": profile((0, 6), purpose=TX)}
    assert store.remote_start(start, NOON).status is REJECTED


def test_the_same_id_replaces_wherever_it_was() -> None:
    store = charging_store()
    install(store, 0, profile((0, 6), number=4))

    install(store, 1, profile((0, 10), purpose=TX, level=3, number=4))

    assert [(it.connector, it.profile.purpose.name) for it in store.profiles] == [(1, "TX")]


def test_the_same_purpose_and_stack_level_replaces_at_the_same_connector() -> None:
    store = charging_store()
    for number, (connector, level) in enumerate([(1, 0), (1, 0), (1, 1), (2, 0), (0, 0)]):
        install(store, connector, profile((0, 6), number=number, level=level))

    assert ids(store) == [1, 2, 3, 4]


def test_no_more_profiles_are_taken_than_fit_but_they_can_be_replaced() -> None:
    store = ProfileStore(limits=ProfileLimits(max_profiles=2))
    statuses = [install(store, 1, profile((0, 6), number=it, level=it)) for it in (1, 2, 3, 2)]

    assert statuses == [ACCEPTED, ACCEPTED, REJECTED, ACCEPTED]


def test_endless_profiles_never_fill_the_memory() -> None:
    store = charging_store()
    for number in range(5_000):
        install(store, number % 3, profile((0, 6), number=number, level=number % 9))
        start = {"idTag": f"{number}", "chargingProfile": profile((0, 6), purpose=TX)}
        store.remote_start(start, NOON)

    assert len(store.profiles) + len(store.as_record()["awaiting"]) == 16


@pytest.mark.parametrize(
    ("capabilities", "limits"),
    [
        (Capabilities(), ProfileLimits()),
        (
            Capabilities(max_stack_level=0, max_periods=6, max_profiles=1),
            ProfileLimits(max_stack_level=0, max_periods=6, max_profiles=1),
        ),
        (
            Capabilities(max_stack_level=999, max_periods=9_999, max_profiles=9_999),
            ProfileLimits(max_stack_level=999, max_periods=100, max_profiles=32),
        ),
    ],
)
def test_as_much_is_taken_as_the_charger_says_within_bounds(
    capabilities: Capabilities, limits: ProfileLimits
) -> None:
    assert ProfileLimits.of(capabilities) == limits


def test_the_configuration_tells_what_is_taken() -> None:
    assert ProfileLimits().as_settings() == {
        Key.MAX_STACK_LEVEL: "8",
        Key.MAX_PERIODS: "24",
        Key.MAX_PROFILES: "16",
        Key.RATE_UNIT: "Current,Power",
    }


# Transactions


def test_profiles_of_a_transaction_end_with_it_and_defaults_stay() -> None:
    store = charging_store()
    store.transaction_started(2, running(9), id_tag="OTHER", now=NOON)
    install(store, 1, profile((0, 6), purpose=TX, number=1, transactionId=7))
    install(store, 2, profile((0, 6), purpose=TX, number=2, transactionId=9))
    install(store, 1, profile((0, 6), number=3))

    store.transaction_ended(1)

    assert ids(store) == [2, 3]


def test_a_new_transaction_ends_the_one_before_it() -> None:
    store = charging_store()
    install(store, 1, profile((0, 6), purpose=TX))

    store.transaction_started(1, running(8), id_tag="TAG", now=NOON)

    assert ids(store) == []


def test_the_late_end_of_an_earlier_transaction_changes_nothing() -> None:
    store = charging_store(transaction_id=7)
    install(store, 1, profile((0, 6), purpose=TX))

    store.transaction_ended(1, 5)
    assert ids(store) == [1]

    store.transaction_ended(1, 7)
    assert ids(store) == []


def test_to_be_told_of_the_same_transaction_again_changes_nothing() -> None:
    store = charging_store()
    install(store, 1, profile((0, 6), purpose=TX))

    store.transaction_started(1, running(7, started=50), id_tag="TAG", now=later(60))

    assert ids(store) == [1]
    assert store.transactions == {1: running(7)}


def test_a_transaction_can_be_named_once_its_id_is_known() -> None:
    store = charging_store(transaction_id=None)
    of_seven = profile((0, 6), purpose=TX, transactionId=7)
    assert install(store, 1, of_seven) is REJECTED

    store.transaction_identified(1, 7)
    store.transaction_identified(2, 8)

    assert install(store, 1, of_seven) is ACCEPTED
    assert {connector: it.id for connector, it in store.transactions.items()} == {1: 7}


# RemoteStartTransaction


def remote_start(connector: int | None = 1, tag: str = "TAG", **fields: Any) -> dict[str, Any]:
    place = {} if connector is None else {"connectorId": connector}
    return {
        "idTag": tag,
        **place,
        "chargingProfile": profile((0, 6), purpose=TX) | fields,
    }


@pytest.mark.parametrize("connector", [1, None])
def test_a_profile_sent_along_with_a_start_comes_into_force_with_its_transaction(
    connector: int | None,
) -> None:
    store = ProfileStore()

    assert store.remote_start(remote_start(connector), NOON).status is ACCEPTED
    assert ids(store) == []
    store.transaction_started(1, running(), id_tag="tag", now=later(60))
    assert [(it.connector, it.installed_at) for it in store.profiles] == [(1, later(60))]

    store.transaction_started(1, running(8), id_tag="tag", now=later(120))
    assert ids(store) == []


@pytest.mark.parametrize(
    ("connector", "tag", "seconds"), [(2, "TAG", 60), (1, "OTHER", 60), (1, "TAG", 3601)]
)
def test_it_is_for_no_other_transaction(connector: int, tag: str, seconds: float) -> None:
    store = ProfileStore()
    store.remote_start(remote_start(), NOON)

    store.transaction_started(connector, running(), id_tag=tag, now=later(seconds))

    assert ids(store) == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (remote_start(chargingProfilePurpose=DEFAULT), "only a TxProfile"),
        (remote_start(stackLevel=9), "stackLevel is above 8"),
        (remote_start(0), "no transaction starts at connector 0"),
        ({"idTag": "TAG", "chargingProfile": 5}, "must be an object"),
    ],
)
def test_a_start_with_a_bad_profile_is_refused(payload: Any, reason: str) -> None:
    answer = ProfileStore().remote_start(payload, NOON)

    assert (answer.status, reason in answer.reason) == (REJECTED, True)


def test_a_start_without_a_profile_or_with_a_transaction_id_is_no_trouble() -> None:
    store = ProfileStore()

    assert store.remote_start({"idTag": "TAG"}, NOON).status is ACCEPTED
    assert store.remote_start(remote_start(transactionId=99), NOON).status is ACCEPTED
    store.transaction_started(1, running(7), id_tag="TAG", now=NOON)
    assert store.profiles[0].profile.transaction_id is None


def test_a_start_that_comes_to_nothing_leaves_nothing() -> None:
    store = ProfileStore()
    store.remote_start(remote_start(), NOON)

    store.remote_start_refused(remote_start())

    store.transaction_started(1, running(), id_tag="TAG", now=NOON)
    assert ids(store) == []


def test_the_newest_of_two_starts_counts() -> None:
    store = ProfileStore()
    store.remote_start(remote_start(chargingProfileId=1), NOON)
    store.remote_start(remote_start(chargingProfileId=2), NOON)

    store.transaction_started(1, running(), id_tag="TAG", now=NOON)

    assert ids(store) == [2]


def test_a_start_for_nobody_is_an_error() -> None:
    with pytest.raises(CallError):
        ProfileStore().remote_start({"chargingProfile": profile((0, 6))}, NOON)


# ClearChargingProfile


@pytest.mark.parametrize(
    ("criteria", "left", "status"),
    [
        ({}, [], ACCEPTED),
        ({"id": 2}, [1, 3, 4], ACCEPTED),
        ({"id": 2, "connectorId": 1, "stackLevel": 5}, [1, 3, 4], ACCEPTED),
        ({"id": 9}, [1, 2, 3, 4], UNKNOWN),
        ({"connectorId": 0}, [3, 4], ACCEPTED),
        ({"connectorId": 1}, [1, 2, 4], ACCEPTED),
        ({"chargingProfilePurpose": DEFAULT}, [1], ACCEPTED),
        ({"chargingProfilePurpose": TX}, [1, 2, 3, 4], UNKNOWN),
        ({"stackLevel": 1}, [1, 2, 3], ACCEPTED),
        ({"stackLevel": 0, "connectorId": 0, "chargingProfilePurpose": MAX}, [2, 3, 4], ACCEPTED),
        ({"stackLevel": 1, "chargingProfilePurpose": MAX}, [1, 2, 3, 4], UNKNOWN),
    ],
)
def test_what_matches_is_cleared(
    criteria: dict[str, Any], left: list[int], status: CommandStatus
) -> None:
    store = ProfileStore()
    install(store, 0, profile((0, 6), purpose=MAX, number=1))
    install(store, 0, profile((0, 6), number=2))
    install(store, 1, profile((0, 6), number=3))
    install(store, 2, profile((0, 6), number=4, level=1))

    answer = store.clear(criteria)

    assert answer.status is status
    assert ids(store) == left
    assert check("ClearChargingProfile", Direction.RESPONSE, answer.as_v16()) is None


def test_a_profile_that_waits_for_its_transaction_can_be_cleared() -> None:
    store = ProfileStore()
    store.remote_start(remote_start(), NOON)

    assert store.clear({"chargingProfilePurpose": TX}).status is ACCEPTED
    assert store.clear({}).status is UNKNOWN


@pytest.mark.parametrize("criteria", [{"id": "x"}, {"chargingProfilePurpose": ["TxProfile"]}])
def test_criteria_that_mean_nothing_are_an_error(criteria: dict[str, Any]) -> None:
    with pytest.raises(CallError):
        ProfileStore().clear(criteria)


# GetCompositeSchedule


def composite(
    store: ProfileStore,
    connector: int = 1,
    duration: int = 100,
    unit: str | None = None,
    *,
    in_force: dict[int, InForce] | None = None,
) -> dict[str, Any]:
    payload: dict[str, Any] = {"connectorId": connector, "duration": duration}
    if unit is not None:
        payload["chargingRateUnit"] = unit
    if in_force is None:
        in_force = {1: InForce(limit_a=16.0)}
    answer = store.composite(payload, later(0.5), in_force)
    assert check("GetCompositeSchedule", Direction.RESPONSE, answer) is None
    return answer


def periods(answer: dict[str, Any]) -> list[tuple[int, float]]:
    schedule = answer["chargingSchedule"]["chargingSchedulePeriod"]
    return [(it["startPeriod"], it["limit"]) for it in schedule]


def test_it_is_told_what_a_car_really_gets() -> None:
    store = charging_store()
    install(store, 0, profile((0, 32), (80, 13), purpose=MAX, number=1))
    install(store, 1, profile((0, 10), (30, 32), number=2, duration=60))

    answer = composite(store)

    assert periods(answer) == [(0, 10), (30, 16), (80, 13)]
    assert answer["scheduleStart"] == stamp(0)
    assert answer["connectorId"] == 1
    assert answer["chargingSchedule"]["duration"] == 100
    assert answer["chargingSchedule"]["chargingRateUnit"] == "A"


def test_without_profiles_it_is_what_balanz_has_in_force() -> None:
    assert periods(composite(ProfileStore())) == [(0, 16)]
    assert periods(composite(ProfileStore(), in_force={1: InForce(limit_a=0)})) == [(0, 0)]


def test_limits_are_rounded_down_to_what_ocpp_can_tell() -> None:
    store = charging_store()
    install(store, 1, profile((0, 11_000), unit="W"))

    assert periods(composite(store)) == [(0, 15.9)]
    assert periods(composite(store, unit="W")) == [(0, 11_000)]


def test_watts_are_those_of_the_lines_in_use() -> None:
    in_use = {1: InForce(limit_a=16.0, lines=Lines(in_use=1))}
    store = charging_store()

    assert periods(composite(store, unit="W", in_force=in_use)) == [(0, 3680)]
    install(store, 1, profile((0, 10, 1)))
    answer = composite(store, unit="W")
    assert periods(answer) == [(0, 2300)]
    period = answer["chargingSchedule"]["chargingSchedulePeriod"][0]
    assert period["numberPhases"] == 1


def test_before_a_transaction_it_is_what_one_that_begins_now_would_get() -> None:
    store = ProfileStore()
    install(store, 1, profile((0, 10), (30, 6), kind="Relative"))

    assert periods(composite(store)) == [(0, 10), (30, 6)]


@pytest.mark.parametrize(
    ("unit", "told"), [("A", [(0, 26), (50, 22)]), ("W", [(0, 17_940), (50, 15_180)])]
)
def test_the_whole_charger_takes_what_its_connectors_do(
    unit: str, told: list[tuple[int, float]]
) -> None:
    store = charging_store()
    in_force = {1: InForce(limit_a=16.0), 2: InForce(limit_a=16.0)}
    install(store, 2, profile((0, 10), (50, 6), number=1))

    assert periods(composite(store, 0, unit=unit, in_force=in_force)) == told
    install(store, 0, profile((0, 20), purpose=MAX, number=2))
    assert periods(composite(store, 0, in_force=in_force)) == [(0, 20)]


def test_no_more_periods_are_told_than_fit_and_it_says_until_when_they_hold() -> None:
    store = ProfileStore(limits=ProfileLimits(max_periods=3))
    install(store, 1, profile((0, 6), (10, 7), (20, 8), number=1, level=1, duration=30))
    install(store, 1, profile((0, 9), number=2))

    answer = composite(store)

    assert periods(answer) == [(0, 6), (10, 7), (20, 8)]
    assert answer["chargingSchedule"]["duration"] == 30


@pytest.mark.parametrize("duration", [0, 1, 2**31 - 1])
def test_any_duration_has_an_answer(duration: int) -> None:
    answer = composite(ProfileStore(), duration=duration)

    assert (periods(answer), answer["chargingSchedule"]["duration"]) == ([(0, 16)], duration)


@pytest.mark.parametrize(
    ("connector", "duration", "unit"), [(1, -1, "A"), (1, 60, "kW"), (1, 60, []), (2, 60, "A")]
)
def test_what_cannot_be_told_is_refused(connector: int, duration: int, unit: Any) -> None:
    assert composite(ProfileStore(), connector, duration, unit) == {"status": "Rejected"}


def test_a_charger_of_which_nothing_is_known_tells_nothing() -> None:
    assert composite(ProfileStore(), 0, in_force={}) == {"status": "Rejected"}


@pytest.mark.parametrize("payload", [{}, {"connectorId": 1}, {"connectorId": 99, "duration": 1}])
def test_a_question_that_is_none_is_an_error(payload: dict[str, Any]) -> None:
    with pytest.raises(CallError):
        ProfileStore().composite(payload, NOON, {1: InForce(limit_a=16.0)})


# Restarts


def full_store() -> ProfileStore:
    store = charging_store()
    install(store, 0, profile((0, 6, 1), purpose=MAX, number=1, minChargingRate=2))
    install(
        store,
        1,
        profile(
            (0, 6000.5),
            (60, 0),
            number=2,
            kind="Recurring",
            recurrencyKind="Weekly",
            unit="W",
            duration=600,
            validFrom="0001-01-01T00:00:00Z",
            validTo="9999-12-31T23:59:59.999Z",
        ),
    )
    install(store, 1, profile((0, 6), number=3, purpose=TX, kind="Relative", transactionId=7))
    store.remote_start(remote_start(None, "OTHER"), NOON)
    return store


def test_all_of_it_survives_a_restart() -> None:
    store, restored = full_store(), ProfileStore(connectors=2)

    restored.restore(json.loads(json.dumps(store.as_record())))

    assert restored.profiles == store.profiles
    assert restored.transactions == store.transactions
    assert restored.as_record() == store.as_record()


@pytest.mark.parametrize("name", ["profiles", "awaiting", "transactions"])
@pytest.mark.parametrize("damage", ["missing", "number", "empty", "connector", "time"])
def test_a_damaged_record_is_told_and_changes_nothing(name: str, damage: str) -> None:
    record = copy.deepcopy(full_store().as_record())
    match damage:
        case "missing":
            del record[name]
        case "number":
            record[name] = 5
        case "empty":
            record[name] = [{}]
        case "connector":
            record[name][0]["connector"] = 99 if name == "profiles" else "x"
        case "time":
            times = {"profiles": "installed_at", "awaiting": "asked_at"}
            record[name][0][times.get(name, "started_at")] = "soon"
    store = ProfileStore()
    install(store, 1, profile((0, 10), number=44))

    with pytest.raises(StoreDamaged, match="the profiles cannot be read"):
        store.restore(record)

    assert ids(store) == [44]


@pytest.mark.parametrize("record", [None, [], "text", {}])
def test_what_is_no_record_is_told(record: Any) -> None:
    with pytest.raises(StoreDamaged):
        ProfileStore().restore(record)


def test_a_record_with_endless_profiles_is_damaged() -> None:
    record = full_store().as_record()
    record["profiles"] *= 20

    with pytest.raises(StoreDamaged, match="more than 32 profiles"):
        ProfileStore().restore(record)


# Whatever a central system sends

anything: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("A1:Z-", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "connectorId", "duration", "chargingSchedule", "stackLevel"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
payloads = st.dictionaries(
    st.sampled_from(
        [
            "connectorId",
            "csChargingProfiles",
            "chargingProfile",
            "idTag",
            "id",
            "duration",
            "stackLevel",
            "chargingProfilePurpose",
            "chargingRateUnit",
        ]
    ),
    anything,
)
places = st.sampled_from(
    [
        "chargingProfileId",
        "stackLevel",
        "chargingProfilePurpose",
        "chargingProfileKind",
        "recurrencyKind",
        "validFrom",
        "validTo",
        "transactionId",
        "chargingSchedule",
    ]
)


@given(payloads)
@settings(deadline=None)
def test_whatever_is_asked_is_answered_or_is_an_error_of_the_call(payload: Any) -> None:
    store = ProfileStore()
    for ask in (
        lambda: store.set_profile(payload, NOON),
        lambda: store.remote_start(payload, NOON),
        lambda: store.clear(payload),
        lambda: store.composite(payload, NOON, {1: InForce(limit_a=16.0)}),
        lambda: store.remote_start_refused(payload),
    ):
        with suppress(CallError):
            ask()


@given(places, anything)
@settings(max_examples=300, deadline=None)
def test_a_profile_that_is_accepted_can_be_composed_and_kept(field: str, value: Any) -> None:
    raw = profile((0, 6), (60, 8), kind="Recurring", recurrencyKind="Daily") | {field: value}
    store = charging_store()

    if install(store, 1, raw) is ACCEPTED:
        composite(store)
        restored = ProfileStore()
        restored.restore(json.loads(json.dumps(store.as_record())))
        assert restored.profiles == store.profiles
    else:
        with pytest.raises(ProfileError):
            store._check(1, read_profile(raw))


def test_the_unit_is_one_of_two() -> None:
    assert [read_profile(profile((0, 6), unit=unit)).unit for unit in "AW"] == [
        RateUnit.AMPERE,
        RateUnit.WATT,
    ]
