"""Which of the wired phases a car really uses, learnt from its measured currents."""

from dataclasses import dataclass

from .phases import ALL_PHASES, Phase, PhaseCurrents

LEARNT_AFTER_S = 60.0
"""Fewer phases than are wired count as unused once none of them has carried anything this long."""
USED_ABOVE_A = 1.0
"""Less than this is the electronics of a charger, not a car."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseUse:
    """The phases seen in use since the car was plugged in. Times are monotonic seconds.

    They outlive a pause: a car that waits for one phase must not be kept waiting for all three.
    """

    seen: frozenset[Phase] = frozenset()
    since: float = 0.0
    """When the last of them was first seen."""
    last_at: float = 0.0
    """When they were last seen."""

    def took(self, currents: PhaseCurrents, now: float) -> PhaseUse:
        """Return the use after a reading per phase. Another phase puts all in doubt again."""
        used = frozenset(phase for phase in ALL_PHASES if currents[phase] >= USED_ABOVE_A)
        if not used:
            return self
        if used <= self.seen:
            return PhaseUse(seen=self.seen, since=self.since, last_at=now)
        return PhaseUse(seen=self.seen | used, since=now, last_at=now)

    @property
    def is_learnt(self) -> bool:
        """Whether no other phases than those seen are in use."""
        return bool(self.seen) and self.last_at - self.since >= LEARNT_AFTER_S

    def in_use(self, wired: tuple[Phase, ...]) -> tuple[Phase, ...]:
        """Return the phases to reckon with: all that are wired until fewer are known."""
        if not self.is_learnt:
            return wired
        return tuple(phase for phase in wired if phase in self.seen) or wired
