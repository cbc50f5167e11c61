"""A site is set up and changed in the UI; every mistake is named at its field and can be mended."""

import errno
import socket
from contextlib import closing
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from custom_components.balanz.const import DOMAIN
from tests.ha.build import CURRENT_SENSORS, NO_SENSORS, set_up, site_entry

ADVANCED = {"margin_a": 1.0, "max_age_s": 60, "lost_after_s": 900}
ADVANCED_POWER = {**ADVANCED, "voltage_v": 230}


def site(port: int, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Home",
        "host": "127.0.0.1",
        "port": port,
        "rating_a": 32,
        "phases": "3",
        **changes,
    }


def sensors(hass: HomeAssistant, unit: str, *names: str, value: str = "1") -> None:
    for name in names:
        hass.states.async_set(f"sensor.{name}", value, {"unit_of_measurement": unit})


async def start(hass: HomeAssistant) -> Any:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def answer(hass: HomeAssistant, form: Any, user_input: dict[str, Any]) -> Any:
    result = await hass.config_entries.flow.async_configure(form["flow_id"], user_input)
    await hass.async_block_till_done()
    return result


async def to_supply(hass: HomeAssistant, port: int, kind: str, **changes: Any) -> Any:
    """Go on to the form of one kind of supply."""
    menu = await answer(hass, await start(hass), site(port, **changes))
    assert menu["type"] is FlowResultType.MENU
    return await answer(hass, menu, {"next_step_id": f"supply_{kind}"})


async def test_a_site_is_called_as_the_house_unless_told_otherwise(hass: HomeAssistant) -> None:
    await hass.config.async_update(location_name="Mill Lane")
    form = await start(hass)

    suggested = {
        str(field): field.description["suggested_value"]
        for field in form["data_schema"].schema
        if field.description
    }
    assert suggested == {"name": "Mill Lane"}


async def test_a_site_without_sensors_keeps_what_other_loads_need(
    hass: HomeAssistant, port: int
) -> None:
    form = await to_supply(hass, port, "none")
    result = await answer(hass, form, {"other_loads_a": 5.0, "feeds_chargers_only": False})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Home"
    assert result["data"] == {
        "host": "127.0.0.1",
        "port": port,
        "rating_a": 32,
        "phases": "3",
        "advanced": {"policy": "fair", "surplus": "ignore", "power_factor": 0.9},
        "supply": NO_SENSORS,
    }


