"""An upper bound of a connector, and why there is one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ..balancing.reasons import Reason, Rule


class BoundName(StrEnum):
    """Who bounds a connector; each of them sets, replaces and ends its own bound alone."""

    # An enumeration's own hash is worked out anew each time.
    __hash__ = str.__hash__

    MAXIMUM = "maximum"
    """The number that the user sets."""
    LIMIT = "limit"
    """A limit for one connector that an action has set."""
    PAUSE = "pause"
    """A pause that lasts until it is resumed, or for some time."""
    UPSTREAM = "upstream"
    """What the charging profiles of the charger's back office allow."""


RULES = {
    BoundName.MAXIMUM: Rule.MAXIMUM,
    BoundName.LIMIT: Rule.LIMIT_SET,
    BoundName.PAUSE: Rule.PAUSED,
    BoundName.UPSTREAM: Rule.UPSTREAM,
}
"""The rule that explains each of them."""

_LASTING = {name: Reason(rule=rule) for name, rule in RULES.items()}
_FOR_GOOD = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The most that a connector may have, A per line."""

    name: BoundName
    limit_a: float
    until: datetime | None = None
    """None where nothing but a change ends it."""

    def reason(self, utc: datetime, now: float) -> Reason:
        """Return what explains it; `now` is in monotonic s."""
        if self.until is None:
            return _LASTING[self.name]
        return Reason(rule=RULES[self.name], until=now + (self.until - utc).total_seconds())


def lowest(bounds: Iterable[Bound]) -> Bound:
    """Return the one that binds; of those that are equally low, the one that lasts longest."""
    return min(bounds, key=lambda one: (one.limit_a, _FOR_GOOD - (one.until or _FOR_GOOD)))
