"""Taking turns, where not all cars can have their minimum at once.

Whoever charges keeps charging for a turn; then the least served go first. A car that has had
nothing yet waits no longer than a short turn. One that was paused twice in a turn rests until the
turn is over, so that nobody is switched on and off for ever, whatever the supply does.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .alarm import Alarm
from .model import ConnectorKey
from .standing import Standing
from .tuning import Tuning

STARTS_PER_TURN = 2
"""How often a car may be let charge within one turn: a second time after an odd pause."""
DRAWS_ABOVE_A = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one car has had since it was plugged in."""

    since: float
    """When it was plugged in: a new car begins anew."""
    served_as: float
    """Ampere-seconds per line and weight, counted from where the others stood when it came."""
    has_place: bool = False
    """Whether it was among those that could have their minimum."""
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
    rounds: Mapping[str, float] = field(default_factory=dict)
    """When the present round began in each group that keeps somebody waiting."""
    at: float = 0.0

    def advanced(
        self, standings: Mapping[ConnectorKey, Standing], tuning: Tuning, now: float
    ) -> Turns:
        """Return the turns with what has been served since, for the cars that want current."""
        passed_s = max(now - self.at, 0.0)
        services: dict[ConnectorKey, Service] = {}
        newcomers: list[Standing] = []
        for key, standing in standings.items():
            if not standing.known.wants:
                continue
            known = self.services.get(key)
            if known is None or known.since != standing.known.waiting_since:
                newcomers.append(standing)
                continue
            served_as = _current_a(standing) * passed_s / standing.connector.weight
            known = replace(known, served_as=known.served_as + served_as)
            charging = _charges(standing)
            services[key] = known if charging is None else _seen(known, charging, now)
        # A newcomer counts as served like the least served of the others: its own past is no
        # claim on them, and theirs none on it.
        start_as = min((service.served_as for service in services.values()), default=0.0)
        for standing in newcomers:
            charging = _charges(standing) or False
            services[standing.key] = Service(
                since=standing.known.waiting_since,
                served_as=start_as,
                has_place=charging,
                charging=charging,
                charged=charging,
            )
        return Turns(tuning=tuning, services=services, rounds=self.rounds, at=now)

    def order(self, standing: Standing) -> tuple[float, ...]:
        """Return who goes first among cars of one priority: the smaller."""
        service = self.services[standing.key]
        if self._starves(service):
            rank = 0.0
        elif service.has_place and not self._is_over(standing):
            rank = 1.0
        else:
            rank = 2.0
        return (rank, service.served_as, len(standing.way), service.since)

    def rests_until(self, key: ConnectorKey) -> float | None:
        """Return until when a paused car has to rest; None where it may charge."""
        service = self.services[key]
        if service.has_place or len(service.starts) < STARTS_PER_TURN:
            return None
        until = service.starts[-STARTS_PER_TURN] + self.tuning.turn_s
        return until if until > self.at else None

    def settled(
        self, has_place: Mapping[ConnectorKey, bool], waiting: Mapping[ConnectorKey, str]
    ) -> Turns:
        """Return the turns after an allocation, and which group keeps whom waiting.

        Who took no part in it, such as a charger whose link is down, keeps its place.
        """
        services = {
            key: replace(service, has_place=has_place.get(key, service.has_place))
            for key, service in self.services.items()
        }
        rounds: dict[str, float] = {}
        for key, group_id in waiting.items():
            began_at = rounds.get(group_id, self.rounds.get(group_id, self.at))
            # A change of places begins a new round for all who share the group.
            lost_its_place = self.services[key].has_place
            over = began_at + self.tuning.turn_s <= self.at
            rounds[group_id] = self.at if lost_its_place or over else began_at
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
            queue.sort(key=lambda key: (self.services[key].served_as, self.services[key].since))
            for place, key in enumerate(queue):
                service = self.services[key]
                at = self.rounds[group_id] + turn_s
                if not service.charged:
                    at = min(at, service.since + self.tuning.short_turn_s)
                at += turn_s * (place // max(places, 1))
                if at > self.at:
                    expected[key] = at
        return expected

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


def _seen(service: Service, charging: bool, now: float) -> Service:
    if charging == service.charging:
        return service
    if charging:
        starts = (*service.starts, now)[-STARTS_PER_TURN:]
        return replace(service, charging=True, charged=True, starts=starts)
    return replace(service, charging=False)
