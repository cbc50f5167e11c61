"""Energy that only ever grows, from registers that start anew, jump, or count each session alone.

A register that falls may have started anew, or the reading may be nonsense: Wallbox chargers now
and then report zero. The next reading tells. What was not seen to flow is not counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any, Self

MOST_IN_ONE_STEP_WH = 200_000.0
"""More than any car takes in a session, which some registers tell in one step at its end."""
COARSEST_STEP_WH = 1000.0
MARGIN = 1.3
"""On what the rating lets flow: voltages and chargers are not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeEnergy:
    """What a connector has ever delivered, as far as its register has told."""

    total_wh: float | None = None
    """None before the first reading, which is taken as it is. It never falls."""
    register_wh: float = 0.0
    """The last reading that was believed."""
    read_at: datetime | None = None
    doubted_wh: float | None = None
    """A reading that does not follow from that; believed once the next one follows from it."""
    before_wh: float | None = None
    """Where the register was when it fell; it may come back."""

    def read(self, register_wh: float, at: datetime, most_w: float) -> LifetimeEnergy:
        """Return the energy after a reading; `most_w` is what the rating lets flow."""
        if not isfinite(register_wh) or register_wh < 0:
            return self
        if self.total_wh is None or self.read_at is None:
            return replace(self, total_wh=register_wh, register_wh=register_wh, read_at=at)
        could_wh = self._could_wh(at, most_w)
        gained_wh = register_wh - self.register_wh
        back_wh = None if self.before_wh is None else register_wh - self.before_wh
        if gained_wh > could_wh and back_wh is not None and 0 <= back_wh <= could_wh:
            # It had not started anew after all.
            return self._counted(back_wh, register_wh, at, None)
        if 0 <= gained_wh <= max(could_wh, MOST_IN_ONE_STEP_WH):
            return self._counted(gained_wh, register_wh, at, self.before_wh)
        doubted_wh = self.doubted_wh
        if doubted_wh is None or not 0 <= register_wh - doubted_wh <= MOST_IN_ONE_STEP_WH:
            return replace(self, doubted_wh=register_wh)
        if gained_wh >= 0:
            return self._counted(register_wh - doubted_wh, register_wh, at, None)
        # What a register that has started anew shows has flown since the last reading, if it can.
        new_wh = register_wh if register_wh <= could_wh else register_wh - doubted_wh
        return self._counted(new_wh, register_wh, at, self.register_wh)

    def started_anew(self, at: datetime) -> LifetimeEnergy:
        """Return the energy after the register was said to begin at zero."""
        return self._counted(0.0, 0.0, at, self.register_wh)

    def _could_wh(self, at: datetime, most_w: float) -> float:
        """Return what can have flown since the last reading."""
        elapsed_s = 0.0 if self.read_at is None else (at - self.read_at).total_seconds()
        return COARSEST_STEP_WH + max(elapsed_s, 0.0) * most_w * MARGIN / 3600.0

    def _counted(
        self, gained_wh: float, register_wh: float, at: datetime, before_wh: float | None
    ) -> LifetimeEnergy:
        passed = before_wh is not None and register_wh >= before_wh
        return LifetimeEnergy(
            total_wh=(self.total_wh or 0.0) + gained_wh,
            register_wh=register_wh,
            read_at=at if self.read_at is None else max(at, self.read_at),
            before_wh=None if passed else before_wh,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorEnergy:
    """The energy of a connector: all of it, and that of its last session."""

    lifetime: LifetimeEnergy = LifetimeEnergy()
    transaction_id: int | None = None
    """The session that is counted, which may have ended."""
    started_at: datetime | None = None
    began_at_wh: float | None = None
    """The lifetime energy when it began; None where the register had not told any yet."""
    ended_at_wh: float | None = None
    """The lifetime energy when it ended; None while it runs."""
    ended_at: datetime | None = None
    running: bool = False

    @property
    def session_wh(self) -> float | None:
        """What the last session has taken; None where there was none."""
        if self.transaction_id is None:
            return None
        until_wh = self.lifetime.total_wh if self.running else self.ended_at_wh
        if self.began_at_wh is None or until_wh is None:
            return 0.0
        return max(until_wh - self.began_at_wh, 0.0)

    def read(self, register_wh: float, at: datetime, most_w: float) -> ConnectorEnergy:
        """Return the energy after a reading of the register."""
        lifetime = self.lifetime.read(register_wh, at, most_w)
        began_at_wh = self.began_at_wh
        if self.running and began_at_wh is None:
            began_at_wh = lifetime.total_wh
        return replace(self, lifetime=lifetime, began_at_wh=began_at_wh)

    def began(
        self, transaction_id: int, meter_start_wh: float | None, at: datetime, most_w: float
    ) -> ConnectorEnergy:
        """Return the energy after the begin of a session, which may be told again."""
        if transaction_id == self.transaction_id:
            return replace(self, running=True, ended_at_wh=None, ended_at=None)
        lifetime, told_late_wh = self.lifetime, 0.0
        if meter_start_wh is not None:
            behind_wh = lifetime.register_wh - meter_start_wh
            if lifetime.total_wh is None or behind_wh <= 0:
                lifetime = lifetime.read(meter_start_wh, at, most_w)
            elif meter_start_wh == 0:
                lifetime = lifetime.started_anew(at)
            elif behind_wh <= MOST_IN_ONE_STEP_WH:
                told_late_wh = behind_wh
        total_wh = lifetime.total_wh
        return ConnectorEnergy(
            lifetime=lifetime,
            transaction_id=transaction_id,
            started_at=at,
            began_at_wh=None if total_wh is None else total_wh - told_late_wh,
            running=True,
        )

    def ended(self, meter_stop_wh: float | None, at: datetime, most_w: float) -> ConnectorEnergy:
        """Return the energy after the end of the session that runs."""
        read = self if meter_stop_wh is None else self.read(meter_stop_wh, at, most_w)
        return replace(read, running=False, ended_at_wh=read.lifetime.total_wh, ended_at=at)

    def as_record(self) -> dict[str, Any]:
        """Return what is worth to be kept over a restart."""
        lifetime = self.lifetime
        return {
            "total_wh": lifetime.total_wh,
            "register_wh": lifetime.register_wh,
            "read_at": _text(lifetime.read_at),
            "before_wh": lifetime.before_wh,
            "transaction_id": self.transaction_id,
            "started_at": _text(self.started_at),
            "began_at_wh": self.began_at_wh,
            "ended_at_wh": self.ended_at_wh,
            "ended_at": _text(self.ended_at),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what was kept. Raises KeyError, TypeError or ValueError if that cannot be read."""
        transaction_id = record["transaction_id"]
        return cls(
            lifetime=LifetimeEnergy(
                total_wh=_number(record["total_wh"]),
                register_wh=float(record["register_wh"]),
                read_at=_moment(record["read_at"]),
                before_wh=_number(record["before_wh"]),
            ),
            transaction_id=None if transaction_id is None else int(transaction_id),
            started_at=_moment(record["started_at"]),
            began_at_wh=_number(record["began_at_wh"]),
            ended_at_wh=_number(record["ended_at_wh"]),
            # What was recorded before this was kept does not tell.
            ended_at=_moment(record.get("ended_at")),
            running=transaction_id is not None and record["ended_at_wh"] is None,
        )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
