"""The page on OCPP 1.6 tells what the code does, and nothing of OCPP 1.6 is missing."""

import inspect
import re

from custom_components.balanz.actions.log import GET_LOG
from custom_components.balanz.actions.ocpp import OCPP_ACTIONS
from custom_components.balanz.actions.security import SECURITY_ACTIONS
from custom_components.balanz.csms.v16_commands import ACTIONS
from custom_components.balanz.csms.v16_security import SecurityCommands
from custom_components.balanz.csms.validation import is_known

from .ocpp16_coverage import (
    BASE_MESSAGES,
    PAGE,
    SECURITY_EXTENSION,
    SENT,
    SERVED,
    page,
    rows,
    served,
    snake_case,
)


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


def test_each_of_the_11_messages_of_the_security_extension_is_served_or_sent() -> None:
    asked = set(re.findall(r'_ask\(\s*"(\w+)"', inspect.getsource(SecurityCommands)))
    told = {message for message, (from_charger, *_) in SECURITY_EXTENSION.items() if from_charger}
    actions = {name for _, _, name in SECURITY_EXTENSION.values() if name is not None}

    assert len(SECURITY_EXTENSION) == 11
    assert all(is_known(message) for message in SECURITY_EXTENSION)
    assert told == served() - BASE_MESSAGES
    assert SECURITY_EXTENSION.keys() - told == asked - BASE_MESSAGES
    assert actions <= {*(action.name for action in SECURITY_ACTIONS), GET_LOG.name}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.ha.ocpp16_coverage"
