"""Ends transactions whose tags may not charge, where the charger does not do so itself."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from ..csms.server import CentralSystem
from ..csms.station import StationError
from ..csms.transactions import TransactionBook

STOP_AFTER_S = 5.0
"""Most chargers end a transaction that is refused; many others do not look at the answer."""
STOP_AGAIN_AFTER_S = 15.0
STOP_AGAIN_AT_MOST_S = 600.0


class Refusals:
    """Asks chargers to stop what was refused, until it is over."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        transactions: TransactionBook,
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
    ) -> None:
        """Watch nothing yet."""
        self._central = central
        self._transactions = transactions
        self._spawn = spawn

    def resume(self) -> None:
        """Go on with what was refused before the start."""
        for transaction in list(self._transactions.open_transactions.values()):
            if transaction.refused:
                self.refused(transaction.identity, transaction.id)

    def refused(self, identity: str, transaction_id: int) -> None:
        """See to the end of a transaction."""
        self._spawn(self._end(identity, transaction_id))

    async def _end(self, identity: str, transaction_id: int) -> None:
        wait_s = STOP_AFTER_S
        again_s = STOP_AGAIN_AFTER_S
        while True:
            await asyncio.sleep(wait_s)
            transaction = self._transactions.find(identity, transaction_id)
            station = self._central.stations.get(identity)
            if transaction is None or not transaction.is_open or station is None:
                return
            with suppress(StationError):
                await station.remote_stop(transaction.connector)
            wait_s, again_s = again_s, min(2 * again_s, STOP_AGAIN_AT_MOST_S)
