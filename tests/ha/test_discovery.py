"""A charger that dials in while pairing is open is discovered, and confirmed in a form."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.balanz.const import DOMAIN
from tests.ha.build import as_subentry, charger, group, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn

CONFIRMED: dict[str, Any] = {
    "name": "Left",
    "group": "garage",
    "rating_a": 16,
    "phases": "3",
    "phase_map": "l1_l2_l3",
    "minimum_a": 6,
    "priority": 1,
    "connectors": 1,
    "advanced": {"fallback_a": 6, "keeps_limit": False},
}


def offers(hass: HomeAssistant) -> list[Any]:
    return list(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


async def pairing(hass: HomeAssistant, port: int) -> MockConfigEntry:
    entry = site_entry(port, group("garage"))
    await set_up(hass, entry)
    return entry


async def discovered(hass: HomeAssistant) -> Any:
    await wait_until(lambda: bool(offers(hass)))
    [offer] = offers(hass)
    return await hass.config_entries.flow.async_configure(offer["flow_id"])


async def test_a_discovery_shows_who_dialled_in(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await pairing(hass, port)
    await dial_in("CP-1", vendor="Acme", model="Wall", serial="S1", firmware="1.2")
    form = await discovered(hass)

    assert offers(hass)[0]["context"]["title_placeholders"] == {"name": "CP-1 (Acme Wall)"}
    address = form["description_placeholders"].pop("address")
    assert address.startswith("127.0.0.1")
    assert form["description_placeholders"] == {
        "identity": "CP-1",
        "vendor": "Acme",
        "model": "Wall",
        "serial": "S1",
        "firmware": "1.2",
    }


async def test_a_confirmed_charger_is_added_without_losing_its_socket(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await pairing(hass, port)
    simulated = await dial_in("CP-1")
    form = await discovered(hass)
    result = await hass.config_entries.flow.async_configure(form["flow_id"], CONFIRMED)

    assert result["reason"] == "charger_added"
    await wait_until(lambda: state_of(hass, "binary_sensor.left_connected") == "on")
    await simulated.wait_until(lambda: simulated.accepted)
    assert simulated.connections == 1
    [subentry] = entry.get_subentries_of_type("charger")
    assert subentry.unique_id == "charger:CP-1"
    assert subentry.data["maximum_a"] == 16


async def test_a_confirmed_charger_is_a_device_with_what_it_said(
    hass: HomeAssistant, port: int, dial_in: DialIn, device_registry: dr.DeviceRegistry
) -> None:
    await pairing(hass, port)
    await dial_in("CP-1", vendor="Acme", model="Wall", serial="S1", firmware="1.2")
    form = await discovered(hass)
    await hass.config_entries.flow.async_configure(form["flow_id"], CONFIRMED)

    def device() -> dr.DeviceEntry | None:
        return device_registry.async_get_device_by_identifier((DOMAIN, "home_charger_CP-1"), "home")

    await wait_until(lambda: (found := device()) is not None and found.manufacturer == "Acme")
    found = device()
    assert found is not None
    assert (found.model, found.serial_number, found.sw_version) == ("Wall", "S1", "1.2")
    group_device = device_registry.async_get_device_by_identifier((DOMAIN, "home_garage"), "home")
    assert group_device is not None
    assert found.via_device_id == group_device.id


async def test_a_mistake_in_the_confirmation_can_be_mended(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await pairing(hass, port)
    await dial_in("CP-1")
    form = await discovered(hass)
    form = await hass.config_entries.flow.async_configure(
        form["flow_id"], {**CONFIRMED, "maximum_a": 20}
    )
    assert form["errors"] == {"maximum_a": "maximum_out_of_range"}

    result = await hass.config_entries.flow.async_configure(form["flow_id"], CONFIRMED)

    assert result["reason"] == "charger_added"


async def test_a_discovery_ends_when_pairing_is_closed(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await pairing(hass, port)
    await dial_in("CP-1")
    await wait_until(lambda: bool(offers(hass)))

    entry.runtime_data.site.close_pairing()
    await wait_until(lambda: not offers(hass))


async def test_a_discovery_ends_when_the_charger_is_added_by_hand(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await pairing(hass, port)
    await dial_in("CP-1")
    await wait_until(lambda: bool(offers(hass)))

    hass.config_entries.async_add_subentry(entry, as_subentry(charger("CP-1")))
    await hass.async_block_till_done()

    assert not offers(hass)


async def test_a_declined_charger_is_offered_again_only_when_pairing_is_opened_anew(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = await pairing(hass, port)
    await dial_in("CP-1")
    form = await discovered(hass)
    hass.config_entries.flow.async_abort(form["flow_id"])
    # Another charger's discovery shows that the site has published its pending ones again.
    await dial_in("CP-2")
    await wait_until(lambda: bool(offers(hass)))
    assert [offer["context"]["unique_id"] for offer in offers(hass)] == ["home:CP-2"]

    entry.runtime_data.open_pairing()
    await wait_until(lambda: len(offers(hass)) == 2)


async def test_a_removed_charger_is_offered_only_when_pairing_is_opened_anew(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    await dial_in("CP-1")
    await wait_until(lambda: state_of(hass, "binary_sensor.left_connected") == "on")
    hass.config_entries.async_remove_subentry(entry, "subentry-CP-1")
    # Both dial in as unknown ones; the order in which they come does not matter.
    await dial_in("CP-2")
    await wait_until(lambda: len(entry.runtime_data.snapshot.pending) == 2)
    await wait_until(lambda: bool(offers(hass)))
    assert [offer["context"]["unique_id"] for offer in offers(hass)] == ["home:CP-2"]

    entry.runtime_data.open_pairing()
    await wait_until(lambda: len(offers(hass)) == 2)


async def test_an_ignored_charger_is_not_offered(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    MockConfigEntry(domain=DOMAIN, unique_id="home:CP-1", source="ignore").add_to_hass(hass)
    await pairing(hass, port)
    await dial_in("CP-1")
    await dial_in("CP-2")

    await wait_until(lambda: bool(offers(hass)))
    assert [offer["context"]["unique_id"] for offer in offers(hass)] == ["home:CP-2"]


async def test_a_discovery_of_a_removed_site_cannot_be_confirmed(
    hass: HomeAssistant, port: int, dial_in: DialIn
) -> None:
    await pairing(hass, port)
    await dial_in("CP-1")
    form = await discovered(hass)
    # The form is open in a browser, so it outlives the site.
    hass.config_entries.flow.async_get(form["flow_id"])["context"]["dismiss_protected"] = True
    await hass.config_entries.async_remove("home")

    result = await hass.config_entries.flow.async_configure(form["flow_id"], CONFIRMED)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "site_removed"
