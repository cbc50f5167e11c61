"""What chargers notice of an attack: the delay of cuts, lost links, and the memory that it costs.

A real site on real sockets, with chargers that charge. Its capacity is lowered step by step, and
timed until every charger has its cut on the wire; first in peace, then while another process holds
half-open handshakes and sends wrong passwords.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import math
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import count
from pathlib import Path

from custom_components.balanz.balancing.group import Group
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.csms.credentials import new_password
from custom_components.balanz.csms.security_profile import SecurityProfile
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import ChargerSettings, SiteSettings
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.frames import Direction
from simulator.options import ChargerOptions

RATING_A = 63.0
CHARGERS = 4
TARGET = "GUESSED"
"""The charger whose password is guessed."""
TARGET_RATING_A = 6.0
STEP_S = 0.3
DEADLINE_S = 5.0


class Bench:
    """A site with chargers at their rating, and its capacity."""

    def __init__(self, folder: Path) -> None:
        """Prepare; nothing runs yet."""
        # What is guessed at is never there, and so booked at its rating.
        self._capacity_a = CHARGERS * RATING_A + TARGET_RATING_A
        chargers = (
            *(_charger(f"CP-{n}", RATING_A, SecurityProfile.OPEN) for n in range(CHARGERS)),
            _charger(TARGET, TARGET_RATING_A, SecurityProfile.PASSWORD),
        )
        root = Group(id="root", name="Bench", parent_id=None, rating_a=self._capacity_a)
        settings = SiteSettings(host="127.0.0.1", port=0, groups=(root,), chargers=chargers)
        self.site = BalanzSite(settings=settings, storage_path=folder)
        self._chargers: list[SimulatedCharger] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have all chargers charge."""
        await self.site.start()
        try:
            await self.site.door.set_password(TARGET, new_password())
            for number in range(CHARGERS):
                charger = SimulatedCharger(
                    f"CP-{number}",
                    f"ws://127.0.0.1:{self.site.port}",
                    rating_a=RATING_A,
                    phases=3,
                    car=Car(maximum_a=RATING_A, needed_wh=500_000, start_lag_s=0, reaction_lag_s=0),
                    options=ChargerOptions(serial=f"BENCH-{number}"),
                )
                self._chargers.append(charger)
                await charger.start()
            async with asyncio.timeout(60):
                while any(charger.currents_a[0] < RATING_A - 1 for charger in self._chargers):
                    await asyncio.sleep(0.2)
            yield
        finally:
            await asyncio.gather(*(charger.stop() for charger in self._chargers))
            await self.site.stop()

    @property
    def links(self) -> int:
        """How often a charger has booted."""
        return sum(
            frame.direction is Direction.SENT and "BootNotification" in frame.text
            for charger in self._chargers
            for frame in charger.frames
        )

    async def cut_ms(self) -> float:
        """Take an ampere from every charger; return how long it took, in ms."""
        await asyncio.sleep(STEP_S)
        loop = asyncio.get_running_loop()
        self._capacity_a -= CHARGERS
        before = [len(_limits(charger)) for charger in self._chargers]
        began = loop.time()
        await self.site.set_capacity("root", self._capacity_a)
        async with asyncio.timeout(DEADLINE_S):
            while any(
                len(_limits(charger)) == count
                for charger, count in zip(self._chargers, before, strict=True)
            ):
                await asyncio.sleep(0.001)
        return 1000 * (
            max(
                _limits(charger)[count]
                for charger, count in zip(self._chargers, before, strict=True)
            )
            - began
        )


def _charger(identity: str, rating_a: float, security: SecurityProfile) -> ChargerSettings:
    return ChargerSettings(
        identity=identity,
        name=identity,
        group_id="root",
        rating_a=rating_a,
        phases=3,
        phase_map=PhaseMap.L1_L2_L3,
        maximum_a=rating_a,
        security=security,
    )


def _limits(charger: SimulatedCharger) -> list[float]:
    """When the charger received its limits, by the loop's clock."""
    return [
        frame.at_s
        for frame in charger.frames
        if frame.direction is Direction.RECEIVED and "SetChargingProfile" in frame.text
    ]


async def attack(port: int, half_open: int, guesses_per_s: int) -> dict[str, int]:
    """Hold half-open handshakes and guess passwords until the input ends; return the answers."""
    answers: Counter[str] = Counter()

    async def guess() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in count():
                tasks.create_task(_guess(port, number, answers))
                await asyncio.sleep(1 / guesses_per_s)

    attackers = [asyncio.create_task(_hold(port)) for _ in range(half_open)]
    attackers.append(asyncio.create_task(guess()))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for attacker in attackers:
        attacker.cancel()
    await asyncio.wait(attackers)
    return answers


async def _hold(port: int) -> None:
    """Open a socket, say half of something, and begin anew once it is closed."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /CP-1 HTTP/1.1\r\nHost: x\r\n")
            await reader.read()
            writer.close()
        await asyncio.sleep(0.05)


async def _guess(port: int, number: int, answers: Counter[str]) -> None:
    """Try a password; what is closed without an answer was turned away at the gate."""
    password = base64.b64encode(f"{TARGET}:{number:020d}".encode()).decode()
    answer = b""
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            (
                f"GET /{TARGET} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                f"Authorization: Basic {password}\r\n\r\n"
            ).encode()
        )
        answer = await reader.read()
        writer.close()
    answers["answered" if answer.startswith(b"HTTP/1.1 4") else "turned_away"] += 1


async def measure(samples: int, half_open: int, guesses_per_s: int) -> dict[str, float]:
    """Return the figures."""
    with tempfile.TemporaryDirectory(prefix="balanz-bench-") as folder:
        bench = Bench(Path(folder) / "site")
        async with bench.running():
            calm_ms = [await bench.cut_ms() for _ in range(samples)]
            links, memory_mib = bench.links, _memory_mib()
            attacker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.hostile", "--attack", str(bench.site.port),
                "--half-open", str(half_open), "--guesses", str(guesses_per_s),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            await asyncio.sleep(2)
            hostile_ms = [await bench.cut_ms() for _ in range(samples)]
            told, _ = await attacker.communicate(b"")
            answers = json.loads(told)
            return {
                "samples": samples,
                "calm_latency_p99_ms": round(percentile(calm_ms, 0.99), 1),
                "cut_latency_p99_ms": round(percentile(hostile_ms, 0.99), 1),
                "memory_growth_mib": round(_memory_mib() - memory_mib, 1),
                "lost": bench.links - links,
                "guesses_answered": answers.get("answered", 0),
                "guesses_turned_away": answers.get("turned_away", 0),
            }


def _memory_mib() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark hostile", description=__doc__)
    parser.add_argument("--samples", type=int, default=25, help="cuts in peace, and as many then")
    parser.add_argument("--half-open", type=int, default=32)
    parser.add_argument("--guesses", type=int, default=100, help="wrong passwords a second")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--attack", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack is not None:
        print(json.dumps(asyncio.run(attack(options.attack, options.half_open, options.guesses))))
        return
    if options.samples > (RATING_A - 6) / 2:
        raise SystemExit(f"hostile: at most {int((RATING_A - 6) / 2)} samples")
    figures = asyncio.run(measure(options.samples, options.half_open, options.guesses))
    if options.json:
        print(json.dumps(figures))
        return
    print("From a lowered capacity to the last cut on the wire, in peace and under attack")
    for name, value in figures.items():
        print(f"  {name:<20}{value:>8}")


if __name__ == "__main__":
    main()
