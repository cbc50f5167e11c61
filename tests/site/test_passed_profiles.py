"""What goes on to a charger for its back office is remembered until it is surely gone."""

from math import inf
from typing import Any

import pytest

from custom_components.balanz.csms.command_values import CommandStatus, ProfileCriteria
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
SET = {"connectorId": 1, "csChargingProfiles": PROFILE}


class Station:
    identity = "CP1"

    def transaction_id(self, _connector: int) -> int:
        return 7


class Kept:
    """The profiles of the back office, by id alone."""

    def __init__(self) -> None:
        self.ids: frozenset[int] = frozenset({5, 6})
        self.mirrored: list[str] = []

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
    """A charger that answers as it is told to."""

    def __init__(self) -> None:
        self.kept, self.foreign = Kept(), Foreign()
        self.answer: dict[str, Any] | StationError = {"status": "Accepted"}
        parts: Any = (Station(), self.kept, self.foreign)
        self.passed = PassedProfiles(*parts)

    async def _ask(self) -> Any:
        if isinstance(self.answer, StationError):
            raise self.answer
        return self.answer

    async def pass_on(self, action: str, payload: dict[str, Any]) -> Any:
        return await self.passed.pass_on(action, payload, payload, self._ask)


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
    rig.answer = error

    with pytest.raises(type(error)):
        await rig.pass_on("SetChargingProfile", SET)

    assert rig.foreign.booked == []


async def test_what_has_no_answer_may_be_in_force(rig: Rig) -> None:
    rig.answer = StationUnreachable("no answer")

    with pytest.raises(StationUnreachable):
        await rig.pass_on("SetChargingProfile", SET)

    assert [it.id for it in rig.foreign.booked] == [5]


async def test_what_cannot_be_read_may_be_no_limit_at_all(rig: Rig) -> None:
    odd = PROFILE | {"validFrom": "tomorrow"}

    await rig.pass_on("SetChargingProfile", SET | {"csChargingProfiles": odd})

    assert [it.largest_a for it in rig.foreign.booked] == [inf]


async def test_what_cannot_be_remembered_is_not_sent(rig: Rig) -> None:
    rig.foreign.refusal = ProfileRefused(ProfileRefusal.TOO_MANY)
    rig.answer = StationUnreachable("this must not be asked")

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
