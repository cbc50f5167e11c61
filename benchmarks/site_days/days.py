"""One site on one day: who stands where, the house's load, and the capacity."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .cars import CarKind, hash_of, kind_of
from .errors import InputError
from .house import SLOT_S, HouseRecord
from .layouts import Layout
from .phases import Currents, phases_used
from .visits import Visit

BETWEEN_CARS_S = 60
"""How long a charger is free at least before the next car."""
SHORTEST_STAY_S = 300
"""Who stays for less, or has less left of the day, does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One car at one charger. Seconds from the beginning of the day."""

    charger: int
    arrives_s: int
    leaves_s: int
    energy_wh: float
    kind: CarKind

    @property
    def length_s(self) -> int:
        """How long it stays."""
        return self.leaves_s - self.arrives_s

    @property
    def phases(self) -> tuple[int, ...]:
        """The numbers of the phases that it loads."""
        return phases_used(self.charger, self.kind.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDay:
    """All that happens on a site in a day, but for what a controller does."""

    layout: Layout
    day: int
    stays: tuple[Stay, ...]
    """As they arrive."""
    house: Sequence[Currents]
    """For each slot of 15 s, A; empty where there is no house, and no meter."""
    capacity_changes: tuple[tuple[int, float], ...]
    """From which second on the main group has which capacity, A."""

    @property
    def metered(self) -> bool:
        """Whether there is anything to measure besides the chargers."""
        return bool(self.house)

    def house_at(self, second: int) -> Currents:
        """Return the house's load, A."""
        return self.house[second // SLOT_S] if self.house else (0.0, 0.0, 0.0)

    def capacity_at(self, second: int) -> float:
        """Return what the main group may carry, A."""
        return next(
            capacity_a for from_s, capacity_a in reversed(self.capacity_changes) if from_s <= second
        )


def make_day(layout: Layout, visits: Sequence[Visit], house: HouseRecord, day: int) -> SiteDay:
    """Return a day by its number: 0 has the most energy to charge. Raises InputError."""
    chosen = _regulars(visits, layout.chargers) if layout.chargers <= 2 else visits
    by_date: defaultdict[date, list[Visit]] = defaultdict(list)
    for visit in chosen:
        by_date[(visit.arrival - timedelta(seconds=layout.begins_s)).date()].append(visit)
    ranked = sorted(by_date, key=lambda one: (-sum(v.energy_wh for v in by_date[one]), one))
    if day >= len(ranked):
        raise InputError(f"there is no day {day}: the sessions are of {len(ranked)} days")
    begins = datetime.combine(ranked[day], datetime.min.time()) + timedelta(seconds=layout.begins_s)
    return SiteDay(
        layout=layout,
        day=day,
        stays=tuple(_stays(layout, by_date[ranked[day]], begins)),
        house=house.load(day, layout.begins_s, layout.length_s, layout.houses),
        capacity_changes=((0, layout.main_a),),
    )


def _regulars(visits: Iterable[Visit], count: int) -> list[Visit]:
    """Return the visits of the people who charge most often."""
    visits = list(visits)
    often = Counter(visit.place for visit in visits)
    places = sorted(often, key=lambda place: (-often[place], place))[:count]
    return [visit for visit in visits if visit.place in places]


def _stays(layout: Layout, visits: Iterable[Visit], begins: datetime) -> Iterable[Stay]:
    """Yield the stays, each at the free charger that is nearest to the driver's usual one."""
    free_from_s = [0] * layout.chargers
    for visit in visits:
        arrives_s = int((visit.arrival - begins).total_seconds())
        leaves_s = min(int((visit.departure - begins).total_seconds()), layout.length_s)
        if leaves_s - arrives_s < SHORTEST_STAY_S:
            continue
        usual = hash_of(visit.place) % layout.chargers
        places = ((usual + step) % layout.chargers for step in range(layout.chargers))
        charger = next((place for place in places if free_from_s[place] <= arrives_s), None)
        if charger is None:
            continue
        free_from_s[charger] = leaves_s + BETWEEN_CARS_S
        kind = kind_of(visit.driver, visit.energy_wh, leaves_s - arrives_s)
        yield Stay(
            charger=charger,
            arrives_s=arrives_s,
            leaves_s=leaves_s,
            energy_wh=min(visit.energy_wh, kind.energy_wh(leaves_s - arrives_s)),
            kind=kind,
        )
