"""Keeps an eye on whether the site would be safe if nobody controlled it."""

from collections.abc import Iterable, Mapping

from ..balancing.control import Result
from ..balancing.dark_budget import DarkBudget, dark_budget
from ..balancing.inputs import Booking
from ..balancing.model import ConnectorKey, Site
from ..balancing.phases import PhaseCurrents
from .live import LiveConnector

LOOK_EVERY_S = 5.0
"""The answer follows set-up and proofs, not moments, so that each step need not ask anew."""


class DarkWatch:
    """Holds what chargers would do alone against the worst that was seen besides them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.newest: DarkBudget | None = None
        """None before the first look."""
        self._looked_at = 0.0
        self._site: Site | None = None

    def look(
        self,
        *,
        site: Site,
        capacities_a: Mapping[str, float],
        result: Result,
        live: Mapping[ConnectorKey, LiveConnector],
        bookings: Iterable[Booking],
        now: float,
    ) -> DarkBudget:
        """Return what would be missing where; the last answer if that was a moment ago.

        A changed site is looked at anew: the last answer may name what is not there any more.
        """
        is_old = now - self._looked_at >= LOOK_EVERY_S
        if self.newest is None or is_old or site is not self._site:
            self._looked_at, self._site = now, site
            self.newest = dark_budget(
                site,
                capacities_a,
                _worst_base_loads(site, capacities_a, result),
                {key: connector.commitment for key, connector in live.items()},
                bookings,
            )
        return self.newest


def _worst_base_loads(
    site: Site, capacities_a: Mapping[str, float], result: Result
) -> dict[str, PhaseCurrents]:
    """Return the worst that each metered group is known to carry; all it can where none is."""
    return {
        group_id: watch.memory.worst()
        or PhaseCurrents.uniform(capacities_a[group_id], site.groups[group_id].phases)
        for group_id, watch in result.state.meters.items()
    }
