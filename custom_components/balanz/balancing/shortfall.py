"""Whether anything is left to be cut, once all that was sent is obeyed."""

from collections.abc import Mapping

from .alarm import Alarm
from .headroom import Headroom
from .model import ConnectorKey
from .phases import EPSILON_A
from .standing import Standing
from .targets import PATIENCE_S


def falls_short(
    standings: Mapping[ConnectorKey, Standing], headroom: Headroom, now: float, alarm: Alarm
) -> bool:
    """Return whether some limit would still be exceeded (monotonic seconds).

    Where that is not so, time alone may change it at what the alarm is set to.
    """
    to_come_a = ((key, _to_come_a(one, now, alarm)) for key, one in standings.items())
    return any(room_a < -EPSILON_A for room_a in headroom.room(standings, to_come_a))


def _to_come_a(standing: Standing, now: float, alarm: Alarm) -> float:
    """Return what a connector is to be reckoned with, A per line.

    That is what it was told, as long as it may be relied upon to do that.
    """
    commitment = standing.known.commitment
    is_relied_on = not standing.defies and commitment.failed_at is None
    if commitment.pending is not None:
        patient_until = commitment.pending.sent_at + PATIENCE_S
        alarm.at(patient_until)
        is_relied_on = is_relied_on and now < patient_until
    return max(standing.aim_a if is_relied_on else standing.booked_a, standing.foreign_a)
