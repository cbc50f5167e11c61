"""Why a connector has the limit it has."""

from dataclasses import dataclass
from enum import StrEnum

from .phases import Phase


class Rule(StrEnum):
    """The rule that decided a limit."""

    # An enumeration's own hash is worked out anew each time.
    __hash__ = str.__hash__

    NOT_CONNECTED = "not_connected"
    """The charger's link is down; nothing can be sent."""
    STARTING = "starting"
    """The charger has not confirmed a limit since it connected."""
    OUT_OF_SERVICE = "out_of_service"
    """The charger says that it is faulted or unavailable."""
    TAG_REFUSED = "tag_refused"
    """The tag of the transaction may not charge."""
    SWITCHED_OFF = "switched_off"
    """The user has switched charging off."""
    PAUSED = "paused"
    """The user, or an automation, has paused it until it is resumed."""
    LIMIT_SET = "limit_set"
    """A limit that was set for this connector alone is reached."""
    UPSTREAM = "upstream"
    """The back office behind balanz allows no more."""
    LIMIT_IGNORED = "limit_ignored"
    """The charger did not keep its limit, so that it is paused."""
    NOT_BALANCED = "not_balanced"
    """Smart charging is switched off in its group, so that it gets no limits."""
    NO_CAR = "no_car"
    """Nothing is plugged in."""
    DELAYED = "delayed"
    """The car has taken nothing yet: its own timer, or it is full; its minimum is offered."""
    FULL = "full"
    """The car has charged and stopped by itself; its minimum is offered."""
    ASLEEP = "asleep"
    """The car was paused and has not gone on; the minimum is offered so that it can wake."""
    CAR = "car"
    """The car takes no more."""
    MAXIMUM = "maximum"
    """The charger's maximum, or its rating, is reached."""
    SHARED = "shared"
    """A group's limit is shared."""
    ALL_IN_USE = "all_in_use"
    """All connectors of a group are in use, and each has its fixed or equal share."""
    SCHEDULE = "schedule"
    """A schedule leaves less for chargers of this priority at this time."""
    SURPLUS = "surplus"
    """A group's chargers keep to solar surplus, and there is no more."""
    UNBALANCE = "unbalance"
    """A car on one or two phases may not draw more."""
    WAITING = "waiting"
    """What is left of a group's limit is less than a car's minimum; it gets its turn."""
    PAST_PEAK = "past_peak"
    """What other loads took a while ago is kept free for them, and a car waits for that."""
    UNATTENDED = "unattended"
    """If nobody controlled the site from now on, a fuse might come to carry too much while limits
    last: all of them, and the most that other loads are known to take."""
    RESTING = "resting"
    """The car was paused a moment ago; it is not switched on twice in one turn."""
    CONFIRMING = "confirming"
    """More is due as soon as headroom is confirmed: others have yet to obey their cuts."""
    SPACING = "spacing"
    """More is due; raises are spaced in time."""
    WRITES_SPENT = "writes_spent"
    """More is due; the charger has had as many limits today as its memory is to be spared."""
    OVERLOAD = "overload"
    """A group carried so much that its fuse might have tripped; its chargers pause."""
    SUPPLY_UNKNOWN = "supply_unknown"
    """A group's meter does not tell what is left."""
    STORAGE_FAILING = "storage_failing"
    """Nothing is raised that cannot be recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """The cause of a limit: the rule, what binds, and until when."""

    rule: Rule
    group_id: str | None = None
    phase: Phase | None = None
    until: float | None = None
    """Monotonic seconds; None where nothing but an event ends it."""
    other_loads_a: float | None = None
    """What other loads are reckoned with on that phase, A (over all phases where there is none),
    though they take less now; None where that is not the cause."""
    within_a: float | None = None
    """What these and the chargers together have to stay within, A; None where that is the limit."""


MAXIMUM_REACHED = Reason(rule=Rule.MAXIMUM)
"""Why a connector that nothing else bounds gets no more."""
