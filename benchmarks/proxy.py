"""How much later a back office hears of a charger that balanz stands in front of.

Chargers send meter values at a steady rate, each in turn to balanz, which passes them on, and
straight to the same back office. From the sending to the arrival, in ms; what is printed is how
much longer it takes through balanz: a whole site, with everything else in the same event loop, over
real sockets.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.csms.local_controller.upstream_settings import UpstreamSettings
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings

from .ten_values import ten_values

OCPP = Subprotocol("ocpp1.6")
BOOT = {"chargePointVendor": "Bench", "chargePointModel": "One"}
RATING_A = 16.0
EVERY_S = 1.0
"""How often each charger sends."""
SETTLED_S = 5.0
"""So long after the start the interviews of the chargers are over."""
_ANSWERS = {
    "BootNotification": '{"status":"Accepted","currentTime":"%s","interval":300}',
    "Heartbeat": '{"currentTime":"%s"}',
}


def settings(url: str, chargers: int) -> SiteSettings:
    """A site on a free port, with chargers that are called CP-0, CP-1 and so on."""
    root = Group(id="root", name="Bench", parent_id=None, rating_a=RATING_A * chargers)
    return SiteSettings(
        host="127.0.0.1",
        port=0,
        groups=(root,),
        chargers=tuple(
            ChargerSettings(
                identity=f"CP-{number}",
                name=f"Charger {number}",
                group_id="root",
                rating_a=RATING_A,
                phases=3,
                phase_map=PhaseMap.L1_L2_L3,
                maximum_a=RATING_A,
                upstream=UpstreamSettings(url=url),
            )
            for number in range(chargers)
        ),
    )


class Office:
    """A back office that answers everything at once, and notes when it came."""

    def __init__(self) -> None:
        """Serve nobody yet."""
        self.arrived_s: dict[str, float] = {}
        """By the register's value, which is different in each message."""

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one connection."""
        async for text in socket:
            at_s = time.perf_counter()
            frame = json.loads(text)
            if frame[0] != 2:
                continue
            if frame[2] == "MeterValues":
                self.arrived_s[mark_of(frame[3])] = at_s
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            answer = _ANSWERS.get(frame[2], "{}")
            payload = answer % now if "%s" in answer else answer
            await socket.send(f'[3,"{frame[1]}",{payload}]')


def mark_of(payload: dict[str, object]) -> str:
    """Return what tells one message from all others."""
    return json.dumps(payload, sort_keys=True)


class Charger:
    """One charger, on one connection."""

    def __init__(self, socket: ClientConnection, number: int) -> None:
        """Speak over a socket."""
        self._socket = socket
        self._number = number
        self._answered = asyncio.Event()
        self._sent = 0
        self.reader = asyncio.create_task(self._read())

    async def boot(self) -> None:
        """Be accepted."""
        await self._say(json.dumps([2, "boot", "BootNotification", BOOT]))

    async def measure(self) -> tuple[str, float]:
        """Send values; return what tells them from others, and when they were sent."""
        self._sent += 1
        text = ten_values(
            str(self._sent), current_a=10.0, energy_wh=1e6 * self._number + self._sent
        )
        mark, at_s = mark_of(json.loads(text)[3]), time.perf_counter()
        await self._say(text)
        return mark, at_s

    async def _say(self, text: str) -> None:
        self._answered.clear()
        await self._socket.send(text)
        async with asyncio.timeout(30):
            await self._answered.wait()

    async def _read(self) -> None:
        async for text in self._socket:
            frame = json.loads(text)
            if frame[0] == 3:
                self._answered.set()
            elif frame[2] in ("SetChargingProfile", "ChangeConfiguration"):
                await self._socket.send(f'[3,"{frame[1]}",{{"status":"Accepted"}}]')
            else:
                await self._socket.send(f'[4,"{frame[1]}","NotSupported","",{{}}]')


async def measure(*, chargers: int, seconds: float) -> tuple[list[float], list[float]]:
    """Return the delays through balanz and without it, in ms."""
    office = Office()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            serve(office.serve, "127.0.0.1", 0, subprotocols=[OCPP], compression=None)
        )
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ocpp"
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="balanz-bench-"))
        site = BalanzSite(settings=settings(url, chargers), storage_path=Path(folder))
        await site.start()
        stack.push_async_callback(site.stop)
        there = f"ws://127.0.0.1:{site.port}/ocpp"
        through = [await _dial(stack, there, number) for number in range(chargers)]
        straight = [await _dial(stack, url, chargers + number) for number in range(chargers)]
        await asyncio.sleep(SETTLED_S)
        delays = await asyncio.gather(
            *(_delays(office, fleet, seconds) for fleet in (through, straight))
        )
    return delays[0], delays[1]


async def _dial(stack: AsyncExitStack, url: str, number: int) -> Charger:
    socket = await stack.enter_async_context(
        connect(f"{url}/CP-{number}", subprotocols=[OCPP], compression=None)
    )
    charger = Charger(socket, number)
    stack.callback(charger.reader.cancel)
    await charger.boot()
    return charger


async def _delays(office: Office, fleet: Sequence[Charger], seconds: float) -> list[float]:
    """Let each charger send again and again, spread evenly; return the delays in ms."""
    sent: list[tuple[str, float]] = []

    async def send(place: int, charger: Charger) -> None:
        await asyncio.sleep(EVERY_S * place / len(fleet))
        end_s = time.perf_counter() + seconds
        while (begun_s := time.perf_counter()) < end_s:
            sent.append(await charger.measure())
            await asyncio.sleep(max(EVERY_S - (time.perf_counter() - begun_s), 0))

    await asyncio.gather(*(send(place, charger) for place, charger in enumerate(fleet)))
    return [1000 * (office.arrived_s[mark] - at_s) for mark, at_s in sent]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of all are not above."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]


def figures_of(through: Sequence[float], straight: Sequence[float]) -> dict[str, float]:
    """Return how much longer it takes through balanz, in ms."""
    without_ms = median(straight)
    return {
        "median_ms": round(median(through) - without_ms, 2),
        "p99_ms": round(percentile(through, 99) - without_ms, 2),
        "straight_median_ms": round(without_ms, 2),
        "messages": len(through),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark proxy", description=__doc__)
    parser.add_argument("--chargers", type=int, default=100, help="how many there are (100)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long they send (30)")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args(arguments)
    figures = figures_of(*asyncio.run(measure(chargers=options.chargers, seconds=options.seconds)))
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<19} {value:>8,}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
