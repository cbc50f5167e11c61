"""How often a sensor reports, and from when on its silence means that it may be dead.

Sensors that report at fixed times and sensors that report changes alone look alike. What tells a
long gap from a dead source is the gaps that were there before, each counted for as long as it
lasted: a burst of changes says little of the quiet after it.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

UNKNOWN_PATIENCE_S = 60.0
"""How long a sensor may be silent while nothing is known of its rhythm."""
SHORTEST_PATIENCE_S = 15.0
"""A busy Home Assistant may be this late with reports of any sensor."""
USUAL_PATIENCE_S = 60.0
"""A sensor may be silent for longer than this only where it usually is."""
GAPS_OF_PATIENCE = 3.0
FEWEST_GAPS_OF_PATIENCE = 1.5
"""Of a sensor that is slow: less, and each of its reports would be waited for in vain."""
QUANTILE = 0.9
HALF_LIFE_S = 1800.0
"""After this time a gap counts half as much."""
KNOWN_FROM_S = 60.0
KNOWN_FROM_GAPS = 5
"""Fewer gaps, or shorter ones together, tell no rhythm."""
LONGEST_GAP_S = 120.0
"""A longer one counts as this: it may have been an outage."""

_BOUNDS_S = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, LONGEST_GAP_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRhythm:
    """The gaps between one sensor's reports."""

    reported_at: float | None = None
    """When the last report came, in seconds of any clock that runs evenly."""
    gaps: int = 0
    weights_s: tuple[float, ...] = (0.0,) * len(_BOUNDS_S)
    """How much time was spent in gaps of each length, older time counting less."""

    def reported(self, at: float) -> ReportRhythm:
        """Return what is known after a report; one that is not newer than the last says nothing."""
        if self.reported_at is None:
            return ReportRhythm(reported_at=at)
        gap_s = at - self.reported_at
        if gap_s == 0:
            return self
        if gap_s < 0:
            # The clock was set back: the gap is not known, those before it still are.
            return ReportRhythm(reported_at=at, gaps=self.gaps, weights_s=self.weights_s)
        gap_s = min(gap_s, LONGEST_GAP_S)
        kept = 0.5 ** (gap_s / HALF_LIFE_S)
        weights_s = [weight_s * kept for weight_s in self.weights_s]
        weights_s[bisect_left(_BOUNDS_S, gap_s)] += gap_s
        return ReportRhythm(reported_at=at, gaps=self.gaps + 1, weights_s=tuple(weights_s))

    @property
    def usual_gap_s(self) -> float | None:
        """How long its longer usual gaps last, rounded up; None while that is not known."""
        total_s = sum(self.weights_s)
        if self.gaps < KNOWN_FROM_GAPS or total_s < KNOWN_FROM_S:
            return None
        reached = zip(_BOUNDS_S, accumulate(self.weights_s), strict=True)
        return next(
            (bound_s for bound_s, time_s in reached if time_s >= QUANTILE * total_s), LONGEST_GAP_S
        )

    @property
    def patience_s(self) -> float:
        """How long it may be silent before it counts as ageing, s."""
        gap_s = self.usual_gap_s
        if gap_s is None:
            return UNKNOWN_PATIENCE_S
        few_gaps_s = min(GAPS_OF_PATIENCE * gap_s, USUAL_PATIENCE_S)
        return max(few_gaps_s, FEWEST_GAPS_OF_PATIENCE * gap_s, SHORTEST_PATIENCE_S)
