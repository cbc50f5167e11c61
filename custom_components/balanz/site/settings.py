"""How a site is set up: what the user said, free of Home Assistant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo

from ..balancing.group import Group
from ..balancing.model import MINIMUM_CURRENT_A, ConnectorKey
from ..balancing.phases import PhaseMap
from ..balancing.schedule import Schedule
from ..balancing.tuning import Tuning
from ..csms.authorization import DEFAULT_ANSWER_WITHIN_S, UnknownTags
from ..csms.local_controller.upstream_settings import UpstreamSettings
from ..csms.quirks import QuirkChoice
from ..csms.security_profile import SecurityProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerSettings:
    """A charger as the user set it up; every connector of it alike."""

    identity: str
    """The last part of the URL that the charger dials."""
    name: str
    group_id: str
    rating_a: float
    """What the hardware (DIP switch, breaker) lets the charger draw, A per line."""
    phases: int
    """How many lines are wired: 1 or 3."""
    phase_map: PhaseMap
    maximum_a: float
    """The upper bound that the user starts with; the number entity changes it."""
    minimum_a: float = MINIMUM_CURRENT_A
    fallback_a: float = MINIMUM_CURRENT_A
    priority: int = 1
    weight: float = 1.0
    keeps_limit: bool = False
    """The user vouches that it keeps its last limit without its link and over a reboot."""
    lapses: bool = False
    """The user vouches that it falls back by itself."""
    short_lease: bool = False
    """The user says that many writes do it no harm."""
    offline_a: float | None = None
    """What the user vouches that it keeps to by a setting of its own once its link is gone, A."""
    connectors: int = 1
    has_power_switch: bool = False
    """Whether the user named a switch that cuts its power."""
    quirks: QuirkChoice = field(default_factory=QuirkChoice)
    """What the user says of how it behaves; the rest follows from what it says of itself."""
    free_charging: bool = False
    """Whether every tag may charge here."""
    security: SecurityProfile = SecurityProfile.OPEN
    """How it has to show at least that it is who it says."""
    upstream: UpstreamSettings | None = None
    """The back office that it is passed on to; None where balanz is the only one."""

    @property
    def keys(self) -> tuple[ConnectorKey, ...]:
        """The keys of its connectors."""
        return tuple(ConnectorKey(self.identity, number + 1) for number in range(self.connectors))


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """A site as the user set it up."""

    host: str
    port: int
    groups: tuple[Group, ...]
    """The root group first. The id of each is stable over renaming."""
    chargers: tuple[ChargerSettings, ...]
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    """By group id; groups without one are left out."""
    time_zone: tzinfo = UTC
    """Whose wall clock the schedules mean."""
    holidays: frozenset[date] = frozenset()
    unbalance_a: float | None = None
    """The most that a car on one or two phases may draw; None where that is not limited."""
    tuning: Tuning = field(default_factory=Tuning)
    unknown_tags: UnknownTags = UnknownTags.AUTOMATIC
    answer_tags_within_s: float = DEFAULT_ANSWER_WITHIN_S
    """For how long a charger is kept waiting while the user is asked about a tag."""
    allows_internet: bool = False
    """Whether chargers may come from public addresses, which they have to encrypted."""
    sockets_per_address: int | None = None
    """How many connections an address may have; None for as many as all chargers need."""
