"""The upper bounds of connectors, each with a name; the lowest one counts."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from ..balancing.model import NOMINAL_VOLTAGE_V, ConnectorKey
from ..storage.bounds import KeptBound
from ..storage.ledger import Ledger
from .bound import Bound, BoundName
from .live import LiveConnector
from .recorder import Recorder

NO_BOUNDS: Mapping[str, KeptBound] = {}


class Ceilings:
    """Keeps the bounds that were set while the site runs, over restarts, until they end.

    The maximum is not among them: it is always there, and `LiveConnector` has it.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        recorder: Recorder,
        live: Mapping[ConnectorKey, LiveConnector],
        on_change: Callable[[], None],
        on_asked_back: Callable[[ConnectorKey], None],
    ) -> None:
        """Start with what the ledger has.

        `on_change` is called after each change, `on_asked_back` with a connector that is to charge.
        """
        self._ledger = ledger
        self._recorder = recorder
        self._live = live
        self._on_change = on_change
        self._on_asked_back = on_asked_back

    async def set(
        self,
        key: ConnectorKey,
        name: BoundName,
        limit_a: float | None = None,
        until: datetime | None = None,
        *,
        power_w: float | None = None,
    ) -> None:
        """Bound a connector, in place of what had that name; `until` has a time zone.

        `limit_a` is per line, `power_w` over all lines; where both are given, both hold. Raises
        ValueError below 0, above the rating or without either, and StorageError, and changes
        nothing, if what allows more than before cannot be recorded.
        """
        _check(limit_a, self.rating_a(key), "A")
        _check(power_w, self.rating_w(key), "W")
        bound = KeptBound(limit_a=limit_a, power_w=power_w, until=until)
        before = self._ledger.bounds.get(key, NO_BOUNDS).get(name)
        raising = before is not None and bound.allows_more_than(before)
        await self._recorder.change(self._ledger.note_bound(key, name, bound), raising=raising)
        self.apply()
        self._on_change()

    def rating_a(self, key: ConnectorKey) -> float:
        """Return what no bound of a connector may be above."""
        return self._live[key].connector.rating_a

    def rating_w(self, key: ConnectorKey) -> float:
        """Return the power at that rating, with all lines that are wired."""
        return self.rating_a(key) * NOMINAL_VOLTAGE_V * self._live[key].charger.phases

    async def end(self, key: ConnectorKey, name: BoundName) -> None:
        """End the bound of that name, if there is one. Raises StorageError, as `set` does."""
        if name not in self._ledger.bounds.get(key, NO_BOUNDS):
            return
        await self._recorder.change(self._ledger.note_bound(key, name, None), raising=True)
        if name is BoundName.PAUSE:
            self._on_asked_back(key)
        self._on_change()

    def apply(self) -> None:
        """Give the connectors the bounds that hold now; forget those whose time is over."""
        utc = datetime.now(UTC)
        for key, name in tuple(self._over(utc)):
            self._recorder.note(self._ledger.note_bound(key, name, None))
        for key, live in self._live.items():
            kept = self._ledger.bounds.get(key, NO_BOUNDS)
            if not kept and not live.bounds:
                continue
            live.bounds = tuple(
                Bound(
                    name=BoundName(name),
                    limit_a=bound.current_a(live.lines_to_reckon_with),
                    until=bound.until,
                )
                for name, bound in kept.items()
            )

    def next_change_s(self) -> float | None:
        """Return in how many seconds time alone ends one; None if it does not."""
        utc = datetime.now(UTC)
        ends = (bound.until for _, _, bound in self._all() if bound.until is not None)
        return min(((until - utc).total_seconds() for until in ends), default=None)

    def _over(self, utc: datetime) -> Iterator[tuple[ConnectorKey, str]]:
        for key, name, bound in self._all():
            if name not in BoundName or (bound.until is not None and bound.until <= utc):
                yield key, name

    def _all(self) -> Iterator[tuple[ConnectorKey, str, KeptBound]]:
        for key, bounds in self._ledger.bounds.items():
            for name, bound in bounds.items():
                yield key, name, bound


def _check(value: float | None, highest: float, unit: str) -> None:
    if value is not None and not 0 <= value <= highest:
        raise ValueError(f"{value} {unit} is not within 0 and {highest} {unit}")
