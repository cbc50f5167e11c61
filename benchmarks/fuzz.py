"""Bad frames and bad handshakes by chance, against a real central system on real sockets.

The seed decides what is sent. The central system runs in a thread of its own; how long its event
loop was held is told in processor time, so that other programs do not count.
"""

import argparse
import asyncio
import gc
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from .fuzzing.central_thread import CentralThread
from .fuzzing.visitors import Visitors

CHARGERS = 400
"""Enough of them that nobody has to wait for having connected too often."""
TALKING, SHAKING = 3, 2
"""How many visitors do either at a time."""
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
    memory_growth_mib: float
    state_changes_from_refused: int
    unserved: int
    """Good calls that were not answered in time."""
    errors_logged: int

    @property
    def is_good(self) -> bool:
        """Whether nothing was broken."""
        return not (self.state_changes_from_refused or self.unserved or self.errors_logged)


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
    """Run the fuzzer; return 1 if anything was broken."""
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
                visitors = Visitors(central, identities, Random(seed))
                # What is here to stay is kept from the garbage collector, as balanz does it at a
                # site of that size; most of it are the fuzzer and what it was read from.
                gc.collect()
                gc.freeze()
                growth_mib = asyncio.run(_visit(visitors, identities, minutes * 60.0))
    finally:
        gc.unfreeze()
        logger.removeHandler(errors)
        package.setLevel(level)
    return Outcome(
        minutes=minutes,
        seed=seed,
        frames=visitors.frames,
        handshakes=visitors.handshakes,
        longest_stall_ms=round(central.longest_stall_ms, 2),
        longest_own_stall_ms=round(central.longest_own_stall_ms, 2),
        memory_growth_mib=round(growth_mib, 2),
        state_changes_from_refused=visitors.state_changes_from_refused,
        unserved=visitors.unserved,
        errors_logged=errors.count,
    )


async def _visit(visitors: Visitors, identities: list[str], seconds: float) -> float:
    """Let visitors come until the time is over; return how much the memory grew, MiB."""
    ends_at = time.monotonic() + seconds
    turns = iter(range(sys.maxsize))

    async def again(visit: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while time.monotonic() < ends_at:
            # A socket that is refused before it is read, is.
            with suppress(OSError):
                await visit()

    async def talk() -> None:
        await visitors.talk(identities[next(turns) % len(identities)])

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
            group.create_task(again(talk))
        for _ in range(SHAKING):
            group.create_task(again(visitors.shake_hands))
    good.cancel()
    with suppress(asyncio.CancelledError):
        await good
    return _memory_mib() - warm.result()


def _memory_mib() -> float:
    """Return what the process has in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    sys.exit(main())
