"""How fast a rise of the house's load becomes cuts on the wire, in a real Home Assistant.

From the moment at which Home Assistant wrote the meter's new state to the last SetChargingProfile
that a charger received because of it. The chargers dial in over real sockets on this machine.
"""

import argparse
import asyncio
import contextlib
import json
import math
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from simulator import grid_meter
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.frames import Direction
from simulator.home_assistant import HassProcess, free_port
from simulator.house import House, Wire, constant
from simulator.options import ChargerOptions
from simulator.site_setup import SiteSetup, charger_form

RATING_A = 80.0
HOUSE_A = 10.0
MARGIN_A = 1.0
SHARE_A = 60.0
"""What each charger has at first; every rise takes one ampere of it."""
SETTLED_S = 7.0
"""Between two rises: the cars have followed, so that the next one cannot be theirs."""
QUIET_S = 1.0
"""Once no charger has received anything for this long, that was all."""


class Bench:
    """Chargers in their steady state, and a house whose load rises."""

    def __init__(self, hass: HassProcess, count: int) -> None:
        """Prepare; nothing dials in yet."""
        self._hass = hass
        self._port = free_port()
        self._chargers = [self._charger(number) for number in range(1, count + 1)]
        self._house_a = HOUSE_A
        self._wires = [Wire(charger=charger) for charger in self._chargers]
        self._events: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    @property
    def rises(self) -> int:
        """How many rises there are before the chargers are at their minimum."""
        return int(SHARE_A - 6)

    def _charger(self, number: int) -> SimulatedCharger:
        return SimulatedCharger(
            f"CP-{number}",
            f"ws://127.0.0.1:{self._port}",
            rating_a=RATING_A,
            phases=3,
            car=Car(maximum_a=RATING_A, needed_wh=500_000, start_lag_s=1, reaction_lag_s=1),
            options=ChargerOptions(serial=f"BENCH-{number}"),
        )

    async def report(self) -> None:
        """Let the meter report what flows now."""
        house = House(base=(constant(self._house_a),) * 3, wires=self._wires)
        await grid_meter.report(self._hass.client, house.grid_currents_a(0))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Set balanz up and let the chargers reach their share."""
        count = len(self._chargers)
        await self.report()
        site = await SiteSetup.add(
            self._hass.client,
            name="Bench",
            port=self._port,
            main_fuse_a=HOUSE_A + MARGIN_A + count * SHARE_A,
        )
        for charger in self._chargers:
            await charger.start()
            form = charger_form(
                name=charger.identity,
                group_id="root",
                rating_a=RATING_A,
                phases=3,
                phase_map="l1_l2_l3",
            )
            await site.confirm(charger.identity, form)
        meter = asyncio.create_task(self._meter())
        try:
            await self._until_steady()
            yield
        finally:
            meter.cancel()
            await asyncio.gather(*(charger.stop() for charger in self._chargers))

    async def _meter(self) -> None:
        while True:
            await self.report()
            await asyncio.sleep(1)

    async def _until_steady(self) -> None:
        async with asyncio.timeout(120):
            while any(charger.currents_a[0] != SHARE_A for charger in self._chargers):
                await asyncio.sleep(0.2)
        # The base load is told apart only once the chargers have metered their share.
        await asyncio.sleep(15)

    async def reaction_ms(self) -> float:
        """Let the house take one ampere more of each charger; return how long it took."""
        await asyncio.sleep(SETTLED_S)
        before = [len(self._limits(charger)) for charger in self._chargers]
        self._house_a += len(self._chargers)
        async with self._hass.client.subscribe(
            "subscribe_events", event_type="state_changed"
        ) as events:
            await self.report()
            written_at = await self._written_at(events)
        await asyncio.sleep(QUIET_S)
        after = [self._limits(charger) for charger in self._chargers]
        received = [times[count:] for times, count in zip(after, before, strict=True)]
        if not all(received):
            raise RuntimeError(f"not every charger was cut: {[len(times) for times in received]}")
        return 1000 * (max(times[-1] for times in received) - written_at)

    async def _written_at(self, events: asyncio.Queue[dict[str, dict[str, object]]]) -> float:
        """Return when the state of L1 with the new load was written, s since the epoch."""
        async with asyncio.timeout(10):
            while True:
                data = (await events.get())["data"]
                state = data["new_state"]
                if data["entity_id"] == grid_meter.CURRENT_SENSORS[0] and isinstance(state, dict):
                    return datetime.fromisoformat(state["last_updated"]).timestamp()

    def _limits(self, charger: SimulatedCharger) -> list[float]:
        """When the charger received its limits, s since the epoch."""
        epoch = time.time() - time.monotonic()
        return [
            epoch + frame.at_s
            for frame in charger.frames
            if frame.direction is Direction.RECEIVED and "SetChargingProfile" in frame.text
        ]


async def measure(chargers: int, samples: int) -> list[float]:
    """Return reaction times in ms."""
    with tempfile.TemporaryDirectory(prefix="balanz-bench-") as config:
        async with HassProcess(
            Path(config), free_port(), extra_configuration=grid_meter.CONFIGURATION
        ) as hass:
            bench = Bench(hass, chargers)
            if samples > bench.rises:
                raise SystemExit(f"reaction: at most {bench.rises} samples")
            async with bench.running():
                return [await bench.reaction_ms() for _ in range(samples)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark reaction", description=__doc__)
    parser.add_argument("--chargers", type=int, default=4)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args()
    times_ms = asyncio.run(measure(options.chargers, options.samples))
    figures = {
        "chargers": options.chargers,
        "samples": len(times_ms),
        "p50_ms": round(median(times_ms), 1),
        "p99_ms": round(percentile(times_ms, 0.99), 1),
        "max_ms": round(max(times_ms), 1),
    }
    if options.json:
        print(json.dumps(figures))
        return
    print("From the meter's state in Home Assistant to the last cut on the wire")
    for name, value in figures.items():
        print(f"  {name:<9}{value:>8}")


if __name__ == "__main__":
    main()
