"""What goes on to a charger for its back office is remembered until it is surely gone."""

from collections.abc import Collection
from math import inf
from typing import Any

import pytest

from custom_components.balanz.csms.command_values import CommandStatus, ProfileCriteria
from custom_components.balanz.csms.local_controller.composition import InstalledProfile
from custom_components.balanz.csms.local_controller.modes import Mode
from custom_components.balanz.csms.station_errors import (
    CallRefused,
    StationError,
    StationOffline,
    StationUnreachable,
)
from custom_components.balanz.site.foreign_profiles import (
    ForeignProfile,
    ProfileRefusal,
    ProfileRefused,
)
from custom_components.balanz.site.passed_profiles import PassedProfiles

from ..csms.local_controller.profiles import DEFAULT, MAX, installed, profile, setting

PROFILE = {
    "chargingProfileId": 5,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}],
    },
}
PROFILE_1 = PROFILE | {"chargingProfileId": 1}
PROFILE_2001 = PROFILE | {"chargingProfileId": 2001}
SET = {"connectorId": 1, "csChargingProfiles": PROFILE}


class Station:
    """A charger that answers as it is told to."""

    identity = "CP1"

    def __init__(self) -> None:
        self.answer: dict[str, Any] | StationError = {"status": "Accepted"}
        self.asked: list[dict[str, Any]] = []

    def transaction_id(self, _connector: int) -> int:
        return 7

    async def request(self, _action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(payload)
        if isinstance(self.answer, StationError):
            raise self.answer
        return self.answer


class Kept:
    """The profiles of the back office, by id alone."""

    def __init__(self) -> None:
        self.ids: frozenset[int] = frozenset({5, 6})
        self.mode = Mode.MERGE
        self.kept_here: frozenset[int] = frozenset()
        self.installed: list[InstalledProfile] = []
        self.mirrored: list[str] = []

    def others(self, than: Collection[int]) -> tuple[InstalledProfile, ...]:
        return tuple(it for it in self.installed if it.profile.id not in than)

    def mirror(self, action: str, _payload: Any) -> None:
        self.mirrored.append(action)


class Foreign:
    """What is booked for a charger."""

    def __init__(self) -> None:
        self.booked: list[ForeignProfile] = []
        self.refusal: Exception | None = None
        self.status = CommandStatus.ACCEPTED
        self.asked: list[int | None] = []

    async def expect(self, _identity: str, profile: ForeignProfile) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.booked.append(profile)

    def settled(self, _identity: str, profile: ForeignProfile, *, accepted: bool) -> None:
        if not accepted:
            self.booked.remove(profile)

    def own_limits_set(self, _identity: str) -> None:
        self.booked = [it for it in self.booked if it.id != 1]

    def cleared(self, _identity: str, criteria: ProfileCriteria) -> None:
        self.booked = [it for it in self.booked if not it.matches(criteria)]

    def ids(self, _identity: str) -> frozenset[int]:
        return frozenset(it.id for it in self.booked)

    async def clear(self, _identity: str, criteria: ProfileCriteria, *, force: bool) -> Any:
        self.asked.append(criteria.profile_id)
        if self.refusal is not None:
            raise self.refusal
        return self.status


class Rig:
    """A charger, and what is known of its profiles."""

    def __init__(self) -> None:
        self.station, self.kept, self.foreign = Station(), Kept(), Foreign()
        self.free = True
        parts: Any = (self.station, self.kept, self.foreign, lambda: self.free)
        self.passed = PassedProfiles(*parts)

    async def pass_on(self, action: str, payload: dict[str, Any]) -> Any:
        return await self.passed.pass_on(action, payload, payload)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_what_the_charger_takes_is_booked_for_the_session_that_runs(rig: Rig) -> None:
    await rig.pass_on("SetChargingProfile", SET)

    [booked] = rig.foreign.booked
    assert (booked.id, booked.largest_a, booked.transaction_id) == (5, 9.0, 7)
    assert rig.kept.mirrored == ["SetChargingProfile"]


@pytest.mark.parametrize("error", [CallRefused("NotSupported", ""), StationOffline("gone")])
async def test_what_the_charger_surely_has_not_is_not_booked(rig: Rig, error: StationError) -> None:
    rig.station.answer = error

    with pytest.raises(type(error)):
        await rig.pass_on("SetChargingProfile", SET)

    assert rig.foreign.booked == []


async def test_what_has_no_answer_may_be_in_force(rig: Rig) -> None:
    rig.station.answer = StationUnreachable("no answer")

    with pytest.raises(StationUnreachable):
        await rig.pass_on("SetChargingProfile", SET)

    assert [it.id for it in rig.foreign.booked] == [5]


async def test_what_cannot_be_read_may_be_no_limit_at_all(rig: Rig) -> None:
    odd = PROFILE | {"validFrom": "tomorrow"}

    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": odd})

    assert [it.largest_a for it in rig.foreign.booked] == [inf]


async def test_what_cannot_be_remembered_is_not_sent(rig: Rig) -> None:
    rig.foreign.refusal = ProfileRefused(ProfileRefusal.TOO_MANY)
    rig.station.answer = StationUnreachable("this must not be asked")

    assert await rig.pass_on("SetChargingProfile", SET) == {"status": "Rejected"}


async def test_what_the_office_clears_is_booked_no_longer(rig: Rig) -> None:
    await rig.pass_on("SetChargingProfile", SET)

    await rig.pass_on("ClearChargingProfile", {"chargingProfilePurpose": "TxDefaultProfile"})
    assert [it.id for it in rig.foreign.booked] == [5]

    await rig.pass_on("ClearChargingProfile", {"chargingProfilePurpose": "TxProfile"})
    assert rig.foreign.booked == []


async def test_only_what_the_office_has_set_is_cleared_for_balancing(rig: Rig) -> None:
    await rig.pass_on("SetChargingProfile", SET)
    of_a_user = PROFILE | {"chargingProfileId": 99}
    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": of_a_user})
    rig.foreign.status = CommandStatus.UNKNOWN

    await rig.passed.take_over()

    assert rig.foreign.asked == [5]
    assert [it.id for it in rig.foreign.booked] == [99]


async def test_what_cannot_be_cleared_stays_booked(rig: Rig) -> None:
    await rig.pass_on("SetChargingProfile", SET)
    rig.foreign.refusal = StationOffline("gone")

    await rig.passed.take_over()

    assert rig.passed.left == {5}


async def test_what_has_an_id_of_balanz_is_moved_out_of_its_way_beside_a_cap(rig: Rig) -> None:
    rig.kept.mode, rig.free = Mode.CAP, False
    rig.kept.ids = frozenset({1})

    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": PROFILE_1})
    await rig.pass_on("ClearChargingProfile", {"id": 1})

    [told, cleared] = rig.station.asked
    assert told == SET | {"csChargingProfiles": PROFILE_1 | {"chargingProfileId": 3001}}
    assert cleared == {"id": 3001}
    assert rig.foreign.booked == []


async def test_without_smart_charging_a_profile_goes_on_to_the_letter(rig: Rig) -> None:
    payload = SET | {"csChargingProfiles": PROFILE_1}

    await rig.pass_on("SetChargingProfile", payload)

    assert rig.station.asked[0] is payload


async def test_what_was_moved_is_found_again_without_smart_charging(rig: Rig) -> None:
    rig.kept.mode, rig.free = Mode.CAP, False
    start = {"idTag": "TAG", "chargingProfile": PROFILE_1}
    await rig.pass_on("RemoteStartTransaction", start)

    rig.kept.mode, rig.free = Mode.MERGE, True
    await rig.pass_on("ClearChargingProfile", {"id": 1})

    assert rig.station.asked[-1] == {"id": 3001}


async def test_what_balanz_has_replaced_by_its_own_limit_is_not_cleared(rig: Rig) -> None:
    rig.kept.ids = frozenset({1})
    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": PROFILE_1})

    await rig.passed.take_over()

    assert rig.foreign.asked == []
    assert rig.passed.left == frozenset()


@pytest.mark.parametrize("mode", list(Mode))
async def test_what_came_with_the_id_of_balanz_s_limit_must_not_stay_beside_it(
    rig: Rig, mode: Mode
) -> None:
    rig.kept.mode, rig.kept.ids = mode, frozenset({1})
    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": PROFILE_1})

    rig.free = False
    assert rig.passed.left == {1}
    await rig.passed.take_over()

    assert rig.foreign.asked == []
    assert rig.foreign.booked == []


@pytest.mark.parametrize("mode", list(Mode))
async def test_what_came_with_another_id_of_balanz_is_cleared(rig: Rig, mode: Mode) -> None:
    rig.kept.mode, rig.kept.ids = mode, frozenset({2001})
    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": PROFILE_2001})

    rig.free = False
    await rig.passed.take_over()

    assert rig.foreign.asked == [2001]


async def test_what_was_moved_beside_a_cap_stays_there(rig: Rig) -> None:
    rig.kept.mode, rig.free = Mode.CAP, False
    rig.kept.ids = frozenset({1, 3001})
    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": PROFILE_1})

    assert rig.passed.left == frozenset()


async def test_a_charger_is_handed_what_it_has_not_got_yet(rig: Rig) -> None:
    await rig.pass_on("SetChargingProfile", SET)
    for_all = installed(1, (0, 9.0), purpose=DEFAULT, number=6)
    of_all = installed(0, (0, 9.0), purpose=MAX, number=7)
    rig.kept.ids, rig.kept.kept_here = frozenset({5, 6, 7}), frozenset({7})
    rig.kept.installed = [installed(1, (0, 9.0), purpose=DEFAULT, number=5), for_all, of_all]

    assert rig.passed.missing(caps=False) == (for_all,)
    await rig.passed.hand_over(caps=True)

    told = [it["csChargingProfiles"]["chargingProfileId"] for it in rig.station.asked]
    assert told == [5, 6, 7]
    assert rig.passed.missing(caps=True) == ()


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, CallRefused("NotSupported", "")])
async def test_what_the_charger_refuses_is_not_handed_over_again(rig: Rig, answer: Any) -> None:
    rig.kept.installed = [installed(1, (0, 9.0), purpose=DEFAULT, number=6)]
    rig.station.answer = answer

    await rig.passed.hand_over(caps=True)

    assert rig.passed.missing(caps=True) == ()
    assert rig.foreign.booked == []


