"""A charger that belongs to another back office too, set up and seen in Home Assistant."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.balanz.const import DOMAIN
from custom_components.balanz.csms.local_controller.upstream_settings import (
    Unknown,
    UpstreamSettings,
    is_upstream_url,
)
from custom_components.balanz.diagnostics import async_get_config_entry_diagnostics
from custom_components.balanz.entry_settings import read_entry
from simulator.car import Car
from simulator.charger import SimulatedCharger
from tests.csms.local_controller.back_office import BackOffice
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.test_subentry_flow import NEW_CHARGER, answer, start

URL = "wss://csms.example.com/ocpp"


@pytest.fixture
async def office(socket_enabled: None) -> AsyncGenerator[BackOffice]:
    office = BackOffice()
    await office.start()
    yield office
    await office.stop()


def passed_on(url: str, **more: Any) -> Any:
    return charger("CP-1", upstream={"url": url, "unknown_tags_offline": "refuse", **more})


async def test_a_back_office_is_named_when_a_charger_is_added(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await start(hass, entry, "charger")

    section = {"url": URL, "password": "secret", "unknown_tags_offline": "accept"}
    result = await answer(hass, form, NEW_CHARGER | {"upstream": section})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert read_entry(entry).site.chargers[0].upstream == UpstreamSettings(
        url=URL, password="secret", unknown_tags=Unknown.ACCEPT
    )


@pytest.mark.parametrize(
    ("section", "error"),
    [
        ({"url": "http://csms.example.com"}, "upstream_url_invalid"),
        ({"url": "wss://user:secret@csms.example.com"}, "upstream_url_invalid"),
        ({"url": URL, "observers": ["nowhere"]}, "upstream_url_invalid"),
        ({"password": "secret"}, "upstream_url_missing"),
        ({"url": URL, "upstream_identity": "a/b"}, "upstream_identity_invalid"),
        ({"url": URL, "observers": [URL] * 6}, "too_many_observers"),
    ],
)
async def test_what_is_wrong_is_told_at_the_section(
    hass: HomeAssistant, port: int, section: dict[str, Any], error: str
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await start(hass, entry, "charger")

    result = await answer(
        hass, form, NEW_CHARGER | {"upstream": {"unknown_tags_offline": "refuse"} | section}
    )

    assert result["errors"] == {"upstream": error}
    assert result["data_schema"].schema["upstream"].options == {"collapsed": False}


async def test_a_back_office_is_taken_away_by_an_empty_url(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, passed_on(URL))
    await set_up(hass, entry)
    assert hass.states.get("binary_sensor.left_back_office") is not None
    form = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "charger"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": "subentry-CP-1"},
    )

    given = {key: value for key, value in NEW_CHARGER.items() if key != "identity"}
    section = {"unknown_tags_offline": "refuse"}
    await answer(hass, form, given | {"new_password": False, "upstream": section})

    assert read_entry(entry).site.chargers[0].upstream is None
    assert state_of(hass, "binary_sensor.left_back_office") == "unavailable"


async def test_a_charger_without_one_shows_nothing_of_it(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))

    assert hass.states.get("binary_sensor.left_back_office") is None
    assert hass.states.get("sensor.left_messages_for_the_back_office") is None
    assert hass.states.get("sensor.left_limit_of_the_back_office") is None


async def test_the_link_the_queue_and_the_limit_are_shown(
    hass: HomeAssistant, port: int, office: BackOffice
) -> None:
    entry = site_entry(port, passed_on(office.url))
    await set_up(hass, entry)
    assert state_of(hass, "binary_sensor.left_back_office") == "off"
    simulated = SimulatedCharger(
        "CP-1", f"ws://127.0.0.1:{port}", rating_a=16.0, phases=3, car=Car()
    )
    await simulated.start()
    await wait_until(lambda: bool(office.starts))

    await office.ask(
        "SetChargingProfile",
        {
            "connectorId": 1,
            "csChargingProfiles": {
                "chargingProfileId": 1,
                "stackLevel": 0,
                "chargingProfilePurpose": "TxDefaultProfile",
                "chargingProfileKind": "Relative",
                "chargingSchedule": {
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}],
                },
            },
        },
        charger="CP-1",
    )

    await wait_until(lambda: state_of(hass, "sensor.left_limit_of_the_back_office") == "9.0")
    assert state_of(hass, "binary_sensor.left_back_office") == "on"
    await wait_until(lambda: state_of(hass, "sensor.left_messages_for_the_back_office") == "0")
    await office.stop()
    await wait_until(lambda: state_of(hass, "binary_sensor.left_back_office") == "off")
    await simulated.stop()


async def test_a_back_office_that_refuses_is_a_repair_issue(
    hass: HomeAssistant, port: int, office: BackOffice
) -> None:
    office.refuses_with = 404
    await set_up(hass, site_entry(port, passed_on(office.url)))
    simulated = SimulatedCharger("CP-1", f"ws://127.0.0.1:{port}", rating_a=16.0, phases=3)
    await simulated.start()

    def issue() -> ir.IssueEntry | None:
        return ir.async_get(hass).async_get_issue(DOMAIN, "home_upstream_unknown_charger_CP-1")

    await wait_until(lambda: issue() is not None)
    found = issue()
    assert found is not None
    assert found.translation_placeholders is not None
    assert found.translation_placeholders["charger"] == "Left"
    await simulated.stop()


async def test_diagnostics_keep_the_password_to_themselves(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, passed_on(URL, password="secret", username="me"))
    await set_up(hass, entry)

    told = await async_get_config_entry_diagnostics(hass, entry)

    assert "secret" not in str(told)
    assert told["snapshot"]["chargers"]["CP-1"]["upstream"]["waiting"] == 0


async def test_diagnostics_show_what_was_said_on_both_legs(
    hass: HomeAssistant, port: int, office: BackOffice
) -> None:
    entry = site_entry(port, passed_on(office.url))
    await set_up(hass, entry)
    simulated = SimulatedCharger(
        "CP-1", f"ws://127.0.0.1:{port}", rating_a=16.0, phases=3, car=Car()
    )
    await simulated.start()
    await wait_until(lambda: bool(office.starts))

    told = await async_get_config_entry_diagnostics(hass, entry)
    station = told["stations"]["CP-1"]
    await simulated.stop()

    assert any("from charger: [2," in it and "StartTransaction" in it for it in station["frames"])
    upstream = station["back_office_frames"]
    assert any("to back office: [2," in it and "StartTransaction" in it for it in upstream)
    assert any("from back office: [3," in it for it in upstream)
    assert simulated.options.id_tag not in str(upstream)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("ws://10.0.0.5:9000/ocpp", True),
        ("wss://csms.example.com", True),
        ("csms.example.com", False),
        ("wss://", False),
        ("wss://host:port", False),
        ("wss://host/path?token=1", False),
    ],
)
def test_what_a_url_may_be(url: str, good: bool) -> None:
    assert is_upstream_url(url) is good
