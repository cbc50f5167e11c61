"""The steps in which chargers were seen to move, where that says more than the user and the table.

A limit between two of them would book current that nobody draws, or be exceeded by a charger that
rounds up.
"""

from collections.abc import Iterable, Mapping

from ..balancing.model import ConnectorKey
from ..csms.quirks import Quirks
from .live import LiveConnector
from .settings import ChargerSettings


class LearntSteps:
    """Hands what was learnt to whoever builds the tree of groups."""

    def __init__(self, live: Mapping[ConnectorKey, LiveConnector]) -> None:
        """Have told nothing yet."""
        self._live = live
        self._told: dict[ConnectorKey, float] = {}

    @property
    def outdated(self) -> bool:
        """Whether more, or something else, is known than was told."""
        return self._known() != self._told

    def tell(
        self, chargers: Iterable[ChargerSettings], quirks: Mapping[str, Quirks]
    ) -> dict[ConnectorKey, float]:
        """Return the steps of those whose kind nobody has named, and that no table tells of."""
        self._told = self._known()
        open_to_learning = {
            charger.identity
            for charger in chargers
            if charger.quirks.behaves_like is None
            and quirks[charger.identity].step_a is None
            and not quirks[charger.identity].steps_a
        }
        return {
            key: step_a for key, step_a in self._told.items() if key.charger in open_to_learning
        }

    def _known(self) -> dict[ConnectorKey, float]:
        return {
            key: step_a
            for key, live in self._live.items()
            if (step_a := live.card.resolution.step_a) is not None
        }
