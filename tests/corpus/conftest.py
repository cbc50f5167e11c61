"""A central system whose patience is short, and a charger that behaves well meanwhile."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms import frame_watch, gate, line_watch, rpc, server, station
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal
from tests.csms.client import RawCharger
from tests.csms.conftest import Bench

from .scene import Scene
from .table import summary

type SetScene = Callable[..., Awaitable[Scene]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell which rows were driven, and what the others wait for."""
    if any("/corpus/" in report.nodeid for report in terminalreporter.getreports("passed")):
        terminalreporter.section("corpus of bad inputs")
        for line in summary():
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HANDSHAKE_TIMEOUT_S", 1.0)
    monkeypatch.setattr(gate, "HANDSHAKE_TIMEOUT_S", 1.0)
    monkeypatch.setattr(server, "CLOSE_TIMEOUT_S", 1.0)
    monkeypatch.setattr(frame_watch, "FRAGMENTS_TIMEOUT_S", 0.5)
    monkeypatch.setattr(rpc, "SEND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(line_watch, "PONG_TIMEOUT_S", 0.1)


@pytest.fixture
def no_interview(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_nothing(*_: object, **__: object) -> None:
        """Leave the line to the test."""

    monkeypatch.setattr(station, "interview", ask_nothing)


@pytest.fixture
async def set_scene(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[SetScene]:
    """Start a central system that knows CP1 and CP2, with CP2 in the middle of a transaction."""
    journal = Journal(tmp_path / "journal.jsonl")
    await journal.open()
    scenes: list[Scene] = []

    async def start(settings: dict[str, Any] | None = None) -> Scene:
        patience = {"call_timeout_s": 0.5} | (settings or {})
        central = Bench(TransactionBook(journal), **patience)
        central.set_known(["CP1", "CP2"])
        await central.start()
        scene = Scene(central, await RawCharger.dial(central.port, "CP2"))
        await scene.begin()
        scenes.append(scene)
        return scene

    yield start
    for scene in scenes:
        await scene.end()
    await journal.close()
