"""What a charger is told in the name of its back office, made safe."""

from datetime import UTC, datetime

from ..guarded_keys import LONGEST_HEARTBEAT_S
from ..lenient import integer, timestamp
from ..rpc_errors import CallError
from ..rpc_frames import ErrorCode, Payload
from ..v16 import utc_text

SHORTEST_INTERVAL_S = 60
DEFAULT_INTERVAL_S = 300
CLOCK_TOLERANCE_S = 60.0
"""Limits begin and end by the charger's clock, which it sets by such answers."""
_SPELT_RIGHT = {
    "FormatViolation": ErrorCode.FORMATION_VIOLATION,
    "OccurrenceConstraintViolation": ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION,
}
"""As many write what OCPP 1.6 misspells."""


def boot_answer(answer: Payload) -> Payload:
    """Return the answer to a boot with an interval that keeps the charger within hearing."""
    told = integer(answer.get("interval"))
    interval_s = min(max(told or DEFAULT_INTERVAL_S, SHORTEST_INTERVAL_S), LONGEST_HEARTBEAT_S)
    if told != interval_s:
        answer = answer | {"interval": interval_s}
    return with_our_time(answer)


def with_our_time(answer: Payload) -> Payload:
    """Return an answer with the time of here where its own is far from that, or unreadable."""
    if not clock_differs(answer):
        return answer
    return answer | {"currentTime": utc_text(datetime.now(UTC))}


def clock_differs(answer: Payload) -> bool:
    """Return whether an answer tells a time that is not that of here."""
    told = timestamp(answer.get("currentTime"))
    return told is None or abs((told - datetime.now(UTC)).total_seconds()) > CLOCK_TOLERANCE_S


def relayed(code: str, description: str) -> CallError:
    """Return the refusal of one leg as that of the other."""
    if code in _SPELT_RIGHT:
        return CallError(_SPELT_RIGHT[code], description)
    if code in tuple(ErrorCode):
        return CallError(ErrorCode(code), description)
    return CallError(ErrorCode.GENERIC_ERROR, f"{code}: {description}")
