"""The site as it is set up: groups in a tree, and the connectors that hang in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from typing import NamedTuple

from .group import Group
from .lease import LEASE_S, SHORT_LEASE_S
from .phases import ALL_PHASES, PhaseMap
from .policies import Policy
from .routes import Routes
from .tuning import Tuning

ROOT_GROUP_ID = "root"
MINIMUM_CURRENT_A = 6.0
"""The least that IEC 61851-1 lets a charger offer a car."""
NOMINAL_VOLTAGE_V = 230.0
ABSURD_A = 100_000.0
"""No site's fuse carries this; whoever says so has missed a decimal point."""
ABSURD_WEIGHT = 1_000.0


class SiteError(ValueError):
    """A site that cannot be: a group without parent, a circle, a rating of nothing."""

    def __init__(self, message: str, *, subject: str, field: str) -> None:
        """Tell what is wrong, of which group or connector, and in which of its fields."""
        super().__init__(message)
        self.subject = subject
        self.field = field


class ConnectorKey(NamedTuple):
    """What names a connector: its charger's identity and its OCPP connector id, from 1."""

    charger: str
    connector: int


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
    pauses: bool = True
    """Whether 0 A pauses it. Where it does not, it is never sent less than its minimum."""
    phase_map: PhaseMap = PhaseMap.UNKNOWN
    priority: int = 1
    """Larger goes first."""
    weight: float = 1.0
    """What it gets of a shared limit, relative to others of its priority."""
    keeps_limit: bool = False
    """It was proven, or the user vouches, that its last limit outlives a reboot and the loss of
    the link."""
    lapses: bool = False
    """The same for its falling back by itself, once a lease is not renewed."""
    lease_s: float = LEASE_S
    """How long its limits last without renewal, s."""
    offline_a: float | None = None
    """What it keeps to by a setting of its own once its link is gone, as the user vouches, A per
    line; None where it has no such setting."""

    @property
    def least_a(self) -> float:
        """The lowest limit that it understands, A per line."""
        return 0.0 if self.pauses else self.minimum_a

    @property
    def falls_back_soon(self) -> bool:
        """Whether it is sure to be at its fallback before a fuse takes harm."""
        return self.keeps_limit and self.lapses and self.lease_s <= SHORT_LEASE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything behind one grid connection. Raises SiteError if it cannot be."""

    groups: Mapping[str, Group]
    connectors: Mapping[ConnectorKey, Connector]
    unbalance_a: float | None = None
    """The most that a car on one or two phases may draw, A; None where that is not limited."""
    tuning: Tuning = field(default_factory=Tuning)
    routes: Routes = field(init=False, repr=False, compare=False)
    policies: Mapping[str, Policy] = field(init=False, repr=False, compare=False)
    """The policy of each group, its own or that of the nearest group above it."""
    groups_apart: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The groups that share in another order than the group above them, outer ones first."""
    outlasted: frozenset[str] = field(init=False, repr=False, compare=False)
    """The groups in which a charger would go on for long should nobody control it any more."""

    def __post_init__(self) -> None:
        """Check the tree and what hangs in it, and work out what follows from it."""
        self._check_tree()
        for group in self.groups.values():
            _check_group(group)
        for connector in self.connectors.values():
            _check_connector(connector)
            if connector.group_id not in self.groups:
                raise SiteError(
                    f"group {connector.group_id!r} does not exist",
                    subject=str(connector.key),
                    field="group_id",
                )
        if self.unbalance_a is not None:
            _check_amperes(self.unbalance_a, "the site", "unbalance_a")
        object.__setattr__(self, "routes", Routes(self.groups))
        policies = {group_id: self._policy(group_id) for group_id in self.groups}
        object.__setattr__(self, "policies", policies)
        object.__setattr__(self, "groups_apart", self._groups_apart(policies))
        outlasted = (
            self.routes.paths[connector.group_id]
            for connector in self.connectors.values()
            if not connector.falls_back_soon
        )
        object.__setattr__(self, "outlasted", frozenset(chain.from_iterable(outlasted)))

    def path(self, group_id: str) -> Iterator[Group]:
        """Yield the group and all groups above it, the root last."""
        for outer_id in self.routes.paths[group_id]:
            yield self.groups[outer_id]

    def contains(self, group_id: str, inner_id: str) -> bool:
        """Return whether the inner group is the group itself or lies somewhere below it."""
        return group_id in self.routes.paths[inner_id]

    def _check_tree(self) -> None:
        roots = [group.id for group in self.groups.values() if group.parent_id is None]
        if roots != [ROOT_GROUP_ID]:
            raise SiteError(
                f"the only group without a parent must be {ROOT_GROUP_ID!r}",
                subject=next((root for root in roots if root != ROOT_GROUP_ID), ROOT_GROUP_ID),
                field="parent_id",
            )
        for group in self.groups.values():
            seen = {group.id}
            parent_id = group.parent_id
            while parent_id is not None:
                if parent_id in seen:
                    raise SiteError(
                        f"group {group.id!r} lies inside itself",
                        subject=group.id,
                        field="parent_id",
                    )
                if parent_id not in self.groups:
                    raise SiteError(
                        f"group {parent_id!r} does not exist", subject=group.id, field="parent_id"
                    )
                seen.add(parent_id)
                parent_id = self.groups[parent_id].parent_id

    def _policy(self, group_id: str) -> Policy:
        own = (group.policy for group in self.path(group_id))
        return next((policy for policy in own if policy is not None), Policy.FAIR)

    def _groups_apart(self, policies: Mapping[str, Policy]) -> tuple[str, ...]:
        apart = [
            group.id
            for group in self.groups.values()
            if group.parent_id is not None
            and policies[group.id].order is not policies[group.parent_id].order
        ]
        return tuple(sorted(apart, key=lambda group_id: len(self.routes.paths[group_id])))


