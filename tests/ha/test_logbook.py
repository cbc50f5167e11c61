"""What happens to a session is one line of the logbook."""

from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.site.session_events import SessionKind
from tests.ha.build import charger, set_up, site_entry
from tests.ha.test_session_events import KEY, happened


@pytest.fixture(autouse=True)
def balanz_is_found(
    recorder_mock: Any, enable_custom_integrations: None, socket_enabled: None
) -> str:
    """As for all tests, but the recorder has to be there before Home Assistant."""
    return DOMAIN


async def test_each_happening_is_one_line_in_words_of_the_language_of_the_user(
    hass: HomeAssistant, port: int, hass_ws_client: WebSocketGenerator
) -> None:
    # The panel of the logbook is no part of this; the package with it is not there.
    hass.config.components.add("frontend")
    assert await async_setup_component(hass, "logbook", {})
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    began = dt_util.utcnow()
    [listener] = entry.runtime_data.site.sessions._listeners[KEY]
    for kind in (SessionKind.STARTED, SessionKind.LIMITED):
        listener(happened(kind))
        await hass.async_block_till_done()
    await async_wait_recording_done(hass)

    client = await hass_ws_client()
    await client.send_json_auto_id({"type": "logbook/get_events", "start_time": began.isoformat()})
    lines = (await client.receive_json())["result"]

    # The frontend shows the text of the event's type, as it is translated.
    assert [(one["entity_id"], one["attributes"]["event_type"]) for one in lines] == [
        ("event.left_session", "started"),
        ("event.left_session", "limited"),
    ]
