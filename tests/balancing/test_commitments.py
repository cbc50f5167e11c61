"""The worst-case ledger: what may still be in force, told event by event."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.commitments import (
    LAG_S,
    READING_MAX_AGE_S,
    Commitment,
)
from custom_components.balanz.balancing.lease import Lapse

from .build import connector

CHARGER = connector("a", rating_a=32.0)
KEEPER = connector("a", rating_a=32.0, keeps_limit=True)
TRUSTED = replace(KEEPER, lapses=True)


def following(limit_a: float, *, keeps_limit: bool = False) -> Commitment:
    """A charger that accepted a limit at 0 s, its lag long over."""
    fresh = Commitment().connected(keeps_limit=keeps_limit).sent(limit_a, 0.0)
    return fresh.accepted(0.0, CHARGER).settled(LAG_S)


def booked(commitment: Commitment, now: float = 100.0) -> float:
    return commitment.booked_a(CHARGER, now)


def test_a_charger_that_never_answered_is_booked_at_its_rating() -> None:
    assert booked(Commitment()) == 32.0
    assert booked(Commitment().connected(keeps_limit=False).sent(6.0, 0.0)) == 32.0


def test_a_limit_counts_once_it_was_followed() -> None:
    assert booked(following(10.0)) == 10.0


def test_a_raise_counts_from_when_it_is_sent() -> None:
    assert booked(following(10.0).sent(16.0, 100.0)) == 16.0


def test_a_cut_counts_only_after_it_was_accepted_and_followed() -> None:
    sent = following(16.0).sent(6.0, 100.0)
    accepted = sent.accepted(101.0, CHARGER)

    assert booked(sent) == 16.0
    assert booked(accepted.settled(115.9), 115.9) == 16.0
    assert booked(accepted.settled(116.0), 116.0) == 6.0


def test_a_metered_cut_counts_as_soon_as_the_current_is_seen_to_fall() -> None:
    cut = following(16.0).measured(15.8, 95.0).sent(6.0, 100.0).accepted(101.0, CHARGER)

    assert booked(cut.measured(15.8, 102.0), 102.0) == 16.0
    assert booked(cut.measured(6.1, 103.0), 103.0) == 6.0


def test_a_low_reading_proves_no_fall_where_the_car_drew_little_before() -> None:
    cut = following(16.0).measured(3.0, 95.0).sent(6.0, 100.0).accepted(101.0, CHARGER)

    assert booked(cut.measured(3.0, 103.0), 103.0) == 16.0
    assert booked(cut.measured(3.0, 116.0), 116.0) == 6.0


def test_a_fall_seen_after_a_raise_in_between_may_be_that_of_the_earlier_cut() -> None:
    cut = following(16.0).measured(16.0, 95.0).sent(6.0, 100.0).accepted(100.0, CHARGER)
    raised = cut.sent(12.0, 101.0).accepted(101.0, CHARGER)
    cut_again = raised.sent(8.0, 102.0).accepted(102.0, CHARGER)

    assert booked(cut_again.measured(6.0, 103.0), 103.0) == 16.0


def test_a_fall_seen_before_a_doubtful_raise_was_settled_proves_nothing() -> None:
    doubtful = following(10.0).measured(10.0, 85.0).sent(16.0, 90.0).timed_out(100.0)
    cut = doubtful.sent(6.0, 101.0).accepted(101.0, CHARGER)

    assert booked(cut.measured(6.0, 102.0), 102.0) == 16.0


def test_a_further_cut_keeps_what_was_drawn_before_the_first() -> None:
    cut = following(16.0).measured(16.0, 95.0).sent(12.0, 100.0).accepted(100.0, CHARGER)
    further = cut.sent(6.0, 101.0).accepted(101.0, CHARGER)

    assert booked(further.measured(12.0, 102.0), 102.0) == 16.0
    assert booked(further.measured(6.0, 103.0), 103.0) == 6.0


def test_a_reading_older_than_the_last_answer_proves_no_fall() -> None:
    raised = following(10.0).measured(10.0, 95.0).sent(12.0, 99.0).accepted(100.0, CHARGER)
    cut = raised.sent(8.0, 101.0).accepted(101.0, CHARGER)

    assert booked(cut.measured(8.0, 102.0), 102.0) == 12.0


def test_a_raise_above_what_still_falls_ends_the_fall() -> None:
    cut = following(16.0).sent(6.0, 100.0).accepted(100.0, CHARGER)

    assert booked(cut.sent(16.0, 101.0).accepted(101.0, CHARGER), 101.0) == 16.0


def test_a_refused_limit_leaves_the_old_one_and_is_counted() -> None:
    refused = following(10.0).sent(16.0, 100.0).rejected(101.0)

    assert booked(refused) == 10.0
    assert refused.refusals == 1
    assert refused.sent(6.0, 111.0).accepted(111.0, CHARGER).refusals == 0


def test_a_write_that_timed_out_counts_as_the_larger_of_old_and_new() -> None:
    assert booked(following(10.0).sent(16.0, 100.0).timed_out(110.0)) == 16.0
    assert booked(following(16.0).sent(10.0, 100.0).timed_out(110.0)) == 16.0


def test_a_first_write_that_timed_out_bounds_nothing() -> None:
    new = Commitment().connected(keeps_limit=True).sent(0.0, 0.0)

    assert new.timed_out(10.0).booked_a(KEEPER, 10.0) == 32.0
    assert new.disconnected().booked_a(KEEPER, 10.0) == 32.0
    assert new.largest_possible_a() is None


def test_the_next_accepted_limit_settles_a_doubt() -> None:
    doubtful = following(10.0).sent(16.0, 100.0).timed_out(110.0)
    settled = doubtful.sent(8.0, 120.0).accepted(120.0, CHARGER).settled(140.0)

    assert doubtful.in_doubt
    assert not settled.in_doubt
    assert booked(settled, 140.0) == 8.0


def test_a_limit_that_never_left_changes_nothing() -> None:
    assert booked(following(10.0).sent(16.0, 100.0).not_sent(100.0)) == 10.0


def test_an_answer_to_nothing_changes_nothing() -> None:
    commitment = following(10.0)

    assert commitment.accepted(100.0, CHARGER) == commitment
    assert booked(commitment.timed_out(100.0)) == 10.0


def test_a_charger_that_lost_its_link_is_booked_at_its_rating() -> None:
    assert booked(following(10.0).disconnected()) == 32.0


def test_one_that_keeps_its_limit_is_booked_at_the_largest_that_may_be_in_force() -> None:
    lost = following(10.0, keeps_limit=True).sent(12.0, 100.0).disconnected()

    assert lost.booked_a(KEEPER, 200.0) == 12.0
    assert lost.connected(keeps_limit=True).booked_a(KEEPER, 200.0) == 12.0


def test_a_charger_that_came_back_is_booked_at_its_rating_until_it_follows_a_limit() -> None:
    back = following(10.0).disconnected().connected(keeps_limit=False)

    assert back.in_doubt
    assert booked(back) == 32.0


def test_a_charger_that_draws_too_much_is_booked_at_what_it_draws() -> None:
    mad = following(6.0).measured(16.0, 100.0)

    assert mad.disobeys(100.0)
    assert booked(mad, 100.0) == 16.0


def test_a_little_above_the_limit_still_obeys() -> None:
    assert booked(following(6.0).measured(6.9, 100.0), 100.0) == 6.0


def test_a_disobedient_charger_stays_booked_after_its_meter_fell_silent() -> None:
    mad = following(16.0).sent(6.0, 100.0).accepted(100.0, CHARGER).measured(16.0, 120.0)
    later = 120.0 + 10 * READING_MAX_AGE_S

    assert booked(mad.settled(later), later) == 16.0
    assert not mad.disobeys(later)
    assert mad.exceeds


def test_renewing_the_limit_of_a_disobedient_charger_gives_no_credit() -> None:
    mad = following(6.0).measured(16.0, 100.0)
    renewed = mad.sent(6.0, 300.0).accepted(300.0, CHARGER)

    assert booked(renewed.settled(400.0), 400.0) == 16.0


def test_a_disobedient_charger_is_trusted_again_once_it_is_seen_to_obey() -> None:
    mad = following(16.0).sent(6.0, 100.0).accepted(100.0, CHARGER).measured(16.0, 120.0)

    assert booked(mad.measured(6.0, 130.0), 130.0) == 6.0


def test_a_charger_that_stops_metering_at_a_cut_is_trusted_once_its_reading_is_too_old() -> None:
    cut = following(16.0).measured(16.0, 99.0).sent(6.0, 100.0).accepted(100.0, CHARGER)
    old = 99.0 + READING_MAX_AGE_S

    assert booked(cut.settled(old - 0.1), old - 0.1) == 16.0
    assert booked(cut.settled(old), old) == 6.0


def test_a_connector_that_was_left_is_free_once_its_charger_had_time_to_follow() -> None:
    left = following(16.0).measured(16.0, 95.0).vacated(99.0)
    cut = left.sent(0.0, 99.5).accepted(100.0, CHARGER)

    assert booked(cut.settled(114.9), 114.9) == 16.0
    assert booked(cut.settled(115.0), 115.0) == 0.0


def test_a_new_car_at_a_connector_that_was_left_has_to_be_seen_to_follow() -> None:
    left = following(16.0).measured(16.0, 95.0).vacated(99.0)
    taken_again = left.sent(0.0, 99.5).accepted(100.0, CHARGER).measured(0.0, 110.0)

    assert booked(taken_again.settled(120.0), 120.0) == 16.0


def test_a_car_that_leaves_a_charger_that_did_not_obey_leaves_nothing_booked() -> None:
    mad = following(10.0).measured(16.0, 100.0).sent(0.0, 101.0).timed_out(111.0)
    left = mad.sent(0.0, 112.0).accepted(112.0, CHARGER).vacated(113.0)

    assert booked(left.settled(126.9), 126.9) == 16.0
    assert booked(left.settled(127.0), 127.0) == 0.0


def test_it_tells_when_time_alone_will_change_what_is_booked() -> None:
    cut = following(16.0).measured(16.0, 99.0).sent(6.0, 100.0).accepted(100.1, CHARGER)

    assert cut.next_change(101.0) == 100.1 + LAG_S
    assert cut.next_change(100.1 + LAG_S) == 99.0 + READING_MAX_AGE_S
    assert cut.next_change(1000.0) is None


def test_a_deadline_has_passed_when_the_clock_shows_exactly_it() -> None:
    for since in (0.1, 12345.678, 98765.4321):
        cut = following(16.0).sent(6.0, since).accepted(since, CHARGER)
        due = cut.next_change(since)
        assert due is not None
        assert cut.settled(due).falling is None


def test_the_aim_is_what_holds_once_all_is_answered_and_obeyed() -> None:
    cut = following(16.0).sent(6.0, 100.0)

    assert following(16.0).aim_a(CHARGER, 100.0) == 16.0
    assert cut.aim_a(CHARGER, 100.0) == 6.0
    assert cut.accepted(100.0, CHARGER).aim_a(CHARGER, 100.0) == 6.0
    assert cut.timed_out(110.0).aim_a(CHARGER, 110.0) == 16.0


def leased(limit_a: float = 16.0, lapse: Lapse | None = None) -> Commitment:
    """A charger that accepted a limit at 0 s which falls back to 6 A at 900 s."""
    lapse = lapse or Lapse(at=900.0, to_a=6.0)
    fresh = Commitment().connected(keeps_limit=True).sent(limit_a, 0.0, lapse)
    return fresh.accepted(0.0, TRUSTED).settled(LAG_S)


def test_a_lapsed_lease_counts_as_the_fallback_where_the_lapse_is_proven() -> None:
    lost = leased().disconnected()

    assert lost.booked_a(TRUSTED, 899.0) == 16.0
    assert lost.booked_a(TRUSTED, 900.0) == 6.0
    assert lost.next_change(100.0) == 900.0


def test_a_lapse_that_is_not_proven_earns_nothing() -> None:
    lost = leased().disconnected()

    assert lost.booked_a(KEEPER, 900.0) == 16.0
    assert lost.booked_a(replace(TRUSTED, keeps_limit=False), 900.0) == 32.0


def test_a_limit_below_the_fallback_stays_where_it_is() -> None:
    paused = leased(0.0, Lapse(at=0.0, to_a=0.0)).disconnected()

    assert paused.booked_a(TRUSTED, 900.0) == 0.0


def test_a_write_that_was_never_answered_may_have_begun_a_later_lease() -> None:
    doubtful = leased().sent(10.0, 600.0, Lapse(at=1500.0, to_a=6.0)).disconnected()

    assert doubtful.booked_a(TRUSTED, 1499.0) == 16.0
    assert doubtful.booked_a(TRUSTED, 1500.0) == 6.0


def test_a_write_without_a_lease_that_was_never_answered_may_last_for_ever() -> None:
    doubtful = leased().sent(10.0, 600.0).timed_out(610.0)

    assert doubtful.booked_a(TRUSTED, 9999.0) == 16.0


def test_a_lease_runs_on_over_a_new_connection() -> None:
    back = leased().disconnected().connected(keeps_limit=True)

    assert back.booked_a(TRUSTED, 899.0) == 16.0
    assert back.booked_a(TRUSTED, 900.0) == 6.0


def test_one_that_did_not_obey_its_limit_is_not_trusted_to_obey_its_lapse() -> None:
    mad = leased().measured(20.0, 100.0)

    assert mad.disconnected().booked_a(TRUSTED, 900.0) == 20.0
    assert mad.disconnected().connected(keeps_limit=True).booked_a(TRUSTED, 900.0) == 20.0


def test_what_profiles_of_others_allow_is_booked_for_as_long_as_they_do() -> None:
    overruled = following(10.0).overruled(16.0, 100.0)

    assert booked(overruled) == 16.0
    assert booked(overruled.sent(6.0, 101.0).accepted(102.0, CHARGER).settled(117.0), 117.0) == 16.0
    assert booked(overruled.disconnected().connected(keeps_limit=False)) == 32.0


def test_a_profile_of_others_that_allows_less_changes_nothing() -> None:
    assert booked(following(10.0).overruled(8.0, 100.0)) == 10.0


def test_a_current_that_others_allow_is_no_disobedience() -> None:
    overruled = following(10.0).overruled(16.0, 100.0)

    assert not overruled.measured(16.0, 130.0).exceeds
    assert overruled.measured(18.0, 130.0).disobeys(130.0)
    assert overruled.followed_a(200.0, 10.0) is None


def test_the_end_of_a_profile_of_others_counts_once_it_was_followed() -> None:
    ended = following(10.0).overruled(16.0, 20.0).measured(16.0, 99.0).overruled(None, 100.0)

    assert booked(ended) == 16.0
    assert booked(ended.measured(10.0, 101.0), 101.0) == 10.0
    assert booked(ended.measured(16.0, 116.0), 116.0) == 16.0
    assert ended.measured(16.0, 116.0).disobeys(116.0)


def test_without_a_meter_it_counts_after_the_lag() -> None:
    ended = following(10.0).overruled(16.0, 20.0).overruled(12.0, 100.0)

    assert booked(ended.settled(114.9), 114.9) == 16.0
    assert booked(ended.settled(115.0), 115.0) == 12.0


def test_a_lease_does_not_end_what_others_allow() -> None:
    lapse = Lapse(at=50.0, to_a=6.0)
    leased = Commitment().connected(keeps_limit=True).sent(10.0, 0.0, lapse)
    lapsed = leased.accepted(0.0, TRUSTED).settled(LAG_S)

    assert lapsed.booked_a(TRUSTED, 100.0) == 6.0
    assert lapsed.overruled(16.0, 100.0).booked_a(TRUSTED, 100.0) == 16.0


def test_a_limit_that_may_be_gone_leaves_the_rating_and_what_others_allow() -> None:
    lost = following(10.0).overruled(16.0, 100.0).unlimited()

    assert booked(lost) == 32.0
    assert booked(lost.sent(10.0, 101.0).accepted(101.0, CHARGER).settled(116.0), 116.0) == 16.0


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(
                ["sent", "accepted", "rejected", "timed_out", "measured", "link", "lost"]
            ),
            st.floats(min_value=0.0, max_value=32.0),
            st.floats(min_value=0.1, max_value=60.0),
        ),
        max_size=20,
    ),
    foreign_a=st.floats(min_value=0.0, max_value=32.0),
    keeps_limit=st.booleans(),
)
def test_nothing_that_happens_lowers_the_booking_below_what_others_allow(
    events: list[tuple[str, float, float]], foreign_a: float, keeps_limit: bool
) -> None:
    charger = KEEPER if keeps_limit else CHARGER
    now, commitment = 0.0, Commitment(online=True).overruled(foreign_a, 0.0)
    for event, value, pause_s in events:
        now += pause_s
        match event:
            case "sent":
                commitment = commitment.sent(value, now)
            case "accepted":
                commitment = commitment.accepted(now, charger)
            case "rejected":
                commitment = commitment.rejected(now)
            case "timed_out":
                commitment = commitment.timed_out(now)
            case "measured":
                commitment = commitment.measured(value, now)
            case "link":
                commitment = commitment.disconnected().connected(keeps_limit=keeps_limit)
            case _:
                commitment = commitment.unlimited()
        commitment = commitment.settled(now)

        assert commitment.booked_a(charger, now) >= foreign_a
        possible_a = commitment.largest_possible_a()
        assert possible_a is None or possible_a >= foreign_a


LIMITS_ITSELF = replace(KEEPER, offline_a=7.0)


def test_one_that_limits_itself_without_its_link_counts_with_that_once_it_has_surely_noticed() -> (
    None
):
    gone = following(16.0, keeps_limit=True).disconnected().settled(100.0)

    booked_a = [gone.booked_a(LIMITS_ITSELF, at) for at in (100.0, 999.0, 1000.0)]
    assert booked_a == [16.0, 16.0, 7.0]
    assert gone.next_change(100.0) == 1000.0


def test_one_that_has_a_link_again_is_not_limited_by_having_none_until_it_is_told() -> None:
    gone = following(16.0, keeps_limit=True).disconnected().settled(100.0)

    back = gone.disconnected(linked=True).settled(2000.0)
    assert back.booked_a(LIMITS_ITSELF, 3000.0) == 16.0

    gone_again = back.disconnected().settled(3000.0)
    assert [gone_again.booked_a(LIMITS_ITSELF, at) for at in (3000.0, 3900.0)] == [16.0, 7.0]


def test_one_that_was_paused_may_be_limiting_itself_to_more() -> None:
    gone = following(0.0, keeps_limit=True).disconnected().settled(100.0)

    assert gone.booked_a(LIMITS_ITSELF, 100.0) == 7.0


def test_one_that_did_not_obey_is_not_relied_on_to_limit_itself() -> None:
    defiant = following(6.0, keeps_limit=True).measured(20.0, 50.0).disconnected().settled(60.0)

    assert defiant.booked_a(LIMITS_ITSELF, 5000.0) == 20.0
