"""One connector of a charger: the car in it, its transaction, its meter and its status."""

from dataclasses import dataclass
from datetime import datetime

from ocpp.v16.enums import ChargePointStatus, Reason

from .car import MINIMUM_OFFER_A, Car, CarState, advance, contactor_opened
from .profiles import RunningTransaction

NO_CURRENT = (0.0, 0.0, 0.0)


@dataclass(slots=True, kw_only=True)
class Transaction:
    """A transaction from the charger's side."""

    id_tag: str
    started: datetime
    meter_start_wh: int
    id: int | None = None
    """None until the peer has answered."""

    @property
    def running(self) -> RunningTransaction:
        """What profiles need to know of it."""
        return RunningTransaction(id=self.id, started=self.started)


@dataclass(slots=True, kw_only=True)
class Connector:
    """What is true at one connector."""

    id: int
    meter_wh: float = 0.0
    car: Car | None = None
    car_state: CarState | None = None
    transaction: Transaction | None = None
    offered_a: float = 0.0
    """What the charger signals to the car, A per line; 0 outside of a transaction."""
    operative: bool = True
    becomes_inoperative: bool = False
    """To be taken out of service when the transaction ends."""
    authorizing: bool = False
    done: bool = False
    """No further transaction by itself before the car has been unplugged."""

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """What flows on the charger's L1, L2 and L3."""
        return NO_CURRENT if self.car_state is None else self.car_state.currents_a

    @property
    def status(self) -> ChargePointStatus:
        """The status by the truth of car and offer; SuspendedEVSE goes before SuspendedEV."""
        if self.transaction is not None:
            if self.offered_a < MINIMUM_OFFER_A:
                return ChargePointStatus.suspended_evse
            if max(self.currents_a) > 0:
                return ChargePointStatus.charging
            return ChargePointStatus.suspended_ev
        if not self.operative:
            return ChargePointStatus.unavailable
        if self.car is None:
            return ChargePointStatus.available
        return ChargePointStatus.finishing if self.done else ChargePointStatus.preparing

    @property
    def wants_transaction(self) -> bool:
        """Whether a transaction may begin by itself."""
        return (
            self.car is not None
            and self.transaction is None
            and self.operative
            and not self.authorizing
            and not self.done
        )

    def plug_in(self, car: Car) -> None:
        """Let a car arrive. Raises ValueError if there is one."""
        if self.car is not None:
            raise ValueError(f"connector {self.id} is taken")
        self.car, self.car_state, self.done = car, CarState(), False

    def unplug(self) -> None:
        """Let the car go."""
        self.car = self.car_state = None
        self.done = False

    def step(self, *, seconds: float, offered_a: float, phases: int) -> None:
        """Let time pass, then signal the offer of now."""
        self.offered_a = offered_a if self.transaction is not None else 0.0
        if self.car is None or self.car_state is None:
            return
        before_wh = self.car_state.delivered_wh
        self.car_state = advance(
            self.car, self.car_state, seconds=seconds, offered_a=self.offered_a, phases=phases
        )
        self.meter_wh += self.car_state.delivered_wh - before_wh

    def end_transaction(self, reason: Reason) -> Transaction | None:
        """End the transaction and open the contactor; return it if there was one."""
        ended, self.transaction = self.transaction, None
        if ended is None:
            return None
        self.offered_a = 0.0
        self.done = reason not in (Reason.soft_reset, Reason.hard_reset, Reason.reboot)
        if self.car_state is not None:
            self.car_state = contactor_opened(self.car_state)
        if self.becomes_inoperative:
            self.operative, self.becomes_inoperative = False, False
        return ended
