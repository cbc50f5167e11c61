"""What chargers of a demo with passwords remember of an earlier run, and what ends their set-up."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulator import commissioning
from simulator.charger import SimulatedCharger
from simulator.commissioning import MEMORY, Secured
from simulator.options import ChargerOptions, SecurityOptions
from simulator.site_setup import SetupFailed

NOWHERE = "ws://127.0.0.1:1/ocpp"


class Client:
    """A Home Assistant with the device of one charger, which comes a moment late."""

    def __init__(self) -> None:
        self._asked = 0

    async def command(self, _command: str) -> list[dict[str, Any]]:
        self._asked += 1
        device = {"id": "of A", "identifiers": [["balanz", "site_charger_A"]]}
        return [device] if self._asked > 1 else []


def charger(identity: str) -> SimulatedCharger:
    options = ChargerOptions(reconnect_s=60.0, security=SecurityOptions(secure_url=NOWHERE))
    return SimulatedCharger(identity, NOWHERE, rating_a=16, phases=3, options=options)


def secured(folder: Path, *chargers: SimulatedCharger) -> Secured:
    client: Any = Client()
    return Secured(client, folder, chargers)


@pytest.fixture
async def chargers(socket_enabled: None) -> AsyncIterator[tuple[SimulatedCharger, ...]]:
    """Two that have just been made, and know nothing."""
    both = (charger("A"), charger("B"))
    yield both
    for one in both:
        await one.stop()


async def test_passwords_and_roots_are_remembered_and_nobody_else_may_read_them(
    chargers: tuple[SimulatedCharger, ...], tmp_path: Path
) -> None:
    for one in (before := (charger("A"), charger("B"))):
        one.station.security.commission(password=f"of {one.identity}", root_pem="ROOT")
    secured(tmp_path, *before)._save()

    await secured(tmp_path, *chargers).resume()

    assert (tmp_path / MEMORY).stat().st_mode & 0o777 == 0o600
    remembered = [one.station.security for one in chargers]
    assert [it.password for it in remembered] == [b"of A", b"of B"]
    assert all(it.roots == ("ROOT",) and it.profile == 2 for it in remembered)


@pytest.mark.parametrize("kept", [None, "", "{}", '{"A": {}}'])
async def test_a_folder_without_their_passwords_is_told(
    chargers: tuple[SimulatedCharger, ...], tmp_path: Path, kept: str | None
) -> None:
    if kept is not None:
        (tmp_path / MEMORY).write_text(kept, encoding="utf-8")

    with pytest.raises(SetupFailed, match="kept without these chargers' passwords"):
        await secured(tmp_path, *chargers).resume()


async def test_a_device_may_come_a_moment_late(tmp_path: Path) -> None:
    assert await secured(tmp_path)._device_id("A") == "of A"


async def test_a_charger_without_a_device_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commissioning, "DEVICE_LIMIT_S", 0.0)
    site = secured(tmp_path)

    with pytest.raises(SetupFailed, match="no device of B"):
        await site._device_id("B")


async def test_what_takes_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commissioning, "CERTIFICATE_LIMIT_S", 0.0)

    with pytest.raises(SetupFailed, match="not within 0 s: A is connected"):
        await secured(tmp_path)._until(lambda: False, "A is connected")
