"""The ideal that a controller without foresight can be held against.

It knows each car's present maximum and the present house load, and everything it decides happens
at once. What is left are the limits themselves: 6 A at least, whole amperes, and turns where not
all have room. Written on its own, so that it shares no mistake with what it is compared to.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from .cars import MINIMUM_A, Battery
from .days import SiteDay, Stay
from .flows import Nodes
from .house import SLOT_S
from .phases import Currents
from .record import Outcome, Served

STEP_S = 5
SHARE_EVERY_S = 15
"""How often the shares follow cars that take less and less."""
TURN_S = 1800
SHORT_TURN_S = 300
"""A turn while a car waits that has had nothing."""


class IdealCar:
    """A car without delays."""

    def __init__(self, stay: Stay, nodes: tuple[int, ...]) -> None:
        """Plug in."""
        self.stay = stay
        self.nodes = nodes
        self.battery = Battery(stay.kind, stay.energy_wh)
        self.share_a = 0.0
        self.placed_at: int | None = None
        """Since when it has had its minimum; None while it has to wait."""
        self.served_as = 0.0
        self.waited_s = stay.length_s

    @property
    def maximum_a(self) -> float:
        """The most it takes now."""
        return self.battery.maximum_a

    @property
    def minimum_a(self) -> float:
        """What it needs to charge at all: less than 6 A at the end of its charge."""
        return min(MINIMUM_A, self.maximum_a)

    def pass_time(self, now: int) -> None:
        """Let a step begin with the share it has."""
        current_a = min(self.share_a, self.maximum_a)
        if current_a > 0:
            self.waited_s = min(self.waited_s, now - self.stay.arrives_s)
        self.served_as += current_a * STEP_S
        self.battery.take(current_a, STEP_S)


def run_ideal(day: SiteDay, *, margin_a: float = 0.0, hold_s: int = 0) -> Outcome:
    """Let the day pass; return what each car was given.

    With a margin and a time for which each peak of the house counts, it tells what these alone
    cost: nothing else is between it and the ideal without them.
    """
    nodes = Nodes(day)
    cars = [IdealCar(stay, nodes.of(stay)) for stay in day.stays]
    coming = cars[::-1]
    present: list[IdealCar] = []
    switches = 0
    for now in range(0, day.layout.length_s, STEP_S):
        while coming and coming[-1].stay.arrives_s <= now:
            present.append(coming.pop())
        staying = [car for car in present if car.stay.leaves_s > now and car.battery.left_wh > 0]
        if now % SHARE_EVERY_S == 0 or len(staying) < len(present):
            house = _peak(day, now - hold_s, now)
            room = nodes.limits(day.capacity_at(now) - margin_a, house)
            switches += _share(staying, room, now)
        present = staying
        for car in present:
            car.pass_time(now)
    return Outcome(served=tuple(map(_served, cars)), switches=switches)


def _peak(day: SiteDay, from_s: int, until_s: int) -> Currents:
    """Return the most that the house took on each phase in a stretch of time."""
    seconds = range(max(from_s, 0), until_s, SLOT_S)
    l1, l2, l3 = zip(*map(day.house_at, (*seconds, until_s)), strict=True)
    return (max(l1), max(l2), max(l3))


def _share(cars: Sequence[IdealCar], room: list[float], now: int) -> int:
    """Give each car its share; return how many were switched on or off, first starts apart."""
    before = {id(car): car.placed_at is not None for car in cars}
    began = {id(car) for car in cars if car.served_as > 0}
    placed = admitted(cars, room, now)
    shares_a = filled(placed, room)
    for car in cars:
        car.share_a = shares_a.get(id(car), 0.0)
        if id(car) not in shares_a:
            car.placed_at = None
        elif car.placed_at is None:
            car.placed_at = now
    return sum(
        1 for car in cars if id(car) in began and before[id(car)] is not (car.placed_at is not None)
    )


def admitted(cars: Iterable[IdealCar], room: Sequence[float], now: int) -> list[IdealCar]:
    """Return the cars that can have their minimum, the most deserving first.

    The first that finds no room keeps what there is of its way free of those behind it.
    """
    cars = list(cars)
    hungry = any(car.placed_at is None and car.served_as == 0 for car in cars)
    turn_s = SHORT_TURN_S if hungry else TURN_S

    def order(car: IdealCar) -> tuple[bool, float, int, int]:
        in_turn = car.placed_at is not None and now - car.placed_at < turn_s
        return (not in_turn, car.served_as, len(car.nodes), car.stay.arrives_s)

    left = list(room)
    placed: list[IdealCar] = []
    reserved = False
    for car in sorted(cars, key=order):
        fits = all(left[node] >= car.minimum_a for node in car.nodes)
        if fits:
            placed.append(car)
        if fits or not reserved:
            reserved = reserved or not fits
            for node in car.nodes:
                left[node] -= car.minimum_a
    return placed


def filled(placed: Sequence[IdealCar], room: Sequence[float]) -> Mapping[int, float]:
    """Return the shares by the cars' `id`: always one ampere more for who has the least."""
    left = list(room)
    shares_a = {id(car): car.minimum_a for car in placed}
    for car in placed:
        for node in car.nodes:
            left[node] -= car.minimum_a
    queue = [(car.minimum_a, len(car.nodes), number) for number, car in enumerate(placed)]
    heapq.heapify(queue)
    while queue:
        share_a, width, number = heapq.heappop(queue)
        car = placed[number]
        more_a = min(1.0, car.maximum_a - share_a)
        if more_a <= 0 or any(left[node] < more_a for node in car.nodes):
            continue
        for node in car.nodes:
            left[node] -= more_a
        shares_a[id(car)] = share_a + more_a
        heapq.heappush(queue, (share_a + more_a, width, number))
    return shares_a


def _served(car: IdealCar) -> Served:
    return Served(
        asked_wh=car.stay.energy_wh,
        energy_wh=car.stay.energy_wh - car.battery.left_wh,
        stay_s=car.stay.length_s,
        waited_s=car.waited_s,
    )
