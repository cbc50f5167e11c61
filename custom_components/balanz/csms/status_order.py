"""Which of a charger's statuses is the latest.

Some chargers tell what they have kept while their link was gone after what is so now. By its
timestamp such a status is older than the one before, and was not made just now. But that is also
how the first statuses look after a charger's clock was set back: so that the charger is asked once
more where a status was taken for outdated, by when its clock is known again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from .clock_skew import ClockSkew
from .station_errors import StationError

ASKED_AFTER_S = 30.0
"""By then a clock that was set is known, as far as the charger has said anything since."""


class StatusOrder:
    """The timestamps of the statuses of one charger that count."""

    def __init__(self, clock: ClockSkew) -> None:
        """Know none yet; `clock` is what is learnt of the charger's."""
        self._clock = clock
        self._latest: dict[int, datetime] = {}
        self._asked: set[int] = set()
        """The connectors whose statuses are about to be asked for once more."""
        self._answers = True
        """Whether it tells when it is asked; whoever does not is believed."""

    def forget(self) -> None:
        """Learn that the charger has begun anew, maybe with another time."""
        self._latest.clear()
        self._answers = True

    def is_overtaken(self, connector: int, stamped_at: datetime, received_at: datetime) -> bool:
        """Return whether a status has come too late to count; remember it if it counts."""
        latest = self._latest.get(connector)
        if (
            latest is not None
            and stamped_at < latest
            and self._answers
            and self._clock.skew_s is not None
            and not self._clock.is_fresh(stamped_at, received_at)
        ):
            return True
        self._latest[connector] = stamped_at
        return False

    async def ask_again(self, connector: int, ask: Callable[[int | None], Awaitable[None]]) -> None:
        """Ask for a connector's status in a while; `ask` raises StationError where it is in vain.

        None stands for the whole charger.
        """
        if connector in self._asked:
            return
        self._asked.add(connector)
        try:
            await asyncio.sleep(ASKED_AFTER_S)
            await ask(connector or None)
        except StationError:
            self._answers = False
        finally:
            self._asked.discard(connector)
