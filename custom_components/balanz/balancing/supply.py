"""What flows through a metered group besides its chargers, told from the group's meter.

The meter sees everything, and what the chargers draw is known only at their own readings. While
a charger may be changing its current, its draw is therefore an interval, and the base load is the
estimate that has to move least to explain what the meter shows (set membership). A rise counts at
once, a fall only after it has lasted: the estimate in use is the peak of the last minutes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from .phases import ALL_PHASES, ZERO, PhaseCurrents

PEAK_HOLD_S = 180.0
"""How long a peak of the base load is kept: what a house takes again and again, such as an oven,
then moves no limit each time."""
FIRST_HOLD_S = 60.0
"""The same while the meter has just begun to tell: the first estimates know little of the cars."""
CALM_A = 1.0
"""A fall of the base load by less than this lets no limit rise."""
RAMP_S = 15.0
"""What the base load rises by within this time may all be of one cause: cars take a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawInterval:
    """The least and the most that one connector may be drawing on each phase, A."""

    least: PhaseCurrents
    most: PhaseCurrents
    unrisen: PhaseCurrents | None = None
    """The most if it has not risen since its last reading; None where that is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReading:
    """A group's own current, import positive, and when it was received (monotonic seconds)."""

    currents: PhaseCurrents
    at: float
    age_s: float = 0.0
    """How long ago its source was last heard of when it was received."""
    fresh_for_s: float = inf
    """For how long from then on it tells what flows, should nothing more be heard."""

    @property
    def told_at(self) -> float:
        """When its source was last heard of."""
        return self.at - self.age_s

    @property
    def fresh_until(self) -> float:
        """From when on it no longer tells what flows."""
        return self.at + self.fresh_for_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The largest estimate of one second."""

    second: int
    base_load: PhaseCurrents


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """By how much more an estimate explains a reading than the one before it did."""

    since: float
    """When the first reading that showed it was received (monotonic seconds)."""
    by: PhaseCurrents


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLoad:
    """The estimate of one metered group's base load. Never below zero: export is not headroom."""

    latest: PhaseCurrents | None = None
    signed: PhaseCurrents | None = None
    """The latest estimate with export as it is: what a surplus is told from."""
    first_at: float | None = None
    """When the first reading came."""
    observed_at: float | None = None
    peaks: tuple[Peak, ...] = ()
    held: PhaseCurrents = ZERO
    """What was in use; it follows a peak down only where that makes a difference."""
    risen: Rise | None = None
    """Its last rise that makes a difference; None before the first."""

    def observe(
        self,
        reading: MeterReading,
        draws: Iterable[DrawInterval],
        limit: PhaseCurrents | None = None,
    ) -> BaseLoad:
        """Return the estimate after a new reading of the meter.

        Raises alone never take a group above its limit. Where a reading is above it, what cars
        on their way up have not been seen to draw is therefore counted as base load.
        """
        draws = tuple(draws)
        highest = reading.currents - PhaseCurrents.total(draw.least for draw in draws)
        before = highest if self.signed is None else self.signed
        signed = before.minimum(highest).maximum(_lowest(reading, draws, limit))
        return replace(
            self._estimated(signed, reading.at),
            first_at=reading.at if self.first_at is None else self.first_at,
            observed_at=reading.at,
        )

    def refine(
        self,
        reading: MeterReading,
        draws: Iterable[DrawInterval],
        limit: PhaseCurrents | None = None,
    ) -> BaseLoad:
        """Return the estimate after cars have told what they drew at the time of a reading.

        A car that was let charge and still slept has not been what the meter showed. The estimate
        only rises by that: a fall is told by later readings.
        """
        if self.signed is None:
            return self
        signed = self.signed.maximum(_lowest(reading, tuple(draws), limit))
        return self if signed == self.signed else self._estimated(signed, reading.at)

    def _estimated(self, signed: PhaseCurrents, at: float) -> BaseLoad:
        latest = signed.without_export
        second = int(at)
        peaks = self._recent(at)
        if peaks and peaks[-1].second == second:
            latest_peak = peaks[-1].base_load.maximum(latest)
            peaks = (*peaks[:-1], Peak(second=second, base_load=latest_peak))
        else:
            peaks = (*peaks, Peak(second=second, base_load=latest))
        return replace(
            self, latest=latest, signed=signed, peaks=peaks, risen=self._risen_to(signed, at)
        )

    def _risen_to(self, signed: PhaseCurrents, at: float) -> Rise | None:
        if self.signed is None:
            return None
        more, risen = signed - self.signed, self.risen
        if risen is not None and risen.since <= at <= risen.since + RAMP_S:
            return replace(risen, by=(risen.by + more).without_export)
        return Rise(since=at, by=more.without_export) if max(more) >= CALM_A else risen

    def returned(self, assumed: PhaseCurrents, at: float, *, anew: bool) -> BaseLoad:
        """Return the estimate as the meter tells again, before its first reading.

        What was remembered and assumed until then counts as a peak. `anew` is for a meter that
        was away for so long that it has just begun to tell.
        """
        return replace(
            self,
            first_at=at if anew else self.first_at,
            peaks=(*self._recent(at), Peak(second=int(at), base_load=assumed)),
        )

    def settled(self, now: float) -> BaseLoad:
        """Return the estimate with the load in use brought up to date."""
        peak = self.peak(now)
        if peak is None:
            return self
        return replace(
            self,
            held=PhaseCurrents(
                l1=_held(self.held.l1, peak.l1),
                l2=_held(self.held.l2, peak.l2),
                l3=_held(self.held.l3, peak.l3),
            ),
        )

    def peak(self, now: float) -> PhaseCurrents | None:
        """Return the largest estimate within the hold time; None before the first reading."""
        if self.latest is None:
            return None
        held = self.latest
        for peak in self._recent(now):
            held = held.maximum(peak.base_load)
        return held

    def next_change(self, now: float) -> float | None:
        """Return when a held peak ends, so that the estimate in use falls; None if none does."""
        held = self.peak(now)
        if held is None or self.latest is None or held == self.latest:
            return None
        # The oldest peak that stands above everything after it is the first whose end matters.
        recent = self._recent(now)
        above = self.latest
        ends_at: float | None = None
        for peak in reversed(recent):
            if _exceeds(peak.base_load, above):
                ends_at = peak.second + 1 + self._hold_s(now)
                above = above.maximum(peak.base_load)
        return ends_at

    def _hold_s(self, now: float) -> float:
        new = self.first_at is None or now - self.first_at < PEAK_HOLD_S
        return FIRST_HOLD_S if new else PEAK_HOLD_S

    def _recent(self, now: float) -> tuple[Peak, ...]:
        oldest = now - self._hold_s(now)
        return tuple(peak for peak in self.peaks if peak.second + 1 > oldest)


