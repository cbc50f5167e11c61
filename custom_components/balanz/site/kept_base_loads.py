"""Keeps what groups carry besides their chargers over a restart.

A site that knows nothing yet cannot tell from its meter alone what is house and what is cars that
go on charging: it would pause them all until it does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from ..balancing.phases import PhaseCurrents
from ..balancing.supply import BaseLoad
from ..storage.ledger import KeptBaseLoad, Ledger
from .recorder import Recorder

WORTH_KEEPING_A = 1.0
KEEP_EVERY_S = 60.0
"""How often it is recorded at the most, to spare the disk."""
GOOD_FOR = timedelta(minutes=10)
"""After a longer stop, the house may be doing something else."""


class KeptBaseLoads:
    """Records the base loads of metered groups, and gives them back after a restart."""

    def __init__(self, *, ledger: Ledger, recorder: Recorder) -> None:
        """Start with what the ledger has."""
        self._ledger = ledger
        self._recorder = recorder
        self._kept_at: float | None = None

    def restored(self, utc: datetime) -> dict[str, BaseLoad]:
        """Return what is recent enough to begin with, by group."""
        return {
            group_id: BaseLoad(latest=kept.currents, signed=kept.currents, held=kept.currents)
            for group_id, kept in self._ledger.base_loads.items()
            if timedelta() <= utc - kept.at <= GOOD_FOR
        }

    def keep(self, base_loads: Mapping[str, BaseLoad], now: float, utc: datetime) -> None:
        """Record what has changed, unless that was a moment ago (monotonic seconds)."""
        if self._kept_at is not None and now - self._kept_at < KEEP_EVERY_S:
            return
        if any(base_load.latest is not None for base_load in base_loads.values()):
            self.keep_now(base_loads, utc, recorded_for=GOOD_FOR / 2)
            self._kept_at = now

    def keep_now(
        self,
        base_loads: Mapping[str, BaseLoad],
        utc: datetime,
        *,
        recorded_for: timedelta = timedelta(),
    ) -> None:
        """Record what has changed, or was recorded longer ago than that."""
        for group_id, base_load in base_loads.items():
            if base_load.latest is None:
                continue
            kept = self._ledger.base_loads.get(group_id)
            if kept is None or utc - kept.at > recorded_for or _differ(kept, base_load.held):
                newest = KeptBaseLoad(group_id=group_id, at=utc, currents=base_load.held)
                self._recorder.note(self._ledger.note_base_load(newest))


def _differ(kept: KeptBaseLoad, currents: PhaseCurrents) -> bool:
    return any(
        abs(before - after) >= WORTH_KEEPING_A
        for before, after in zip(kept.currents, currents, strict=True)
    )
