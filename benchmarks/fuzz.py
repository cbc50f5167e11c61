"""Bad frames and bad handshakes by chance, against a real central system on real sockets.

The seed decides what each visitor sends. The central system runs in a thread of its own; how long
its event loop was held is told in processor time, so that other programs do not count. What a
virtual machine's host does behind its back does count: so each long stall is looked into in the
end, by having those come again who were there.
"""

import argparse
import asyncio
import gc
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from .fuzzing.central_thread import CentralThread
from .fuzzing.stalls import NOTED_FROM_MS, Stall, StallWatch
from .fuzzing.visit import Visit
from .fuzzing.visitors import Visitors

CHARGERS = 400
"""Enough of them that nobody has to wait for having connected too often."""
TALKING, SHAKING = 3, 2
"""How many visitors do either at a time."""
LONGEST_STALL_MS = 10.0
"""What no input may hold the event loop for."""
TIMES_AGAIN = 5
"""How often a stall has to come about again to be one of balanz."""
SEEN_OUT_S = 0.05
"""How long it may take until the central system has noticed that all have left."""
WARM_UP = 0.2
"""The part of the time after which memory should not grow any more."""
GOOD = "GOOD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run."""

    minutes: float
    seed: int
    frames: int
    handshakes: int
    longest_stall_ms: float
    longest_own_stall_ms: float
    """Less the rounds of the garbage collector, which looks at what the fuzzer has made as well."""
    longest_repeated_stall_ms: float
    """The longest own one that the same visits brought about each time they came again. One below
    `NOTED_FROM_MS` is not looked into, and counts as it is."""
    memory_growth_mib: float
    state_changes_from_refused: int
    unserved: int
    """Good calls that were not answered in time."""
    errors_logged: int

    @property
    def is_good(self) -> bool:
        """Whether nothing was broken, and nothing held up everybody else."""
        broken = self.state_changes_from_refused or self.unserved or self.errors_logged
        return not broken and self.longest_repeated_stall_ms <= LONGEST_STALL_MS


class _Errors(logging.Handler):
    """Counts what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        if self.count <= 5:
            print(self.format(record), file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fuzzer; return 1 if what was sent has broken anything, or held the event loop."""
    options = _parser().parse_args(arguments)
    outcome = fuzz(minutes=options.minutes, seed=options.seed)
    figures = asdict(outcome)
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<28} {value:g}" for name, value in figures.items()))
    return 0 if outcome.is_good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="script/benchmark fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", type=int, default=1, help="decides what is sent (1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def fuzz(*, minutes: float, seed: int) -> Outcome:
    """Send bad input for so long; return what came of it."""
    identities = [f"CP-{number}" for number in range(CHARGERS)]
    errors = _Errors()
    logger = logging.getLogger()
    logger.addHandler(errors)
    # Each refusal would be a line; what matters is what is logged as an error.
    package = logging.getLogger("custom_components.balanz")
    level = package.level
    package.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory(prefix="balanz-fuzz-") as folder:
            central = CentralThread(Path(folder), [*identities, GOOD])
            with central.running():
                visitors = Visitors(central, identities, seed)
                # What is here to stay is kept from the garbage collector, as balanz does it at a
                # site of that size; most of it are the fuzzer and what it was read from.
                gc.collect()
                gc.freeze()
                growth_mib = asyncio.run(_visit(visitors, minutes * 60.0))
                repeated_ms = asyncio.run(_longest_repeated_ms(visitors, central.stalls))
    finally:
        gc.unfreeze()
        logger.removeHandler(errors)
        package.setLevel(level)
    return Outcome(
        minutes=minutes,
        seed=seed,
        frames=visitors.frames,
        handshakes=visitors.handshakes,
        longest_stall_ms=round(central.stalls.longest_ms, 2),
        longest_own_stall_ms=round(central.stalls.longest_own_ms, 2),
        longest_repeated_stall_ms=round(repeated_ms, 2),
        memory_growth_mib=round(growth_mib, 2),
        state_changes_from_refused=visitors.state_changes_from_refused,
        unserved=visitors.unserved,
        errors_logged=errors.count,
    )


async def _visit(visitors: Visitors, seconds: float) -> float:
    """Let visitors come until the time is over; return how much the memory grew, MiB."""
    ends_at = time.monotonic() + seconds
    numbers = count()

    async def come(*, talks: bool) -> None:
        while time.monotonic() < ends_at:
            await visitors.come(Visit(number=next(numbers), talks=talks))

    async def measure() -> float:
        await asyncio.sleep(seconds * WARM_UP)
        settled_mib = _memory_mib()
        # Likewise what has come since and will stay.
        gc.freeze()
        return settled_mib

    good = asyncio.create_task(visitors.behave(GOOD))
    async with asyncio.TaskGroup() as group:
        warm = group.create_task(measure())
        for _ in range(TALKING):
            group.create_task(come(talks=True))
        for _ in range(SHAKING):
            group.create_task(come(talks=False))
    good.cancel()
    with suppress(asyncio.CancelledError):
        await good
    return _memory_mib() - warm.result()


async def _longest_repeated_ms(visitors: Visitors, stalls: StallWatch) -> float:
    """Have those come again who were there at a stall; return the longest that came again, ms."""
    noted = sorted(stalls.noted, key=lambda stall: stall.own_ms, reverse=True)
    longest_ms = min(NOTED_FROM_MS, stalls.longest_own_ms)
    for stall in noted:
        if stall.own_ms <= longest_ms:
            break
        again_ms = await _again_ms(visitors, stalls, stall)
        if again_ms > longest_ms:
            longest_ms = again_ms
            print(f"{again_ms:.1f} ms each time: {stall.callback}, {stall.visits}", file=sys.stderr)
    return longest_ms


async def _again_ms(visitors: Visitors, stalls: StallWatch, stall: Stall) -> float:
    """Return how long a stall is at least, each time that its visits come, ms."""
    least_ms = stall.own_ms
    for _ in range(TIMES_AGAIN):
        stalls.lap()
        async with asyncio.TaskGroup() as group:
            for visit in stall.visits:
                group.create_task(visitors.come(visit))
        await asyncio.sleep(SEEN_OUT_S)
        least_ms = min(least_ms, stalls.lap())
        if least_ms < NOTED_FROM_MS:
            break
    return least_ms


def _memory_mib() -> float:
    """Return what the process has in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    sys.exit(main())
