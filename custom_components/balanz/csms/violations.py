"""What is wrong with a charger's messages, for whoever has to tell its maker."""

import re
from collections import Counter

MOST_WAYS = 32
OTHERS = "others"
_PLACE_IN_A_LIST = re.compile(r"/\d+")


class Violations:
    """In which ways a charger breaks the specification, and how often each.

    None of them quotes what the charger has said: that might be a secret.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        """Know of none yet."""
        self._counts: Counter[str] = Counter()

    def note(self, way: str) -> None:
        """Count one, such as `MeterValues: meterValue/0/timestamp breaks required`."""
        way = _PLACE_IN_A_LIST.sub("/*", way)
        is_one_more = way not in self._counts and len(self._counts) >= MOST_WAYS
        self._counts[OTHERS if is_one_more else way] += 1

    def counted(self) -> dict[str, int]:
        """Return how often it has done what, the most frequent first."""
        return dict(self._counts.most_common())
