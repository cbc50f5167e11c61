"""How a group shares what it has among the cars in it."""

from enum import Enum, StrEnum, auto


class Order(Enum):
    """In which order a shared limit is handed out."""

    MINIMUMS_FIRST = auto()
    BY_PRIORITY = auto()
    BY_ARRIVAL = auto()
    BY_NEED = auto()


class Policy(StrEnum):
    """A rule of sharing. A group without one follows the group above it; a site is fair."""

    FAIR = "fair"
    """Everyone's minimum first; the rest by priority, and evenly among those of one priority."""
    PRIORITY = "priority"
    """Nothing for a lower priority before every higher one has all it can take."""
    FIRST_COME = "first_come"
    """Who plugged in first gets all it can take before the next of the same priority."""
    NEED = "need"
    """What cars need to be ready in time first, for who leaves soonest; else as fair."""
    ALL_IN_USE = "all_in_use"
    """As fair; while every connector of the group is in use, none gets more than its share."""

    @property
    def order(self) -> Order:
        """In which order it hands out what is shared."""
        match self:
            case Policy.PRIORITY:
                return Order.BY_PRIORITY
            case Policy.FIRST_COME:
                return Order.BY_ARRIVAL
            case Policy.NEED:
                return Order.BY_NEED
            case _:
                return Order.MINIMUMS_FIRST
