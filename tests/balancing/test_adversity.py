"""Sequences that are meant to get current past a fuse, and what is done about each."""

from dataclasses import replace

from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.commitments import LAG_S, Commitment
from custom_components.balanz.balancing.control import State
from custom_components.balanz.balancing.inputs import Line
from custom_components.balanz.balancing.phases import Phase, PhaseMap
from custom_components.balanz.balancing.supply import BaseLoad

from .build import (
    NOW,
    charging,
    connector,
    decide,
    drawing,
    group,
    inputs,
    key,
    known,
    limits,
    meter,
    obeying,
    site,
)

HOUSE_OF_4_A = State(base_loads={"root": BaseLoad().observe(meter(4.0, at=NOW - 2), [])})


def disobeying(limit_a: float, draws_a: float, accepted_at: float) -> Commitment:
    """A charger that lost its limit, told by its own meter."""
    accepted = replace(obeying(limit_a), accepted_at=accepted_at)
    return accepted.measured(draws_a, NOW - 1)


def test_a_cut_leaves_at_once_though_raises_were_refused_again_and_again() -> None:
    commitment = obeying(10.0, reading_a=10.0)
    for seconds in (5, 4, 3, 2, 1):
        commitment = commitment.sent(16.0, NOW - seconds).rejected(NOW - seconds)
    alone = site([group(metered=True)], [connector("a")])
    what = inputs(
        alone,
        [("a", known(commitment, draw=drawing(10.0)))],
        meters={"root": meter(30.0)},
    )

    assert limits(decide(alone, what, HOUSE_OF_4_A)) == {"a": 0.0}


def test_a_cut_leaves_at_once_though_the_raise_before_it_was_never_answered() -> None:
    commitment = obeying(10.0, reading_a=10.0).sent(16.0, NOW - 11).timed_out(NOW - 1)
    alone = site([group(rating_a=8.0)], [connector("a")])
    what = inputs(alone, [("a", known(commitment))])

    assert limits(decide(alone, what)) == {"a": 8.0}


def test_a_refused_cut_waits_before_it_is_tried_again() -> None:
    commitment = obeying(10.0).sent(8.0, NOW - 2).rejected(NOW - 1)
    alone = site([group(rating_a=8.0)], [connector("a")])
    what = inputs(alone, [("a", known(commitment))])

    assert limits(decide(alone, what)) == {}


def test_a_charger_that_lost_its_limit_is_given_it_again() -> None:
    alone = site([group(rating_a=40.0)], [connector("a", rating_a=32.0, maximum_a=6.0)])
    what = inputs(alone, [("a", known(disobeying(6.0, 32.0, NOW - LAG_S - 1)))])

    assert decide(alone, what).commands == (Command(key=key("a"), limit_a=6.0, kind=Kind.CUT),)


def test_a_charger_that_never_obeys_is_told_more_and_more_seldom() -> None:
    alone = site([group(rating_a=40.0)], [connector("a", rating_a=32.0, maximum_a=6.0)])
    commitment, now, writes = disobeying(6.0, 32.0, NOW - LAG_S - 1), NOW, 0
    while now < NOW + 3600:
        commitment = commitment.measured(32.0, now)
        what = inputs(alone, [("a", known(commitment))])
        if limits(decide(alone, what, now=now)):
            writes += 1
            commitment = commitment.sent(6.0, now).accepted(now, connector("a"))
        now += 5

    assert 12 <= writes <= 20


def test_a_vouched_charger_that_broke_its_limit_stays_booked_at_what_it_drew() -> None:
    keeper = connector("a", rating_a=32.0, keeps_limit=True)
    lost = disobeying(6.0, 30.0, NOW - 100).disconnected()
    back = lost.connected(keeps_limit=True)

    assert lost.booked_a(keeper, NOW + 600) == 30.0
    assert back.booked_a(keeper, NOW + 600) == 30.0


def test_what_is_in_doubt_is_not_raised_while_others_still_fall() -> None:
    # B may have anything in force, also nothing; what it is sent must fit beside A's old current.
    falling = obeying(26.0, reading_a=26.0).sent(0.0, NOW - 2).accepted(NOW - 1, connector("a"))
    pair = site([group(rating_a=32.0)], [connector("a", rating_a=32.0), connector("b")])
    what = inputs(
        pair,
        [("a", known(falling)), ("b", known(Commitment().connected(keeps_limit=False)))],
    )

    assert limits(decide(pair, what))["b"] == 6.0


def test_chargers_that_come_back_together_share_at_once() -> None:
    pair = site([group(rating_a=32.0)], [connector("a"), connector("b")])
    back = known(Commitment().connected(keeps_limit=False))

    assert limits(decide(pair, inputs(pair, [("a", back), ("b", back)]))) == {"a": 16.0, "b": 16.0}


def test_a_charger_said_to_be_on_a_phase_that_its_group_lacks_is_counted_all_the_same() -> None:
    feeder = replace(group(rating_a=10.0), phases=(Phase.L1,))
    lone = site([feeder], [connector("a", rating_a=32.0, phase_map=PhaseMap.L2)])
    what = inputs(lone, [("a", known(obeying(32.0)))])

    assert limits(decide(lone, what)) == {"a": 10.0}


def test_a_charger_that_cannot_be_read_hides_no_more_than_what_is_booked_for_it() -> None:
    # The house rises slowly behind a charger that is booked at 16 A and draws nothing.
    pair = site([group(rating_a=25.0, metered=True)], [connector("a"), connector("b")])
    silent = known(obeying(16.0), line=Line.OFFLINE)
    state = State()
    for tenth in range(200):
        now = NOW - 200 + tenth
        what = inputs(
            pair,
            [("a", silent), charging("b", 9.0)],
            meters={"root": meter(9 + tenth / 10, at=now)},
        )
        result = decide(pair, what, state, now)
        state = result.state
        if 9 + tenth / 10 > 25.0:
            assert limits(result), "the meter shows more than the fuse carries"


def test_a_charger_above_all_its_limits_is_booked_as_measured_before_its_lag_is_over() -> None:
    fresh = Commitment().connected(keeps_limit=False).sent(6.0, NOW).accepted(NOW, connector("a"))

    assert fresh.measured(30.0, NOW + 1).booked_a(connector("a"), NOW + 1) == 30.0
