"""The switch that a user names for a charger cuts its power when nothing else stops it."""

import logging
from typing import Any

import pytest
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError

from custom_components.balanz import power_switches
from custom_components.balanz.entry_settings import read_entry
from tests.ha.build import as_subentry, charger, set_up, site_entry, wait_until

SWITCH = "switch.contactor"


def with_switch(entity_id: str = SWITCH) -> Any:
    advanced = {"fallback_a": 6.0, "keeps_limit": False, "power_switch": entity_id}
    return charger("CP-1", advanced=advanced)


def contactor(hass: HomeAssistant, *, deaf_for: int = 0, fails_for: int = 0) -> list[str]:
    """A switch that is there; the list tells what it was told."""
    told: list[str] = []
    hass.states.async_set(SWITCH, "on")

    async def turn(call: ServiceCall) -> None:
        assert call.data["entity_id"] == SWITCH
        told.append(call.service)
        if len(told) <= fails_for:
            raise HomeAssistantError("no radio")
        if len(told) > deaf_for:
            hass.states.async_set(SWITCH, call.service.removeprefix("turn_"))

    for service in ("turn_off", "turn_on"):
        hass.services.async_register("switch", service, turn)
    return told


def says(hass: HomeAssistant, state: str) -> bool:
    known = hass.states.get(SWITCH)
    return known is not None and known.state == state


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_switches, "RETRY_S", 0.01)


async def test_the_site_turns_the_switch_off_and_on_again(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, with_switch())
    await set_up(hass, entry)
    told = contactor(hass)
    on_power = entry.runtime_data.site.on_power
    on_power("CP-1", False)
    await wait_until(lambda: says(hass, "off"))
    on_power("CP-1", True)
    await wait_until(lambda: says(hass, "on"))
    assert told == ["turn_off", "turn_on"]


@pytest.mark.parametrize("trouble", [{"deaf_for": 2}, {"fails_for": 2}], ids=["deaf", "fails"])
async def test_a_switch_that_did_not_obey_is_told_again(
    hass: HomeAssistant, port: int, trouble: dict[str, int]
) -> None:
    entry = site_entry(port, with_switch())
    await set_up(hass, entry)
    told = contactor(hass, **trouble)
    entry.runtime_data.site.on_power("CP-1", False)
    await wait_until(lambda: says(hass, "off"))
    assert told == ["turn_off"] * 3


async def test_the_last_word_counts(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, with_switch())
    await set_up(hass, entry)
    told = contactor(hass, deaf_for=10**6)
    hass.states.async_set(SWITCH, "unavailable")
    on_power = entry.runtime_data.site.on_power
    on_power("CP-1", False)
    await wait_until(lambda: len(told) >= 2)
    on_power("CP-1", True)
    await wait_until(lambda: told.count("turn_on") >= 3)
    assert "turn_off" not in told[told.index("turn_on") :]


async def test_a_switch_that_never_obeys_is_given_up_with_an_error(
    hass: HomeAssistant,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(power_switches, "TRIES", 3)
    entry = site_entry(port, with_switch())
    await set_up(hass, entry)
    told = contactor(hass, deaf_for=10**6)
    entry.runtime_data.site.on_power("CP-1", False)
    await wait_until(lambda: f"{SWITCH} did not take turn_off" in caplog.text)
    assert len(told) == 3
    assert [it.levelno for it in caplog.records if SWITCH in it.getMessage()][-1] == logging.ERROR


async def test_a_changed_switch_is_the_one_that_is_turned(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    told = contactor(hass)
    assert not read_entry(entry).site.chargers[0].has_power_switch
    entry.runtime_data.site.on_power("CP-1", False)
    await hass.async_block_till_done()
    assert told == []
    subentry = entry.subentries["subentry-CP-1"]
    hass.config_entries.async_update_subentry(entry, subentry, data=as_subentry(with_switch()).data)
    await hass.async_block_till_done()
    assert read_entry(entry).site.chargers[0].has_power_switch
    entry.runtime_data.site.on_power("CP-1", False)
    await wait_until(lambda: says(hass, "off"))
