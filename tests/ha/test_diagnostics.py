"""Diagnostics tell how a site is doing, and nothing that names its household's hardware."""

import json

from homeassistant.core import HomeAssistant

from custom_components.balanz.diagnostics import async_get_config_entry_diagnostics
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
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
