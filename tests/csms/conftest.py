"""A central system on a real socket, and chargers to dial in to it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms import interview
from custom_components.balanz.csms.events import StationEvent
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .client import RawCharger

type Dial = Callable[..., Awaitable[RawCharger]]


class Bench(CentralSystem):
    """A central system that remembers its events."""

    def __init__(self, transactions: TransactionBook, **settings: Any) -> None:
        self.events: list[StationEvent] = []
        super().__init__(
            ServerSettings(host="127.0.0.1", port=0, **settings),
            self.events.append,
            transactions,
        )
        self.transactions = transactions

    def seen[T: StationEvent](self, kind: type[T]) -> list[T]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(autouse=True)
def quick_interview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interview, "PAUSE_S", 0.01)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncGenerator[Journal]:
    journal = Journal(tmp_path / "journal.jsonl")
    await journal.open()
    yield journal
    await journal.close()


@pytest.fixture
async def central(socket_enabled: None, journal: Journal) -> AsyncGenerator[Bench]:
    """A central system that knows one charger, CP1."""
    central = Bench(TransactionBook(journal), call_timeout_s=0.3)
    central.set_known(["CP1"])
    await central.start()
    yield central
    await central.stop()


@pytest.fixture
async def dial(central: Bench) -> AsyncGenerator[Dial]:
    chargers: list[RawCharger] = []

    async def dial_in(identity: str = "CP1", **options: Any) -> RawCharger:
        charger = await RawCharger.dial(options.pop("port", central.port), identity, **options)
        chargers.append(charger)
        return charger

    yield dial_in
    for charger in chargers:
        await charger.close()


@pytest.fixture
async def charger(dial: Dial) -> RawCharger:
    """CP1, booted."""
    charger = await dial()
    await charger.boot()
    return charger
