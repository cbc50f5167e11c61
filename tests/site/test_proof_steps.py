"""A proof against a charger of a few lines, for what real ones do but rarely."""

from collections.abc import Iterable
from itertools import repeat

import pytest

from custom_components.balanz.csms.capabilities import RateUnit
from custom_components.balanz.csms.composite_schedule import CompositeSchedule
from custom_components.balanz.csms.leases import LeaseMechanism
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.station import CommandRejected, LimitAnswer, StationUnreachable
from custom_components.balanz.site.proof import FallbackProof, ProofStopped, ProofTimes
from custom_components.balanz.storage.proofs import LEASE_FACTS, Fact, SeenBy

ACCEPTED, REJECTED = LimitAnswer.ACCEPTED, LimitAnswer.REJECTED
AT_ONCE = ProofTimes(first_lease_s=0.0, second_lease_s=0.0, following_s=5.0, total_s=60.0)


class Charger:
    """Falls back at once and keeps everything, but for what a test makes of it."""

    possible_leases: tuple[LeaseMechanism, ...] = (LeaseMechanism.TAIL,)

    def __init__(self, *answers: LimitAnswer, other_forms: int = 0) -> None:
        self.ready = True
        self.boots = 1
        self.lease = LeaseMechanism.TAIL
        self.clock_skew_s: float | None = 0.0
        self.resets = True
        self.hesitates = False
        self.shows: Iterable[float | None] = ()
        self.limit: Limit | None = None
        self.other_forms = other_forms
        self._answers = list(answers)

    @property
    def tries_another_form(self) -> bool:
        return self.other_forms > 0

    async def prepare_lease(self, connector: int, limit: Limit) -> None:
        assert (connector, limit.lease_s) == (1, 0.0)

    def lapses_after_s(self, connector: int, limit: Limit) -> float | None:
        return limit.lease_s

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        assert (connector, urgent) == (1, False)
        answer = self._answers.pop(0) if self._answers else ACCEPTED
        if answer is ACCEPTED:
            self.limit, self.other_forms = limit, 0
            self.shows = iter((None, limit.limit_a) if self.hesitates else (limit.limit_a,))
        else:
            self.other_forms -= 1
        return answer

    async def composite_schedule(
        self, connector: int, *, duration_s: int
    ) -> CompositeSchedule | None:
        assert (connector, duration_s) == (1, 0)
        assert self.limit is not None
        shown = next(iter(self.shows), self.limit.fallback_a)
        if shown is None:
            raise StationUnreachable("no answer")
        return CompositeSchedule(periods=((0.0, shown),), unit=RateUnit.AMPERE)

    async def reset(self, *, hard: bool = False) -> None:
        assert not hard
        if not self.resets:
            raise CommandRejected("Rejected")
        self.boots += 1

    def disconnect(self, reason: str) -> None:
        assert reason


def proof_of(charger: Charger, found: dict[Fact, bool]) -> FallbackProof:
    def on_finding(fact: Fact, holds: bool, seen_by: SeenBy) -> None:
        assert (seen_by is SeenBy.ANSWER) == (fact is Fact.TAKES_LEASE)
        found[fact] = holds

    return FallbackProof(charger, limit_a=8.0, fallback_a=6.0, times=AT_ONCE, on_finding=on_finding)


async def test_a_charger_that_does_all_that_it_should_is_proven() -> None:
    found: dict[Fact, bool] = {}
    await proof_of(Charger(), found).run()
    assert found == dict.fromkeys(LEASE_FACTS, True)


class Confused(Charger):
    """Ignores later periods, and offers what lies beneath in place of the limit."""

    possible_leases = (LeaseMechanism.TAIL, LeaseMechanism.STACK)

    async def set_limit(self, connector: int, limit: Limit, *, urgent: bool) -> LimitAnswer:
        answer = await super().set_limit(connector, limit, urgent=urgent)
        shown_a = limit.limit_a if self.lease is LeaseMechanism.TAIL else limit.fallback_a
        self.shows = repeat(shown_a)
        return answer


async def test_a_charger_that_takes_one_profile_for_another_does_not_fall_back() -> None:
    found: dict[Fact, bool] = {}
    charger = Confused()
    await proof_of(charger, found).run()
    assert found[Fact.LAPSES] is False
    assert found[Fact.OUTLASTS_REBOOT] is True
    assert charger.lease is LeaseMechanism.TAIL


async def test_a_charger_that_refuses_to_restart_leaves_that_unknown() -> None:
    found: dict[Fact, bool] = {}
    charger = Charger()
    charger.resets = False
    proof = proof_of(charger, found)
    with pytest.raises(ProofStopped):
        await proof.run()
    assert proof.step is Fact.OUTLASTS_REBOOT
    assert found == dict.fromkeys((Fact.TAKES_LEASE, Fact.LAPSES, Fact.OUTLASTS_LINK_LOSS), True)


async def test_a_refused_form_is_no_refused_lease() -> None:
    found: dict[Fact, bool] = {}
    await proof_of(Charger(REJECTED, LimitAnswer.TIMED_OUT, other_forms=3), found).run()
    assert found == dict.fromkeys(LEASE_FACTS, True)


async def test_a_lease_that_was_taken_once_is_not_disproven_by_a_later_refusal() -> None:
    found: dict[Fact, bool] = {}
    proof = proof_of(Charger(ACCEPTED, REJECTED), found)
    with pytest.raises(ProofStopped):
        await proof.run()
    assert proof.step is Fact.OUTLASTS_LINK_LOSS
    assert found == {Fact.TAKES_LEASE: True, Fact.LAPSES: True}


async def test_an_answer_that_does_not_come_disproves_nothing() -> None:
    found: dict[Fact, bool] = {}
    with pytest.raises(ProofStopped):
        await proof_of(Charger(LimitAnswer.TIMED_OUT), found).run()
    assert found == {}


async def test_a_charger_that_says_nothing_for_a_moment_is_asked_again() -> None:
    found: dict[Fact, bool] = {}
    charger = Charger()
    charger.hesitates = True
    await proof_of(charger, found).run()
    assert found == dict.fromkeys(LEASE_FACTS, True)