def _check_group(group: Group) -> None:
    if not group.phases or any(phase not in ALL_PHASES for phase in group.phases):
        raise SiteError(f"group {group.id!r} has unknown phases", subject=group.id, field="phases")
    _check_amperes(group.rating_a, group.id, "rating_a", above_zero=True)
    _check_amperes(group.other_loads_a, group.id, "other_loads_a")
    _check_amperes(group.margin_a, group.id, "margin_a")
    if not isfinite(group.meter_lost_after_s) or group.meter_lost_after_s <= 0:
        raise SiteError(
            f"group {group.id!r} has a meter that is lost after {group.meter_lost_after_s} s",
            subject=group.id,
            field="meter_lost_after_s",
        )
    if group.share_a is not None:
        _check_amperes(group.share_a, group.id, "share_a")
    if group.power_limit_w is not None:
        most_w = ABSURD_A * NOMINAL_VOLTAGE_V * len(group.phases)
        if not 0 <= group.power_limit_w <= most_w:
            raise SiteError(
                f"group {group.id!r} has a power limit of {group.power_limit_w} W",
                subject=group.id,
                field="power_limit_w",
            )
    if not 0 < group.power_factor <= 1:
        raise SiteError(
            f"group {group.id!r} has a power factor of {group.power_factor}",
            subject=group.id,
            field="power_factor",
        )


def _check_connector(connector: Connector) -> None:
    subject = str(connector.key)
    for name in ("rating_a", "maximum_a", "minimum_a", "fallback_a"):
        _check_amperes(getattr(connector, name), subject, name)
    _check_amperes(connector.step_a, subject, "step_a", above_zero=True)
    if connector.minimum_a > connector.rating_a:
        raise SiteError(
            f"{subject} has a minimum of {connector.minimum_a} A above its rating of "
            f"{connector.rating_a} A",
            subject=subject,
            field="minimum_a",
        )
    if not 0 < connector.weight <= ABSURD_WEIGHT:
        raise SiteError(
            f"{subject} has a weight of {connector.weight}", subject=subject, field="weight"
        )


def _check_amperes(current_a: float, subject: str, field: str, *, above_zero: bool = False) -> None:
    if not isfinite(current_a) or current_a > ABSURD_A or current_a < 0:
        raise SiteError(f"{subject}: {field} is {current_a} A", subject=subject, field=field)
    if above_zero and current_a == 0:
        raise SiteError(f"{subject}: {field} is 0 A", subject=subject, field=field)
