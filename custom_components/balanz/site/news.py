"""What has changed since a step looked, and which of its commands that leaves standing.

A step that is decided in another thread may come late. What it did not know of must never let it
raise a limit: the step that follows at once knows, and decides anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..balancing.commands import Command, Kind
from ..balancing.commitments import Commitment
from ..balancing.inputs import Inputs
from ..balancing.model import ConnectorKey, Site
from ..balancing.phases import EPSILON_A
from ..balancing.supply import MeterReading
from .live import LiveConnector


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a step did not know."""

    site: Site
    """The one that the step looked at."""
    inputs: Inputs
    """All else that it looked at."""
    live: Mapping[ConnectorKey, LiveConnector]
    durable: bool
    """Whether a raise can be recorded now."""
    groups: frozenset[str]
    """Those in which there may be less room now: a lower capacity, a higher reading, or more that
    is booked."""

    @classmethod
    def since(
        cls,
        site: Site,
        inputs: Inputs,
        *,
        live: Mapping[ConnectorKey, LiveConnector],
        capacities_a: Mapping[str, float],
        meters: Mapping[str, MeterReading | None],
        durable: bool,
        sent_a: Mapping[ConnectorKey, float],
        now: float,
    ) -> News:
        """Compare what a step looked at with what is known now (monotonic seconds).

        `sent_a` are the limits that the step itself has sent since, A per line.
        """
        groups = {
            group_id
            for group_id, capacity_a in capacities_a.items()
            if capacity_a < inputs.capacities_a[group_id]
        }
        # What a car's reading changes besides its booking counts as having come after the step,
        # as it would have had the step kept the event loop to itself.
        groups |= {
            group_id
            for group_id, reading in meters.items()
            if _tells_more(reading, inputs.meters[group_id])
        }
        for key, known in inputs.connectors.items():
            commitment = live[key].commitment
            if commitment is known.commitment:
                continue
            connector = site.connectors[key]
            booked_a = max(known.commitment.booked_a(connector, now), sent_a.get(key, 0.0))
            if commitment.booked_a(connector, now) > booked_a + EPSILON_A:
                groups |= set(site.routes.paths[connector.group_id])
        return cls(site=site, inputs=inputs, live=live, durable=durable, groups=frozenset(groups))

    def leaves(self, command: Command) -> bool:
        """Return whether a command may still be sent."""
        live = self.live[command.key]
        before, after = self.inputs.connectors[command.key].commitment, live.commitment
        if live.held or not live.balanced or _limits(before) != _limits(after):
            # It is not what the step knew; which way the command would move it is not sure.
            return False
        is_cut = command.kind is Kind.CUT
        # One whose limit was in doubt is told what fits beside all others, as a raise is.
        if is_cut and not before.in_doubt:
            return True
        path = self.site.routes.paths[live.connector.group_id]
        return (is_cut or self.durable) and self.groups.isdisjoint(path)


def _tells_more(reading: MeterReading | None, before: MeterReading | None) -> bool:
    """Return whether a meter may tell of a higher base load than it did."""
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