async def test_what_could_not_be_handed_over_is_tried_again(rig: Rig) -> None:
    rig.kept.installed = [installed(1, (0, 9.0), purpose=DEFAULT, number=6)]
    rig.station.answer = StationOffline("gone")

    await rig.passed.hand_over(caps=True)

    assert rig.passed.missing(caps=True)
    assert rig.station.asked == [setting(1, profile((0, 9.0), purpose=DEFAULT, number=6))]


async def test_what_was_refused_counts_only_as_long_as_it_is_kept(rig: Rig) -> None:
    refused = [installed(1, (0, 9.0), purpose=DEFAULT, number=6)]
    rig.kept.installed = refused
    rig.station.answer = {"status": "Rejected"}
    await rig.passed.hand_over(caps=True)

    rig.kept.installed = []
    await rig.passed.hand_over(caps=True)
    rig.kept.installed = refused

    assert rig.passed.missing(caps=True) == tuple(refused)


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_charger_that_is_balanced_again_is_handed_no_more(
    rig: Rig, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.kept.mode = mode
    rig.kept.installed = [
        installed(1, (0, 9.0), purpose=DEFAULT, number=6),
        installed(0, (0, 9.0), purpose=MAX, number=7),
    ]

    async def balanced_now(_action: str, payload: dict[str, Any]) -> dict[str, Any]:
        rig.station.asked.append(payload)
        rig.free = False
        return {"status": "Accepted"}

    monkeypatch.setattr(rig.station, "request", balanced_now)
    await rig.passed.hand_over(caps=True)

    told = [it["csChargingProfiles"]["chargingProfileId"] for it in rig.station.asked]
    assert told == [6]
