"""Home Assistant with one charger of two connectors, and the tester in the charger's place."""

from collections.abc import AsyncGenerator

import pytest
from homeassistant.core import HomeAssistant

from custom_components.balanz.csms import interview
from tests.csms.client import RawCharger
from tests.ha.build import charger, set_up, site_entry
from tests.ha.conftest import all_entities_enabled, balanz_is_found, config_folder, port

from .rig import CONNECTORS, IDENTITY, Rig

__all__ = ["all_entities_enabled", "balanz_is_found", "config_folder", "port"]


@pytest.fixture
async def rig(
    hass: HomeAssistant, port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Rig]:
    monkeypatch.setattr(interview, "PAUSE_S", 0.01)
    await set_up(hass, site_entry(port, charger(IDENTITY, connectors=CONNECTORS)))
    tester = await RawCharger.dial(port, IDENTITY)
    yield Rig(hass, port, tester)
    await tester.close()
