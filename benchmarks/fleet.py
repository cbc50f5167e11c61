"""What a fleet of chargers costs one Home Assistant, and whether it stays quick meanwhile.

A real Home Assistant with its recorder, and as many chargers as asked for, from processes of their
own: all charge, and tell ten values each ten seconds, none twice the same. The site's options name
eight kinds of entities for its chargers, all of them enabled, so that there are no others.
Meanwhile the house load of one group rises again and again, so that the chargers there have to be
cut. These have a process to themselves: a real charger notes a cut when it comes, whatever a
thousand others do at that moment. In the end all sockets drop at once.

The memory is that of the whole process (its resident set), less that of the same Home Assistant
before it had a site; both have settled, and both have an allocator that gives back what was freed,
as the images of Home Assistant do (`fleets.home.ALLOCATOR`). What Home Assistant itself keeps of
devices and entities is in it.
"""

import argparse
import asyncio
import contextlib
import json
import math
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from .fleets.chargers import Plan
from .fleets.home import HOUSE_A, MAXIMUM_A, SETTLED_S, WATCHED_SHARE_A, FleetHome, Reading
from .fleets.idle_loop import IdleLoop

INTERVAL_S = 10.0
"""How often each charger tells its values."""
REPORT_S = 5.0
"""How often the meters report."""
RISE_A = 2.0
"""So much more the house takes of each watched charger. With one ampere, what meters do not tell
exactly could leave one of them as it is."""
RISE_S = 13.0
"""Between two rises: all cars have told that they followed, so that the next one is not theirs."""
CALM_S = SETTLED_S
"""What follows the start is over after this long."""
SETTLED_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of it."""

    chargers: int
    aligned: bool
    core_pct: float
    """Processor time of Home Assistant, all threads, in percent of one core."""
    memory_mib: float
    """What it takes more than without a site."""
    restarted_memory_mib: float
    """The same after a restart, which finds all that chargers have told of themselves known."""
    entities_per_charger: float
    """How many Home Assistant keeps, disabled or not."""
    loop_delay_p99_ms: float
    """How late its event loop is, over all moments."""
    own_delay_p99_ms: float
    """The same, less what it waited for a processor that other programs had."""
    idle_delay_p99_ms: float
    """How late the loop of this program is meanwhile, which has next to nothing to do: what the
    machine makes of any loop."""
    cut_p99_ms: float
    """From the meter's state in Home Assistant to the limit at the charger, over all limits."""
    reconnect_all_s: float
    """From the drop of all sockets to the first answer to the last charger."""
    lost: int
    """How many chargers were not served again."""


class FleetFailed(Exception):
    """The chargers did not get what they were to get, so that nothing could be measured."""


