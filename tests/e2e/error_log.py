"""What Home Assistant's log tells of errors."""

import re

_RECORD = re.compile(r"^(?=(?:\x1b\[\d+m)?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_LEFT_BEHIND = "ClientConnectionResetError"
"""What Home Assistant itself reports where a browser leaves while it is being told something."""


def errors(log: str) -> list[str]:
    """Return the errors in a log, each with its traceback."""
    return [
        record
        for record in _RECORD.split(log)
        if " ERROR " in record.partition("\n")[0] and _LEFT_BEHIND not in record
    ]
