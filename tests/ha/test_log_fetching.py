"""Logs of chargers come into a folder of Home Assistant, without a server of the user's own."""

from pathlib import Path
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.actions import log_fetching
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.devices import device_id
from simulator.behaviours import Asked, Behaviour
from simulator.http_client import request
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

EVENT = "event.left_log_upload"


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    return entry


async def act(hass: HomeAssistant, action: str, **data: Any) -> Any:
    data["device_id"] = device_id(hass, "home", "home_charger_CP-1")
    return await hass.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def connected(dial_in: DialIn, hass: HomeAssistant, **options: Any) -> None:
    await dial_in("CP-1", **options)
    await wait_until(lambda: state_of(hass, "binary_sensor.left_connected") == "on")


def attribute(hass: HomeAssistant, name: str) -> Any:
    state = hass.states.get(EVENT)
    return None if state is None else state.attributes.get(name)


@pytest.mark.parametrize(
    ("action", "data", "kind"),
    [
        ("get_diagnostics", {}, "diagnostics"),
        ("get_log", {"log_type": "security"}, "security"),
    ],
)
async def test_a_log_is_fetched_and_the_answer_tells_where_it_is(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    dial_in: DialIn,
    tmp_path: Path,
    action: str,
    data: dict[str, Any],
    kind: str,
) -> None:
    await connected(dial_in, hass, checks_signatures=True)

    answer = await act(hass, action, **data)

    path = Path(answer["path"])
    assert path.parent == tmp_path / "balanz" / "uploads"
    assert path.name.startswith("CP-1_")
    assert path.name.endswith(f"_{kind}.log")
    content = await hass.async_add_executor_job(path.read_bytes)
    assert content.startswith(b"firmware 1.0.0\n")
    assert answer == {"file_name": "charger.log", "path": str(path), "size": len(content)}
    assert attribute(hass, "event_type") == "received"
    assert attribute(hass, "path") == str(path)
    assert attribute(hass, "log_type") == kind


async def test_a_log_that_comes_late_is_told_by_the_event(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    dial_in: DialIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_fetching, "ANSWER_WITHIN_S", 0.0)
    await connected(dial_in, hass)

    answer = await act(hass, "get_diagnostics")

    assert answer == {"file_name": "charger.log", "path": None, "size": None}
    await wait_until(lambda: attribute(hass, "event_type") == "received")


async def test_a_charger_that_cannot_load_up_says_so(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_way(*_: object) -> tuple[int, bytes]:
        raise OSError("no route to host")

    monkeypatch.setattr("simulator.maintenance.request", no_way)
    await connected(dial_in, hass)

    with pytest.raises(HomeAssistantError, match="Left could not upload its log: UploadFailed"):
        await act(hass, "get_diagnostics")

    assert attribute(hass, "event_type") == "failed"
    assert attribute(hass, "detail") == "UploadFailed"


async def test_a_charger_that_refuses_has_no_leave(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls: list[str] = []
    uploads = entry.runtime_data.site.uploads
    expect = uploads.expect

    def noted(identity: str, kind: str) -> Any:
        expected = expect(identity, kind)
        urls.append(expected.url)
        return expected

    monkeypatch.setattr(uploads, "expect", noted)
    await connected(dial_in, hass, behaviour=Behaviour(refuses=(Asked("GetDiagnostics"),)))

    with pytest.raises(HomeAssistantError, match="refused the message"):
        await act(hass, "get_diagnostics")

    assert (await request("PUT", urls[0], b"log"))[0] == 404


async def test_a_charger_that_never_came_cannot_be_told_where_to(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match="has not told by what address"):
        await act(hass, "get_diagnostics")


@pytest.mark.usefixtures("all_entities_enabled")
async def test_what_a_charger_tells_is_shown_once_it_does_and_stays_over_restarts(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn
) -> None:
    await connected(dial_in, hass)
    assert hass.states.get("sensor.left_upload_status") is None

    await act(hass, "get_diagnostics")

    await wait_until(lambda: state_of(hass, "sensor.left_upload_status") == "uploaded")
    assert hass.states.get("sensor.left_firmware_status") is None

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()

    assert state_of(hass, "sensor.left_upload_status") == "unknown"
    assert hass.states.get("sensor.left_firmware_status") is None


async def test_the_statuses_are_for_who_wants_them(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    dial_in: DialIn,
    entity_registry: er.EntityRegistry,
) -> None:
    await connected(dial_in, hass)
    await act(hass, "get_diagnostics")
    await wait_until(lambda: entity_registry.async_get("sensor.left_upload_status") is not None)

    registered = entity_registry.async_get("sensor.left_upload_status")

    assert registered is not None
    assert registered.disabled
