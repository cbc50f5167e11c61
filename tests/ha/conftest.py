"""A Home Assistant that knows balanz, and chargers that dial in to it over real sockets."""

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity

# The test plugin has custom components of its own; importing balanz first makes it be found.
from custom_components.balanz import coordinator
from custom_components.balanz.actions import csv_files
from custom_components.balanz.const import DOMAIN
from simulator.charger import SimulatedCharger
from simulator.options import ChargerOptions

type DialIn = Callable[..., Awaitable[SimulatedCharger]]


@pytest.fixture(autouse=True)
def balanz_is_found(enable_custom_integrations: None, socket_enabled: None) -> str:
    return DOMAIN


@pytest.fixture
def port(socket_enabled: None) -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
        return free


@pytest.fixture(autouse=True)
def config_folder(hass: HomeAssistant, tmp_path: Any) -> None:
    """Keep what sites record out of the shared configuration folder."""
    hass.config.config_dir = str(tmp_path)


@pytest.fixture(autouse=True)
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have states there as soon as nothing is left to do, however slow the machine is.

    At a user's, what is not written within a few milliseconds waits for a timer.
    """
    monkeypatch.setattr(coordinator, "WRITING_S", 60.0)


@pytest.fixture
def all_entities_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register also those entities that users have to enable themselves."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have what lies here taken for uploaded CSV files, by its name."""

    @contextmanager
    def uploaded(_hass: HomeAssistant, file_id: str) -> Iterator[Path]:
        yield tmp_path / file_id

    monkeypatch.setattr(csv_files, "process_uploaded_file", uploaded)
    return tmp_path


@pytest.fixture
async def dial_in(hass: HomeAssistant, port: int) -> AsyncGenerator[DialIn]:
    """Switch on chargers that dial in to the site on `port`; they are switched off at the end."""
    chargers: list[SimulatedCharger] = []

    async def switch_on(identity: str, **options: Any) -> SimulatedCharger:
        charger = SimulatedCharger(
            identity,
            f"ws://127.0.0.1:{port}",
            options=ChargerOptions(**{"reconnect_s": 0.1, "tick_s": 0.05, **options}),
        )
        chargers.append(charger)
        await charger.start()
        return charger

    yield switch_on
    for charger in chargers:
        await charger.stop()