@pytest.mark.parametrize(
    ("kind", "unit", "names", "advanced"),
    [
        ("current", "A", ("l1", "l2", "l3"), ADVANCED),
        ("power", "kW", ("l1", "l2", "l3"), ADVANCED_POWER),
        ("total", "W", ("total",), ADVANCED_POWER),
    ],
)
async def test_a_site_with_signed_sensors(
    hass: HomeAssistant,
    port: int,
    kind: str,
    unit: str,
    names: tuple[str, ...],
    advanced: dict[str, Any],
) -> None:
    sensors(hass, unit, *names)
    chosen = {name: f"sensor.{name}" for name in names}
    form = await to_supply(hass, port, kind)
    result = await answer(
        hass, form, {**chosen, "direction": "export_positive", "advanced": advanced}
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["supply"] == {
        "kind": kind,
        "sensors": chosen,
        "direction": "export_positive",
        "advanced": advanced,
    }


async def test_a_site_of_one_phase_with_import_and_export_apart(
    hass: HomeAssistant, port: int
) -> None:
    sensors(hass, "W", "import_l1", "export_l1")
    chosen = {"import_l1": "sensor.import_l1", "export_l1": "sensor.export_l1"}
    form = await to_supply(hass, port, "import_export", phases="1")
    result = await answer(hass, form, {**chosen, "advanced": ADVANCED_POWER})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["supply"] == {
        "kind": "import_export",
        "sensors": chosen,
        "advanced": ADVANCED_POWER,
    }


async def test_nothing_to_keep_has_to_be_meant(hass: HomeAssistant, port: int) -> None:
    form = await to_supply(hass, port, "none")
    form = await answer(hass, form, {"other_loads_a": 0, "feeds_chargers_only": False})
    assert form["errors"] == {"other_loads_a": "other_loads_missing"}

    result = await answer(hass, form, {"other_loads_a": 0, "feeds_chargers_only": True})

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("kind", "unit", "value", "error"),
    [
        ("current", None, "1", "not_a_current"),
        ("current", "W", "1", "not_a_current"),
        ("power", "A", "1", "not_a_power"),
        ("power", "VA", "1", "not_a_power"),
        ("current", "A", "nan", "not_numeric"),
        ("current", "A", "much", "not_numeric"),
    ],
)
async def test_a_sensor_that_cannot_measure_is_refused_at_its_field(
    hass: HomeAssistant, port: int, kind: str, unit: str | None, value: str, error: str
) -> None:
    good = "A" if kind == "current" else "W"
    advanced = ADVANCED if kind == "current" else ADVANCED_POWER
    sensors(hass, good, "l1", "l3")
    hass.states.async_set("sensor.l2", value, {"unit_of_measurement": unit})
    user_input = {
        "l1": "sensor.l1",
        "l2": "sensor.l2",
        "l3": "sensor.l3",
        "direction": "import_positive",
        "advanced": advanced,
    }
    form = await answer(hass, await to_supply(hass, port, kind), user_input)
    assert form["errors"] == {"l2": error}

    sensors(hass, good, "l2")
    result = await answer(hass, form, user_input)

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_what_balanz_shows_itself_measures_no_supply(hass: HomeAssistant, port: int) -> None:
    sensors(hass, "A", "grid_l1", "grid_l2", "grid_l3")
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    form = await answer(hass, await entry.start_reconfigure_flow(hass), site(port))
    form = await answer(hass, form, {"next_step_id": "supply_current"})
    user_input = {
        **CURRENT_SENSORS["sensors"],
        "direction": "import_positive",
        "advanced": ADVANCED,
    }

    form = await answer(hass, form, {**user_input, "l1": "sensor.home_available"})
    assert form["errors"] == {"l1": "sensor_own"}

    result = await answer(hass, form, user_input)
    assert result["reason"] == "reconfigure_successful"


async def test_missing_and_doubled_sensors_are_refused(hass: HomeAssistant, port: int) -> None:
    sensors(hass, "A", "l1", "l2")
    user_input = {
        "l1": "sensor.l1",
        "l2": "sensor.l1",
        "l3": "sensor.l3",
        "direction": "import_positive",
        "advanced": ADVANCED,
    }
    form = await answer(hass, await to_supply(hass, port, "current"), user_input)
    assert form["errors"] == {"l2": "sensor_twice", "l3": "sensor_missing"}

    sensors(hass, "A", "l3", value="unavailable")
    result = await answer(hass, form, {**user_input, "l2": "sensor.l2"})

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"max_age_s": 300, "lost_after_s": 300}, "sensor_lost_too_soon"),
        ({"heartbeat": "sensor.gone"}, "sensor_without_heartbeat"),
        ({"battery": "sensor.gone"}, "sensor_no_battery"),
        ({"battery": "sensor.l1"}, "sensor_no_battery"),
        ({"voltages": ["sensor.gone"]}, "sensor_no_voltage"),
        ({"voltages": ["sensor.l1"]}, "sensor_no_voltage"),
        ({"voltages": ["sensor.volts", "sensor.car"]}, "sensor_other_voltage"),
    ],
)
async def test_what_else_is_told_of_the_supply_has_to_make_sense(
    hass: HomeAssistant, port: int, wrong: dict[str, Any], error: str
) -> None:
    sensors(hass, "A", "l1", "l2", "l3", "voltage")
    sensors(hass, "V", "volts", value="231")
    sensors(hass, "V", "car", value="12")
    user_input = {
        **{line: f"sensor.{line}" for line in ("l1", "l2", "l3")},
        "direction": "import_positive",
    }
    form = await to_supply(hass, port, "current")
    assert is_collapsed(form)
    form = await answer(hass, form, {**user_input, "advanced": {**ADVANCED, **wrong}})
    assert form["errors"] == {"advanced": error}
    assert not is_collapsed(form)

    hass.states.async_set("sensor.battery", "-2", {"unit_of_measurement": "kW"})
    right = {
        "margin_a": 1.0,
        "heartbeat": "sensor.voltage",
        "lost_load_a": 20.0,
        "battery": "sensor.battery",
        "battery_direction": "charge_positive",
        "voltages": ["sensor.volts"],
    }
    result = await answer(hass, form, {**user_input, "advanced": right})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["supply"]["advanced"] == {**right, "lost_after_s": 900}


