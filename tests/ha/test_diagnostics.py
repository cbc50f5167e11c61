"""Diagnostics tell how a site is doing, and nothing that names its household's hardware."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz import diagnostics
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.diagnostics import (
    PACKED,
    _readable_or_packed,
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.replay import replay, unpacked
from script import unpack_diagnostics
from simulator.car import Car
from tests.ha.build import CURRENT_SENSORS, charger, group, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn


async def test_diagnostics_hold_settings_and_snapshot_without_serials_and_addresses(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await dial_in("CP-1", serial="SECRET-1")
    await dial_in("STRANGER", serial="SECRET-2")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "available")
    await wait_until(lambda: bool(entry.runtime_data.snapshot.pending))
    text = json.dumps(await async_get_config_entry_diagnostics(hass, entry))

    found = json.loads(text)
    assert found["entry"]["rating_a"] == 32.0
    assert found["subentries"][0]["identity"] == "CP-1"
    assert found["snapshot"]["chargers"]["CP-1"]["connected"] is True
    assert found["snapshot"]["chargers"]["CP-1"]["proof"] == {
        "proof": None,
        "running": None,
        "failed": None,
    }
    assert found["snapshot"]["pending"][0]["identity"] == "STRANGER"
    assert "SECRET" not in text
    assert "127.0.0.1" not in text


async def charging(hass: HomeAssistant, port: int, dial_in: DialIn) -> MockConfigEntry:
    """A charger in a garage with a session, after somebody has told it a password."""
    entry = site_entry(
        port,
        group("garage"),
        charger("CP-1", group="garage", connectors=2),
        charger("CP-2", name="Right"),
        supply=CURRENT_SENSORS,
    )
    await set_up(hass, entry)
    simulated = await dial_in("CP-1", id_tag="SECRET-TAG", connectors=2)
    site: BalanzSite = entry.runtime_data.site
    await wait_until(lambda: site.snapshot.chargers["CP-1"].connected)
    await site.door.set_password("CP-1", "a-very-long-SECRET-password")
    await site.remote.change_configuration("CP-1", "AuthorizationKey", "SECRET-password-key")
    simulated.plug_in(Car(name="car", start_lag_s=0.0, reaction_lag_s=0.0))
    await wait_until(lambda: site.snapshot.chargers["CP-1"].connectors[0].tag is not None)
    return entry


async def of_device(hass: HomeAssistant, entry: MockConfigEntry, unique_id: str) -> Any:
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, unique_id), entry.entry_id)
    assert device is not None
    return json.loads(json.dumps(await async_get_device_diagnostics(hass, entry, device)))


async def test_diagnostics_tell_what_was_said_decided_and_recorded_without_secrets(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await charging(hass, port, dial_in)
    text = json.dumps(await async_get_config_entry_diagnostics(hass, entry))

    found = json.loads(text)
    frames = found["stations"]["CP-1"]["frames"]
    assert any("from charger: [2," in frame and "StartTransaction" in frame for frame in frames)
    assert any("to charger: [2," in frame and "ChangeConfiguration" in frame for frame in frames)
    step = found["last_step"]
    assert step["inputs"]["connectors"]["CP-1/1"]["wants"] is True
    assert step["result"]["reasons"]["CP-2/1"]["rule"] == "not_connected"
    assert {"limit", "energy"} <= {record["kind"] for record in found["ledger"]}
    card = found["snapshot"]["chargers"]["CP-1"]["connectors"][0]["report_card"]
    assert card["refusals"] == 0
    segments = unpacked(found["replay"])
    assert all(one.is_equal for segment in segments for one in replay(segment))
    assert "SECRET" not in text
    assert "SECRET" not in str(segments)


async def test_diagnostics_of_a_charger_tell_nothing_of_the_others(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await charging(hass, port, dial_in)
    found = await of_device(hass, entry, "home_charger_CP-1")

    assert found["settings"][0]["identity"] == "CP-1"
    assert set(found["inputs"]) == set(found["reasons"]) == {"CP-1/1", "CP-1/2"}
    assert found["charger"]["connected"] is True
    assert found["station"]["frames"]
    assert {record["charger"] for record in found["ledger"]} == {"CP-1"}
    assert "CP-2" not in json.dumps(found)
    assert "SECRET" not in json.dumps(found)


async def test_a_connector_has_the_diagnostics_of_its_charger(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await charging(hass, port, dial_in)
    parent = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, "home_charger_CP-1"), entry.entry_id
    )
    assert parent is not None
    child = dr.async_entries_for_parent_device(dr.async_get(hass), parent.id)[0]
    found = await async_get_device_diagnostics(hass, entry, child)

    assert found["charger"]["identity"] == "CP-1"


async def test_diagnostics_of_a_group_tell_what_it_was_measured_and_decided_to_have(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, group("garage", supply=CURRENT_SENSORS))
    await set_up(hass, entry)
    await entry.runtime_data.site.set_capacity("garage", 12.0)
    found = await of_device(hass, entry, "home_garage")

    assert found["settings"][0]["rating_a"] == 20.0
    assert found["group"]["capacity_a"] == 12.0
    assert found["decided"]["within_limit"] is not None
    assert found["ledger"] == [{"kind": "capacity", "group": "garage", "capacity_a": 12.0}]
    assert (await of_device(hass, entry, "home_root"))["settings"]["rating_a"] == 32.0


async def test_a_device_that_is_being_removed_has_no_diagnostics(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    stale = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "gone")}
    )

    assert await async_get_device_diagnostics(hass, entry, stale) == {}


def test_of_a_url_only_the_host_is_told() -> None:
    url = "wss://me:SECRET@office.example:444/ocpp/SECRET?key=SECRET"

    assert _readable_or_packed({"url": url, "error": f"no answer from {url} in time"}) == {
        "url": "wss://office.example:444",
        "error": "no answer from wss://office.example:444 in time",
    }


@pytest.fixture
async def long_file(hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The diagnostics of a site, were its snapshot too long to be read."""
    entry = site_entry(port, charger("CP-1"), charger("CP-2", name="Right"))
    await set_up(hass, entry)
    readable = await async_get_config_entry_diagnostics(hass, entry)
    snapshot = len(json.dumps(readable["snapshot"]))
    monkeypatch.setattr(diagnostics, "LONGEST_READABLE", snapshot // 2)
    return await async_get_config_entry_diagnostics(hass, entry)


def run(monkeypatch: pytest.MonkeyPatch, path: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["unpack", str(path)])
    return unpack_diagnostics.main()


async def test_what_is_too_long_to_be_read_is_packed_and_can_be_unpacked(
    long_file: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert set(long_file["snapshot"]) == {PACKED}
    assert set(long_file["last_step"]) == {PACKED}
    assert long_file["entry"]["rating_a"] == 32.0
    path = tmp_path / "diagnostics.json"
    path.write_text(json.dumps({"data": long_file}))

    assert run(monkeypatch, path) == 0

    told = json.loads(capsys.readouterr().out)["data"]
    assert set(told["snapshot"]["chargers"]) == {"CP-1", "CP-2"}
    assert told["replay"] == long_file["replay"]


@pytest.mark.parametrize("text", ["no json", "[]", '{"data": {"snapshot": {"packed": "!"}}}'])
def test_what_is_no_file_of_ours_is_told(
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)

    assert run(monkeypatch, path) == 2
    assert "holds no diagnostics" in capsys.readouterr().err
