"""How many MeterValues of ten values a second are served, beside the `ocpp` package's own way.

Both receive the same texts from a socket in memory, where the next one always waits as on a busy
server, parse them, check them against the official schema, hand them to a handler and answer.
balanz does so with the connection, the station and the messages that serve real chargers, and
reads the values; the package with its `ChargePoint` as it comes, and a handler that reads nothing.
The two take turns within one run, so that whatever else the machine does slows down both.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.enums import Action

from custom_components.balanz.csms.events import MeterValuesReceived, StationEvent
from custom_components.balanz.csms.message_rate import MessageRate
from custom_components.balanz.csms.rpc import RpcConnection
from custom_components.balanz.csms.station import Station
from custom_components.balanz.csms.tag_desk import TagDesk
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.csms.validation import load
from custom_components.balanz.storage.journal import Journal
from simulator.routes import on

from .ten_values import ten_values

TRANSACTION_ID = 4711


class NotServed(Exception):
    """A message was not answered, or its values were not read: the figures would mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What both have served, one after the other."""

    messages_per_s: float
    stock_messages_per_s: float

    @property
    def ratio(self) -> float:
        """How many times as many messages balanz serves."""
        return self.messages_per_s / self.stock_messages_per_s


class Charger:
    """The other end of a socket; what it sends has all arrived."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Have these calls to send."""
        self._unsent = iter(texts)
        self._expected = len(texts)
        self.served = asyncio.Event()
        """Whether all calls have been answered."""
        self.answers: list[str] = []

    async def recv(self) -> str:
        """Return the next call; wait for ever once there is none."""
        for text in self._unsent:
            return text
        nothing: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await nothing

    async def send(self, message: str) -> None:
        """Take in an answer."""
        self.answers.append(message)
        if len(self.answers) == self._expected:
            self.served.set()

    async def close(self, code: int, reason: str) -> None:
        """Do nothing: there is nothing to close."""

    def abort(self) -> None:
        """Do nothing: there is nothing to drop."""


class StockCentralSystem(ChargePoint):
    """The package's central system, with the least that a handler can do."""

    @on(Action.meter_values)
    def on_meter_values(self, **_values: Any) -> call_result.MeterValues:
        """Answer."""
        return call_result.MeterValues()


class Bench:
    """Both central systems, side by side."""

    def __init__(self, transactions: TransactionBook) -> None:
        """Prepare; the transactions are those of balanz."""
        self._ids = count(1)
        self._readings = 0
        self._station = Station(
            "CP-1",
            transactions=transactions,
            tag_desk=TagDesk(tags={}, transactions=transactions, listener=self._take),
            listener=self._take,
        )

    async def turn(self, messages: int, stock_messages: int) -> Turn:
        """Let each serve so many messages."""
        own_s = await self._serve(self._texts(messages))
        stock_s = await self._serve_with_stock(self._texts(stock_messages))
        return Turn(messages_per_s=messages / own_s, stock_messages_per_s=stock_messages / stock_s)

    def _texts(self, messages: int) -> list[str]:
        return [
            ten_values(
                f"{number:08}-4cde-4f0a-9b1e-2f6f0c1d7a55",
                current_a=10.0 + number % 60 / 10,
                energy_wh=1000.0 + number,
                transaction_id=TRANSACTION_ID,
            )
            for number in (next(self._ids) for _ in range(messages))
        ]

    async def _serve(self, texts: Sequence[str]) -> float:
        """Return how long balanz takes."""
        charger = Charger(texts)
        rpc = RpcConnection(charger, name="CP-1", rate=MessageRate(per_s=1e9))
        self._station.attach(rpc)
        # It was accepted before: there is nothing to ask it between its messages.
        self._station.ready = True
        readings = self._readings
        running = asyncio.create_task(rpc.run())
        begun_s = time.perf_counter()
        await charger.served.wait()
        taken_s = time.perf_counter() - begun_s
        rpc.stop(1000, "")
        await running
        if self._readings - readings != len(texts):
            raise NotServed(f"{self._readings - readings} of {len(texts)} messages were read")
        _expect_results(charger)
        return taken_s

    async def _serve_with_stock(self, texts: Sequence[str]) -> float:
        """Return how long the package takes."""
        charger = Charger(texts)
        running = asyncio.create_task(_serve_with_stock(charger))
        begun_s = time.perf_counter()
        await charger.served.wait()
        taken_s = time.perf_counter() - begun_s
        running.cancel()
        _expect_results(charger)
        return taken_s

    def _take(self, event: StationEvent) -> None:
        self._readings += isinstance(event, MeterValuesReceived)


async def _serve_with_stock(charger: Charger) -> None:
    untyped: Any = StockCentralSystem
    central_system = untyped("CP-1", charger)
    while True:
        await central_system.route_message(await charger.recv())


def _expect_results(charger: Charger) -> None:
    """Raise NotServed unless all answers are results."""
    if not all(json.loads(answer)[0] == 3 for answer in charger.answers):
        raise NotServed(f"a message was refused: {charger.answers[-1]}")


async def measure(*, turns: int, messages: int, stock_messages: int) -> list[Turn]:
    """Let both serve their messages in turn; the first turn, which only warms up, is left out."""
    await load()
    with tempfile.TemporaryDirectory(prefix="balanz-bench-") as folder:
        journal = Journal(Path(folder) / "journal.jsonl")
        await journal.open()
        bench = Bench(TransactionBook(journal))
        try:
            return [await bench.turn(messages, stock_messages) for _ in range(turns + 1)][1:]
        finally:
            await journal.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/benchmark ocpp_throughput", description=__doc__)
    parser.add_argument("--turns", type=int, default=20, help="how often they take turns (20)")
    parser.add_argument(
        "--messages", type=int, default=5000, help="what balanz serves in a turn (5000)"
    )
    parser.add_argument(
        "--stock-messages", type=int, default=150, help="what the package serves in a turn (150)"
    )
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    options = parser.parse_args(arguments)
    turns = asyncio.run(
        measure(
            turns=options.turns,
            messages=options.messages,
            stock_messages=options.stock_messages,
        )
    )
    figures = {
        "messages_per_s": round(median(turn.messages_per_s for turn in turns)),
        "stock_messages_per_s": round(median(turn.stock_messages_per_s for turn in turns)),
        "ratio": round(median(turn.ratio for turn in turns), 1),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:<21} {value:>8,}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
