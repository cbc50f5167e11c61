"""Keeps an eye on whether the site would be safe if nobody controlled it."""

from collections.abc import Iterable, Mapping

from ..balancing.control import Result
from ..balancing.dark_budget import DarkBudget, dark_budget
from ..balancing.inputs import Booking
from ..balancing.model import ConnectorKey, Site
from ..balancing.phases import ZERO, PhaseCurrents
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
        self._worst: dict[str, PhaseCurrents] = {}

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
        """Return what would be missing where; the last answer if that was a moment ago."""
        for group_id, view in result.groups.items():
            if view.base_load is not None and site.groups[group_id].metered:
                seen = self._worst.get(group_id, ZERO)
                self._worst[group_id] = seen.maximum(view.base_load)
        if self.newest is None or now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self.newest = dark_budget(
                site,
                capacities_a,
                {group_id: self._worst.get(group_id, ZERO) for group_id in self._metered(site)},
                {key: connector.commitment for key, connector in live.items()},
                bookings,
            )
        return self.newest

    @staticmethod
    def _metered(site: Site) -> Iterable[str]:
        return (group.id for group in site.groups.values() if group.metered)
