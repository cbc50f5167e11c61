"""What is done about chargers that accept a limit, and offer their car nothing all the same."""

import logging
from collections.abc import Mapping

from ..balancing.commitments import LAG_S
from ..balancing.inputs import Line
from ..balancing.model import ConnectorKey
from ..csms.events import ConnectorStatus
from ..csms.server import CentralSystem
from .dispatch import Dispatcher
from .live import LiveConnector

GRACE_S = LAG_S + 10.0
"""How long after a limit a charger may go on saying that it suspends its car."""

_LOGGER = logging.getLogger(__name__)


class Withholding:
    """Tells such chargers their limit again, then in other forms; a reboot begins anew."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        live: Mapping[ConnectorKey, LiveConnector],
        dispatcher: Dispatcher,
    ) -> None:
        """Hold nothing against anyone yet."""
        self._central = central
        self._live = live
        self._dispatcher = dispatcher
        self._reminded: set[ConnectorKey] = set()

    def look(self, now: float) -> None:
        """Do what is due (monotonic seconds)."""
        for key, live in self._live.items():
            if live.status is not ConnectorStatus.SUSPENDED_EVSE:
                self._reminded.discard(key)
            elif _withholds(live, now) and self._dispatcher.line(key) is Line.FREE:
                self._act(key, now)

    def _act(self, key: ConnectorKey, now: float) -> None:
        station = self._central.stations[key.charger]
        if key not in self._reminded:
            self._reminded.add(key)
            _LOGGER.info("%s offers nothing of its limit: it is sent again", key)
        elif station.capped or not station.try_another_form():
            # Below a cap, it may well be others that suspend the car.
            return
        self._dispatcher.send_again(key, now)


def _withholds(live: LiveConnector, now: float) -> bool:
    commitment = live.commitment
    return (
        commitment.accepted_a is not None
        and commitment.accepted_at is not None
        and commitment.accepted_a >= live.connector.minimum_a
        and now >= commitment.accepted_at + GRACE_S
    )
