"""Many chargers in one process: no more of each than its socket and what it says there.

A program of its own, so that what the chargers cost is not counted as Home Assistant's. It takes a
word per line from its standard input, and answers each with a line of JSON:

- `state`: how many chargers are served, and how many have what they need to be content;
- `current`: what the chargers draw on each line;
- `cuts`: when each charger was given less, s since the epoch, since the last such question;
- `drop`: drop all sockets at once, dial again, and tell after how long all were served.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from benchmarks.ten_values import ten_values

REDIAL_S = (0.2, 1.0)
"""How long a charger that was turned away waits before it dials again."""
LOST_AFTER_S = 60.0
"""A charger that is not served again by then is lost."""
CONFIGURATION = {
    "NumberOfConnectors": "1",
    "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger",
    "MeterValueSampleInterval": "10",
    "MeterValuesSampledData": (
        "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"
    ),
    "ChargeProfileMaxStackLevel": "10",
    "ChargingScheduleAllowedChargingRateUnit": "Current",
    "ChargingScheduleMaxPeriods": "10",
    "MaxChargingProfilesInstalled": "10",
}

type Payload = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the chargers are."""

    url: str
    first: int
    """The number of the first one."""
    count: int
    fleet: int
    """How many there are in all; these and those of other programs."""
    interval_s: float
    aligned: bool
    maximum_a: float
    content_a: float
    """A limit that is enough for them."""


