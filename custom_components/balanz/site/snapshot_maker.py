"""The snapshot of a whole site after a step, from what all its rooms show."""

from collections.abc import Generator
from datetime import UTC, datetime

from ..balancing.control import Result
from ..balancing.inputs import Inputs
from .dark_watch import DarkWatch
from .group_snapshots import cars_charging, group_snapshots
from .problems import ProblemWatch
from .rooms import Rooms
from .snapshot import ChargerSnapshot, SiteSnapshot
from .snapshot_builder import ChargerSnapshots


class SnapshotMaker:
    """Makes snapshots, and knows when time alone will make another one. Monotonic seconds."""

    def __init__(self, rooms: Rooms) -> None:
        """Start with nothing shown."""
        self._rooms = rooms
        self._chargers = ChargerSnapshots(rooms)
        self._problems = ProblemWatch(0.0)
        self._dark = DarkWatch()

    def begin(self, now: float) -> None:
        """Learn that the site begins to run now."""
        self._problems = ProblemWatch(now)

    def next_change(self, now: float) -> float | None:
        """Return when time alone may make a problem of something; None if nothing is wrong."""
        return self._problems.next_change(now)

    def make(
        self, result: Result, inputs: Inputs, now: float
    ) -> Generator[None, None, SiteSnapshot]:
        """Return how the site stands after a step; others may have a turn at each yield."""
        rooms = self._rooms
        site = rooms.layout.site
        capacities_a = rooms.capacities.all_a()
        dark = self._dark.look(
            site=site,
            capacities_a=capacities_a,
            result=result,
            live=rooms.live,
            bookings=rooms.leaving.bookings(site),
            now=now,
        )
        problems = self._problems.find(
            site=site,
            result=result,
            inputs=inputs,
            live=rooms.live,
            ledger=rooms.ledger,
            journal=rooms.journal,
            dark=dark,
            now=now,
        )
        yield
        chargers: dict[str, ChargerSnapshot] = {}
        for charger in rooms.layout.settings.chargers:
            chargers[charger.identity] = self._chargers.of(charger, now)
            yield
        charging = cars_charging(site, chargers.values())
        yield
        return SiteSnapshot(
            groups=group_snapshots(
                rooms,
                result,
                capacities_a=capacities_a,
                capacities_now_a=inputs.capacities_a,
                charging=charging,
            ),
            chargers=chargers,
            problems=(
                *problems,
                *rooms.door.problems(datetime.now(UTC)),
                *rooms.pairing.problems,
                *rooms.foreign.problems,
                *rooms.upstreams.problems(now),
            ),
            pending=rooms.pairing.pending,
            refused=rooms.pairing.refused,
            pairing_until=rooms.pairing.until,
            dark_budget=dark,
        )
