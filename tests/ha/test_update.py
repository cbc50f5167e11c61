"""The firmware of chargers as Home Assistant's updates."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import pytest
from homeassistant.components.update.const import (
    ATTR_IN_PROGRESS,
    ATTR_INSTALLED_VERSION,
    ATTR_LATEST_VERSION,
    ATTR_UPDATE_PERCENTAGE,
    SERVICE_INSTALL,
)
from homeassistant.const import ATTR_ENTITY_ID, STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util.dt import utcnow
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.balanz.site.firmware_update import RETRY_AFTER_S
from custom_components.balanz.storage.firmware_catalogue import FirmwareCatalogue
from custom_components.balanz.storage.firmware_entry import FirmwareEntry
from simulator.car import Car
from simulator.maintenance import CERTIFICATE_MARK, firmware_file
from tests.file_server import FileServer, file_server
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

LEFT, RIGHT = "update.left_firmware", "update.right_firmware"
EVENT = "event.left_firmware_change"
QUICK: dict[str, Any] = {"install_s": 0.1, "reboot_s": 0.1}


@pytest.fixture
async def files(socket_enabled: None) -> AsyncGenerator[FileServer]:
    async with file_server() as files:
        files.files = {"/2.bin": firmware_file("2.0.0"), "/junk.bin": b"junk"}
        yield files


@pytest.fixture
async def entry(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port, charger("CP-1"), charger("CP-2", name="Right"))
    await set_up(hass, entry)
    return entry


async def offer(entry: MockConfigEntry, url: str, **changes: str) -> None:
    await entry.runtime_data.site.firmware.put(FirmwareEntry(version="2.0.0", url=url, **changes))


async def install(hass: HomeAssistant, *entity_ids: str) -> None:
    await hass.services.async_call(
        "update", SERVICE_INSTALL, {ATTR_ENTITY_ID: list(entity_ids)}, blocking=True
    )


def attribute(hass: HomeAssistant, entity_id: str, name: str) -> Any:
    state = hass.states.get(entity_id)
    return None if state is None else state.attributes.get(name)


async def test_an_update_shows_what_a_charger_runs_and_what_there_is_for_it(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn
) -> None:
    assert state_of(hass, LEFT) == STATE_UNKNOWN
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, LEFT) == STATE_OFF)
    assert attribute(hass, LEFT, ATTR_INSTALLED_VERSION) == "1.0.0"
    assert attribute(hass, LEFT, ATTR_LATEST_VERSION) == "1.0.0"

    await offer(entry, "https://example.com/2.bin")

    await wait_until(lambda: state_of(hass, LEFT) == STATE_ON)
    assert attribute(hass, LEFT, ATTR_LATEST_VERSION) == "2.0.0"
    assert attribute(hass, LEFT, ATTR_IN_PROGRESS) is False


async def test_release_notes_are_told(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    dial_in: DialIn,
    hass_ws_client: WebSocketGenerator,
) -> None:
    await offer(entry, "https://example.com/2.bin", release_notes="Charges **faster**")
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, LEFT) == STATE_ON)

    client = await hass_ws_client(hass)
    await client.send_json_auto_id({"type": "update/release_notes", "entity_id": LEFT})

    assert (await client.receive_json())["result"] == "Charges **faster**"


async def test_all_chargers_can_be_updated_at_once_and_have_their_turn(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn, files: FileServer
) -> None:
    await offer(entry, files.url("/2.bin"))
    for identity in ("CP-1", "CP-2"):
        await dial_in(identity, **QUICK)
    await wait_until(lambda: {state_of(hass, one) for one in (LEFT, RIGHT)} == {STATE_ON})
    percentages: list[Any] = []
    hass.bus.async_listen(
        "state_changed",
        lambda _event: percentages.append(attribute(hass, LEFT, ATTR_UPDATE_PERCENTAGE)),
    )

    await install(hass, LEFT, RIGHT)

    await wait_until(lambda: {state_of(hass, one) for one in (LEFT, RIGHT)} == {STATE_OFF})
    assert attribute(hass, LEFT, ATTR_INSTALLED_VERSION) == "2.0.0"
    assert attribute(hass, RIGHT, ATTR_INSTALLED_VERSION) == "2.0.0"
    assert attribute(hass, EVENT, "event_type") == "installed"
    assert attribute(hass, EVENT, "version") == "2.0.0"
    assert any(percentages)


async def test_a_charger_that_charges_is_in_line(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn, files: FileServer
) -> None:
    await offer(entry, files.url("/2.bin"))
    simulated = await dial_in("CP-1", **QUICK)
    await wait_until(lambda: state_of(hass, LEFT) == STATE_ON)
    simulated.plug_in(Car(start_lag_s=0.0, reaction_lag_s=0.0))
    await wait_until(lambda: simulated.transaction_id is not None)
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "charging")

    await install(hass, LEFT)
    await wait_until(lambda: attribute(hass, LEFT, ATTR_IN_PROGRESS) is True)
    assert attribute(hass, LEFT, ATTR_UPDATE_PERCENTAGE) is None
    simulated.unplug()

    await wait_until(lambda: attribute(hass, LEFT, ATTR_INSTALLED_VERSION) == "2.0.0")
    assert attribute(hass, LEFT, ATTR_IN_PROGRESS) is False


async def test_a_failure_is_told_in_words_and_as_an_event(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn, files: FileServer
) -> None:
    await offer(entry, files.url("/junk.bin"))
    await dial_in("CP-1", **QUICK)
    await wait_until(lambda: state_of(hass, LEFT) == STATE_ON)

    with pytest.raises(HomeAssistantError, match=r"Left could not install firmware 2\.0\.0"):
        await install(hass, LEFT)

    assert attribute(hass, EVENT, "event_type") == "failed"
    assert attribute(hass, EVENT, "reason") == "installation_failed"
    assert attribute(hass, EVENT, "detail") == "InstallationFailed"
    assert attribute(hass, LEFT, "last_failure") == "installation_failed"
    assert state_of(hass, LEFT) == STATE_ON


async def test_a_signed_firmware_that_could_not_be_loaded_says_when_it_is_tried_again(
    hass: HomeAssistant, entry: MockConfigEntry, dial_in: DialIn, files: FileServer
) -> None:
    await offer(entry, files.url("/none.bin"), signature="wrong", certificate=CERTIFICATE_MARK)
    await dial_in("CP-1", checks_signatures=True, **QUICK)
    await wait_until(lambda: state_of(hass, LEFT) == STATE_ON)
    assert attribute(hass, LEFT, "next_try") is None
    began = utcnow()

    installing = hass.async_create_task(install(hass, LEFT))
    await wait_until(lambda: attribute(hass, LEFT, "next_try") is not None)

    tried_in = datetime.fromisoformat(attribute(hass, LEFT, "next_try")) - began
    assert timedelta(seconds=RETRY_AFTER_S - 5) < tried_in < timedelta(seconds=RETRY_AFTER_S + 60)
    assert attribute(hass, LEFT, ATTR_IN_PROGRESS) is True
    await hass.config_entries.async_unload(entry.entry_id)
    await installing


async def test_a_firmware_that_goes_at_that_moment_cannot_be_installed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    dial_in: DialIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await offer(entry, "https://example.com/2.bin")
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, LEFT) == STATE_ON)

    def nothing_fits(*_: object) -> None:
        return None

    monkeypatch.setattr(FirmwareCatalogue, "latest_for", nothing_fits)
    with pytest.raises(ServiceValidationError, match="no newer firmware"):
        await install(hass, LEFT)
