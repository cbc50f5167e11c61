"""A large site has thousands of entities, so that each has to be small."""

import pytest
from homeassistant.components.sensor import DOMAIN as SENSOR
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_component import DATA_INSTANCES

from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

MOST_COMPACT = 30
"""Python stores the attributes of objects compactly while there are so many at most."""


def entity_of(hass: HomeAssistant, entity_id: str) -> Entity:
    entity = hass.data[DATA_INSTANCES][entity_id.partition(".")[0]].get_entity(entity_id)
    assert isinstance(entity, Entity)
    return entity


@pytest.mark.parametrize(
    "entity_id",
    [
        f"{SENSOR}.left_status",
        f"{SENSOR}.left_current_l1",
        f"{SENSOR}.left_power",
        f"{SENSOR}.left_energy",
        f"{SENSOR}.left_session_energy",
        f"{SENSOR}.left_limit",
        f"{SENSOR}.left_reason",
        f"{Platform.BINARY_SENSOR}.left_charging",
    ],
)
async def test_what_every_charger_has_is_stored_compactly(
    hass: HomeAssistant, port: int, dial_in: DialIn, entity_id: str
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, f"{SENSOR}.left_status") == "available")

    kept = vars(entity_of(hass, entity_id))

    assert len(kept) <= MOST_COMPACT, sorted(kept)
