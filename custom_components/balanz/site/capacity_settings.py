"""What users set of what groups may carry: to last, or for a while in A per phase or in W."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ..balancing.model import NOMINAL_VOLTAGE_V
from ..storage.ledger import Ledger
from ..storage.overrides import CapacityOverride
from .capacities import Capacities
from .layout import Layout
from .recorder import Recorder


class OverrideTooHigh(ValueError):
    """More than a group can carry."""

    def __init__(self, highest: float, unit: str) -> None:
        """Tell what would be possible, in the unit of what was asked for."""
        super().__init__(f"at most {highest:g} {unit}")
        self.highest = highest
        self.unit = unit


class CapacitySettings:
    """Makes users' changes, and keeps overrides until they end; a later one replaces an earlier."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        layout: Layout,
        capacities: Capacities,
        on_change: Callable[[], None],
    ) -> None:
        """Start with what the ledger has; `on_change` is called after each change by a user."""
        self._ledger = ledger
        self._recorder = recorder
        self._layout = layout
        self._capacities = capacities
        self._on_change = on_change

    def override_of(self, group_id: str) -> CapacityOverride | None:
        """Return what a group may carry instead of its capacity; None if nothing else."""
        return self._ledger.overrides.get(group_id)

    def powers_w(self) -> Mapping[str, float]:
        """Return what groups may carry now in W over all phases; others are left out."""
        return {
            group_id: override.power_w
            for group_id, override in self._ledger.overrides.items()
            if override.power_w is not None
        }

    async def set_lasting(self, group_id: str, capacity_a: float) -> None:
        """Set a group's capacity. Raises ValueError below 0 or above the rating.

        An override that would let it carry more than that ends: the last word counts.
        """
        group = self._layout.site.groups[group_id]
        if not 0 <= capacity_a <= group.rating_a:
            raise ValueError(f"{capacity_a} A is not within 0 and {group.rating_a} A")
        raising = capacity_a > self._capacities.capacity_a(group_id)
        record = self._ledger.note_capacity(group_id, capacity_a)
        await self._recorder.change(record, raising=raising)
        override = self.override_of(group_id)
        if override is not None and _is_above(override, capacity_a):
            left = None if override.power_w is None else replace(override, capacity_a=None)
            self._recorder.note(self._ledger.note_override(group_id, left))
        self._on_change()

    async def override(self, group_id: str, override: CapacityOverride) -> None:
        """Let a group carry something else for a while.

        Raises OverrideTooHigh as `check` does, and StorageError, and changes nothing, if what
        allows more than before cannot be recorded.
        """
        self.check(group_id, override)
        raising = self._full(group_id, override).allows_more_than(self._now(group_id))
        record = self._ledger.note_override(group_id, override)
        await self._recorder.change(record, raising=raising)
        self._changed()

    def check(self, group_id: str, override: CapacityOverride) -> None:
        """Raise OverrideTooHigh for more than a group's rating or power limit."""
        group = self._layout.site.groups[group_id]
        if override.capacity_a is not None and override.capacity_a > group.rating_a:
            raise OverrideTooHigh(group.rating_a, "A")
        rating_w = group.rating_a * NOMINAL_VOLTAGE_V * len(group.phases)
        highest_w = rating_w if group.power_limit_w is None else group.power_limit_w
        if override.power_w is not None and override.power_w > highest_w:
            raise OverrideTooHigh(highest_w, "W")

    async def end_override(self, group_id: str) -> None:
        """Let a group carry its capacity again. Raises StorageError, as `override` does."""
        if group_id not in self._ledger.overrides:
            return
        lasting = CapacityOverride(capacity_a=self._capacities.capacity_a(group_id))
        raising = lasting.allows_more_than(self._now(group_id))
        await self._recorder.change(self._ledger.note_override(group_id, None), raising=raising)
        self._changed()

    def apply(self) -> None:
        """Forget those whose time is over."""
        utc = datetime.now(UTC)
        for group_id, override in tuple(self._ledger.overrides.items()):
            if override.until is not None and override.until <= utc:
                self._recorder.note(self._ledger.note_override(group_id, None))
                self._layout.outdated = True

    def next_change_s(self) -> float | None:
        """Return in how many seconds time alone ends one; None if it does not."""
        utc = datetime.now(UTC)
        ends = (override.until for override in self._ledger.overrides.values())
        return min(((until - utc).total_seconds() for until in ends if until), default=None)

    def _changed(self) -> None:
        # A limit of power is one more limit in the tree.
        self._layout.outdated = True
        self._on_change()

    def _now(self, group_id: str) -> CapacityOverride:
        """Return what a group may carry now, as if it were an override."""
        override = self.override_of(group_id)
        if override is None:
            return CapacityOverride(capacity_a=self._capacities.capacity_a(group_id))
        return self._full(group_id, override)

    def _full(self, group_id: str, override: CapacityOverride) -> CapacityOverride:
        if override.capacity_a is not None:
            return override
        return replace(override, capacity_a=self._capacities.capacity_a(group_id))


def _is_above(override: CapacityOverride, capacity_a: float) -> bool:
    return override.capacity_a is not None and override.capacity_a > capacity_a
