"""What a back office answers is made safe for the charger, and refusals stay refusals."""

import pytest

from custom_components.balanz.csms.local_controller.answers import relayed
from custom_components.balanz.csms.rpc_frames import ErrorCode


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("NotSupported", (ErrorCode.NOT_SUPPORTED, "why")),
        ("FormatViolation", (ErrorCode.FORMATION_VIOLATION, "why")),
        ("OccurrenceConstraintViolation", (ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, "why")),
        ("OfItsOwn", (ErrorCode.GENERIC_ERROR, "OfItsOwn: why")),
    ],
)
def test_a_refusal_is_told_in_words_that_ocpp_knows(code: str, told: tuple[ErrorCode, str]) -> None:
    error = relayed(code, "why")

    assert (error.code, error.description) == told
