"""A site in virtual time, second by second: cars, chargers, the wire, and the meter."""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import ceil

from .cars import Battery, Car
from .charger import Charger, Session
from .controllers import ChargerEvent, Controller, Wish
from .days import SiteDay, Stay
from .flows import Nodes, loads
from .record import FOLLOW_S, Outcome, OverLimit, Served

CHARGER_METER_EVERY_S = 10
ANSWER_LEAST_S = 0.2
ANSWER_MOST_S = 1.5
SLOW_ANSWER_S = 5.0
SLOW_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTiming:
    """When the meter of the main group is read, s."""

    period_s: int = 5
    delay_s: int = 1


class World:
    """One site, one day, one controller."""

    def __init__(self, day: SiteDay, controller: Controller, timing: MeterTiming) -> None:
        """Build the site; nobody is there yet."""
        self.day = day
        self.controller = controller
        self.now = 0
        self.chargers = [Charger(number) for number in range(day.layout.chargers)]
        self.nodes = Nodes(day)
        self.cars_a = [0.0] * self.nodes.count
        """What the cars draw at each node."""
        self.capacity_a = 0.0
        self.sessions: list[Session] = []
        """All that have been, as they arrived."""
        self.over = OverLimit(
            day,
            reaction_s=timing.period_s + timing.delay_s + ceil(SLOW_ANSWER_S) + FOLLOW_S,
            answer_s=ceil(SLOW_ANSWER_S),
        )
        self._active: dict[int, tuple[Session, tuple[int, ...]]] = {}
        self._timing = timing
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self._places = count()
        self._eventful = True
        # Each charger and car has luck of its own, so that all controllers meet the same.
        self._luck = [
            random.Random(f"{day.layout.name} {day.day} {number}")
            for number in range(day.layout.chargers)
        ]
        for second, capacity_a in day.capacity_changes:
            self._at(second, partial(self._change_capacity, capacity_a))
        for number, stay in enumerate(day.stays):
            self._at(stay.arrives_s, partial(self._arrive, stay, number))
            self._at(stay.leaves_s, partial(self._leave, stay))
        if day.metered:
            self._at(0, self._measure)

    def run(self, watch: Callable[[World], None] | None = None) -> Outcome:
        """Let the day pass; `watch` is called at the end of each second."""
        for second in range(self.day.layout.length_s):
            self.now = second
            self._happen(second)
            wake_at = self.controller.wake_at
            if self._eventful or (wake_at is not None and wake_at <= second):
                self._step(second)
            if watch is not None:
                watch(self)
            self._pass(second)
        return self._outcome()

    def _happen(self, second: int) -> None:
        """Let everything happen that is due."""
        self._eventful = False
        while self._queue and self._queue[0][0] <= second:
            at, _, action = heapq.heappop(self._queue)
            action(at)
        for charger in self._active:
            self._tell(self.chargers[charger].change_of_status(), charger, second)

    def _pass(self, second: int) -> None:
        """Let a second pass, with the currents as they are."""
        self.over.add(second, self.cars_a, self.day.house_at(second), self.capacity_a)
        changed = [session.second(second + 1) for session, _ in self._active.values()]
        if any(changed):
            self._sum_up()

    def _step(self, second: int) -> None:
        for order in self.controller.step(second):
            charger = self.chargers[order.charger]
            assert not charger.busy, "one call at a time"
            charger.busy = True
            charger.writes += 1
            luck = self._luck[order.charger]
            answers_s = luck.uniform(ANSWER_LEAST_S, ANSWER_MOST_S)
            if luck.random() < SLOW_SHARE:
                answers_s = SLOW_ANSWER_S
            taken_at = second + answers_s / 2
            self._at(taken_at, partial(charger.limited, order.limit_a))
            self._at(second + answers_s, partial(self._answer, charger))

    def _at(self, at: float, action: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (at, next(self._places), action))

    # What happens

    def _change_capacity(self, capacity_a: float, _at: float) -> None:
        self.capacity_a = capacity_a
        self.controller.capacity_changed(capacity_a)
        self._eventful = True

    def _arrive(self, stay: Stay, number: int, now: float) -> None:
        luck = random.Random(f"{self.day.layout.name} {self.day.day} car {number}")
        car = Car(
            Battery(stay.kind, stay.energy_wh),
            reaction_s=luck.uniform(1.0, 5.0),
            wake_s=luck.uniform(5.0, 20.0),
        )
        charger = self.chargers[stay.charger]
        self.controller.told(
            stay.charger, Wish(energy_wh=stay.energy_wh, departs_at=float(stay.leaves_s))
        )
        self._tell_all(charger.plug_in(stay, car, now), stay.charger, now)
        assert charger.session is not None
        self.sessions.append(charger.session)
        self._active[stay.charger] = (charger.session, self.nodes.of(stay))
        self._at(now + 1 + stay.charger % CHARGER_METER_EVERY_S, partial(self._sample, stay))

    def _leave(self, stay: Stay, now: float) -> None:
        del self._active[stay.charger]
        self._tell_all(self.chargers[stay.charger].unplug(now), stay.charger, now)
        self._sum_up()

    def _sample(self, stay: Stay, now: float) -> None:
        """Let a charger send its meter's values, until the car is gone."""
        charger = self.chargers[stay.charger]
        if charger.session is None or charger.session.stay is not stay:
            return
        self._tell(charger.sample(now), stay.charger, now)
        self._at(now + CHARGER_METER_EVERY_S, partial(self._sample, stay))

    def _measure(self, now: float) -> None:
        """Let the meter of the main group be read."""
        house = self.day.house_at(int(now))
        cars_a = self.cars_a
        currents = (cars_a[0] + house[0], cars_a[1] + house[1], cars_a[2] + house[2])

        def deliver(at: float) -> None:
            self.controller.metered(currents, at)
            self._eventful = True

        self._at(now + self._timing.delay_s, deliver)
        self._at(now + self._timing.period_s, self._measure)

    def _answer(self, charger: Charger, now: float) -> None:
        charger.busy = False
        self.controller.accepted(charger.number, now)
        self._eventful = True

    # Details

    def _tell_all(self, events: Iterable[ChargerEvent], charger: int, now: float) -> None:
        for event in events:
            self._tell(event, charger, now)

    def _tell(self, event: ChargerEvent | None, charger: int, now: float) -> None:
        if event is not None:
            self.controller.heard(charger, event, now)
            self._eventful = True

    def _sum_up(self) -> None:
        self.cars_a = loads(
            self.nodes.count,
            ((nodes, session.car.current_a) for session, nodes in self._active.values()),
        )

    def _outcome(self) -> Outcome:
        return Outcome(
            served=tuple(_served(session) for session in self.sessions),
            over=self.over,
            switches=sum(session.switches for session in self.sessions),
            writes=sum(charger.writes for charger in self.chargers),
            charging_s=sum(session.charging_s for session in self.sessions),
            step_us=self.controller.step_us,
        )


def _served(session: Session) -> Served:
    stay = session.stay
    waited_s = stay.length_s
    if session.first_current_s is not None:
        waited_s = session.first_current_s - stay.arrives_s
    return Served(
        asked_wh=stay.energy_wh,
        energy_wh=session.energy_wh,
        stay_s=stay.length_s,
        waited_s=waited_s,
    )
