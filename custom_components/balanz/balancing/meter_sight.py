"""Whether a group's meter sees what the group's chargers draw, and with the right sign.

Only what balanz itself has had changed tells: the meter's reading that a command followed from is
compared with those once the chargers have followed. What a house does meanwhile may hide that or
feign it, so that it takes several changes that say the same to find against a meter, and to acquit
it again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from .phases import ALL_PHASES, PhaseCurrents
from .supply import DrawInterval, MeterReading

LEAST_CHANGE_A = 5.0
"""What a house does all the time is less."""
KNOWN_WITHIN_A = 1.0
"""How well the chargers' draw has to be known on each phase."""
SEEN_FROM = 0.6
"""A meter that shows so much of a change has seen it."""
UNSEEN_UP_TO = 0.2
"""A meter that shows no more of it has not."""
WATCHED_S = 45.0
"""For how long a meter may show a change late."""
LEAST_READINGS = 3
"""So many readings have to agree that it does not."""
LONGEST_CHANGE_S = 180.0
"""In a longer time a house has done something else."""
ENOUGH_AGAINST = 3
"""So many changes that the meter did not show find against it; one that it showed makes up for
two."""
ENOUGH_FOR = 3
"""So many in a row that it showed acquit it."""


class SightFault(StrEnum):
    """What is wrong with a meter."""

    MISSES_CHARGERS = "misses_chargers"
    """It does not show what the chargers draw."""
    REVERSED = "reversed"
    """It shows less where they draw more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """A reading, and what the chargers drew then."""

    at: float
    metered: PhaseCurrents
    drawn: PhaseCurrents
    told: PhaseCurrents
    """What the chargers' own meters had told last."""
    given_a: float
    """What batteries gave, A over all phases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSight:
    """What a group's meter was seen to show of its chargers. Times are monotonic seconds."""

    fault: SightFault | None = None
    observed_at: float | None = None
    """When the last reading came."""
    before: _Sample | None = None
    """The last reading at which the draw was known: none of a change is in it yet."""
    moving: bool = False
    """Whether something was commanded since."""
    rose_a: float = 0.0
    """By how much the meter has risen since, whatever it did then."""
    changed_at: float | None = None
    """Since when it is known to what the draw has changed; None while it is not."""
    readings: int = 0
    """How many came since then, none of which showed the change."""
    against: tuple[SightFault, ...] = ()
    """What changes that were not shown point to."""
    shown: int = 0
    """How many changes in a row were shown."""

    def observe(
        self,
        reading: MeterReading,
        draws: Iterable[DrawInterval],
        told: PhaseCurrents,
        given_a: float | None = 0.0,
    ) -> MeterSight:
        """Take in a new reading, with what the chargers may have drawn then.

        `told` is what their own meters have told last, whatever that may have become since.
        `given_a` is what batteries give, A over all phases; None where one does not tell.
        """
        if given_a is None:
            # It may be what makes up for the chargers.
            return replace(self._anew(None), observed_at=reading.at)
        after = self._observed(reading, tuple(draws), told, given_a)
        return replace(after, observed_at=reading.at)

    def _observed(
        self,
        reading: MeterReading,
        draws: tuple[DrawInterval, ...],
        told: PhaseCurrents,
        given_a: float,
    ) -> MeterSight:
        least = PhaseCurrents.total(draw.least for draw in draws)
        most = PhaseCurrents.total(draw.most for draw in draws)
        before = self.before
        if any(most[phase] - least[phase] > KNOWN_WITHIN_A for phase in ALL_PHASES):
            return self._in_between(reading, told)
        now = _Sample(
            at=reading.at, metered=reading.currents, drawn=most, told=told, given_a=given_a
        )
        if before is None or not self.moving:
            return self._anew(now)
        change = now.drawn - before.drawn
        drawn_a = sum(abs(change[phase]) for phase in ALL_PHASES)
        by_battery = abs(now.given_a - before.given_a) > UNSEEN_UP_TO * drawn_a
        if by_battery or now.at - before.at > LONGEST_CHANGE_S:
            return self._anew(now)
        if max(abs(change[phase]) for phase in ALL_PHASES) < LEAST_CHANGE_A:
            # Chargers that were raised and cut again at once, since the meter shows them after all.
            to_and_fro = self.fault is not None and self.rose_a >= LEAST_CHANGE_A
            return self._judged(None, now) if to_and_fro else self._anew(now)
        return self._compared(now, change, now.metered - before.metered)

    def _in_between(self, reading: MeterReading, told: PhaseCurrents) -> MeterSight:
        """Take in that it is not known what the chargers draw."""
        if self.before is None:
            return self
        if self.changed_at is not None:
            # Something else was commanded before the last change was judged.
            return self._anew(None)
        if not self.moving and _differ(told, self.before.told):
            # A car has done something of its own, and the meter may have shown that long since.
            return self._anew(None)
        risen = reading.currents - self.before.metered
        return replace(self, moving=True, rose_a=max(self.rose_a, *risen))

    def _compared(self, now: _Sample, change: PhaseCurrents, shown: PhaseCurrents) -> MeterSight:
        changed_at = now.at if self.changed_at is None else self.changed_at
        largest_a = max(abs(change[phase]) for phase in ALL_PHASES)
        shares = [
            shown[phase] / change[phase]
            for phase in ALL_PHASES
            if abs(change[phase]) >= LEAST_CHANGE_A
        ]
        if all(share >= SEEN_FROM for share in shares):
            return self._judged(None, now)
        readings = self.readings + 1
        if now.at - changed_at < WATCHED_S or readings < LEAST_READINGS:
            return replace(self, changed_at=changed_at, readings=readings)
        if all(share <= -SEEN_FROM for share in shares):
            return self._judged(SightFault.REVERSED, now)
        if all(abs(shown[phase]) <= UNSEEN_UP_TO * largest_a for phase in ALL_PHASES):
            return self._judged(SightFault.MISSES_CHARGERS, now)
        return self._anew(now)

    def _judged(self, fault: SightFault | None, now: _Sample) -> MeterSight:
        """Count what a change has told."""
        if fault is None:
            against, shown = self.against[2:], self.shown + 1
        else:
            against, shown = (*self.against, fault)[-ENOUGH_AGAINST:], 0
        verdict = self.fault
        if len(against) >= ENOUGH_AGAINST:
            # Not to be heard at all takes more than what a restless house may feign once.
            is_reversed = set(against) == {SightFault.REVERSED}
            verdict = SightFault.REVERSED if is_reversed else SightFault.MISSES_CHARGERS
        elif shown >= ENOUGH_FOR:
            verdict = None
        return replace(self._anew(now), fault=verdict, against=against, shown=shown)

    def _anew(self, before: _Sample | None) -> MeterSight:
        return replace(self, before=before, moving=False, rose_a=0.0, changed_at=None, readings=0)


def _differ(one: PhaseCurrents, other: PhaseCurrents) -> bool:
    return any(abs(one[phase] - other[phase]) > KNOWN_WITHIN_A for phase in ALL_PHASES)