class Chargers:
    """A process with chargers."""

    def __init__(self, process: Process) -> None:
        """Talk to a process that runs."""
        self._process = process
        self._lock = asyncio.Lock()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, plan: Plan) -> AsyncIterator[Chargers]:
        """Start it, and end it with the context."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.fleets.chargers"),
            *("--url", plan.url, "--interval-s", str(plan.interval_s)),
            *("--first", str(plan.first), "--count", str(plan.count), "--fleet", str(plan.fleet)),
            *("--maximum-a", str(plan.maximum_a), "--content-a", str(plan.content_a)),
            *(["--aligned"] if plan.aligned else []),
            stdin=PIPE,
            stdout=PIPE,
        )
        try:
            yield cls(process)
        finally:
            process.terminate()
            await process.wait()

    async def ask(self, word: str) -> Any:
        """Send a word and return what it is answered."""
        # Whoever stops waiting must not leave the answer to the next one who asks.
        return await asyncio.shield(self._ask(word))

    async def _ask(self, word: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._lock:
            self._process.stdin.write(f"{word}\n".encode())
            return json.loads(await self._process.stdout.readline())


class Bench:
    """The fleet, its home and its meters."""

    def __init__(self, home: FleetHome, watched: Chargers, others: Chargers, count: int) -> None:
        """Prepare."""
        self._home = home
        self._watched = watched
        self._others = others
        self._count = count
        self._house_a = HOUSE_A

    async def figures(self, *, rises: int, aligned: bool) -> Figures:
        """Let it all happen and return what came of it."""
        meters = asyncio.create_task(self._report_meters())
        try:
            await self._until("content")
            idle = IdleLoop()
            before = await self._home.read()
            cuts_ms = [cut_ms for _ in range(rises) for cut_ms in await self._rise()]
            after = await self._home.read()
            idle.stop()
            dropped = await self._all("drop")
        finally:
            meters.cancel()
        restarted = await self._restarted()
        return Figures(
            chargers=self._count,
            aligned=aligned,
            core_pct=round(100 * (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s), 1),
            memory_mib=round(after.memory_mib - self._home.empty_memory_mib, 1),
            restarted_memory_mib=round(restarted.memory_mib - self._home.empty_memory_mib, 1),
            entities_per_charger=round(self._home.entities_per_charger(), 1),
            loop_delay_p99_ms=round(after.loop_delay_p99_ms, 1),
            own_delay_p99_ms=round(after.own_delay_p99_ms, 1),
            idle_delay_p99_ms=round(1000 * percentile(idle.delays_s, 0.99), 1),
            cut_p99_ms=round(percentile(cuts_ms, 0.99), 1),
            reconnect_all_s=round(max(one["all_s"] for one in dropped), 1),
            lost=sum(one["lost"] for one in dropped),
        )

    async def _report_meters(self) -> None:
        while True:
            await self._report()
            await asyncio.sleep(REPORT_S)

    async def _report(self) -> None:
        watched_a, others_a = (told["current_a"] for told in await self._all("current"))
        await self._home.report_meters(
            grid_a=watched_a + others_a + self._house_a, watched_a=watched_a + self._house_a
        )

    async def _all(self, word: str) -> tuple[Any, Any]:
        """Ask the watched chargers, then the others."""
        return await asyncio.gather(self._watched.ask(word), self._others.ask(word))

    async def _until(self, word: str) -> None:
        """Wait until every charger is served, or has all it can use, and what led to it is over."""
        deadline = time.monotonic() + SETTLED_LIMIT_S
        lasted_s = 0
        while lasted_s < CALM_S:
            states = await self._all("state")
            lasted_s = lasted_s + 1 if sum(one[word] for one in states) == self._count else 0
            if time.monotonic() > deadline:
                raise FleetFailed(f"{states} of {self._count} chargers\n{await self._told()}")
            await asyncio.sleep(1)

    async def _told(self) -> str:
        """Return what Home Assistant shows and has printed, for whoever looks for a cause."""
        return f"{await self._home.watched_states()}\n{self._home.log()[-2000:]}"

    async def _restarted(self) -> Reading:
        """Restart Home Assistant, and return how it is once all chargers are back."""
        await self._home.restart()
        meters = asyncio.create_task(self._report_meters())
        try:
            await self._until("served")
            return await self._home.read()
        finally:
            meters.cancel()

    async def _rise(self) -> list[float]:
        """Let the house take more of each watched charger; return when each was cut."""
        await self._watched.ask("cuts")
        self._house_a += RISE_A * self._home.watched
        await self._report()
        written_at = await self._home.watched_meter_written_at()
        await asyncio.sleep(RISE_S / 2)
        cuts_at = (await self._watched.ask("cuts"))["cuts_at"]
        await asyncio.sleep(RISE_S / 2)
        if not all(cuts_at):
            raise FleetFailed(f"not every charger was cut: {cuts_at}\n{await self._told()}")
        return [1000 * (times[0] - written_at) for times in cuts_at]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


async def measure(*, chargers: int, aligned: bool, rises: int) -> Figures:
    """Return the figures of one run."""
    async with FleetHome.running(chargers) as home:
        others = Plan(
            url=f"ws://127.0.0.1:{home.ocpp_port}",
            first=home.watched + 1,
            count=chargers - home.watched,
            fleet=chargers,
            interval_s=INTERVAL_S,
            aligned=aligned,
            maximum_a=MAXIMUM_A,
            content_a=0.8 * MAXIMUM_A,
        )
        watched = replace(
            others,
            first=1,
            count=home.watched,
            maximum_a=WATCHED_SHARE_A,
            # So much that each rise cuts it.
            content_a=WATCHED_SHARE_A - 1.0,
        )
        async with Chargers.running(watched) as few, Chargers.running(others) as many:
            bench = Bench(home, few, many, chargers)
            return await bench.figures(rises=rises, aligned=aligned)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark fleet", description=__doc__)
    parser.add_argument("--chargers", type=int, default=1000, help="how many (1000)")
    parser.add_argument(
        "--aligned", action="store_true", help="all tell their values in the same second"
    )
    parser.add_argument(
        "--rises", type=int, default=10, help=f"rises of a house load, {RISE_S:g} s each (10)"
    )
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args(arguments)
    figures = asyncio.run(
        measure(chargers=options.chargers, aligned=options.aligned, rises=options.rises)
    )
    print(shown(figures, as_json=options.json))
    return 0


def shown(figures: Figures, *, as_json: bool) -> str:
    """Return the figures as text."""
    if as_json:
        return json.dumps(asdict(figures))
    return "\n".join(f"{name:<20} {value!s:>8}" for name, value in asdict(figures).items())


if __name__ == "__main__":
    sys.exit(main())
