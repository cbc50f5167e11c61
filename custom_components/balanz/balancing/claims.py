"""What connectors ask of an allocation, and what they get."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .model import ConnectorKey
from .need import UNTOLD_STAY_S
from .reasons import Reason
from .routes import Resource, Way


class Claim(NamedTuple):
    """What one connector could use. Currents in A per line."""

    key: ConnectorKey
    group_id: str
    way: Way
    """The limits that its current meets."""
    minimum_a: float
    maximum_a: float
    """The most that it can use: a multiple of the step, at least the minimum."""
    step_a: float = 1.0
    priority: int = 1
    """Larger goes first."""
    weight: float = 1.0
    """What it gets of a shared limit, relative to others of its priority; above 0."""
    order: tuple[float, ...] = ()
    """Who comes first where not all can have their minimum: the smaller goes first."""
    needs_spare: bool = False
    """Whether it had to give way before, and comes back only where there is some room to spare."""
    reserves: bool = False
    """Whether it keeps its place in the line on every phase it needs while it does not fit."""
    arrival: float = 0.0
    """When its car came; who came first gets the odd ampere."""
    spare: bool = False
    """Whether it takes only what all others leave: a car that slept when it was last offered."""
    before_needs: bool = False
    """Whether nobody's need goes before its minimum, since it is its turn to charge."""
    needed_a: float | None = None
    """The current that meets its car's need just in time; None where nobody has told."""
    time_left_s: float = UNTOLD_STAY_S
    """In which its need is to be met."""
    lines: int = 3
    """How many its car charges on."""

    def in_line(self, order: tuple[float, ...], *, reserves: bool, before_needs: bool) -> Claim:
        """Return the claim with its place among those of others."""
        # A step may do this for every car, and `_replace` takes twice as long.
        return Claim(
            self.key,
            self.group_id,
            self.way,
            self.minimum_a,
            self.maximum_a,
            self.step_a,
            self.priority,
            self.weight,
            order,
            self.needs_spare,
            reserves,
            self.arrival,
            self.spare,
            before_needs and self.needed_a != 0.0,
            self.needed_a,
            self.time_left_s,
            self.lines,
        )


type InLine = Callable[[Sequence[Claim]], Sequence[Claim]]
"""Gives claims their places among each other, one for one. Only where not all can have their
minimum does that matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a connector gets: 0 or at least its minimum, and what kept it from more."""

    limit_a: float
    binding: Resource | None
    """None where its own maximum is what binds, or its share."""
    shared_by: str | None = None
    """The group that holds everyone in it to a share, where that is what binds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a connector should have, A per line, and why it is no more."""

    limit_a: float
    reason: Reason
