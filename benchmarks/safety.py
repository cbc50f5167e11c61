"""The figures of the safety page: overloads, lost links, lost meters and writes, in virtual time.

The site, its sockets and its files are real; time is not. The seed decides everything.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil, inf
from pathlib import Path
from random import Random
from statistics import median

import orjson

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.lease import LEASE_S
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.frames import Direction
from simulator.options import ChargerOptions
from simulator.virtual_time import VirtualLoop

from .soak import quiet_log
from .virtual_site.world import World, WorldOptions

CHARGERS = 4
MAIN_FUSE_A = 40.0
RATING_A = 16.0
FALLBACK_A = 6.0
QUIET_HOUSE_A = 4.0
RISES_A = (8.0, 34.0)
"""By how much the house's load rises: up to 1.8 times the fuse in all."""
TOLERANCE_A = 0.5
LOOK_S = 0.1
TICK_S = 0.5
SETTLED_S = 420.0
"""After it, what the house took before is forgotten, and all cars have their share."""
GIVE_UP_S = 120.0
REST_S = 3600.0
CAR_LAGS_S = (1.0, 5.0)
"""How long cars take to follow; IEC 61851-1 allows 5 s."""
ANSWERS_S = (0.05, 1.0)
HOUSE_CHANGES_EACH_S = 300.0
CHARGES_FOR_S = 3 * 3600.0
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured; times in s."""

    clear_2s_median_s: float
    """From the rise of the load until it is cleared, with a meter that tells each 2 s."""
    clear_2s_p95_s: float
    clear_10s_median_s: float
    clear_10s_p95_s: float
    stop_above_2_s: float
    """From a reading above twice the limit until the last charger was told to pause: the worst."""
    stop_above_1_45_s: float
    """The same from the second reading above 1.45 times the limit."""
    link_lost_beyond_lease_s: float
    """How much longer than its lease a proven charger drew more than its fallback: the worst."""
    killed_beyond_lease_s: float
    """The same where Home Assistant was killed."""
    meter_lost_raises: int
    meter_lost_first_step_s: float
    """From the last reading until the first limit was lowered, after a house with peaks."""
    steady_house_first_step_s: float
    """The same after a house that always took as much."""
    writes_per_charger_day: int
    """On a day without faults on which each charger charges for 3 h: the most of all chargers."""


class Site:
    """A site in virtual time, with a meter whose readings the benchmark makes itself."""

    def __init__(self, world: World, random: Random, *, period_s: float) -> None:
        self.world = world
        self.random = random
        self.period_s = period_s
        self.tells = True
        self.readings_s: list[float] = []
        """When the meter told, s."""

    @classmethod
    @asynccontextmanager
    async def running(cls, seed: int, *, chargers: int, period_s: float) -> AsyncIterator[Site]:
        """Run it, with no car yet."""
        options = ChargerOptions(tick_s=TICK_S)
        world_options = WorldOptions(
            meter_period_s=1e9, chargers={_name(number): options for number in range(chargers)}
        )
        with tempfile.TemporaryDirectory(prefix="balanz-safety-") as folder:
            async with World.running(_settings(chargers), Path(folder), world_options) as world:
                site = cls(world, Random(seed), period_s=period_s)
                site.house_a = QUIET_HOUSE_A
                meter = asyncio.create_task(site._meter())
                try:
                    yield site
                finally:
                    meter.cancel()
                    if world.site is None:
                        await world.reopen()

    @property
    def chargers(self) -> list[SimulatedCharger]:
        """All chargers."""
        return list(self.world.chargers.values())

    @property
    def house_a(self) -> float:
        """What the house draws on each phase."""
        return self.world.base_a.l1

    @house_a.setter
    def house_a(self, house_a: float) -> None:
        self.world.base_a = PhaseCurrents.uniform(house_a)

    @property
    def overloaded(self) -> bool:
        """Whether more flows than the fuse carries."""
        return max(self.world.grid_a) > MAIN_FUSE_A + TOLERANCE_A

    def let_cars_come(self, *, lag_s: float | None = None) -> None:
        """Plug in a car that wants a lot at each charger."""
        for charger in self.chargers:
            charger.faults = Faults(answer_delay_s=self.random.uniform(*ANSWERS_S))
            charger.plug_in(
                Car(
                    maximum_a=RATING_A,
                    needed_wh=1e6,
                    reaction_lag_s=self.random.uniform(*CAR_LAGS_S) if lag_s is None else lag_s,
                )
            )

    async def settle(self) -> None:
        """Let the house be quiet until all cars have had their share for a while."""
        self.house_a = QUIET_HOUSE_A
        # Cars that had to be paused again and again are left in peace for a while.
        await self.until(lambda: all(max(it.currents_a) > 0 for it in self.chargers), REST_S)
        await self.world.pass_s(SETTLED_S + self.random.uniform(0.0, self.period_s))

    async def until(self, condition: Callable[[], bool], within_s: float = GIVE_UP_S) -> float:
        """Wait for something and return how long it took; infinity if it did not come true."""
        begun_s = self.world.now_s
        while not condition():
            if self.world.now_s - begun_s >= within_s:
                return inf
            await self.world.pass_s(LOOK_S)
        return self.world.now_s - begun_s

    async def _meter(self) -> None:
        while True:
            if self.world.site is not None and self.tells:
                # As on the Home Assistant floor, where a sensor lives for three of its gaps.
                fresh_for_s = max(3 * self.period_s, 15.0)
                self.readings_s.append(self.world.now_s)
                self.world.site.report_meter("root", self.world.grid_a, fresh_for_s=fresh_for_s)
            await asyncio.sleep(self.period_s)


def limits_told(charger: SimulatedCharger, since_s: float) -> list[tuple[float, float]]:
    """Return when a charger received which limit, from a time on."""
    return [
        (frame.at_s, _limit_a(frame.text))
        for frame in charger.frames
        if frame.direction is Direction.RECEIVED
        and frame.at_s >= since_s
        and '"SetChargingProfile"' in frame.text
    ]


def _limit_a(text: str) -> float:
    schedule = orjson.loads(text)[3]["csChargingProfiles"]["chargingSchedule"]
    return float(schedule["chargingSchedulePeriod"][0]["limit"])


def _name(number: int) -> str:
    return f"CP-{number + 1}"


def _settings(chargers: int) -> SiteSettings:
    root = Group(
        id="root", name="Main fuse", parent_id=None, rating_a=MAIN_FUSE_A, metered=True, margin_a=1
    )
    return SiteSettings(
        host="127.0.0.1",
        port=0,
        groups=(root,),
        chargers=tuple(
            ChargerSettings(
                identity=_name(number),
                name=_name(number),
                group_id="root",
                rating_a=RATING_A,
                phases=3,
                phase_map=PhaseMap.L1_L2_L3,
                maximum_a=RATING_A,
                fallback_a=FALLBACK_A,
                keeps_limit=True,
                lapses=True,
            )
            for number in range(chargers)
        ),
    )


async def clear_times_s(seed: int, samples: int, *, period_s: float) -> list[float]:
    """Let the load rise again and again, and return how long each overload lasted."""
    async with Site.running(seed, chargers=CHARGERS, period_s=period_s) as site:
        site.let_cars_come()
        times_s: list[float] = []
        while len(times_s) < samples:
            await site.settle()
            site.house_a = QUIET_HOUSE_A + site.random.uniform(*RISES_A)
            if site.overloaded:
                times_s.append(await site.until(lambda: not site.overloaded))
            await site.world.pass_s(60.0)
        return times_s


async def stop_times_s(seed: int, samples: int, *, times: float, readings: int) -> list[float]:
    """Let far too much flow; return how soon all chargers were told to pause.

    It counts from the given reading of those that show it.
    """
    async with Site.running(seed, chargers=CHARGERS, period_s=2.0) as site:
        site.let_cars_come(lag_s=CAR_LAGS_S[1])
        times_s: list[float] = []
        for _ in range(samples):
            await site.settle()
            begun_s = site.world.now_s
            site.house_a += times * MAIN_FUSE_A - max(site.world.grid_a)
            await site.world.pass_s(3 * site.period_s)
            read_s = [at_s for at_s in site.readings_s if at_s >= begun_s][readings - 1]
            told_s = [_paused_s(charger, begun_s) for charger in site.chargers]
            times_s.append(max(max(told_s) - read_s, 0.0))
            await site.world.pass_s(300.0)
        return times_s


def _paused_s(charger: SimulatedCharger, since_s: float) -> float:
    """Return when a charger was told to pause, for good as far as can be seen."""
    told = limits_told(charger, since_s)
    return told[-1][0] if told and told[-1][1] == 0 else inf


async def beyond_lease_s(seed: int, samples: int, *, killed: bool) -> list[float]:
    """Lose the links; return how much longer than a lease too much was drawn."""
    times_s: list[float] = []
    for number in range(samples):
        async with Site.running(seed + number, chargers=2, period_s=10.0) as site:
            site.let_cars_come()
            await site.world.pass_s(SETTLED_S + site.random.uniform(0.0, LEASE_S))
            if killed:
                await site.world.kill()
            else:
                for charger in site.chargers:
                    charger.faults = Faults(offline=True)
            took_s = await site.until(lambda: _at_fallback(site), within_s=2 * LEASE_S)
            times_s.append(took_s - LEASE_S)
    return times_s


def _at_fallback(site: Site) -> bool:
    return all(max(charger.currents_a) <= FALLBACK_A for charger in site.chargers)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterLost:
    """What came of a meter that told nothing more."""

    raises: int
    first_step_s: float


async def lose_meter(seed: int, *, period_s: float, peak_a: float) -> MeterLost:
    """Let the meter tell nothing more for half an hour, after a house that had its peak."""
    async with Site.running(seed, chargers=CHARGERS, period_s=period_s) as site:
        site.let_cars_come()
        await site.world.pass_s(SETTLED_S)
        site.house_a = QUIET_HOUSE_A + peak_a
        await site.world.pass_s(60.0)
        site.house_a = QUIET_HOUSE_A
        await site.world.pass_s(SETTLED_S)
        lost_s = site.readings_s[-1]
        site.tells = False
        await site.world.pass_s(1800.0)
        steps = [
            (at_s, before_a, limit_a)
            for charger in site.chargers
            for (_, before_a), (at_s, limit_a) in pairwise(limits_told(charger, 0.0))
            if at_s > lost_s
        ]
        return MeterLost(
            raises=sum(limit_a > before_a for _, before_a, limit_a in steps),
            first_step_s=min(
                (at_s - lost_s for at_s, before_a, limit_a in steps if limit_a < before_a),
                default=inf,
            ),
        )


async def writes_per_day(seed: int, *, hours: float) -> list[int]:
    """Let all go well, with one session for each charger; return what each was written."""
    async with Site.running(seed, chargers=2, period_s=10.0) as site:
        world, random = site.world, site.random
        ends_s = world.now_s + hours * 3600
        begins_s = [random.uniform(world.now_s, ends_s - CHARGES_FOR_S) for _ in site.chargers]
        while world.now_s < ends_s:
            loads_a = [1.0 + min(random.expovariate(1 / 3), 20.0) for _ in range(3)]
            world.base_a = PhaseCurrents(l1=loads_a[0], l2=loads_a[1], l3=loads_a[2])
            for charger, begins in zip(site.chargers, begins_s, strict=True):
                car = charger.station.connectors[1].car
                charges = begins <= world.now_s < begins + CHARGES_FOR_S
                if charges and car is None:
                    charger.plug_in(Car(maximum_a=RATING_A, needed_wh=1e6))
                elif not charges and car is not None:
                    charger.unplug()
            await world.pass_s(random.uniform(0.0, 2 * HOUSE_CHANGES_EACH_S))
        return [charger.profile_writes for charger in site.chargers]


async def measure(seed: int, samples: int, hours: float) -> Figures:
    """Return all figures."""
    few = max(samples // 4, 1)
    often = await clear_times_s(seed, samples, period_s=2.0)
    seldom = await clear_times_s(seed, samples, period_s=10.0)
    meter_lost = await lose_meter(seed, period_s=2.0, peak_a=10.0)
    steady = await lose_meter(seed, period_s=2.0, peak_a=0.0)
    return Figures(
        clear_2s_median_s=_round(median(often)),
        clear_2s_p95_s=_round(_p95(often)),
        clear_10s_median_s=_round(median(seldom)),
        clear_10s_p95_s=_round(_p95(seldom)),
        stop_above_2_s=_round(max(await stop_times_s(seed, few, times=2.1, readings=1))),
        stop_above_1_45_s=_round(max(await stop_times_s(seed, few, times=1.6, readings=2))),
        link_lost_beyond_lease_s=_round(max(await beyond_lease_s(seed, few, killed=False))),
        killed_beyond_lease_s=_round(max(await beyond_lease_s(seed, few, killed=True))),
        meter_lost_raises=meter_lost.raises + steady.raises,
        meter_lost_first_step_s=_round(meter_lost.first_step_s),
        steady_house_first_step_s=_round(steady.first_step_s),
        writes_per_charger_day=max(await writes_per_day(seed, hours=hours)),
    )


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[ceil(0.95 * len(values)) - 1]


def _round(value: float) -> float:
    return round(value, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark safety", description=__doc__)
    parser.add_argument("--samples", type=int, default=40, help="overloads of each kind (40)")
    parser.add_argument("--hours", type=float, default=24.0, help="how long that day is (24)")
    parser.add_argument("--seed", type=int, default=1, help="decides everything (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    with quiet_log(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        figures = asdict(runner.run(measure(options.seed, options.samples, options.hours)))
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<26} {value:g}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
