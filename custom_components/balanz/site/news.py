"""What has changed since a step looked, and which of its commands that leaves standing.

A step that is decided in another thread may come late. What it did not know of must never let it
raise a limit: the step that follows at once knows, and decides anew.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..balancing.commands import Command, Kind
from ..balancing.commitments import Commitment
from ..balancing.inputs import ConnectorInput, Inputs
from ..balancing.model import Connector, ConnectorKey, Site
from ..balancing.phase_use import PhaseUse
from ..balancing.phases import EPSILON_A
from ..balancing.supply import MeterReading
from .live import LiveConnector


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is known now of all that a step looks at."""

    live: Mapping[ConnectorKey, LiveConnector]
    is_free: Callable[[ConnectorKey], bool]
    """Whether a connector is left to itself."""
    capacities_a: Mapping[str, float]
    meters: Mapping[str, MeterReading | None]
    durable: bool
    """Whether a raise can be recorded."""
    outdated: bool
    """Whether the site is to be built anew: with less power, or with less proven of chargers."""


class News:
    """What a step did not know."""

    def __init__(
        self,
        site: Site,
        inputs: Inputs,
        present: Present,
        sent_a: Mapping[ConnectorKey, float],
        now: float,
    ) -> None:
        """Compare what a step looked at with what is known now (monotonic seconds).

        `sent_a` are the limits that the step itself has sent since, A per line.
        """
        self._site = site
        self._inputs = inputs
        self._present = present
        self._sent_a = sent_a
        self._now = now

    @cached_property
    def groups(self) -> frozenset[str]:
        """The groups in which there may be less room now.

        That is for a lower capacity, a higher reading, or more that is booked. To find them takes a
        look at every connector, for which nearly no cut has to wait.
        """
        site, inputs, present, now = self._site, self._inputs, self._present, self._now
        meters = present.meters
        groups = {
            group_id
            for group_id, capacity_a in present.capacities_a.items()
            if capacity_a < inputs.capacities_a[group_id]
        }
        # What a car's reading changes besides its booking counts as having come after the step,
        # as it would have had the step kept the event loop to itself.
        for group_id, reading in meters.items():
            if _tells_more(reading, inputs.meters[group_id], now):
                groups.update(_reckoning_with(site, group_id, meters, now))
        if present.outdated:
            groups |= site.groups.keys()
        for key, known in inputs.connectors.items():
            commitment, phase_use = present.live[key].commitment, present.live[key].phase_use
            same = commitment is known.commitment and phase_use is known.phase_use
            # What a free one draws is base load or a booking, not what its commitment tells.
            if same or present.is_free(key):
                continue
            connector = site.connectors[key]
            if _uses_more(phase_use, known.phase_use, connector):
                groups |= set(site.routes.paths[connector.group_id])
            booked_a = max(known.commitment.booked_a(connector, now), self._sent_a.get(key, 0.0))
            if commitment.booked_a(connector, now) > booked_a + EPSILON_A:
                groups |= set(site.routes.paths[connector.group_id])
        return frozenset(groups)

    def leaves(self, command: Command) -> bool:
        """Return whether a command may still be sent."""
        live = self._present.live[command.key]
        known = self._inputs.connectors[command.key]
        before, after = known.commitment, live.commitment
        if live.held or not live.balanced or _limits(before) != _limits(after):
            # It is not what the step knew; which way the command would move it is not sure.
            return False
        is_cut = command.kind is Kind.CUT
        # One whose limit was in doubt is told what fits beside all others, as a raise is.
        sure_a = max(live.connector.least_a, before.accepted_a or 0.0)
        if is_cut and (not before.in_doubt or command.limit_a <= sure_a):
            return True
        if not is_cut and _may_no_more(live, known, command.limit_a):
            return False
        path = self._site.routes.paths[live.connector.group_id]
        return (is_cut or self._present.durable) and self.groups.isdisjoint(path)


def _reckoning_with(
    site: Site, group_id: str, meters: Mapping[str, MeterReading | None], now: float
) -> Iterator[str]:
    """Yield a metered group and those above it whose base load is told by its meter."""
    yield group_id
    for outer_id in site.routes.paths[group_id][1:]:
        reading = meters.get(outer_id)
        if reading is not None and reading.fresh_until > now:
            return
        yield outer_id


def _uses_more(now: PhaseUse, before: PhaseUse, connector: Connector) -> bool:
    """Return whether a connector may load phases that it was not reckoned with on."""
    phase_map = connector.phase_map
    if phase_map.lines is None:
        return False
    return not set(now.in_use(phase_map.phases)) <= set(before.in_use(phase_map.phases))


def _may_no_more(live: LiveConnector, known: ConnectorInput, limit_a: float) -> bool:
    """Return whether someone has forbidden a connector meanwhile what a step gave it."""
    most_a = live.ceiling.limit_a
    if most_a < known.maximum_a and limit_a > most_a:
        return True
    return known.wants and (live.ladder.pauses or not live.plugged_in_and_allowed)


def _tells_more(reading: MeterReading | None, before: MeterReading | None, now: float) -> bool:
    """Return whether a meter may tell of a higher base load than it did, or nothing any more."""
    if reading is not None and reading.fresh_until <= now:
        return True
    if reading is before:
        return False
    if reading is None or before is None:
        return True
    return any(now_a > a for now_a, a in zip(reading.currents, before.currents, strict=True))


def _limits(commitment: Commitment) -> tuple[object, ...]:
    """Return all that a command was decided by and that only limits or the link change."""
    return (
        commitment.online,
        commitment.accepted_a,
        commitment.uncertain_a,
        commitment.pending,
        commitment.foreign_a,
        commitment.failed_at,
    )
