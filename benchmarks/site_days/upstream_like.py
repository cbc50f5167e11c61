"""The published rules of ocpp-balanz/balanz, told again for this benchmark, and helped a little.

The original has no meter and no nested limits. Here it has both, so that it can stand on the same
sites; like the original it counts each car on all three phases, looks each minute (within 5 s when
somebody comes), begins at 6 A, adds 3 A each 115 s, and goes by what a car used in 5 minutes.
"""

from collections import deque
from collections.abc import Iterable
from math import ceil

from custom_components.balanz.csms.events import (
    ConnectorStatus,
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)

from .cars import MINIMUM_A
from .controllers import ChargerEvent, Order, Wish
from .days import SiteDay
from .phases import Currents

TICK_S = 5
REVIEW_EVERY_S = 60
WINDOW_S = 300
RAISE_EVERY_S = 115
RAISE_A = 3
UNUSED_A = 0.8
USED_UP_A = 0.6
CHARGING_A = 2.0
DELAYED_WH = 1000.0
RETRY_DELAYED_S = 3600
RETRY_FULL_S = 6 * 3600
AFTER_CUTS_S = 5


class _Connector:
    """What it knows of one connector in a session."""

    def __init__(self, meter_start_wh: float) -> None:
        self.status = ConnectorStatus.PREPARING
        self.meter_start_wh = meter_start_wh
        self.energy_wh = 0.0
        self.offered_a = 0.0
        self.offered_at = 0.0
        self.uses: deque[tuple[float, float]] = deque()
        self.lines_a: tuple[float, ...] = ()
        self.learnt_a: float | None = None
        self.rests_until = 0.0

    def used_a(self, now: float) -> float:
        while self.uses and self.uses[0][0] < now - WINDOW_S:
            self.uses.popleft()
        return max((current_a for _, current_a in self.uses), default=0.0)

    def fixed_a(self, now: float) -> float | None:
        """Return the offer of one that takes nothing; None for those that share."""
        idle = self.used_a(now) < CHARGING_A
        long_ago = now - self.offered_at > WINDOW_S
        if self.status is ConnectorStatus.SUSPENDED_EVSE and now < self.rests_until:
            return 0.0
        if self.offered_a == 0 or not idle:
            return None
        if self.status is ConnectorStatus.SUSPENDED_EV and not long_ago:
            return MINIMUM_A
        if not long_ago:
            return None
        delayed = self.energy_wh < DELAYED_WH and self.status is ConnectorStatus.SUSPENDED_EV
        self.rests_until = now + (RETRY_DELAYED_S if delayed else RETRY_FULL_S)
        return 0.0

    def wanted_a(self, now: float, rating_a: float) -> float:
        """Return the most that it is to be offered now."""
        used_a = self.used_a(now)
        if self.offered_a == 0 or self.status is ConnectorStatus.SUSPENDED_EV:
            return MINIMUM_A
        if now - self.offered_at > WINDOW_S and used_a <= self.offered_a - UNUSED_A:
            self.learnt_a = max(float(ceil(used_a)), MINIMUM_A)
        wanted_a = self.offered_a
        if now - self.offered_at >= RAISE_EVERY_S and self.offered_a - used_a < USED_UP_A:
            wanted_a += RAISE_A
        return min(wanted_a, rating_a, self.learnt_a or rating_a)


