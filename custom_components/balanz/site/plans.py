"""What users plan for cars: when they leave, what they need, and who goes first for a while."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ..balancing.model import ConnectorKey
from ..balancing.need import Need
from ..storage.ledger import Ledger
from ..storage.plans import Plan
from .live import LiveConnector
from .recorder import Recorder

MOST_AHEAD = timedelta(days=14)
"""Who plans further ahead has mistaken the date."""

_NOTHING = Plan()
_NO_NEED = Need()


class PlanRefusal(StrEnum):
    """Why a plan cannot be."""

    PASSED = "plan_time_passed"
    TOO_FAR = "plan_time_too_far"


class PlanRefused(Exception):
    """A plan cannot be."""

    def __init__(self, code: PlanRefusal) -> None:
        """Tell why."""
        super().__init__(code.value)
        self.code = code


class Plans:
    """Keeps the plans until the cars leave, and tells control what follows from them."""

    def __init__(
        self, *, ledger: Ledger, recorder: Recorder, live: Mapping[ConnectorKey, LiveConnector]
    ) -> None:
        """Start with what the ledger has."""
        self._ledger = ledger
        self._recorder = recorder
        self._live = live
        self._plugged: set[ConnectorKey] = set()
        """Connectors whose car has been seen since their plan was made."""

    def of(self, key: ConnectorKey) -> Plan:
        """Return what is planned for a connector."""
        return self._ledger.plans.get(key, _NOTHING)

    async def change(self, key: ConnectorKey, plan: Plan) -> None:
        """Plan something else. Raises PlanRefused, or StorageError if it cannot be recorded."""
        now = datetime.now(UTC)
        for moment in (plan.departs_at, plan.boosted_until):
            if moment is not None and moment not in _moments(self.of(key)):
                if moment <= now:
                    raise PlanRefused(PlanRefusal.PASSED)
                if moment > now + MOST_AHEAD:
                    raise PlanRefused(PlanRefusal.TOO_FAR)
        await self._recorder.change(self._ledger.note_plan(key, plan), raising=True)

    def apply(self, now: float) -> None:
        """Give the connectors what follows from their plans; forget those of cars that left."""
        utc = datetime.now(UTC)
        for key, live in self._live.items():
            plan = self._ledger.plans.get(key)
            plugged = None if live.status is None else live.status.plugged
            if plugged:
                self._plugged.add(key)
            if plan is not None and self._is_over(key, plan, plugged, utc):
                self._recorder.note(self._ledger.note_plan(key, _NOTHING))
                plan = None
            if plugged is False:
                self._plugged.discard(key)
            live.boosted = plan is not None and _is_ahead(plan.boosted_until, utc)
            live.need = _NO_NEED if plan is None else _need(plan, live, utc, now)

    def next_change_s(self) -> float | None:
        """Return in how many seconds time alone ends something; None if it does not."""
        utc = datetime.now(UTC)
        ends = (
            (plan.boosted_until - utc).total_seconds()
            for plan in self._ledger.plans.values()
            if plan.boosted_until is not None and plan.boosted_until > utc
        )
        return min(ends, default=None)

    def _is_over(self, key: ConnectorKey, plan: Plan, plugged: bool | None, utc: datetime) -> bool:
        """Return whether the car that a plan was made for has left."""
        if plugged is not False:
            return False
        has_passed = plan.departs_at is not None and plan.departs_at <= utc
        return key in self._plugged or has_passed


def _moments(plan: Plan) -> tuple[datetime | None, ...]:
    return plan.departs_at, plan.boosted_until


def _is_ahead(moment: datetime | None, utc: datetime) -> bool:
    return moment is not None and moment > utc


def _need(plan: Plan, live: LiveConnector, utc: datetime, now: float) -> Need:
    energy_wh = plan.energy_wh
    if energy_wh is not None:
        energy_wh = max(energy_wh - (live.session_energy_wh or 0.0), 0.0)
    departs_at = plan.departs_at
    return Need(
        energy_wh=energy_wh,
        departs_at=None if departs_at is None else now + (departs_at - utc).total_seconds(),
    )
