"""The page on OCPP 1.6 tells what the code does, and nothing of OCPP 1.6 is missing."""

from custom_components.balanz.csms.v16_commands import ACTIONS
from custom_components.balanz.csms.validation import is_known
from custom_components.balanz.ocpp_actions import OCPP_ACTIONS

from .ocpp16_coverage import BASE_MESSAGES, PAGE, SENT, SERVED, page, rows, served, snake_case


def test_each_of_the_28_messages_is_served_or_sent() -> None:
    assert len(BASE_MESSAGES) == 28
    assert all(is_known(message) for message in BASE_MESSAGES)
    assert {row.message for row in rows()} == BASE_MESSAGES


def test_both_sides_may_transfer_data_and_no_other_message_goes_both_ways() -> None:
    told = [row.message for row in rows()]

    assert {message for message in told if told.count(message) > 1} == {"DataTransfer"}


def test_what_is_told_is_what_the_code_has() -> None:
    assert set(SERVED) == served() & BASE_MESSAGES
    assert set(SENT) == set(ACTIONS)


def test_users_can_ask_for_each_message_that_balanz_sends() -> None:
    assert {action.name for action in OCPP_ACTIONS} == {snake_case(name) for name in ACTIONS}
    assert all(row.action is not None for row in rows() if not row.from_charger)


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.ha.ocpp16_coverage"