class UpstreamLike:
    """A loop that looks at everything once a minute."""

    step_us = None

    def __init__(self, day: SiteDay, *, margin_a: float) -> None:
        """Set it up like the others."""
        self._layout = day.layout
        self._margin_a = margin_a if day.metered else 0.0
        self._capacity_a = day.layout.main_a
        self._house_a = 0.0
        self._connectors: dict[int, _Connector] = {}
        self._left_at_a: dict[int, float] = {}
        """What chargers without a car were offered last."""
        self._sent_a: dict[int, float] = {}
        self._grows: list[Order] = []
        self._grow_at = 0.0
        self._tick_at = 0.0
        self._review_at = 0.0

    @property
    def wake_at(self) -> float | None:
        """The next tick."""
        return min(self._tick_at, self._grow_at) if self._grows else self._tick_at

    def capacity_changed(self, capacity_a: float) -> None:
        """Take in what the main group may carry; it shows at the next review."""
        self._capacity_a = capacity_a

    def metered(self, currents: Currents, _now: float) -> None:
        """Take the house's load for what the chargers do not report."""
        reported = [0.0, 0.0, 0.0]
        for charger, connector in self._connectors.items():
            for line, current_a in enumerate(connector.lines_a):
                reported[(charger + line) % 3] += current_a
        loads = (shown - cars for shown, cars in zip(currents, reported, strict=True))
        self._house_a = max(0.0, *loads)

    def told(self, charger: int, wish: Wish) -> None:
        """Ignore it."""

    def heard(self, charger: int, event: ChargerEvent, now: float) -> None:
        """Take in what a charger says."""
        match event:
            case TransactionStarted():
                self._connectors[charger] = _Connector(event.meter_start_wh or 0.0)
                self._connectors[charger].offered_a = self._left_at_a.pop(charger, 0.0)
                self._review_at = now
            case TransactionStopped():
                self._left_at_a[charger] = self._connectors.pop(charger).offered_a
            case StatusChanged() if charger in self._connectors:
                self._connectors[charger].status = event.status
            case MeterValuesReceived() if charger in self._connectors:
                connector, values = self._connectors[charger], event.values
                connector.lines_a = values.currents_a or ()
                connector.uses.append((now, max(connector.lines_a, default=0.0)))
                if values.energy_wh is not None:
                    connector.energy_wh = values.energy_wh - connector.meter_start_wh

    def accepted(self, charger: int, now: float) -> None:
        """Take the limit for in force."""
        limit_a = self._sent_a.pop(charger)
        connector = self._connectors.get(charger)
        if connector is None:
            self._left_at_a[charger] = limit_a
            return
        connector.offered_a = limit_a
        if limit_a >= MINIMUM_A:
            connector.offered_at = now
            connector.uses.clear()

    def step(self, now: float) -> Iterable[Order]:
        """Review when it is time; what grows waits until what shrinks has."""
        orders: list[Order] = []
        if now >= self._tick_at:
            self._tick_at = now + TICK_S
            if now >= self._review_at:
                self._review_at = now + REVIEW_EVERY_S
                orders, self._grows = self._review(now)
                self._grow_at = now + (AFTER_CUTS_S if orders else 0)
        if self._grows and now >= self._grow_at:
            orders, self._grows = [*orders, *self._grows], []
        orders = [order for order in orders if order.charger not in self._sent_a]
        self._sent_a.update(orders)
        return orders

    def _review(self, now: float) -> tuple[list[Order], list[Order]]:
        offers_a = self._offers(now)
        cuts = [Order(charger, 0.0) for charger, left_a in self._left_at_a.items() if left_a > 0]
        grows = []
        for charger, connector in self._connectors.items():
            order = Order(charger, offers_a[charger])
            if order.limit_a < connector.offered_a:
                cuts.append(order)
            elif order.limit_a > connector.offered_a:
                grows.append(order)
        return cuts, grows

    def _offers(self, now: float) -> dict[int, float]:
        """Return what each connector is to be offered: 6 A first, then 1 A after the other."""
        main = -1
        rooms = dict.fromkeys(range(self._layout.group_count), self._layout.group_a)
        rooms[main] = self._capacity_a - self._margin_a - self._house_a
        offers_a: dict[int, float] = {}
        wanted_a: dict[int, float] = {}

        def give(charger: int, current_a: float) -> bool:
            group = self._layout.group_of(charger)
            needed = (main,) if group is None else (main, group)
            if any(rooms[one] < current_a for one in needed):
                return False
            for one in needed:
                rooms[one] -= current_a
            offers_a[charger] += current_a
            return True

        for charger, connector in self._connectors.items():
            offers_a[charger] = 0.0
            fixed_a = connector.fixed_a(now)
            if fixed_a is None:
                wanted_a[charger] = connector.wanted_a(now, self._layout.charger_rating_a)
            else:
                give(charger, fixed_a)
        order = sorted(wanted_a, key=lambda charger: self._connectors[charger].energy_wh)
        growing = [charger for charger in order if give(charger, MINIMUM_A)]
        while growing:
            growing = [
                charger
                for charger in growing
                if offers_a[charger] + 1 <= wanted_a[charger] and give(charger, 1.0)
            ]
        return offers_a
