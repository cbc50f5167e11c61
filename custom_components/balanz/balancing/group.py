"""A circuit with a limit, as it is set up."""

from dataclasses import dataclass

from .phases import ALL_PHASES, Phase
from .policies import Policy
from .schedule import PriorityCap
from .surplus import SurplusMode

DEFAULT_POWER_FACTOR = 0.9
DEFAULT_METER_LOST_AFTER_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A circuit with a limit."""

    id: str
    name: str
    parent_id: str | None
    """None for the root group alone."""
    rating_a: float
    """What the fuse or cable carries, A per phase."""
    phases: tuple[Phase, ...] = ALL_PHASES
    metered: bool = False
    """Whether sensors measure what flows through the group."""
    other_loads_a: float = 0.0
    """What to keep for other loads than chargers and sub-groups, A per phase; in a metered group
    only once its meter is lost."""
    meter_lost_after_s: float = DEFAULT_METER_LOST_AFTER_S
    """How long nothing is heard of a metered group's meter before it counts as lost."""
    margin_a: float = 0.0
    """What to leave unused for the meter's errors, A per phase."""
    power_limit_w: float | None = None
    """What all phases together may carry, W; None where only their currents are limited."""
    power_cap_w: float | None = None
    """What they may carry for now, besides; None where nothing holds them down for a while."""
    power_factor: float = DEFAULT_POWER_FACTOR
    """How much of the power limit may be used, so that currents that carry no power fit too."""
    surplus: SurplusMode = SurplusMode.IGNORE
    """Whether its chargers keep to what a metered group would export."""
    priority_caps: tuple[PriorityCap, ...] = ()
    """What a schedule lets chargers of low priorities have together, now."""
    policy: Policy | None = None
    """None where it shares as the group above it does."""
    share_a: float | None = None
    """What each connector may have while all are in use, A per line; None for an equal share."""
    enforced: bool = False
    """Whether hardware keeps what flows through it within its rating, as a charger does that
    serves several connectors."""

    @property
    def power_now_w(self) -> float | None:
        """What all phases together may carry now, W; None where only their currents are limited."""
        limits_w = [one for one in (self.power_limit_w, self.power_cap_w) if one is not None]
        return min(limits_w, default=None)
