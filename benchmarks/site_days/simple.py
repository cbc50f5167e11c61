"""What a site may do without a load manager: nothing, or a fixed share for everyone."""

from collections.abc import Iterable, Iterator

from custom_components.balanz.csms.events import (
    ConnectorStatus,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)

from .cars import MINIMUM_A
from .controllers import ChargerEvent, Order, Wish
from .days import SiteDay
from .phases import Currents

FOLLOW_S = 6
"""How long after the last cut was accepted somebody else may have what it freed."""


class Uncontrolled:
    """Everyone may have all that the charger can give."""

    step_us = None

    def __init__(self, day: SiteDay) -> None:
        """Nothing has been sent yet."""
        self._layout = day.layout
        self._begun = False

    @property
    def wake_at(self) -> float | None:
        """At once, and never again."""
        return None if self._begun else 0.0

    def capacity_changed(self, capacity_a: float) -> None:
        """Ignore it."""

    def metered(self, currents: Currents, now: float) -> None:
        """Ignore it."""

    def told(self, charger: int, wish: Wish) -> None:
        """Ignore it."""

    def heard(self, charger: int, event: ChargerEvent, now: float) -> None:
        """Ignore it."""

    def accepted(self, charger: int, now: float) -> None:
        """Ignore it."""

    def step(self, _now: float) -> Iterable[Order]:
        """Allow everything, once."""
        if self._begun:
            return ()
        self._begun = True
        chargers = range(self._layout.chargers)
        return [Order(number, self._layout.charger_rating_a) for number in chargers]


class EqualShare:
    """What the house leaves even at its worst, shared evenly among the cars that still charge.

    Where that is less than 6 A each, who came first has 6 A, and the others have nothing.
    """

    step_us = None

    def __init__(self, day: SiteDay) -> None:
        """Set it up by the day's peak, which a planner would have to guess."""
        self._layout = day.layout
        self._peak_a = max((max(load) for load in day.house), default=0.0)
        self._capacity_a = day.layout.main_a
        self._present: list[int] = []
        self._drawing: set[int] = set()
        self._limits_a = [0.0] * day.layout.chargers
        self._busy: set[int] = set()
        self._cutting: set[int] = set()
        self._free_at = 0.0

    @property
    def wake_at(self) -> float | None:
        """When what was cut is free for others."""
        return self._free_at if self._wanted() != self._limits_a else None

    def capacity_changed(self, capacity_a: float) -> None:
        """Take in what the main group may carry from now on."""
        self._capacity_a = capacity_a

    def metered(self, currents: Currents, now: float) -> None:
        """Ignore it: the shares are fixed."""

    def told(self, charger: int, wish: Wish) -> None:
        """Ignore it."""

    def heard(self, charger: int, event: ChargerEvent, _now: float) -> None:
        """Note who is there and still charges."""
        match event:
            case TransactionStarted():
                self._present.append(charger)
            case StatusChanged(status=ConnectorStatus.CHARGING):
                self._drawing.add(charger)
            case StatusChanged(status=ConnectorStatus.SUSPENDED_EV) if charger in self._drawing:
                self._gone(charger)
            case TransactionStopped():
                self._gone(charger)
            case _:
                pass

    def accepted(self, charger: int, now: float) -> None:
        """Note when what was cut will be free."""
        self._busy.discard(charger)
        if charger in self._cutting:
            self._cutting.remove(charger)
            self._free_at = now + FOLLOW_S

    def step(self, now: float) -> Iterable[Order]:
        """Cut first, and raise once all cuts are followed."""
        wanted_a = self._wanted()
        orders = [
            Order(number, limit_a)
            for number, limit_a in enumerate(wanted_a)
            if limit_a < self._limits_a[number] and number not in self._busy
        ]
        self._cutting.update(order.charger for order in orders)
        if not self._cutting and now >= self._free_at:
            orders += [
                Order(number, limit_a)
                for number, limit_a in enumerate(wanted_a)
                if limit_a > self._limits_a[number] and number not in self._busy
            ]
        for number, limit_a in orders:
            self._limits_a[number] = limit_a
            self._busy.add(number)
        return orders

    def _gone(self, charger: int) -> None:
        """Give up a share: the car has left, or has charged and stopped by itself."""
        self._drawing.discard(charger)
        if charger in self._present:
            self._present.remove(charger)

    def _wanted(self) -> list[float]:
        """Return what each charger is to have."""
        wanted_a = [0.0] * self._layout.chargers
        placed = list(self._placed())
        if placed:
            rooms = [(self._capacity_a - self._peak_a, placed)]
            for group in range(self._layout.group_count):
                inside = [number for number in placed if self._layout.group_of(number) == group]
                rooms.append((self._layout.group_a, inside))
            shares_a = [
                (max(room_a // len(inside), MINIMUM_A), inside)
                for room_a, inside in rooms
                if inside
            ]
            for number in placed:
                share_a = min(share for share, inside in shares_a if number in inside)
                wanted_a[number] = min(share_a, self._layout.charger_rating_a)
        return wanted_a

    def _placed(self) -> Iterator[int]:
        """Yield those that have a place, as they came."""
        left = self._places(self._capacity_a - self._peak_a)
        left_in = [self._places(self._layout.group_a)] * self._layout.group_count
        for number in self._present:
            group = self._layout.group_of(number)
            if left <= 0 or (group is not None and left_in[group] <= 0):
                continue
            left -= 1
            if group is not None:
                left_in[group] -= 1
            yield number

    @staticmethod
    def _places(room_a: float) -> int:
        return max(int(room_a // MINIMUM_A), 0)
