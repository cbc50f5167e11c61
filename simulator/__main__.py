"""Simulated chargers from the command line: python -m simulator --chargers 4 --url ws://..."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from .charger import SimulatedCharger
from .clock import Clock
from .fleet import make_fleet


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="Real OCPP 1.6-J chargers with simulated cars, which dial in to a server.",
    )
    parser.add_argument("--url", default="ws://127.0.0.1:9300", help="where to dial in")
    parser.add_argument("--chargers", type=_count, default=4, help="how many (default 4)")
    parser.add_argument("--prefix", default="CP", help="identities are PREFIX-1, PREFIX-2, ...")
    parser.add_argument(
        "--time-factor", type=_factor, default=1.0, help="simulated seconds in a real one"
    )
    parser.add_argument(
        "--every", type=_factor, default=5.0, help="real seconds between status lines"
    )
    return parser.parse_args(arguments)


def status_line(charger: SimulatedCharger) -> str:
    """Tell in one line how a charger is."""
    if not charger.connected:
        link = f"offline ({charger.last_error})" if charger.last_error else "offline"
    else:
        link = "accepted" if charger.accepted else "pending"
    limit = "no limit" if charger.limit_a is None else f"limit {charger.limit_a:.1f} A"
    currents = "/".join(f"{current_a:.1f}" for current_a in charger.currents_a[: charger.phases])
    return (
        f"{charger.identity:<10} {link:<9} {charger.status:<13} {limit:<12} "
        f"draws {currents} A, {charger.energy_wh / 1000:.2f} kWh"
    )


async def simulate(
    chargers: Sequence[SimulatedCharger], *, every_s: float, stopped: asyncio.Event
) -> None:
    """Run chargers and print their status until stopped."""
    try:
        for charger in chargers:
            await charger.start()
        while not stopped.is_set():
            try:
                async with asyncio.timeout(every_s):
                    await stopped.wait()
            except TimeoutError:
                print("\n".join(status_line(charger) for charger in chargers), flush=True)
    finally:
        for charger in chargers:
            await charger.stop()


async def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says until Ctrl-C, and return the exit code."""
    options = parse_arguments(arguments)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    chargers = make_fleet(
        options.url,
        options.chargers,
        prefix=options.prefix,
        clock=Clock(options.time_factor),
    )
    await simulate(chargers, every_s=options.every, stopped=stopped)
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _factor(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be above 0")
    return number


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
