"""What chargers name by a code is read in whatever spelling they use."""

import pytest
from ocpp.v16.enums import ChargePointErrorCode, Reason

from custom_components.balanz.csms.reported_codes import ErrorCode, StopReason


def test_each_code_of_ocpp_has_its_own() -> None:
    assert {ErrorCode.of(code.value) for code in ChargePointErrorCode} == set(ErrorCode)
    assert {StopReason.of(reason.value) for reason in Reason} == set(StopReason)


@pytest.mark.parametrize("text", ["EVDisconnected", "EvDisconnected", "ev_disconnected"])
def test_the_spelling_does_not_matter(text: str) -> None:
    assert StopReason.of(text) is StopReason.EV_DISCONNECTED


@pytest.mark.parametrize("text", ["E-1042", "Implicit", "\N{SNOWMAN}", "x" * 1000])
def test_what_ocpp_does_not_know_is_another_one(text: str) -> None:
    assert ErrorCode.of(text) is ErrorCode.OTHER_ERROR
    assert StopReason.of(text) is StopReason.OTHER


def test_silence_is_no_code() -> None:
    assert ErrorCode.of("") is None
    assert StopReason.of(None) is None