class FleetCharger:
    """One charger with a car that takes all it may."""

    def __init__(self, plan: Plan, number: int) -> None:
        """Prepare; it dials in `run`."""
        self.identity = f"CP-{number}"
        self.limit_a = 0.0
        self.served = asyncio.Event()
        """Whether it has been answered since it dialled last."""
        self.cuts_at: list[float] = []
        self._plan = plan
        self._number = number
        self._energy_wh = 1000.0 * number
        self._less_a = 0.0
        self._last_id = 0
        self._has_started = False
        self._answers: dict[str, asyncio.Future[Payload]] = {}
        self._connection: ClientConnection | None = None

    @property
    def is_content(self) -> bool:
        """Whether its limit is enough for it."""
        return self.limit_a >= self._plan.content_a

    @property
    def current_a(self) -> float:
        """What the car draws on each line."""
        return min(self.limit_a, self._plan.maximum_a - self._less_a)

    def drop(self) -> None:
        """Lose the socket without a word."""
        self.served.clear()
        if self._connection is not None:
            self._connection.transport.abort()

    async def run(self) -> None:
        """Dial, and dial again, for ever."""
        while True:
            try:
                async with connect(
                    f"{self._plan.url}/{self.identity}",
                    subprotocols=[Subprotocol("ocpp1.6")],
                    compression=None,
                    ping_interval=None,
                    open_timeout=15,
                ) as connection:
                    self._connection = connection
                    await self._serve(connection)
            except ConnectionClosed, InvalidHandshake, OSError, EOFError, TimeoutError:
                pass
            self.served.clear()
            await asyncio.sleep(random.uniform(*REDIAL_S))

    async def _serve(self, connection: ClientConnection) -> None:
        speaking = asyncio.create_task(self._speak(connection))
        # Who is not answered dials again, rather than stay and say nothing more.
        speaking.add_done_callback(lambda _: connection.transport.abort())
        try:
            async for message in connection:
                await self._take(connection, json.loads(message))
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, connection: ClientConnection) -> None:
        if not self._has_started:
            await self._call(
                connection,
                "BootNotification",
                {"chargePointVendor": "Fleet", "chargePointModel": "One", "firmwareVersion": "1"},
            )
            await self._tell_status(connection)
            answer = await self._call(
                connection,
                "StartTransaction",
                {
                    "connectorId": 1,
                    "idTag": "TAG",
                    "meterStart": int(self._energy_wh),
                    "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                },
            )
            self._transaction_id = answer["transactionId"]
            self._has_started = True
        else:
            await self._call(connection, "Heartbeat", {})
            await self._tell_status(connection)
        self.served.set()
        interval_s = self._plan.interval_s
        phase_s = 0.0 if self._plan.aligned else interval_s * self._number / self._plan.fleet
        while True:
            await asyncio.sleep(interval_s - (time.time() - phase_s) % interval_s)
            await self._tell_values(connection)

    async def _tell_status(self, connection: ClientConnection) -> None:
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
        await self._call(connection, "StatusNotification", status)

    async def _tell_values(self, connection: ClientConnection) -> None:
        # No two readings are the same, so that each is worth a new state.
        self._less_a = random.uniform(0.0, 0.3)
        self._energy_wh += 3 * 230 * self.current_a * self._plan.interval_s / 3600
        message_id = self._next_id()
        text = ten_values(
            message_id,
            current_a=self.current_a,
            energy_wh=self._energy_wh,
            transaction_id=self._transaction_id,
        )
        await self._send(connection, message_id, text)

    async def _call(self, connection: ClientConnection, action: str, payload: Payload) -> Payload:
        message_id = self._next_id()
        return await self._send(
            connection, message_id, json.dumps([2, message_id, action, payload])
        )

    async def _send(self, connection: ClientConnection, message_id: str, text: str) -> Payload:
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._answers[message_id] = answer
        try:
            await connection.send(text)
            async with asyncio.timeout(30):
                return await answer
        finally:
            del self._answers[message_id]

    def _next_id(self) -> str:
        self._last_id += 1
        return f"{self._number}-{self._last_id}"

    async def _take(self, connection: ClientConnection, frame: list[Any]) -> None:
        if frame[0] == 2:
            answer = self._answer(frame[2], frame[3])
            await connection.send(json.dumps([3, frame[1], answer]))
            return
        waiting = self._answers.get(frame[1])
        if waiting is None or waiting.done():
            return
        if frame[0] == 3:
            waiting.set_result(frame[2])
        else:
            waiting.set_exception(OSError(f"refused: {frame}"))

    def _answer(self, action: str, payload: Payload) -> Payload:
        match action:
            case "SetChargingProfile":
                schedule = payload["csChargingProfiles"]["chargingSchedule"]
                limit_a = float(schedule["chargingSchedulePeriod"][0]["limit"])
                if limit_a < self.limit_a:
                    self.cuts_at.append(time.time())
                self.limit_a = limit_a
            case "GetConfiguration":
                keys = payload.get("key") or list(CONFIGURATION)
                return {
                    "configurationKey": [
                        {"key": key, "readonly": False, "value": CONFIGURATION[key]}
                        for key in keys
                        if key in CONFIGURATION
                    ]
                }
        return {"status": "Accepted"}


class Fleet:
    """All chargers, and what the program at the other end of the pipe asks of them."""

    def __init__(self, plan: Plan) -> None:
        """Have the chargers; they dial in `run`."""
        self._plan = plan
        numbers = range(plan.first, plan.first + plan.count)
        self._chargers = [FleetCharger(plan, number) for number in numbers]
        self._running: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Answer what the standard input asks until it ends."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        self.start()
        while word := (await reader.readline()).decode().strip():
            print(json.dumps(await self.answer(word)), flush=True)
        await self.stop()

    def start(self) -> None:
        """Let all dial in."""
        self._running = [asyncio.create_task(charger.run()) for charger in self._chargers]

    async def stop(self) -> None:
        """Let all hang up."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def answer(self, word: str) -> Payload:
        """Answer one of the words that the program takes."""
        match word:
            case "state":
                return {
                    "served": sum(charger.served.is_set() for charger in self._chargers),
                    "content": sum(charger.is_content for charger in self._chargers),
                }
            case "current":
                return {"current_a": sum(charger.current_a for charger in self._chargers)}
            case "cuts":
                taken = [charger.cuts_at for charger in self._chargers]
                for charger in self._chargers:
                    charger.cuts_at = []
                return {"cuts_at": taken}
            case "drop":
                return await self._drop()
        raise ValueError(word)

    async def _drop(self) -> Payload:
        for charger in self._chargers:
            charger.drop()
        begun_s = time.monotonic()
        waits = [asyncio.create_task(charger.served.wait()) for charger in self._chargers]
        done, lost = await asyncio.wait(waits, timeout=LOST_AFTER_S)
        taken_s = time.monotonic() - begun_s
        for wait in lost:
            wait.cancel()
        return {"all_s": taken_s, "served": len(done), "lost": len(lost)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the chargers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    for name in ("first", "count", "fleet"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("interval-s", "maximum-a", "content-a"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--aligned", action="store_true")
    options = parser.parse_args(arguments)
    asyncio.run(Fleet(Plan(**vars(options))).run())


if __name__ == "__main__":
    main()
