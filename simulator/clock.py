"""The time that chargers, cars and the house share."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic


class Clock:
    """Simulated seconds, `factor` of them to each real one.

    The wall time runs at its normal pace even so, because the peer lives in real time: charging
    schedules carry its timestamps, and a charger that ran ahead would let them lapse too early.
    Set `scale_wall` if the peer is driven by this clock as well. Raises ValueError if the factor
    is not above 0.
    """

    def __init__(self, factor: float = 1.0, *, scale_wall: bool = False) -> None:
        if not factor > 0:
            raise ValueError(f"The time factor must be above 0, not {factor}")
        self.factor = factor
        self._scale_wall = scale_wall
        self._begun = monotonic()
        self._begun_at = datetime.now(UTC)

    def seconds(self) -> float:
        """Simulated seconds since the clock was made."""
        return (monotonic() - self._begun) * self.factor

    def now(self) -> datetime:
        """The wall time, in UTC."""
        if self._scale_wall:
            return self._begun_at + timedelta(seconds=self.seconds())
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep simulated seconds."""
        await asyncio.sleep(max(0.0, seconds) / self.factor)


def timestamp(moment: datetime) -> str:
    """Write a time as OCPP wants it: UTC, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Read a timestamp; one without a zone is UTC. Raises ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
