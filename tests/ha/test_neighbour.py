"""balanz beside another OCPP integration, of the domain `ocpp`, in one Home Assistant."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

import custom_components
from custom_components.balanz.const import DOMAIN
from custom_components.balanz.devices import device_id
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.home_assistant import free_port
from simulator.options import ChargerOptions
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until
from tests.ha.conftest import DialIn
from tests.ha.test_config_flow import site

NEIGHBOURS = Path(__file__).parent / "neighbours"
CAR = Car(name="eager", start_lag_s=0.0, reaction_lag_s=0.0)


@pytest.fixture(autouse=True)
def neighbour_is_found(monkeypatch: pytest.MonkeyPatch, balanz_is_found: str) -> None:
    """Have Home Assistant find the neighbour where it finds balanz."""
    paths = [*custom_components.__path__, str(NEIGHBOURS)]
    monkeypatch.setattr(custom_components, "__path__", paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """Both integrations, each with a charger of one make, one serial number and one identity."""

    ours: MockConfigEntry
    theirs: MockConfigEntry
    our_charger: SimulatedCharger
    their_charger: SimulatedCharger


@pytest.fixture
async def their_port(port: int) -> int:
    return free_port()


@pytest.fixture
async def street(
    hass: HomeAssistant, port: int, their_port: int, dial_in: DialIn
) -> AsyncGenerator[Street]:
    theirs = MockConfigEntry(
        domain="ocpp",
        data={"port": their_port, "identity": "CP-1", "cpid": "left"},
        entry_id="neighbour",
    )
    await set_up(hass, theirs)
    ours = site_entry(port, charger("CP-1"))
    await set_up(hass, ours)
    their_charger = SimulatedCharger(
        "CP-1",
        f"ws://127.0.0.1:{their_port}",
        options=ChargerOptions(reconnect_s=0.1, tick_s=0.05, sample_interval_s=1),
    )
    await their_charger.start()
    yield Street(
        ours=ours,
        theirs=theirs,
        our_charger=await dial_in("CP-1", sample_interval_s=1),
        their_charger=their_charger,
    )
    await their_charger.stop()


def entities_of(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return the platform of each entity of an entry."""
    found = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {one.entity_id: one.platform for one in found}


def make_of(device: dr.AnyDeviceEntry | None) -> tuple[str | None, ...]:
    """Return by what other integrations could take two devices for one."""
    assert isinstance(device, dr.DeviceEntry)
    return device.manufacturer, device.model, device.serial_number


async def both_charge(hass: HomeAssistant, street: Street) -> None:
    street.our_charger.plug_in(CAR)
    street.their_charger.plug_in(CAR)
    await wait_until(lambda: state_of(hass, "sensor.left_status_2") == "charging")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "Charging")


async def test_both_serve_a_charger_of_the_same_identity_at_the_same_time(
    hass: HomeAssistant, street: Street
) -> None:
    await both_charge(hass, street)

    await wait_until(lambda: state_of(hass, "sensor.left_accepted_limit") == "16.0", deadline_s=40)
    await wait_until(lambda: state_of(hass, "sensor.left_power") not in ("unknown", "0.0"))
    assert street.our_charger.connections == street.their_charger.connections == 1


async def test_whoever_comes_second_takes_no_entity_id_and_no_device(
    hass: HomeAssistant, street: Street
) -> None:
    theirs, ours = entities_of(hass, street.theirs), entities_of(hass, street.ours)
    assert theirs == {
        "number.left_maximum_current": "ocpp",
        "sensor.left_power": "ocpp",
        "sensor.left_status": "ocpp",
    }
    assert set(ours.values()) == {DOMAIN}
    assert {f"{one}_2" for one in theirs} <= ours.keys()

    devices = dr.async_get(hass)
    [their_device] = dr.async_entries_for_config_entry(devices, "neighbour")
    twin = device_id(hass, "home", "home_charger_CP-1")
    await wait_until(lambda: make_of(devices.async_get(twin)) == make_of(their_device))
    assert twin != their_device.id
    our_devices = dr.async_entries_for_config_entry(devices, "home")
    assert {name for one in our_devices for name, _ in one.identifiers} == {DOMAIN}
    assert {name for name, _ in their_device.identifiers} == {"ocpp"}


async def test_the_numbers_and_actions_of_each_reach_its_own_charger(
    hass: HomeAssistant, street: Street
) -> None:
    await both_charge(hass, street)
    await hass.services.async_call(
        "number",
        "set_value",
        {"entity_id": "number.left_maximum_current_2", "value": 10},
        blocking=True,
    )
    await wait_until(lambda: street.our_charger.currents_a[0] == 10.0, deadline_s=40)
    assert street.their_charger.currents_a[0] == 16.0

    await hass.services.async_call(
        "ocpp", "set_charge_rate", {"devid": "CP-1", "limit_amps": 7.0}, blocking=True
    )
    await wait_until(lambda: street.their_charger.currents_a[0] == 7.0, deadline_s=40)
    assert street.our_charger.currents_a[0] == 10.0

    asked = {"devid": "CP-1", "ocpp_key": "NumberOfConnectors"}
    answer = await hass.services.async_call(
        "ocpp", "get_configuration", asked, blocking=True, return_response=True
    )
    assert answer == {"value": "1"}


async def test_balanz_goes_and_the_other_stays(hass: HomeAssistant, street: Street) -> None:
    await both_charge(hass, street)
    assert await hass.config_entries.async_unload("home")
    await wait_until(lambda: not street.our_charger.connected)

    assert state_of(hass, "sensor.left_status") == "Charging"
    await hass.services.async_call(
        "ocpp", "set_charge_rate", {"devid": "CP-1", "limit_amps": 7.0}, blocking=True
    )
    await wait_until(lambda: street.their_charger.currents_a[0] == 7.0, deadline_s=40)
    assert street.their_charger.connections == 1

    assert await hass.config_entries.async_setup("home")
    await wait_until(lambda: state_of(hass, "sensor.left_status_2") == "charging")


async def test_the_other_goes_and_balanz_stays(hass: HomeAssistant, street: Street) -> None:
    await both_charge(hass, street)
    assert await hass.config_entries.async_unload("neighbour")
    await wait_until(lambda: not street.their_charger.connected)

    assert street.ours.state is ConfigEntryState.LOADED
    assert not hass.services.has_service("ocpp", "set_charge_rate")
    target = {"entity_id": "sensor.left_status_2"}
    await hass.services.async_call(DOMAIN, "set_limit", {**target, "current": 8}, blocking=True)
    await wait_until(lambda: street.our_charger.currents_a[0] == 8.0, deadline_s=40)
    assert street.our_charger.connections == 1

    assert await hass.config_entries.async_setup("neighbour")
    await wait_until(lambda: state_of(hass, "sensor.left_status") == "Charging")


async def test_the_port_of_the_other_is_refused_in_the_form(
    hass: HomeAssistant, street: Street, their_port: int
) -> None:
    flows = hass.config_entries.flow
    form = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await flows.async_configure(form["flow_id"], site(their_port))
    assert form["errors"] == {"port": "port_in_use"}