def _lowest(
    reading: MeterReading, draws: tuple[DrawInterval, ...], limit: PhaseCurrents | None
) -> PhaseCurrents:
    """Return the least base load that explains a reading."""
    lowest = reading.currents - PhaseCurrents.total(draw.most for draw in draws)
    if limit is None or not _exceeds(reading.currents, limit):
        return lowest
    unrisen = reading.currents - PhaseCurrents.total(
        draw.most if draw.unrisen is None else draw.unrisen for draw in draws
    )
    return PhaseCurrents(
        l1=unrisen.l1 if reading.currents.l1 > limit.l1 else lowest.l1,
        l2=unrisen.l2 if reading.currents.l2 > limit.l2 else lowest.l2,
        l3=unrisen.l3 if reading.currents.l3 > limit.l3 else lowest.l3,
    )


def _exceeds(one: PhaseCurrents, other: PhaseCurrents) -> bool:
    return any(one[phase] > other[phase] for phase in ALL_PHASES)


def _held(held_a: float, peak_a: float) -> float:
    # Without this, noise around the point where one more ampere fits would send it and take it
    # back all day long.
    return held_a if 0 < held_a - peak_a < CALM_A else peak_a


def may_draw(
    *,
    reading: DrawInterval,
    before: DrawInterval | None,
    commanded: PhaseCurrents,
    followed: PhaseCurrents | None,
    rising_to: PhaseCurrents | None,
) -> DrawInterval:
    """Return what a metering connector may be drawing.

    `before` is the reading that was replaced a moment ago, None once that no longer matters: the
    group's meter may still show it. `commanded` bounds the draw from above as soon as it is
    obeyed, so that it may already have fallen that far; `followed` is a limit that has been in
    force for long enough to be obeyed, None where none has. `rising_to` is what it may have risen
    to since its last reading, None where nothing lets it rise.
    """
    least, most = reading.least, reading.most
    if before is not None:
        least, most = least.minimum(before.least), most.maximum(before.most)
    unrisen = most
    if rising_to is not None:
        most = most.maximum(rising_to)
    if followed is not None:
        most = most.minimum(followed)
        unrisen = unrisen.minimum(followed)
    least = least.minimum(commanded).minimum(most)
    return DrawInterval(least=least, most=most, unrisen=unrisen)


def available(capacity_a: float, base_load: PhaseCurrents, margin_a: float) -> PhaseCurrents:
    """Return what is left for chargers on each phase; below zero if the rest is too much."""
    return PhaseCurrents.uniform(capacity_a - margin_a) - base_load
