"""How far a group's meter can be trusted, and what is assumed where it cannot.

A meter that falls silent is not a house that has stopped. The longer nothing is heard of it, the
more is assumed, step by step: what the house took at its worst in the last minutes and a little
more with each minute, then what it has ever been seen to take at such an hour, then what the user
has said. No step assumes less than the one before, until the meter tells again.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .base_load_memory import BaseLoadMemory
from .group import Group
from .phases import ZERO, PhaseCurrents
from .supply import FIRST_HOLD_S, BaseLoad, MeterReading

UNSEEN_STEP_A = 1.0
"""How much more is assumed to flow on each phase as soon as a meter is missed: a house that was
steady may have switched something on. It is as much again with each minute until the meter is old,
up to the worst of such an hour, so that chargers make room for that little by little."""
UNSEEN_STEP_S = 60.0
OLD_AFTER = 1 / 3
"""When an ageing meter is old, as a part of the time after which it is lost."""
LOOK_AGAIN_S = 60.0
"""How often an old meter's hour of the week is looked at again."""


class MeterStage(StrEnum):
    """What a group's meter is good for."""

    FRESH = "fresh"
    """It tells what flows now."""
    AGEING = "ageing"
    """It has not told for longer than usual: the worst of the last minutes is assumed, and more
    with each minute."""
    OLD = "old"
    """The worst that was learnt for this hour of the week is assumed."""
    LOST = "lost"
    """What the user has set for this case is assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterWatch:
    """What is known of one metered group's meter. Times are monotonic seconds."""

    memory: BaseLoadMemory = field(default_factory=BaseLoadMemory)
    stage: MeterStage | None = None
    """None before the first step."""
    told_at: float | None = None
    """When the meter was last heard of; None where it never was."""
    missed_from: float | None = None
    """What its age counts from: when it was last heard of, or when the watch began."""
    noticed_at: float | None = None
    """Since when it has not been fresh; None while it is."""
    assumed: PhaseCurrents = ZERO
    """What was seen that has to be reckoned with while it is not fresh; it never falls."""
    remembered: PhaseCurrents = ZERO
    """The same without what was only held when it was lost, or may have come since."""

    @property
    def fresh(self) -> bool:
        """Whether it tells what flows now."""
        return self.stage is MeterStage.FRESH

    def heard(self, reading: MeterReading) -> MeterWatch:
        """Return the watch of a meter that tells what flows now."""
        return MeterWatch(
            memory=self.memory,
            stage=MeterStage.FRESH,
            told_at=reading.told_at,
            missed_from=reading.told_at,
        )

    def returning(self, base_load: BaseLoad, now: float) -> BaseLoad:
        """Return the base load to go on with when the meter tells; before it takes that in.

        What was held before is not held anew, or a meter that comes and goes would hold it for
        ever.
        """
        if self.fresh or self.told_at is None:
            return base_load
        anew = self.stage is not MeterStage.AGEING
        return base_load.returned(self.remembered, now, anew=anew)

    def learnt(self, base_load: BaseLoad, now: float, hour: int) -> MeterWatch:
        """Return the watch after another estimate of the base load."""
        first_at = base_load.first_at
        # The first estimates know little of the cars.
        if base_load.latest is None or first_at is None or now - first_at < FIRST_HOLD_S:
            return self
        return replace(self, memory=self.memory.observe(base_load.latest, now, hour))

    def missed(self, group: Group, base_load: BaseLoad, now: float, hour: int) -> MeterWatch:
        """Return the watch of a meter that does not tell, with the base load to assume.

        `base_load` is what was estimated while it did, `hour` the hour of the week.
        """
        missed_from = now if self.missed_from is None else self.missed_from
        noticed_at = now if self.noticed_at is None else self.noticed_at
        of_hour = self.memory.of_hour(hour)
        if now >= _lost_from(group, missed_from):
            stage = MeterStage.LOST
        elif self.told_at is None:
            # It has told nothing since the start. What was learnt before still holds.
            stage = MeterStage.LOST if of_hour is None else MeterStage.OLD
        else:
            stage = MeterStage.OLD if now >= _old_from(group, missed_from) else MeterStage.AGEING
        remembered = self.remembered
        seen = [base_load.latest, self.memory.recent()]
        if stage is not MeterStage.AGEING:
            seen.append(of_hour)
        for one in seen:
            remembered = remembered if one is None else remembered.maximum(one)
        assumed = remembered.maximum(base_load.held)
        if stage is MeterStage.AGEING:
            step = PhaseCurrents.uniform(UNSEEN_STEP_A, group.phases)
            steps = _unseen_steps(noticed_at, now)
            more = assumed + step.map(lambda step_a: step_a * steps)
            likely = more if of_hour is None else more.minimum(of_hour)
            assumed = likely.maximum(assumed + step)
        return replace(
            self,
            stage=stage,
            missed_from=missed_from,
            noticed_at=noticed_at,
            assumed=self.assumed.maximum(assumed),
            remembered=remembered,
        )

    def next_change(self, group: Group, now: float) -> float | None:
        """Return when time alone may make more of what is assumed; None where it cannot."""
        if self.missed_from is None or self.noticed_at is None:
            return None
        if self.stage is MeterStage.AGEING:
            more_at = self.noticed_at + UNSEEN_STEP_S * _unseen_steps(self.noticed_at, now)
            return min(more_at, _old_from(group, self.missed_from))
        if self.stage is MeterStage.LOST:
            return None
        return min(now + LOOK_AGAIN_S, _lost_from(group, self.missed_from))


def _unseen_steps(noticed_at: float, now: float) -> int:
    """Return how many steps more are assumed: one at once, and one with each minute."""
    return 1 + math.floor((now - noticed_at) / UNSEEN_STEP_S)


def _old_from(group: Group, missed_from: float) -> float:
    return missed_from + group.meter_lost_after_s * OLD_AFTER


def _lost_from(group: Group, missed_from: float) -> float:
    return missed_from + group.meter_lost_after_s
