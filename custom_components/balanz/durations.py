"""How long what is set for a while lasts."""

from datetime import datetime, timedelta

from homeassistant.util import dt as dt_util


def end_of(lasts: timedelta | None) -> datetime | None:
    """Return when what begins now ends, in whole seconds; None where it has no end."""
    if lasts is None:
        return None
    return (dt_util.utcnow() + lasts + timedelta(microseconds=999_999)).replace(microsecond=0)
