"""What is wrong with a running site, told from one step."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from ..balancing.control import Result
from ..balancing.dark_budget import DarkBudget
from ..balancing.group import Group
from ..balancing.group_view import GroupView
from ..balancing.inputs import Inputs
from ..balancing.meter_sight import SightFault
from ..balancing.model import ConnectorKey, Site
from ..balancing.obedience import Rung
from ..storage.journal import Journal
from ..storage.ledger import KeptBooking, Ledger
from .live import LiveConnector
from .snapshot import Problem, ProblemKind

GRACE_S = 60.0
"""After a start, sensors and chargers need time before they say anything."""
OVERLOAD_LASTS_S = 10.0
"""A shorter overload is gone before anyone can read about it."""
SILENT_LASTS_S = 60.0
"""A meter that is late, or restarts, is not worth a repair."""
REFUSALS = 3
"""A charger that refused this many limits in a row will not take the next one either."""
IGNORED_FOR_S = 60.0
UNSAFE_LASTS_S = 60.0
"""Chargers that come back after a start are not known at once."""
MOST_NAMED = 5
"""Of the chargers that a problem is about: a text with hundreds of names is read by nobody."""

_DEALT_WITH: Mapping[Rung | None, ProblemKind] = {
    Rung.PAUSED: ProblemKind.LIMIT_IGNORED_PAUSED,
    Rung.STOPPED: ProblemKind.LIMIT_IGNORED_STOPPED,
    Rung.OUT_OF_SERVICE: ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE,
    Rung.SWITCHED_OFF: ProblemKind.LIMIT_IGNORED_SWITCHED_OFF,
}


_SIGHTS: Mapping[SightFault, ProblemKind] = {
    SightFault.MISSES_CHARGERS: ProblemKind.METER_MISSES_CHARGERS,
    SightFault.REVERSED: ProblemKind.METER_REVERSED,
}


class ProblemWatch:
    """Tells problems from what passes by itself. Times are monotonic seconds."""

    def __init__(self, started_at: float) -> None:
        """Start with nothing wrong."""
        self._started_at = started_at
        self._overloaded_since: dict[str, float] = {}
        self._unsafe_since: float | None = None
        self._silent_since: dict[str, float] = {}

    def find(
        self,
        *,
        site: Site,
        result: Result,
        inputs: Inputs,
        live: Mapping[ConnectorKey, LiveConnector],
        ledger: Ledger,
        journal: Journal,
        dark: DarkBudget,
        now: float,
    ) -> tuple[Problem, ...]:
        """Return all problems there are now, in a steady order."""
        return (
            *_of_storage(journal, ledger.lost_files),
            *self._of_groups(site, result, inputs, now),
            *_of_connectors(live, now),
            *(_still_booked(booking, site) for booking in ledger.bookings.values()),
            *self._of_dark_budget(site, dark, live, now),
        )

    def next_change(self, now: float) -> float | None:
        """Return when time alone may make a problem of something; None if nothing is wrong."""
        times = [since + OVERLOAD_LASTS_S for since in self._overloaded_since.values()]
        times += [since + SILENT_LASTS_S for since in self._silent_since.values()]
        times.append(self._started_at + GRACE_S)
        if self._unsafe_since is not None:
            times.append(self._unsafe_since + UNSAFE_LASTS_S)
        return min((time for time in times if time > now), default=None)

    def _of_groups(
        self, site: Site, result: Result, inputs: Inputs, now: float
    ) -> Iterator[Problem]:
        settled = now - self._started_at >= GRACE_S
        for group in site.groups.values():
            watch = result.state.meters.get(group.id)
            sight = result.state.sights.get(group.id)
            fault = None if sight is None else sight.fault
            if fault is not None:
                named = {"group": group.name}
                yield Problem(kind=_SIGHTS[fault], subject=group.id, placeholders=named)
            # One whose sign is wrong is not heard, which is nothing else.
            is_told = fault is SightFault.REVERSED
            if is_told or watch is None or watch.stage is None or watch.fresh:
                self._silent_since.pop(group.id, None)
            else:
                silent_since = self._silent_since.setdefault(group.id, now)
                if settled and now - silent_since >= SILENT_LASTS_S:
                    yield Problem(
                        kind=ProblemKind.METER_SILENT,
                        subject=group.id,
                        placeholders={"group": group.name, "stage": watch.stage.value},
                    )
            view = result.groups[group.id]
            if not view.overloaded:
                self._overloaded_since.pop(group.id, None)
                continue
            since = self._overloaded_since.setdefault(group.id, now)
            if settled and now - since >= OVERLOAD_LASTS_S:
                yield _overload(group, view, inputs.capacities_a[group.id])

    def _of_dark_budget(
        self,
        site: Site,
        dark: DarkBudget,
        live: Mapping[ConnectorKey, LiveConnector],
        now: float,
    ) -> Iterator[Problem]:
        worst = dark.worst
        if worst is None:
            self._unsafe_since = None
            return
        if self._unsafe_since is None:
            self._unsafe_since = now
        if now - max(self._unsafe_since, self._started_at) < UNSAFE_LASTS_S:
            return
        names = {key.charger: one.charger.name for key, one in live.items()}
        named = dark.unproven[: min(dark.loads_worst, MOST_NAMED)]
        yield Problem(
            kind=ProblemKind.UNSAFE_ALONE,
            subject=worst.group_id,
            placeholders={
                "group": site.groups[worst.group_id].name,
                "current": f"{worst.missing_a:g}",
                "chargers": ", ".join(names[identity] for identity in named) or "-",
                "count": str(dark.loads_worst),
            },
        )


def _of_storage(journal: Journal, lost_files: Collection[str]) -> Iterator[Problem]:
    if journal.failing:
        yield Problem(kind=ProblemKind.STORAGE_FAILING, subject="")
    if journal.damaged_lines:
        yield Problem(
            kind=ProblemKind.STORAGE_DAMAGED,
            subject="",
            placeholders={"lines": str(journal.damaged_lines)},
        )
    if lost_files:
        yield Problem(
            kind=ProblemKind.STORAGE_MISSING,
            subject="",
            placeholders={"files": ", ".join(sorted(lost_files))},
        )


def _still_booked(booking: KeptBooking, site: Site) -> Problem:
    group = site.groups.get(booking.group_id)
    return Problem(
        kind=ProblemKind.STILL_BOOKED,
        subject=booking.id,
        placeholders={
            "charger": booking.charger_name,
            "group": booking.group_id if group is None else group.name,
            "current": f"{max(booking.currents):g}",
        },
    )


def _overload(group: Group, view: GroupView, capacity_a: float) -> Problem:
    base_load = view.base_load
    flowing = view.allocated if base_load is None else view.allocated + base_load
    phase = max(group.phases, key=lambda phase: flowing[phase])
    return Problem(
        kind=ProblemKind.OVERLOAD,
        subject=group.id,
        placeholders={
            "group": group.name,
            "phase": phase.value,
            "capacity": f"{capacity_a:g}",
        },
    )


def _of_connectors(live: Mapping[ConnectorKey, LiveConnector], now: float) -> Iterable[Problem]:
    for key, connector in live.items():
        if connector.commitment.refusals >= REFUSALS:
            yield _of_connector(ProblemKind.LIMIT_REFUSED, key, connector)
        ignored_for_s, rung = connector.ignores_limit_for(now), connector.ladder.rung
        if rung in _DEALT_WITH:
            yield _of_connector(_DEALT_WITH[rung], key, connector)
        elif ignored_for_s >= IGNORED_FOR_S:
            yield _of_connector(ProblemKind.LIMIT_IGNORED, key, connector)


def _of_connector(kind: ProblemKind, key: ConnectorKey, live: LiveConnector) -> Problem:
    return Problem(
        kind=kind,
        subject=f"{key.charger}/{key.connector}",
        placeholders={"charger": live.connector.name},
    )
