"""Overload drills: pretend that a group can carry less, and see how long its chargers take.

Nothing but a drill tells how fast the chargers of a site really are, before it matters.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ..balancing.commitments import TOLERANCE_A
from ..balancing.group_view import GroupView
from ..balancing.model import ConnectorKey, Site
from ..storage.ledger import Ledger
from .drill_report import DrilledConnector, DrillReport
from .live import LiveConnector
from .recorder import Recorder

DRILL_S = 60.0
_PUT_DOWN_TO = 0.5
"""To which share of what it has on its busiest phase a group is put down."""


class DrillError(Exception):
    """Why there can be no drill now; the code names the text for it."""

    def __init__(self, code: str) -> None:
        """Remember the code."""
        super().__init__(code)
        self.code = code


class Drills:
    """The drills of a site: one at a time, and the last report of each group."""

    def __init__(self, *, ledger: Ledger, recorder: Recorder, on_end: Callable[[], None]) -> None:
        """Start with none; `on_end` is called when one is over."""
        self.running: Drill | None = None
        self.reports: dict[str, DrillReport] = {}
        self._ledger = ledger
        self._recorder = recorder
        self._on_end = on_end
        self._timer: asyncio.TimerHandle | None = None

    def restore(self) -> None:
        """Take in the reports that the ledger has; what cannot be read is left out."""
        for group_id, record in self._ledger.drills.items():
            try:
                self.reports[group_id] = DrillReport.from_record(record)
            except KeyError, TypeError, ValueError:
                continue

    def begin(
        self,
        site: Site,
        group_id: str,
        view: GroupView | None,
        live: Mapping[ConnectorKey, LiveConnector],
        now: float,
    ) -> Drill:
        """Begin a drill. Raises DrillError if one runs, or there is nothing to see."""
        if self.running is not None:
            raise DrillError("drill_running")
        self.running = Drill(site, group_id, view, live, now)
        self._timer = asyncio.get_running_loop().call_later(DRILL_S, self._end)
        return self.running

    def abort(self) -> None:
        """End the drill that runs, without a report."""
        if self._timer is not None:
            self._timer.cancel()
        if self.running is not None:
            self.running.ended.cancel()
            self.running = None

    def pretended_a(self, group_id: str, capacity_a: float) -> float:
        """Return what a group is to carry now: less than its capacity during its drill."""
        if self.running is None or self.running.group_id != group_id:
            return capacity_a
        return min(capacity_a, self.running.capacity_a)

    def _end(self) -> None:
        """End the drill that runs, and keep its report."""
        if self.running is None:
            return
        report = self.running.end()
        self.running = None
        self.reports[report.group_id] = report
        self._recorder.note(self._ledger.note_drill(report.as_record()))
        self._on_end()


class Drill:
    """A drill while it runs. Times are monotonic seconds."""

    def __init__(
        self,
        site: Site,
        group_id: str,
        view: GroupView | None,
        live: Mapping[ConnectorKey, LiveConnector],
        now: float,
    ) -> None:
        """Begin. Raises DrillError if there is nothing to see."""
        if view is None or view.base_load is None:
            raise DrillError("drill_supply_unknown")
        group = site.groups[group_id]
        self._seen = {
            key: DrilledConnector(
                key=key, name=one.connector.name, from_a=one.commitment.accepted_a
            )
            for key, one in live.items()
            if site.contains(group_id, one.connector.group_id)
            and one.commitment.accepted_a is not None
            and one.commitment.accepted_a >= one.connector.minimum_a
            and one.plugged_in_and_allowed
        }
        if not self._seen:
            raise DrillError("drill_nothing_charges")
        busiest = max(group.phases, key=lambda phase: view.allocated[phase])
        margin_a = group.margin_a if group.metered else 0.0
        left_a = view.allocated[busiest] * _PUT_DOWN_TO
        self.group_id = group_id
        self.capacity_a = round(view.base_load[busiest] + margin_a + left_a, 1)
        self.ended: asyncio.Future[DrillReport] = asyncio.get_running_loop().create_future()
        self._began_at = now
        self._began = datetime.now(UTC).replace(microsecond=0)

    def observe(self, live: Mapping[ConnectorKey, LiveConnector]) -> None:
        """Look at how the chargers are doing."""
        for key, seen in self._seen.items():
            connector = live.get(key)
            if connector is not None:
                self._seen[key] = self._observed(seen, connector)

    def end(self) -> DrillReport:
        """End; whoever waits is told."""
        report = DrillReport(
            group_id=self.group_id,
            at=self._began,
            capacity_a=self.capacity_a,
            connectors=tuple(self._seen.values()),
        )
        if not self.ended.done():
            self.ended.set_result(report)
        return report

    def _observed(self, seen: DrilledConnector, connector: LiveConnector) -> DrilledConnector:
        commitment = connector.commitment
        accepted_a, accepted_at = commitment.accepted_a, commitment.accepted_at
        if accepted_a is None or accepted_at is None or accepted_at < self._began_at:
            return seen
        if seen.to_a is None:
            if accepted_a >= seen.from_a:
                return seen
            took_s = round(accepted_at - self._began_at, 1)
            seen = replace(seen, to_a=accepted_a, accepted_after_s=took_s)
        reading = commitment.reading
        if (
            seen.followed_after_s is None
            and reading is not None
            and reading.at >= accepted_at
            and reading.current_a <= accepted_a + TOLERANCE_A
        ):
            return replace(seen, followed_after_s=round(reading.at - self._began_at, 1))
        return seen
