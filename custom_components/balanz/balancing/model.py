"""The site as it is set up: groups in a tree, and the connectors that hang in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .phases import ALL_PHASES, Phase, PhaseMap

ROOT_GROUP_ID = "root"
MINIMUM_CURRENT_A = 6.0
"""The least that IEC 61851-1 lets a charger offer a car."""


class SiteError(ValueError):
    """A site that cannot be: a group without parent, a circle, a rating of nothing."""


class ConnectorKey(NamedTuple):
    """What names a connector: its charger's identity and its OCPP connector id, from 1."""

    charger: str
    connector: int


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
    only while its meter tells nothing."""
    margin_a: float = 0.0
    """What to leave unused for the meter's errors, A per phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Where one car plugs in."""

    key: ConnectorKey
    name: str
    group_id: str
    rating_a: float
    """What the hardware lets it draw, A per line."""
    maximum_a: float
    """The user's upper bound, A per line, at most the rating."""
    minimum_a: float = MINIMUM_CURRENT_A
    fallback_a: float = MINIMUM_CURRENT_A
    """What it may draw after its lease has lapsed, A per line; 0 or at least the minimum."""
    step_a: float = 1.0
    """Limits are sent in multiples of this, rounded down."""
    phase_map: PhaseMap = PhaseMap.UNKNOWN
    priority: int = 1
    """Larger goes first."""
    keeps_limit: bool = False
    """The user vouches that its last limit outlives a reboot and the loss of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything behind one grid connection. Raises SiteError if it is no tree."""

    groups: Mapping[str, Group]
    connectors: Mapping[ConnectorKey, Connector]

    def __post_init__(self) -> None:
        """Check that the groups form one tree and that every connector hangs in it."""
        roots = [group.id for group in self.groups.values() if group.parent_id is None]
        if roots != [ROOT_GROUP_ID]:
            raise SiteError(f"the only group without a parent must be {ROOT_GROUP_ID!r}")
        for group in self.groups.values():
            if group.rating_a <= 0:
                raise SiteError(f"group {group.id!r} has a rating of {group.rating_a} A")
            seen = {group.id}
            parent_id = group.parent_id
            while parent_id is not None:
                if parent_id in seen:
                    raise SiteError(f"group {group.id!r} lies inside itself")
                if parent_id not in self.groups:
                    raise SiteError(f"group {parent_id!r} does not exist")
                seen.add(parent_id)
                parent_id = self.groups[parent_id].parent_id
        for connector in self.connectors.values():
            if connector.group_id not in self.groups:
                raise SiteError(f"group {connector.group_id!r} does not exist")

    def path(self, group_id: str) -> Iterator[Group]:
        """Yield the group and all groups above it, the root last."""
        current: str | None = group_id
        while current is not None:
            group = self.groups[current]
            yield group
            current = group.parent_id

    def contains(self, group_id: str, inner_id: str) -> bool:
        """Return whether the inner group is the group itself or lies somewhere below it."""
        return any(group.id == group_id for group in self.path(inner_id))
