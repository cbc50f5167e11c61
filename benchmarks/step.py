"""What one balancing step costs a whole site, and where that goes.

A real site with its ledger and its snapshots; only the sockets are missing: its chargers accept
each limit at once. All cars charge. Each second a tenth of the chargers tell their values, none
twice the same, and the main meter tells what flows; each fifth second the house takes so much that
a group has to be cut. Time is virtual. What is printed is the processor time of a step, in ms:
medians, then the longest that the event loop is held up by how it begins, and by a part of what
follows from it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from unittest.mock import patch

from custom_components.balanz.balancing import control as balancing
from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.csms.events import (
    ConnectorStatus,
    MeterValues,
    MeterValuesReceived,
    StationEvent,
    StationReady,
    StatusChanged,
    TransactionStarted,
)
from custom_components.balanz.csms.station import LimitAnswer, Station
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site import control as site_control
from custom_components.balanz.site.control import Control
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from custom_components.balanz.site.snapshot_maker import SnapshotMaker
from custom_components.balanz.site.step_worker import StepWorker
from simulator.virtual_time import VirtualLoop, virtual_calendar, wall_time

from .soak import quiet_log

SIZES = (10, 100, 1_000)
PER_GROUP = 20
MAXIMUM_A = 16.0
HOUSE_A = 10.0
MARGIN_A = 1.0
WARM_UP_S = 120
"""After this long all cars have what they can get."""
PACKAGE = "custom_components.balanz"
STAGES: dict[str, tuple[object, str]] = {
    "begin": (BalanzSite, "_step"),
    "inputs": (Control, "inputs"),
    "decide": (site_control, "step"),
    "standings": (balancing, "standings"),
    "metered": (balancing, "metered"),
    "headroom": (balancing, "headroom"),
    "targets": (balancing, "targets"),
    "plan": (balancing, "plan"),
    "views": (balancing, "group_views"),
    "carry_out": (BalanzSite, "_carry_out"),
    "tell": (BalanzSite, "_tell"),
    "snapshot": (SnapshotMaker, "make"),
}
"""What is timed, by its name. `inputs` is a part of `begin`, those from `standings` to `views` are
parts of `decide`, and `snapshot` is one of `tell`."""


class Stopwatch:
    """Adds up what functions take while it is in use."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.ms: defaultdict[str, list[float]] = defaultdict(list)
        """For each stage what each of its calls took."""
        self.parts_ms: list[float] = []
        """What was done at a stretch of what can be done in parts."""

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Time all stages."""
        with ExitStack() as stack:
            for name, (owner, attribute) in STAGES.items():
                function = getattr(owner, attribute)
                parted = isgeneratorfunction(function)
                timed = (self._parted if parted else self._timed)(name, function)
                stack.enter_context(patch.object(owner, attribute, timed))
            stack.enter_context(patch.object(StepWorker, "took", self._took))
            yield

    def _took(self, worked_s: float) -> None:
        self.ms["step"].append(1000 * worked_s)

    def clear(self) -> None:
        """Forget what was timed."""
        self.ms.clear()
        self.parts_ms.clear()

    def figures(self) -> dict[str, float]:
        """Return the median of each stage, and the longest that a step has held the loop up."""
        medians = {name: median(self.ms[name]) for name in ("step", *STAGES)}
        figures = medians | {
            "begin_max": max(self.ms["begin"]),
            "part_max": max(self.parts_ms),
        }
        return {name: round(ms, 3) for name, ms in figures.items()}

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began_s = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.ms[name].append(1000 * (time.thread_time() - began_s))

        return timed

    def _parted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Generator[None, None, Any]:
            work, all_ms = function(*args, **kwargs), 0.0
            while True:
                began_s = time.thread_time()
                try:
                    next(work)
                except StopIteration as end:
                    self.ms[name].append(all_ms)
                    return end.value
                part_ms = 1000 * (time.thread_time() - began_s)
                self.parts_ms.append(part_ms)
                all_ms += part_ms
                yield

        return timed


class Bench:
    """A site whose chargers are no more than what they say."""

    def __init__(self, site: BalanzSite, count: int) -> None:
        """Take over a site that runs."""
        self._site = site
        self._identities = [f"CP-{number}" for number in range(count)]
        self._random = Random(count)
        self._energy_wh = 0.0

    async def run(self, seconds: int) -> None:
        """Let seconds pass."""
        for second in range(seconds):
            for identity in self._identities[second % 10 :: 10]:
                self._say(self._values(identity))
            self._site.report_meter("root", self._flows(rises=second % 5 == 0))
            await asyncio.sleep(1.0)

    def plug_in(self) -> None:
        """Let all chargers dial in and a car begin to charge at each."""
        rooms = self._site._rooms  # noqa: SLF001
        for number, identity in enumerate(self._identities, start=1):
            rooms.central.stations[identity].ready = True
            self._say(StationReady(identity=identity, booted=True))
            self._say(
                StatusChanged(
                    identity=identity,
                    connector=1,
                    status=ConnectorStatus.CHARGING,
                    error_code="NoError",
                )
            )
            self._say(
                TransactionStarted(
                    identity=identity,
                    connector=1,
                    transaction_id=number,
                    id_tag="",
                    meter_start_wh=0.0,
                    started_at=wall_time(),
                )
            )

    def _say(self, event: StationEvent) -> None:
        self._site._on_event(event)  # noqa: SLF001

    def _values(self, identity: str) -> MeterValuesReceived:
        current_a = self._limit_a(identity) - self._random.random() / 2
        self._energy_wh += 1.0
        values = MeterValues(
            currents_a=(current_a,) * 3,
            per_phase=True,
            power_w=current_a * 690.0,
            energy_wh=self._energy_wh,
            offered_a=None,
            measured_at=wall_time(),
            voltages_v=(230.0 + self._random.random(), 231.0, 229.0),
        )
        return MeterValuesReceived(identity=identity, connector=1, values=values)

    def _flows(self, *, rises: bool) -> PhaseCurrents:
        charging_a = sum(self._limit_a(identity) for identity in self._identities)
        house_a = HOUSE_A + (PER_GROUP / 2 if rises else self._random.random())
        return PhaseCurrents.uniform(charging_a + house_a)

    def _limit_a(self, identity: str) -> float:
        return self._site.snapshot.chargers[identity].connectors[0].accepted_a or 0.0


def settings(count: int) -> SiteSettings:
    """Return a site with so many chargers, twenty to a group, all but as much as they can use."""
    feeders = {
        f"feeder-{number}": Group(
            id=f"feeder-{number}",
            name=f"Feeder {number}",
            parent_id="root",
            rating_a=PER_GROUP * MAXIMUM_A,
        )
        for number in range((count - 1) // PER_GROUP + 1)
    }
    root = Group(
        id="root",
        name="Main",
        parent_id=None,
        rating_a=HOUSE_A + MARGIN_A + count * (MAXIMUM_A - 1),
        metered=True,
        margin_a=MARGIN_A,
    )
    return SiteSettings(
        host="127.0.0.1",
        port=0,
        groups=(root, *feeders.values()),
        chargers=tuple(
            ChargerSettings(
                identity=f"CP-{number}",
                name=f"Charger {number}",
                group_id=f"feeder-{number // PER_GROUP}",
                rating_a=MAXIMUM_A,
                phases=3,
                phase_map=PhaseMap.L1_L2_L3,
                maximum_a=MAXIMUM_A,
            )
            for number in range(count)
        ),
    )


async def _accept(*_: object, **__: object) -> LimitAnswer:
    await asyncio.sleep(0.05)
    return LimitAnswer.ACCEPTED


async def measure(count: int, seconds: int) -> dict[str, float]:
    """Return what a step takes at a site with so many connectors, in ms."""
    with tempfile.TemporaryDirectory(prefix="balanz-bench-") as folder, ExitStack() as stack:
        stack.enter_context(virtual_calendar(PACKAGE))
        stack.enter_context(patch.object(Station, "set_limit", _accept))
        stack.enter_context(patch.object(Station, "connected", True))
        watch = Stopwatch()
        stack.enter_context(watch.in_use())
        site = BalanzSite(settings=settings(count), storage_path=Path(folder))
        await site.start()
        try:
            # However little they take, steps are measured as they go at a large site.
            stack.enter_context(patch.object(StepWorker, "away", True))
            bench = Bench(site, count)
            bench.plug_in()
            await bench.run(WARM_UP_S)
            watch.clear()
            await bench.run(seconds)
        finally:
            await site.stop()
        return watch.figures()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark step", description=__doc__)
    parser.add_argument("--connectors", type=int, nargs="+", default=SIZES, help="how many")
    parser.add_argument("--seconds", type=int, default=60, help="of virtual time (60)")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args(arguments)
    figures: dict[str, dict[str, float]] = {}
    # That such a site would not be safe without control is told at length.
    with quiet_log():
        for count in options.connectors:
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                figures[str(count)] = runner.run(measure(count, options.seconds))
    print(json.dumps(figures) if options.json else _table(figures))
    return 0


def _table(figures: dict[str, dict[str, float]]) -> str:
    names = next(iter(figures.values()))
    head = f"{'ms':<10}" + "".join(f"{count:>10}" for count in figures)
    rows = (
        f"{name:<10}" + "".join(f"{of_size.get(name, 0):>10.3f}" for of_size in figures.values())
        for name in names
    )
    return "\n".join((head, *rows))


if __name__ == "__main__":
    sys.exit(main())
