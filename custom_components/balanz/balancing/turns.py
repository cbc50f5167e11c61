"""Taking turns, where not all cars can have their minimum at once.

Whoever charges keeps charging for a turn; then the least served go first. A car that has had
nothing yet waits no longer than a short turn. One that was paused twice in a turn rests until the
turn is over, so that nobody is switched on and off for ever, whatever the supply does.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

from .alarm import Alarm
from .model import ConnectorKey
from .standing import Standing
from .tuning import Tuning

STARTS_PER_TURN = 2
"""How often a car may be let charge within one turn: a second time after an odd pause."""
DRAWS_ABOVE_A = 1.0


class Service(NamedTuple):
    """What one car has had since it was plugged in."""

    since: float
    """When it was plugged in: a new car begins anew."""
    has_place: bool = False
    """Whether it was among those that could have their minimum."""
    placed_at: float = -inf
    """When it got its place; long ago for one that was found charging."""
    owed: bool = False
    """Whether it was first in line at the end of a round and still passed over."""
    charging: bool = False
    """Whether it has been let charge, which takes confirmed headroom besides a place."""
    charged: bool = False
    """Whether it ever has."""
    starts: tuple[float, ...] = ()
    """When it was let charge, at most the last two times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Whose turn it is. Times are monotonic seconds."""

    tuning: Tuning = field(default_factory=Tuning)
    services: Mapping[ConnectorKey, Service] = field(default_factory=dict)
    served_as: Mapping[ConnectorKey, float] = field(default_factory=dict)
    """Ampere-seconds per line and weight that each of them has had, counted from where the others
    stood when it came. They are apart since each step changes nearly all of them, and so many new
    objects would keep the garbage collector busy."""
    rounds: Mapping[str, float] = field(default_factory=dict)
    """When the present round began in each group that keeps somebody waiting."""
    at: float = 0.0

    def advanced(
        self, standings: Mapping[ConnectorKey, Standing], tuning: Tuning, now: float
    ) -> Turns:
        """Return the turns with what has been served since, for the cars that want current."""
        passed_s = max(now - self.at, 0.0)
        services: dict[ConnectorKey, Service] = {}
        served_as: dict[ConnectorKey, float] = {}
        newcomers: list[Standing] = []
        for key, standing in standings.items():
            if not standing.known.wants:
                continue
            known = self.services.get(key)
            if known is None or known.since != standing.known.waiting_since:
                newcomers.append(standing)
                continue
            more_as = _current_a(standing) * passed_s / standing.connector.weight
            served_as[key] = self.served_as[key] + more_as
            charging = _charges(standing)
            if charging is not None and charging != known.charging:
                known = _seen(known, charging, now)
            services[key] = known
        # A newcomer counts as served like the least served of the others: its own past is no
        # claim on them, and theirs none on it.
        start_as = min(served_as.values(), default=0.0)
        for standing in newcomers:
            charging = _charges(standing) or False
            served_as[standing.key] = start_as
            services[standing.key] = Service(
                since=standing.known.waiting_since,
                has_place=charging,
                charging=charging,
                charged=charging,
            )
        return Turns(
            tuning=tuning, services=services, served_as=served_as, rounds=self.rounds, at=now
        )

    def order(self, standing: Standing) -> tuple[float, ...]:
        """Return who goes first among cars of one priority: the smaller."""
        service = self.services[standing.key]
        if service.has_place and self.at - service.placed_at < self.tuning.short_turn_s:
            rank = 0.0
        elif service.owed or self._starves(service):
            # Who came first, since a newcomer counts as served no more than the others.
            return (1.0, service.since)
        elif service.has_place and not self._is_over(standing):
            rank = 2.0
        else:
            rank = 3.0
        return (rank, self.served_as[standing.key], service.since, len(standing.way))

    def goes_before_needs(self, key: ConnectorKey) -> bool:
        """Return whether a car has its minimum whatever others need.

        It is in its turn, or has had nothing for too long.
        """
        service = self.services[key]
        in_turn = service.has_place and self.at - service.placed_at < self.tuning.turn_s
        return in_turn or self._starves(service)

    def was_pushed_out(self, key: ConnectorKey) -> bool:
        """Return whether a car has charged and had to give way."""
        service = self.services[key]
        return service.charged and not service.has_place

    def keeps_its_place_in_line(self, key: ConnectorKey) -> bool:
        """Return whether what a car needs is kept for it while it does not fit."""
        service = self.services[key]
        return service.owed or not service.charged

    def rests_until(self, key: ConnectorKey) -> float | None:
        """Return until when a paused car has to rest; None where it may charge."""
        service = self.services[key]
        if service.has_place or len(service.starts) < STARTS_PER_TURN:
            return None
        until = service.starts[-STARTS_PER_TURN] + self.tuning.turn_s
        return until if until > self.at else None

    def settled(
        self,
        has_place: Mapping[ConnectorKey, bool],
        waiting: Mapping[ConnectorKey, str],
        standings: Mapping[ConnectorKey, Standing],
    ) -> Turns:
        """Return the turns after an allocation, and which group keeps whom waiting.

        Who took no part in it, such as a charger whose link is down, keeps its place.
        """
        over = {
            group_id
            for group_id, began_at in self.rounds.items()
            if began_at + self.tuning.turn_s <= self.at
        }
        services = {
            key: _placed(service, has_place.get(key, service.has_place), self.at)
            for key, service in self.services.items()
        }
        for group_id in over:
            line = [
                key
                for key, by_group_id in waiting.items()
                if by_group_id == group_id and not self.services[key].has_place
            ]
            first = min(line, key=self.served_as.__getitem__, default=None)
            if first is not None and self._passed_over(first, services, standings):
                services[first] = services[first]._replace(owed=True)
        # A link that is down for a moment, or a pause, is not the end of waiting.
        waited_for = set(waiting.values()) | {
            group_id
            for key, service in services.items()
            if not service.has_place
            for group_id in standings[key].group_ids
            if group_id in self.rounds
        }
        rounds = {
            group_id: self.at if group_id in over else self.rounds.get(group_id, self.at)
            for group_id in waited_for
        }
        return replace(self, services=services, rounds=rounds)

    def set_alarm(self, waiting: Mapping[ConnectorKey, str], alarm: Alarm) -> None:
        """Ask to be woken when a turn may come."""
        for key in waiting:
            service = self.services[key]
            if not service.charged:
                alarm.at(service.since + self.tuning.short_turn_s)
        for began_at in self.rounds.values():
            alarm.at(began_at + self.tuning.turn_s)

    def expected(
        self,
        waiting: Mapping[ConnectorKey, str],
        standings: Mapping[ConnectorKey, Standing],
    ) -> dict[ConnectorKey, float]:
        """Return when each waiting car can expect its turn, should nothing else change."""
        turn_s = self.tuning.turn_s
        queues: defaultdict[str, list[ConnectorKey]] = defaultdict(list)
        for key, group_id in waiting.items():
            queues[group_id].append(key)
        expected: dict[ConnectorKey, float] = {}
        for group_id, queue in queues.items():
            places = sum(
                1
                for key, service in self.services.items()
                if service.has_place and group_id in standings[key].group_ids
            )
            queue.sort(key=lambda key: (self.served_as[key], self.services[key].since))
            hungry = [key for key in queue if not self.services[key].charged]
            hungry.sort(key=lambda key: self.services[key].since)
            for place, key in enumerate(hungry):
                short_turn_s = self.tuning.short_turn_s
                turns = 1 + place // max(places, 1)
                expected[key] = self.services[key].since + short_turn_s * turns
            fed = [key for key in queue if self.services[key].charged]
            for place, key in enumerate(fed):
                turns = 1 + place // max(places, 1)
                expected[key] = self.rounds[group_id] + turn_s * turns
        return {key: at for key, at in expected.items() if at > self.at}

    def _passed_over(
        self,
        key: ConnectorKey,
        services: Mapping[ConnectorKey, Service],
        standings: Mapping[ConnectorKey, Standing],
    ) -> bool:
        """Return whether somebody who has been served more has a place that the car could use."""
        needed = {number for number, _ in standings[key].way}
        return any(
            service.has_place
            and self.served_as[other] > self.served_as[key]
            and standings[other].priority == standings[key].priority
            and any(number in needed for number, _ in standings[other].way)
            for other, service in services.items()
        )

    def _starves(self, service: Service) -> bool:
        return not service.charged and self.at - service.since >= self.tuning.short_turn_s

    def _is_over(self, standing: Standing) -> bool:
        """Return whether a round is over in a group that the car shares with waiting ones."""
        return any(
            self.rounds[group_id] + self.tuning.turn_s <= self.at
            for group_id in standing.group_ids
            if group_id in self.rounds
        )


def _current_a(standing: Standing) -> float:
    """Return what a car is served with: what it takes where that is metered."""
    if standing.known.draw is not None:
        return standing.measured_a
    return standing.aim_a if standing.aim_a >= standing.minimum_a else 0.0


def _charges(standing: Standing) -> bool | None:
    """Return whether a car may charge now; None where neither its limit nor its draw tells."""
    if standing.measured_a >= DRAWS_ABOVE_A:
        return True
    accepted_a = standing.known.commitment.accepted_a
    return None if accepted_a is None else accepted_a >= standing.minimum_a


def _placed(service: Service, has_place: bool, now: float) -> Service:
    if has_place == service.has_place:
        return service
    if has_place:
        return service._replace(has_place=True, placed_at=now)
    return service._replace(has_place=False)


def _seen(service: Service, charging: bool, now: float) -> Service:
    """Return it once a car has been let charge, or paused."""
    if charging:
        starts = (*service.starts, now)[-STARTS_PER_TURN:]
        return service._replace(charging=True, charged=True, owed=False, starts=starts)
    return service._replace(charging=False)
