"""A charger that does not keep its limit is dealt with step by step, and no harder than needed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import LAG_S, Commitment, Reading
from custom_components.balanz.balancing.control import Result, State
from custom_components.balanz.balancing.group_view import GroupView
from custom_components.balanz.balancing.obedience import (
    COMES_DOWN_S,
    LAST_TO_END_BY_ITSELF,
    PATIENCE_S,
    REMINDED_COMES_DOWN_S,
    Conduct,
    Ladder,
    Rung,
    Sighting,
    at_stake,
    conduct,
)
from custom_components.balanz.balancing.phases import Phase, PhaseCurrents, PhaseMap

from .build import NOW, connector, group, key, site

STEP_S = LAG_S + PATIENCE_S
NOTHING = PhaseCurrents(l1=0.0, l2=0.0, l3=0.0)


def seen(
    conduct: Conduct, now: float, *, stake: bool = True, highest: Rung | None = None
) -> Sighting:
    top = Rung.SWITCHED_OFF if highest is None else highest
    return Sighting(conduct=conduct, read_at=now, at_stake=stake, highest=top)


def climbed_to(rung: Rung) -> Ladder:
    return Ladder(rung=rung, since=NOW)


def defiant_for(times: int, *, highest: Rung = Rung.SWITCHED_OFF, stake: bool = True) -> list[Rung]:
    """The steps that are taken with a charger that never obeys, one chance after the other."""
    ladder, taken = Ladder(), []
    for number in range(times):
        now = NOW + number * STEP_S
        after = ladder.saw(seen(Conduct.DISOBEYS, now, stake=stake, highest=highest), now)
        if after.rung is not ladder.rung and after.rung is not None:
            taken.append(after.rung)
        ladder = after
    return taken


def test_one_that_never_obeys_meets_every_step_in_turn() -> None:
    assert defiant_for(9) == list(Rung)


def test_nothing_harder_is_done_than_can_be() -> None:
    assert defiant_for(9, highest=Rung.OUT_OF_SERVICE)[-1] is Rung.OUT_OF_SERVICE


def test_where_no_limit_is_at_stake_it_is_only_reminded() -> None:
    assert defiant_for(9, stake=False) == [Rung.REMINDED]


def test_no_step_is_taken_before_the_last_one_had_its_time() -> None:
    ladder = climbed_to(Rung.PAUSED)
    early = NOW + STEP_S - 0.1
    assert ladder.saw(seen(Conduct.DISOBEYS, early), early).rung is Rung.PAUSED
    late = NOW + STEP_S
    assert ladder.saw(seen(Conduct.DISOBEYS, late), late).rung is Rung.STOPPED


def test_an_old_reading_does_not_count_against_a_newer_step() -> None:
    old = replace(seen(Conduct.DISOBEYS, NOW + STEP_S), read_at=NOW + 1.0)
    assert climbed_to(Rung.PAUSED).saw(old, NOW + STEP_S).rung is Rung.PAUSED


def test_a_reminder_is_forgotten_once_the_charger_has_obeyed_for_a_while() -> None:
    ladder = climbed_to(Rung.REMINDED).saw(seen(Conduct.OBEYS, NOW), NOW)
    later = NOW + REMINDED_COMES_DOWN_S
    assert ladder.saw(seen(Conduct.OBEYS, later - 1), later - 1).rung is Rung.REMINDED
    assert ladder.saw(seen(Conduct.OBEYS, later), later) == Ladder()


def test_a_pause_ends_by_itself_one_step_at_a_time() -> None:
    ladder = climbed_to(Rung.STOPPED).saw(seen(Conduct.OBEYS, NOW), NOW)
    for number, rung in enumerate((Rung.PAUSED, Rung.REMINDED), start=1):
        now = NOW + number * COMES_DOWN_S
        ladder = ladder.saw(seen(Conduct.OBEYS, now), now)
        assert ladder.rung is rung


@pytest.mark.parametrize("rung", [Rung.OUT_OF_SERVICE, Rung.SWITCHED_OFF])
def test_what_the_user_has_to_look_at_does_not_end_by_itself(rung: Rung) -> None:
    ladder = climbed_to(rung).saw(seen(Conduct.OBEYS, NOW), NOW)
    assert ladder.saw(seen(Conduct.OBEYS, NOW + 1e6), NOW + 1e6).rung is rung
    assert ladder.asked_back() == Ladder()


def test_one_that_was_not_seen_to_obey_is_not_let_back() -> None:
    ladder = climbed_to(Rung.OUT_OF_SERVICE)
    assert ladder.asked_back() is ladder


def test_silence_is_no_obedience() -> None:
    ladder = climbed_to(Rung.PAUSED).saw(seen(Conduct.OBEYS, NOW), NOW)
    ladder = ladder.saw(seen(Conduct.UNKNOWN, NOW + 1), NOW + 1)
    late = NOW + COMES_DOWN_S
    assert ladder.saw(seen(Conduct.OBEYS, late), late).rung is Rung.PAUSED


@dataclass(frozen=True)
class Moment:
    after_s: float
    conduct: Conduct
    at_stake: bool
    reading_age_s: float
    asked: bool


MOMENTS = st.lists(
    st.builds(
        Moment,
        after_s=st.floats(0.0, 700.0),
        conduct=st.sampled_from(Conduct),
        at_stake=st.booleans(),
        reading_age_s=st.floats(0.0, 45.0),
        asked=st.booleans(),
    ),
    max_size=60,
)


@given(moments=MOMENTS, highest=st.sampled_from([Rung.OUT_OF_SERVICE, Rung.SWITCHED_OFF]))
def test_no_step_is_skipped_and_none_is_taken_against_one_that_obeys(
    moments: list[Moment], highest: Rung
) -> None:
    ladder, now, climbed_at = Ladder(), NOW, NOW
    for moment in moments:
        now += moment.after_s
        before = 0 if ladder.rung is None else ladder.rung
        sighting = Sighting(
            conduct=moment.conduct,
            read_at=now - moment.reading_age_s,
            at_stake=moment.at_stake,
            highest=highest,
        )
        ladder = ladder.saw(sighting, now)
        after = 0 if ladder.rung is None else ladder.rung
        assert abs(after - before) <= 1
        if after > before:
            assert moment.conduct is Conduct.DISOBEYS
            assert after == Rung.REMINDED or moment.at_stake
            assert after == Rung.REMINDED or sighting.read_at >= climbed_at + STEP_S
            assert after <= highest
            climbed_at = now
        if after < before:
            assert moment.conduct is Conduct.OBEYS
            assert before <= LAST_TO_END_BY_ITSELF
            climbed_at = now
        if moment.asked:
            held = ladder
            ladder = ladder.asked_back()
            assert ladder is held or held.has_obeyed


@given(moments=MOMENTS)
def test_one_that_obeys_from_now_on_is_not_held_for_ever(moments: list[Moment]) -> None:
    ladder, now = Ladder(), NOW
    for moment in moments:
        now += moment.after_s
        ladder = ladder.saw(seen(moment.conduct, now, stake=moment.at_stake), now)
    ladder = ladder.saw(seen(Conduct.OBEYS, now), now).asked_back()
    for _ in range(2):
        ladder = ladder.saw(seen(Conduct.OBEYS, now), now)
        now += REMINDED_COMES_DOWN_S
    assert ladder == Ladder()


def committed(accepted_a: float | None, drawn_a: float, *, age_s: float = 1.0) -> Commitment:
    return Commitment(
        online=True,
        accepted_a=accepted_a,
        accepted_at=NOW - 100.0,
        reading=Reading(current_a=drawn_a, at=NOW - age_s),
    )


def test_conduct_is_told_by_a_fresh_reading_alone() -> None:
    assert conduct(committed(8.0, 16.0), NOW) is Conduct.DISOBEYS
    assert conduct(committed(8.0, 8.9), NOW) is Conduct.OBEYS
    assert conduct(committed(8.0, 8.0, age_s=60.0), NOW) is Conduct.UNKNOWN
    assert conduct(committed(None, 8.0), NOW) is Conduct.UNKNOWN
    assert conduct(Commitment(online=True, accepted_a=8.0), NOW) is Conduct.UNKNOWN
    assert conduct(replace(committed(8.0, 16.0), online=False), NOW) is Conduct.UNKNOWN


def test_a_charger_that_has_yet_to_follow_a_cut_neither_obeys_nor_disobeys() -> None:
    fresh = replace(committed(0.0, 16.0), accepted_at=NOW - 2.0)
    assert conduct(fresh, NOW) is Conduct.UNKNOWN


def view(
    *overloaded_on: Phase, available: PhaseCurrents | None = NOTHING, within_limit: bool = False
) -> GroupView:
    return GroupView(
        base_load=available,
        assumed=NOTHING,
        available=available,
        booked=NOTHING,
        allocated=NOTHING,
        within_limit=within_limit,
        overloaded_on=overloaded_on,
    )


def result(seen_of_group: GroupView, *, in_the_way: Iterable[str] = ()) -> Result:
    return Result(
        state=State(),
        commands=(),
        cuts_waiting=frozenset(),
        reasons={},
        groups={"root": seen_of_group},
        in_the_way=frozenset(key(name) for name in in_the_way),
        wake_at=None,
    )


SITE = site([group()], [connector("A", phase_map=PhaseMap.L1)])


@pytest.mark.parametrize(
    ("seen_of_group", "stake"),
    [
        (view(Phase.L1), True),
        (view(Phase.L2), False),
        (view(), False),
        (view(available=None), True),
        (view(available=None, within_limit=True), False),
    ],
)
def test_a_limit_is_at_stake_where_others_cannot_make_up_for_the_charger(
    seen_of_group: GroupView, stake: bool
) -> None:
    (only,) = SITE.connectors.values()
    assert at_stake(SITE, result(seen_of_group), only) is stake


@pytest.mark.parametrize(("blamed", "stake"), [(["A"], True), (["B"], False)])
def test_what_the_others_would_have_is_at_stake_too(blamed: list[str], stake: bool) -> None:
    (only,) = SITE.connectors.values()
    assert at_stake(SITE, result(view(within_limit=True), in_the_way=blamed), only) is stake