def is_collapsed(form: Any) -> bool:
    """Return whether a form hides what is under Advanced."""
    hides: bool = form["data_schema"].schema["advanced"].options["collapsed"]
    return hides


@pytest.mark.parametrize(
    ("voltage_v", "told"),
    [(230.0, "264"), (230.0, "unavailable"), (120.0, "121")],
)
async def test_a_measured_voltage_near_the_one_that_was_entered_is_taken(
    hass: HomeAssistant, port: int, voltage_v: float, told: str
) -> None:
    """A sensor that says nothing now, or a grid of another voltage, is no mistake."""
    sensors(hass, "W", "all")
    sensors(hass, "V", "volts", value=told)
    form = await to_supply(hass, port, "total")

    advanced = {**ADVANCED, "voltage_v": voltage_v, "voltages": ["sensor.volts"]}
    user_input = {"total": "sensor.all", "direction": "import_positive", "advanced": advanced}
    result = await answer(hass, form, user_input)

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def finish_without_sensors(hass: HomeAssistant, menu: Any) -> Any:
    form = await answer(hass, menu, {"next_step_id": "supply_none"})
    return await answer(hass, form, {"other_loads_a": 5.0, "feeds_chargers_only": False})


async def test_a_port_in_use_is_refused_in_the_form(hass: HomeAssistant, port: int) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        form = await answer(hass, await start(hass), site(port))
    assert form["errors"] == {"port": "port_in_use"}

    result = await finish_without_sensors(hass, await answer(hass, form, site(port)))

    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("host", ["192.0.2.1", " "])
