"""Read what chargers send as far as it can be understood; None where it cannot."""

import math
from datetime import UTC, datetime
from typing import Any

from .rpc_errors import CallError
from .rpc_frames import ErrorCode

MAX_INTEGER = 2**31 - 1


def integer(value: object) -> int | None:
    """Return a whole number, also from text such as " 12 " and from 1.0."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = number(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None


def number(value: object) -> float | None:
    """Return a finite number, also from text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        result = float(value)
    except ValueError, OverflowError:
        return None
    return result if math.isfinite(result) else None


def text(value: object, max_length: int) -> str:
    """Return printable text of a limited length; empty for anything else than text."""
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value if character.isprintable())[:max_length].strip()


def timestamp(value: object) -> datetime | None:
    """Return a moment in UTC; without a zone it is taken for UTC, as OCPP 1.6 section 3.15 says."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except ValueError, OverflowError:
        return None


def require_integer(payload: dict[str, Any], field: str) -> int:
    """Return a field's whole number. Raises CallError if it is missing or none."""
    if field not in payload:
        raise CallError(ErrorCode.PROTOCOL_ERROR, f"{field} is missing")
    value = integer(payload[field])
    if value is None:
        raise CallError(ErrorCode.TYPE_CONSTRAINT_VIOLATION, f"{field} is no integer")
    if abs(value) > MAX_INTEGER:
        raise CallError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"{field} is out of range")
    return value
