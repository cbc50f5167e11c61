"""A charger and the car at it, and what the charger says of both."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from custom_components.balanz.csms.events import (
    ConnectorStatus,
    MeterValues,
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)

from .cars import MINIMUM_A, Car
from .controllers import ChargerEvent
from .days import Stay

CONNECTOR = 1
ID_TAG = "BENCH"
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def identity(charger: int) -> str:
    """Return the name by which a charger introduces itself."""
    return f"CP-{charger}"


class Session:
    """One car's stay, and what came of it."""

    def __init__(self, stay: Stay, car: Car, *, allowed: bool) -> None:
        """Begin; `allowed` tells whether the charger offers current already."""
        self.stay = stay
        self.car = car
        self.first_current_s: int | None = None
        self.charging_s = 0
        self.switches = 0
        self._allowed = allowed
        self._was_allowed = allowed

    @property
    def energy_wh(self) -> float:
        """What it has been given."""
        return self.stay.energy_wh - self.car.battery.left_wh

    @property
    def full(self) -> bool:
        """Whether it wants no more."""
        return self.car.battery.left_wh <= 0

    def second(self, now: int) -> bool:
        """Let a second end; return whether the current is another one after it."""
        if self.car.current_a > 0:
            self.charging_s += 1
            if self.first_current_s is None:
                self.first_current_s = now
        return self.car.second(now)

    def offered(self, limit_a: float, at: float) -> None:
        """The charger offers another current."""
        allowed = limit_a >= MINIMUM_A
        if allowed is not self._allowed and not self.full and (self._was_allowed or not allowed):
            self.switches += 1
        self._allowed = allowed
        self._was_allowed = self._was_allowed or allowed
        self.car.offered(limit_a, at)


class Charger:
    """A three-phase charger that keeps its limit."""

    def __init__(self, number: int) -> None:
        """Start with nothing allowed and nobody there."""
        self.number = number
        self.limit_a = 0.0
        self.writes = 0
        self.busy = False
        self.session: Session | None = None
        self._status = ConnectorStatus.AVAILABLE
        self._register_wh = 0.0
        self._transactions = 0

    def limited(self, limit_a: float, at: float) -> None:
        """Take a limit."""
        self.limit_a = limit_a
        if self.session is not None:
            self.session.offered(limit_a, at)

    def plug_in(self, stay: Stay, car: Car, now: float) -> Iterator[ChargerEvent]:
        """Let a car come; yield what the charger says."""
        self.session = Session(stay, car, allowed=self.limit_a >= MINIMUM_A)
        if self.limit_a:
            car.offered(self.limit_a, now)
        self._transactions += 1
        yield self._said(ConnectorStatus.PREPARING)
        yield TransactionStarted(
            identity=identity(self.number),
            connector=CONNECTOR,
            transaction_id=self._transactions,
            id_tag=ID_TAG,
            meter_start_wh=self._register_wh,
            started_at=_wall(now),
        )

    def unplug(self, now: float) -> Iterator[ChargerEvent]:
        """Let the car go; yield what the charger says."""
        if self.session is not None:
            self._register_wh += self.session.energy_wh
            self.session.car.current_a = 0.0
            self.session = None
        yield TransactionStopped(
            identity=identity(self.number),
            connector=CONNECTOR,
            transaction_id=self._transactions,
            meter_stop_wh=self._register_wh,
            stopped_at=_wall(now),
            reason="EVDisconnected",
        )
        yield self._said(ConnectorStatus.AVAILABLE)

    def change_of_status(self) -> ChargerEvent | None:
        """Return what the charger says of the present state; None where it is the last one."""
        session = self.session
        if session is None:
            return None
        if session.car.current_a > 0:
            status = ConnectorStatus.CHARGING
        elif self.limit_a >= MINIMUM_A:
            status = ConnectorStatus.SUSPENDED_EV
        else:
            status = ConnectorStatus.SUSPENDED_EVSE
        return None if status is self._status else self._said(status)

    def sample(self, now: float) -> ChargerEvent | None:
        """Return a reading of the charger's meter; None outside of sessions."""
        session = self.session
        if session is None:
            return None
        lines = session.stay.kind.lines
        values = MeterValues(
            currents_a=(session.car.current_a,) * lines + (0.0,) * (3 - lines),
            per_phase=True,
            power_w=None,
            energy_wh=self._register_wh + session.energy_wh,
            offered_a=None,
            measured_at=_wall(now),
        )
        return MeterValuesReceived(
            identity=identity(self.number), connector=CONNECTOR, values=values
        )

    def _said(self, status: ConnectorStatus) -> StatusChanged:
        self._status = status
        return StatusChanged(
            identity=identity(self.number),
            connector=CONNECTOR,
            status=status,
            error_code="NoError",
        )


def _wall(now: float) -> datetime:
    return _BEGINNING + timedelta(seconds=now)