async def test_an_address_that_is_none_of_this_machine_is_refused_in_the_form(
    hass: HomeAssistant, port: int, host: str
) -> None:
    form = await answer(hass, await start(hass), site(port, host=host))
    assert form["errors"] == {"host": "cannot_listen"}

    result = await finish_without_sensors(hass, await answer(hass, form, site(port)))

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_an_address_that_cannot_even_be_looked_up_is_refused_in_the_form(
    hass: HomeAssistant, port: int
) -> None:
    with patch(
        "asyncio.base_events.BaseEventLoop.create_server",
        side_effect=UnicodeError("label too long"),
    ):
        form = await answer(hass, await start(hass), site(port, host="endless" * 50))
    assert form["errors"] == {"host": "cannot_listen"}

    result = await finish_without_sensors(hass, await answer(hass, form, site(port)))

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_port_that_needs_rights_is_refused_in_the_form(
    hass: HomeAssistant, port: int
) -> None:
    # Tests may run as root, who is never refused one.
    with patch(
        "asyncio.base_events.BaseEventLoop.create_server",
        side_effect=PermissionError(errno.EACCES, "not allowed"),
    ):
        form = await answer(hass, await start(hass), site(port))
    assert form["errors"] == {"port": "port_not_allowed"}

    result = await finish_without_sensors(hass, await answer(hass, form, site(port)))

    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_one_port_has_one_site(hass: HomeAssistant, port: int) -> None:
    await set_up(hass, site_entry(port))

    refused = await answer(hass, await start(hass), site(port))

    assert refused["errors"] == {"port": "port_of_other_site"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        other_port = free.getsockname()[1]
    menu = await answer(hass, refused, site(other_port))
    assert menu["step_id"] == "supply"


async def test_a_new_address_is_tried_even_on_the_port_that_the_site_holds(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    form = await entry.start_reconfigure_flow(hass)

    refused = await answer(hass, form, {**site(port), "host": "192.0.2.1"})

    assert refused["errors"] == {"host": "cannot_listen"}
    menu = await answer(hass, refused, site(port))
    assert menu["step_id"] == "supply"


async def test_a_finished_set_up_tells_what_to_enter_at_chargers(
    hass: HomeAssistant, port: int
) -> None:
    menu = await answer(hass, await start(hass), site(port))
    form = await answer(hass, menu, {"next_step_id": "supply_none"})
    result = await answer(hass, form, {"other_loads_a": 8, "feeds_chargers_only": False})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["description_placeholders"] == {"url": f"ws://127.0.0.1:{port}/"}


async def test_a_site_of_one_phase_is_not_asked_for_a_total(hass: HomeAssistant, port: int) -> None:
    menu = await answer(hass, await start(hass), site(port, phases="1"))

    assert "supply_power" in menu["menu_options"]
    assert "supply_total" not in menu["menu_options"]


async def test_a_group_cannot_feed_chargers_only_and_other_loads(
    hass: HomeAssistant, port: int
) -> None:
    menu = await answer(hass, await start(hass), site(port))
    form = await answer(hass, menu, {"next_step_id": "supply_none"})
    result = await answer(hass, form, {"other_loads_a": 8, "feeds_chargers_only": True})

    assert result["errors"] == {"feeds_chargers_only": "other_loads_denied"}


async def test_a_site_is_changed_and_keeps_its_sensors(hass: HomeAssistant, port: int) -> None:
    sensors(hass, "A", "grid_l1", "grid_l2", "grid_l3")
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    menu = await answer(
        hass, await entry.start_reconfigure_flow(hass), site(port, name="Cabin", rating_a=25)
    )
    assert "supply_keep" in menu["menu_options"]
    result = await answer(hass, menu, {"next_step_id": "supply_keep"})

    assert result["reason"] == "reconfigure_successful"
    assert result.get("translation_domain") is None
    assert entry.title == "Cabin"
    assert entry.data["rating_a"] == 25
    assert entry.data["supply"] == CURRENT_SENSORS


async def test_sensors_of_three_phases_cannot_be_kept_for_one(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    menu = await answer(hass, await entry.start_reconfigure_flow(hass), site(port, phases="1"))
    assert "supply_keep" not in menu["menu_options"]

    result = await finish_without_sensors(hass, menu)

    assert result["reason"] == "reconfigure_successful"
    assert entry.data["supply"] == NO_SENSORS


async def test_a_form_of_the_same_kind_starts_with_the_old_sensors(
    hass: HomeAssistant, port: int
) -> None:
    entry = site_entry(port, supply=CURRENT_SENSORS)
    await set_up(hass, entry)
    menu = await answer(hass, await entry.start_reconfigure_flow(hass), site(port))
    form = await answer(hass, menu, {"next_step_id": "supply_current"})

    suggested = {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description
    }
    assert suggested == {**CURRENT_SENSORS["sensors"], "direction": "import_positive"}


async def test_another_port_moves_the_site(hass: HomeAssistant, port: int) -> None:
    entry = site_entry(port)
    await set_up(hass, entry)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        other_port = probe.getsockname()[1]
    menu = await answer(hass, await entry.start_reconfigure_flow(hass), site(other_port))
    await answer(hass, menu, {"next_step_id": "supply_keep"})

    assert entry.data["port"] == other_port
    assert entry.runtime_data.site.port == other_port
