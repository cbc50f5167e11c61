"""What a row is played in: a central system, its good charger, and who misbehaves."""

import socket
from typing import Any

from tests.csms.client import RawCharger, wait_until
from tests.csms.conftest import Bench

GOOD_START = {
    "connectorId": 1,
    "idTag": "GOOD",
    "meterStart": 7,
    "timestamp": "2026-01-01T00:00:00Z",
}
GOOD_STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
NOTED = {"StatusChanged", "MeterValuesReceived", "TransactionStarted", "TransactionStopped"}


class Scene:
    """A central system that knows CP1, which misbehaves, and CP2, which does not."""

    def __init__(self, central: Bench, good: RawCharger) -> None:
        self.central = central
        self.their_transaction = 0
        self.good = good
        self._dialled: list[RawCharger] = []
        self._events = 0
        self._before: object = None

    async def begin(self) -> None:
        """Put the good charger in the middle of a transaction."""
        await self.good.boot()
        await self.good.call("StatusNotification", GOOD_STATUS)
        answer = await self.good.call("StartTransaction", GOOD_START)
        self.their_transaction = answer["transactionId"]
        self.note()

    async def dial(self, identity: str = "CP1") -> RawCharger:
        """Connect a charger that misbehaves as soon as it is told to."""
        charger = await RawCharger.dial(self.central.port, identity)
        self._dialled.append(charger)
        return charger

    def note(self) -> None:
        """Remember how things are before the misbehaviour."""
        self._events = len(self.central.events)
        self._before = self._state()

    @property
    def emitted(self) -> list[str]:
        """The names of the events since then that tell of a status, a meter or a transaction."""
        names = (type(event).__name__ for event in self.central.events[self._events :])
        return [name for name in names if name in NOTED]

    @property
    def is_unchanged(self) -> bool:
        """Whether transactions, statuses and descriptions are as they were."""
        return bool(self._state() == self._before)

    def narrow(self) -> None:
        """Leave hardly any room in the kernel for what chargers do not read."""
        for connection in self.central._gate.sockets:
            raw = connection.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)

    async def gone(self) -> None:
        """Wait until the bad charger's socket is no more."""
        await wait_until(lambda: not self.central.stations["CP1"].connected)

    async def goes_on(self) -> None:
        """Fail unless the good charger and a new socket of the bad one are served."""
        assert await self.good.alive()
        assert self.central.transactions.open_at("CP2", 1) is not None
        again = await self.dial()
        assert await again.alive()

    async def end(self) -> None:
        """Close everything."""
        for charger in (*self._dialled, self.good):
            await charger.close()
        await self.central.stop()

    def _state(self) -> Any:
        stations = self.central.stations.items()
        return (
            dict(self.central.transactions.open_transactions),
            {identity: (dict(it.statuses), it.boot) for identity, it in stations},
        )
