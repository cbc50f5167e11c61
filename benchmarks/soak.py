"""A site through hours of cars, loads and faults in virtual time, and what broke.

The site, its sockets and its files are real; time is not. The seed decides everything.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median, quantiles

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from simulator.car import Car
from simulator.faults import Faults, MeterFault
from simulator.virtual_time import VirtualLoop

from .virtual_site.fault_plan import LASTING, METER, moment
from .virtual_site.watch import Violation
from .virtual_site.world import World

CHARGERS = 6
MAIN_FUSE_A = 40.0
GARAGE_A = 32.0
STEP_S = 10.0
"""How often chance decides what happens."""
CARS_PER_CHARGER_DAY = 6.0
PARKED_S = (1800.0, 14_400.0)
HOUSE_CHANGES_PER_HOUR = 20.0
FAULTS_PER_HOUR = 3.0
METER_FAULTS_PER_HOUR = 0.25
BROKEN_S = (30.0, 900.0)
"""How long something stays broken."""
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a soak."""

    hours: float
    seed: int
    faults: int
    steps: int
    """How often all rules were looked at."""
    violations: int
    overloads: int
    overload_clear_median_s: float
    overload_clear_p95_s: float
    writes_per_charger_day: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak; return 1 if a rule was broken."""
    options = _parser().parse_args(arguments)
    with quiet_log(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        outcome, violations = runner.run(
            soak(hours=options.hours, seed=options.seed, with_faults=options.faults)
        )
    for violation in violations[:20]:
        print(violation, file=sys.stderr)
    figures = asdict(outcome)
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<24} {value:g}" for name, value in figures.items()))
    return 1 if violations else 0


@contextmanager
def quiet_log() -> Iterator[None]:
    """Say nothing of what goes wrong, as it is meant to: the watch tells what should not have."""
    logger = logging.getLogger("custom_components.balanz")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/benchmark soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0, help="virtual ones (24)")
    parser.add_argument("--seed", type=int, default=1, help="decides everything (1)")
    parser.add_argument("--no-faults", dest="faults", action="store_false", help="all goes well")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


async def soak(*, hours: float, seed: int, with_faults: bool) -> tuple[Outcome, list[Violation]]:
    """Run a site for so long in the virtual loop; return what came of it."""
    with tempfile.TemporaryDirectory(prefix="balanz-soak-") as folder:
        async with World.running(_site(), Path(folder)) as world:
            days = _Days(world, Random(seed), with_faults=with_faults)
            await days.run(hours * 3600)
            return days.outcome(hours=hours, seed=seed), world.watch.violations


def _site() -> SiteSettings:
    wirings = (PhaseMap.L1_L2_L3, PhaseMap.L2_L3_L1, PhaseMap.L3_L1_L2)
    root = Group(
        id="root",
        name="Main fuse",
        parent_id=None,
        rating_a=MAIN_FUSE_A,
        metered=True,
        margin_a=1.0,
        other_loads_a=30.0,
    )
    garage = Group(id="garage", name="Garage", parent_id="root", rating_a=GARAGE_A)
    return SiteSettings(
        host="127.0.0.1",
        port=0,
        groups=(root, garage),
        chargers=tuple(
            ChargerSettings(
                identity=f"CP-{number + 1}",
                name=f"Charger {number + 1}",
                group_id="garage" if number < 4 else "root",
                rating_a=16.0 if number % 2 else 32.0,
                phases=3,
                phase_map=wirings[number % 3],
                maximum_a=16.0 if number % 2 else 32.0,
            )
            for number in range(CHARGERS)
        ),
    )


class _Days:
    """What happens at the site while time passes."""

    def __init__(self, world: World, random: Random, *, with_faults: bool) -> None:
        self._world = world
        self._random = random
        self._with_faults = with_faults
        self._leaves_at_s: dict[str, float] = {}
        self._mended_at_s: dict[str, float] = {}
        self._meter_mended_at_s: float | None = None
        self._faults = 0

    async def run(self, seconds: float) -> None:
        """Let chance act until the time is over."""
        world = self._world
        while world.now_s < seconds:
            self._let_cars_come_and_go()
            if self._random.random() < HOUSE_CHANGES_PER_HOUR * STEP_S / 3600:
                world.base_a = self._house_a()
            if self._with_faults:
                await self._break_and_mend()
            await world.pass_s(min(STEP_S, max(seconds - world.now_s, 0.0)))

    def outcome(self, *, hours: float, seed: int) -> Outcome:
        """Sum up."""
        chargers = self._world.chargers.values()
        clear_s = self._world.watch.overload_clear_s
        # Quantiles need two of them; with one, it is all of them.
        p95_s = quantiles(clear_s, n=20)[-1] if len(clear_s) > 1 else max(clear_s, default=0.0)
        writes = sum(charger.profile_writes for charger in chargers)
        return Outcome(
            hours=hours,
            seed=seed,
            faults=self._faults,
            steps=self._world.watch.looks,
            violations=len(self._world.watch.violations),
            overloads=len(clear_s),
            overload_clear_median_s=round(median(clear_s), 1) if clear_s else 0.0,
            overload_clear_p95_s=round(p95_s, 1),
            writes_per_charger_day=round(writes / len(chargers) * 24 / hours, 1),
        )

    def _house_a(self) -> PhaseCurrents:
        """Return a load that is mostly small: ovens, kettles and heat pumps come and go."""
        one, two, three = (min(self._random.expovariate(1 / 8), 55.0) for _ in range(3))
        return PhaseCurrents(l1=one, l2=two, l3=three)

    def _let_cars_come_and_go(self) -> None:
        world, random = self._world, self._random
        for name, charger in world.chargers.items():
            if name in self._leaves_at_s:
                if world.now_s >= self._leaves_at_s[name]:
                    del self._leaves_at_s[name]
                    charger.unplug()
            elif random.random() < CARS_PER_CHARGER_DAY * STEP_S / (DAY_S - sum(PARKED_S) / 2):
                world.plug_in(name, _car(random))
                self._leaves_at_s[name] = world.now_s + random.uniform(*PARKED_S)

    async def _break_and_mend(self) -> None:
        world, random = self._world, self._random
        for name in [it for it, at_s in self._mended_at_s.items() if world.now_s >= at_s]:
            del self._mended_at_s[name]
            world.chargers[name].faults = Faults()
        if self._meter_mended_at_s is not None and world.now_s >= self._meter_mended_at_s:
            self._meter_mended_at_s = None
            world.meter.fault = MeterFault.NONE
        if random.random() < METER_FAULTS_PER_HOUR * STEP_S / 3600:
            self._faults += 1
            world.meter.fault = random.choice(METER)
            self._meter_mended_at_s = world.now_s + random.uniform(*BROKEN_S)
        if random.random() < FAULTS_PER_HOUR * STEP_S / 3600:
            self._faults += 1
            if random.random() < 0.5:
                await moment(world, random)
                return
            name = random.choice(list(world.chargers))
            world.chargers[name].faults = LASTING[random.choice(list(LASTING))](random)
            self._mended_at_s[name] = world.now_s + random.uniform(*BROKEN_S)


def _car(random: Random) -> Car:
    return Car(
        phases=random.choice((1, 2, 3, 3)),
        maximum_a=random.choice((10.0, 16.0, 16.0, 32.0)),
        needed_wh=random.uniform(2_000.0, 40_000.0),
        start_lag_s=random.uniform(1.0, 5.0),
        reaction_lag_s=random.uniform(0.5, 5.0),
    )


if __name__ == "__main__":
    sys.exit(main())
