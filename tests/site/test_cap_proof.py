"""Whether a charger caps the profiles of others, tried out with one of a few lines."""

from typing import Any

import pytest

from custom_components.balanz.csms.capabilities import Capabilities, RateUnit
from custom_components.balanz.csms.charging_profile import ChargingProfile
from custom_components.balanz.csms.command_values import CommandStatus, ProfileCriteria
from custom_components.balanz.csms.composite_schedule import CompositeSchedule
from custom_components.balanz.csms.profiles import Limit, own_profile_ids
from custom_components.balanz.csms.quirks import BY_THE_BOOK
from custom_components.balanz.csms.station import LimitAnswer
from custom_components.balanz.csms.station_errors import CommandRejected, StationOffline
from custom_components.balanz.site.cap_proof import CapProof
from custom_components.balanz.site.proof import ProofStopped
from custom_components.balanz.storage.proofs import Fact, SeenBy

ACCEPTED, REJECTED = LimitAnswer.ACCEPTED, LimitAnswer.REJECTED
BY_SCHEDULE = SeenBy.COMPOSITE_SCHEDULE


class Charger:
    """Takes the smaller of all, but for what a test makes of it."""

    def __init__(self) -> None:
        self.commands: Any = self
        self.capabilities = Capabilities(max_stack_level=3)
        self.quirks = BY_THE_BOOK
        self.capped = False
        self.takes_watts = False
        self.answers: list[LimitAnswer] = []
        self.takes_others: CommandStatus | Exception = CommandStatus.ACCEPTED
        self.clears_by_purpose = True
        self.clears_cap_too = False
        self.last_wins = False
        self.shows = True
        self.ignores_cap = False
        self.cap_a: float | None = None
        self.others: list[ChargingProfile] = []
        self.cleared: list[ProfileCriteria] = []
        self.fallbacks_are_sure = True

    def doubt_fallbacks(self) -> None:
        self.fallbacks_are_sure = False

    @property
    def tries_another_form(self) -> bool:
        return bool(self.answers)

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        assert (connector, urgent, self.capped) == (1, False, True)
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        if answer is ACCEPTED and not self.ignores_cap:
            self.cap_a = limit.limit_a
        return answer

    async def set_charging_profile(self, connector: int, profile: ChargingProfile) -> CommandStatus:
        assert connector == 1
        if isinstance(self.takes_others, Exception):
            raise self.takes_others
        if self.takes_others is CommandStatus.ACCEPTED:
            self.others = [profile]
        return self.takes_others

    async def clear_charging_profile(self, criteria: ProfileCriteria) -> CommandStatus:
        self.cleared.append(criteria)
        if criteria.profile_id is None and not self.clears_by_purpose:
            return CommandStatus.UNKNOWN
        self.others = []
        if self.clears_cap_too and criteria.profile_id is None:
            self.cap_a = None
        return CommandStatus.ACCEPTED

    async def composite_schedule(
        self, connector: int, *, duration_s: int
    ) -> CompositeSchedule | None:
        assert (connector, duration_s) == (1, 60)
        if not self.shows:
            raise CommandRejected("no")
        limits_a = [it.largest_a for it in self.others]
        if self.cap_a is not None and not (limits_a and self.last_wins):
            limits_a.append(self.cap_a)
        return CompositeSchedule(
            periods=((0.0, min(limits_a, default=16.0)),), unit=RateUnit.AMPERE
        )


async def found(charger: Charger) -> list[tuple[Fact, bool, SeenBy]]:
    """What a proof finds; nothing where it sees nothing."""
    findings: list[tuple[Fact, bool, SeenBy]] = []
    proof = CapProof(
        charger,
        least_a=6.0,
        cap_a=8.0,
        most_a=16.0,
        on_finding=lambda *finding: findings.append(finding),
    )
    try:
        await proof.run()
    except ProofStopped:
        assert findings == []
    return findings


@pytest.fixture
def charger() -> Charger:
    return Charger()


@pytest.mark.parametrize("takes_watts", [False, True])
async def test_a_charger_that_takes_the_smaller_limit_caps_and_is_left_with_a_cap(
    charger: Charger, takes_watts: bool
) -> None:
    charger.takes_watts = takes_watts

    assert await found(charger) == [(Fact.CAPS, True, BY_SCHEDULE)]
    assert charger.capped
    assert charger.others == []


async def test_what_limits_fell_back_to_is_cleared_first_and_not_relied_on_any_more(
    charger: Charger,
) -> None:
    await found(charger)

    assert charger.cleared[0].profile_id == own_profile_ids(1).fallback
    assert not charger.fallbacks_are_sure


async def test_a_charger_that_takes_the_newest_limit_does_not_cap(charger: Charger) -> None:
    charger.last_wins = True

    assert await found(charger) == [(Fact.CAPS, False, BY_SCHEDULE)]
    assert not charger.capped
    assert charger.others == []


async def test_a_charger_that_clears_too_much_does_not_cap(charger: Charger) -> None:
    charger.clears_cap_too = True

    assert await found(charger) == [(Fact.CAPS, False, BY_SCHEDULE)]
    assert not charger.capped


async def test_a_profile_that_is_not_cleared_by_its_purpose_is_cleared_by_its_id(
    charger: Charger,
) -> None:
    charger.clears_by_purpose = False

    assert await found(charger) == [(Fact.CAPS, True, BY_SCHEDULE)]
    assert charger.others == []


async def test_a_charger_that_refuses_a_cap_in_all_forms_does_not_cap(charger: Charger) -> None:
    charger.answers = [REJECTED, REJECTED]

    assert await found(charger) == [(Fact.CAPS, False, SeenBy.ANSWER)]
    assert not charger.capped


async def test_a_cap_may_be_taken_in_another_form(charger: Charger) -> None:
    charger.answers = [REJECTED, ACCEPTED]

    assert await found(charger) == [(Fact.CAPS, True, BY_SCHEDULE)]


@pytest.mark.parametrize(
    "change",
    [
        {"answers": [LimitAnswer.TIMED_OUT]},
        {"shows": False},
        {"ignores_cap": True},
        {"takes_others": CommandStatus.REJECTED},
        {"takes_others": StationOffline("gone")},
    ],
    ids=["no answer", "shows nothing", "shows no cap", "takes no other", "gone"],
)
async def test_where_nothing_can_be_seen_nothing_is_found(
    charger: Charger, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(charger, name, value)

    assert await found(charger) == []
    assert not charger.capped
    assert charger.others == []
