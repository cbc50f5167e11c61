"""What each group may carry now, of all that has a say in it."""

from ..storage.ledger import Ledger
from .drill import Drills
from .layout import Layout


class Capacities:
    """Tells the capacities of groups, in A per phase."""

    def __init__(self, *, ledger: Ledger, layout: Layout, drills: Drills) -> None:
        """Tell what the ledger has."""
        self._ledger = ledger
        self._layout = layout
        self._drills = drills

    def capacity_a(self, group_id: str) -> float:
        """Return a group's capacity as it was set, never above its rating."""
        rating_a = self._layout.site.groups[group_id].rating_a
        return min(self._ledger.capacities_a.get(group_id, rating_a), rating_a)

    def capacity_now_a(self, group_id: str) -> float:
        """Return what a group may carry at this time.

        That is its capacity, or what stands in for it, less what a schedule or a drill forbids.
        """
        capacity_a = self.capacity_a(group_id)
        override = self._ledger.overrides.get(group_id)
        if override is not None and override.capacity_a is not None:
            capacity_a = min(override.capacity_a, self._layout.site.groups[group_id].rating_a)
        capacity_a = self._drills.pretended_a(group_id, capacity_a)
        scheduled = self._layout.timetable.states.get(group_id)
        return capacity_a if scheduled is None else min(capacity_a, scheduled.capacity_a)

    def all_a(self) -> dict[str, float]:
        """Return the capacities of all groups as they were set."""
        return {group_id: self.capacity_a(group_id) for group_id in self._layout.site.groups}

    def all_now_a(self) -> dict[str, float]:
        """Return what all groups may carry at this time."""
        return {group_id: self.capacity_now_a(group_id) for group_id in self._layout.site.groups}
