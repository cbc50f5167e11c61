"""A central system that is killed in the middle of a hundred sessions loses and doubles none."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import batched
from pathlib import Path
from typing import Any

from custom_components.balanz.csms.events import TransactionStarted, TransactionStopped
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .client import RawCharger, wait_until
from .conftest import Bench

SESSIONS = 100
NAMES = [f"CP{number}" for number in range(SESSIONS)]


def start_of(name: str) -> dict[str, Any]:
    return {
        "connectorId": 1,
        "idTag": name,
        "meterStart": 5,
        "timestamp": "2026-03-01T12:00:00Z",
    }


async def serve(folder: Path) -> tuple[Bench, Journal]:
    journal = Journal(folder / "journal.jsonl")
    book = TransactionBook(journal)
    book.restore(await journal.open())
    central = Bench(book, call_timeout_s=0.3)
    central.set_known(NAMES)
    await central.start()
    return central, journal


async def dial_all(central: Bench) -> dict[str, RawCharger]:
    chargers: dict[str, RawCharger] = {}
    for name in NAMES:
        chargers[name] = await RawCharger.dial(central.port, name)
    return chargers


async def end(central: Bench, journal: Journal, chargers: dict[str, RawCharger]) -> None:
    await asyncio.gather(*(charger.close() for charger in chargers.values()))
    await central.stop()
    await journal.close()


async def for_each(
    chargers: dict[str, RawCharger], talk: Callable[[str, RawCharger], Awaitable[None]]
) -> None:
    """Have the chargers talk, ten at once."""
    for batch in batched(chargers.items(), 10, strict=False):
        await asyncio.gather(*(talk(name, charger) for name, charger in batch))


async def test_of_a_hundred_sessions_none_is_lost_and_none_doubled(
    socket_enabled: None, tmp_path: Path
) -> None:
    central, journal = await serve(tmp_path / "before")
    chargers = await dial_all(central)
    for name, charger in chargers.items():
        await charger.send(json.dumps([2, "start", "StartTransaction", start_of(name)]))
    await wait_until(lambda: sum("start" in it.results for it in chargers.values()) >= 30)
    answered = {
        name: charger.results["start"][2]["transactionId"]
        for name, charger in chargers.items()
        if "start" in charger.results
    }
    shutil.copytree(tmp_path / "before", tmp_path / "after the kill")
    await end(central, journal, chargers)

    again, journal = await serve(tmp_path / "after the kill")
    chargers = await dial_all(again)
    running = dict(answered)

    async def go_on(name: str, charger: RawCharger) -> None:
        if name in answered:
            values = [{"sampledValue": [{"value": "50"}]}]
            payload = {"connectorId": 1, "transactionId": answered[name], "meterValue": values}
            await charger.call("MeterValues", payload)
        else:
            # Whoever got no answer says it again, under another message id.
            answer = await charger.call("StartTransaction", start_of(name))
            running[name] = answer["transactionId"]

    async def finish(name: str, charger: RawCharger) -> None:
        stop = {
            "transactionId": running[name],
            "meterStop": 500,
            "timestamp": "2026-03-01T13:00:00Z",
        }
        assert await charger.call("StopTransaction", stop) == {}
        assert await charger.call("StopTransaction", stop) == {}

    await for_each(chargers, go_on)
    assert len(answered) >= 30
    opened = {it.identity: it.id for it in again.transactions.open_transactions.values()}
    assert opened == running
    assert len(set(running.values())) == SESSIONS
    await for_each(chargers, finish)
    assert Counter(it.transaction_id for it in again.seen(TransactionStopped)) == dict.fromkeys(
        running.values(), 1
    )
    assert len({it.transaction_id for it in again.seen(TransactionStarted)}) == len(
        again.seen(TransactionStarted)
    )
    await end(again, journal, chargers)
    records = [
        json.loads(line.split(b" ", 1)[1])
        for line in (tmp_path / "after the kill" / "journal.jsonl").read_bytes().splitlines()
    ]
    kinds = Counter((record["kind"], record.get("identity")) for record in records)
    assert all(kinds["transaction_started", name] == 1 for name in NAMES)
    assert all(kinds["transaction_stopped", name] == 1 for name in NAMES)
