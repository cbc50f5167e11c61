"""Section E: back offices that misbehave. It is driven where there is one to play with."""

_FOLDER = "tests/csms/local_controller"
_BAD = f"{_FOLDER}/test_bad_back_office.py"
_CORPUS = f"{_FOLDER}/test_corpus_of_the_back_office.py"
_FORWARDING = f"{_FOLDER}/test_forwarding.py"
_SITE = "tests/site/test_upstreams.py"

UPSTREAM: dict[str, tuple[str, ...]] = {
    "E01": (
        f"{_CORPUS}::test_a_bad_frame_reaches_no_charger",
        f"{_CORPUS}::test_bad_bytes_cost_the_link_and_nothing_else",
        f"{_CORPUS}::test_a_bad_answer_becomes_a_good_one",
        f"{_CORPUS}::test_a_bad_call_is_refused_with_a_code",
    ),
    "E02": (f"{_FORWARDING}::test_a_message_that_nobody_knows_is_passed_on_both_ways",),
    "E03": (f"{_SITE}::test_our_own_limit_stays_the_lower_one",),
    "E04": (f"{_SITE}::test_clearing_everything_leaves_our_own_limit_in_force",),
    "E05": (f"{_SITE}::test_a_profile_of_an_unknown_transaction_is_rejected",),
    "E06": (
        f"{_BAD}::test_a_start_that_is_answered_with_nonsense_goes_on_under_our_id",
        f"{_FOLDER}/test_delivery.py::test_an_id_of_the_back_office_is_read_however_it_is_written",
    ),
    "E07": (f"{_BAD}::test_a_start_that_is_answered_late_is_the_one_that_was_begun",),
    "E08": (
        f"{_FORWARDING}::test_of_a_hundred_calls_at_once_most_are_told_that_the_line_is_busy",
        f"{_SITE}::test_a_cut_goes_before_all_that_the_back_office_asks",
    ),
    "E09": (f"{_FORWARDING}::test_no_charger_no_answer",),
    "E10": (
        f"{_BAD}::test_each_refusal_has_its_own_reason",
        f"{_BAD}::test_one_that_nobody_knows_is_not",
        f"{_BAD}::test_who_answers_but_speaks_no_ocpp_is_told_so",
        f"{_BAD}::test_one_that_never_finishes_its_handshake_is_left",
    ),
    "E11": (
        f"{_BAD}::test_a_back_office_that_drops_the_link_again_and_again_is_left_alone_for_longer",
        f"{_BAD}::test_a_link_that_never_lasts_is_dialled_ever_later",
    ),
    "E12": (
        f"{_FOLDER}/test_outage.py::test_a_start_without_an_answer_is_said_again_with_the_same_id",
    ),
    "E13": (f"{_FORWARDING}::test_a_clock_that_is_a_day_off_does_not_reach_the_charger",),
    "E14": (f"{_FORWARDING}::test_an_interval_is_kept_within_what_keeps_the_charger_in_sight",),
    "E15": (
        f"{_FORWARDING}::test_a_key_that_leads_the_charger_away_is_held_back",
        f"{_SITE}::test_a_key_that_leads_away_is_told_to_the_user",
    ),
}
"""The tests that drive each row."""
