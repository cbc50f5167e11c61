"""The story of faults that the demo can tell: what breaks when, and for how long."""

from dataclasses import dataclass, field

from .faults import Faults, MeterFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Something that breaks, and is mended."""

    at_s: float
    lasts_s: float
    text: str
    """What breaks, for people."""
    charger: int | None = None
    """Which charger, counted from 0; None where it is the house's meter."""
    faults: Faults = field(default_factory=Faults)
    meter: MeterFault = MeterFault.NONE
    answer_s: float = 20.0
    """When to tell what balanz has done about it, s after it broke."""

    @property
    def mended_at_s(self) -> float:
        """When it works again."""
        return self.at_s + self.lasts_s


STORY = (
    Chapter(
        at_s=35.0,
        lasts_s=30.0,
        text="a charger loses its network in mid-session",
        charger=0,
        faults=Faults(offline=True),
    ),
    Chapter(
        at_s=80.0,
        lasts_s=35.0,
        text="the grid meter falls silent",
        meter=MeterFault.SILENT,
        answer_s=30.0,
    ),
    Chapter(
        at_s=130.0,
        lasts_s=35.0,
        text="a charger accepts its limit, and ignores it",
        charger=0,
        faults=Faults(ignore_profiles=True),
        answer_s=30.0,
    ),
)
STORY_MINUTES = 3.0
