"""What chargers report is shown from when they first do, and energy never falls."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import mock_restore_cache_with_extra_data

from custom_components.balanz import coordinator
from custom_components.balanz.connector_sensors import CONNECTOR_SENSORS, REPORTED_SENSORS
from tests.csms.client import RawCharger
from tests.ha.build import charger, set_up, site_entry, state_of, wait_until

type Dial = Callable[[str], Awaitable[RawCharger]]
REPORTED = {
    "voltage_l1": "230.0",
    "voltage_l2": "231.0",
    "voltage_l3": "229.0",
    "power_l1": "3680.0",
    "power_l2": "3700.0",
    "power_l3": "3660.0",
    "offered_current": "16.0",
    "power_factor": "0.99",
    "frequency": "50.0",
    "state_of_charge": "57.0",
    "temperature": "31.0",
}


@pytest.fixture(autouse=True)
def measurements_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator, "MEASUREMENT_INTERVAL_S", 0.05)


@pytest.fixture
async def dial(hass: HomeAssistant, port: int) -> AsyncGenerator[Dial]:
    chargers: list[RawCharger] = []

    async def dial_in(identity: str) -> RawCharger:
        raw = await RawCharger.dial(port, identity)
        await raw.boot()
        chargers.append(raw)
        return raw

    yield dial_in
    for raw in chargers:
        await raw.close()


def sampled(*samples: tuple[str, str, str | None], **fields: Any) -> dict[str, Any]:
    values = [
        {"measurand": measurand, "value": value, **({} if phase is None else {"phase": phase})}
        for measurand, value, phase in samples
    ]
    stamp = datetime.now(UTC).isoformat()
    meter_value = {"timestamp": stamp, "sampledValue": values}
    return {"connectorId": 1, "meterValue": [meter_value], **fields}


def everything() -> dict[str, Any]:
    """All that a charger can report, measured just now."""
    return sampled(
        ("Voltage", "230", "L1-N"),
        ("Voltage", "231", "L2-N"),
        ("Voltage", "229", "L3-N"),
        ("Power.Active.Import", "3680", "L1"),
        ("Power.Active.Import", "3700", "L2"),
        ("Power.Active.Import", "3660", "L3"),
        ("Current.Offered", "16", None),
        ("Power.Factor", "0.99", None),
        ("Frequency", "50.0", None),
        ("SoC", "57", None),
        ("Temperature", "31", None),
    )


@pytest.mark.usefixtures("all_entities_enabled")
async def test_what_a_charger_reports_is_shown_once_it_does(
    hass: HomeAssistant, port: int, dial: Dial
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    raw = await dial("CP-1")
    await wait_until(lambda: state_of(hass, "binary_sensor.left_connected") == "on")
    assert all(state_of(hass, f"sensor.left_{key}") is None for key in REPORTED)

    await raw.call("MeterValues", everything())
    await wait_until(
        lambda: all(state_of(hass, f"sensor.left_{key}") is not None for key in REPORTED)
    )

    assert {key: state_of(hass, f"sensor.left_{key}") for key in REPORTED} == REPORTED


async def test_what_only_some_report_has_to_be_enabled(
    hass: HomeAssistant, port: int, dial: Dial, entity_registry: er.EntityRegistry
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1", phases="1", phase_map="l1")))
    raw = await dial("CP-1")
    await raw.call("MeterValues", everything())

    def registered() -> er.RegistryEntry | None:
        return entity_registry.async_get("sensor.left_power_factor")

    await wait_until(lambda: registered() is not None)
    entry = registered()
    assert entry is not None
    assert entry.disabled_by is er.RegistryEntryDisabler.INTEGRATION
    assert entity_registry.async_get("sensor.left_voltage_l1") is not None
    assert entity_registry.async_get("sensor.left_voltage_l2") is None


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_session_shows_when_it_began(hass: HomeAssistant, port: int, dial: Dial) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    raw = await dial("CP-1")
    start = {
        "connectorId": 1,
        "idTag": "TAG",
        "meterStart": 5000,
        "timestamp": "2026-03-01T12:00:00Z",
    }
    await raw.call("StartTransaction", start)

    await wait_until(
        lambda: state_of(hass, "sensor.left_session_start") == "2026-03-01T12:00:00+00:00"
    )


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_session_shows_how_long_it_lasts_and_then_how_long_it_has_lasted(
    hass: HomeAssistant, port: int, dial: Dial
) -> None:
    entry = site_entry(port, charger("CP-1"))
    await set_up(hass, entry)
    raw = await dial("CP-1")
    began = dt_util.utcnow() - timedelta(minutes=90)
    tag = {"connectorId": 1, "idTag": "TAG", "meterStart": 5000}
    answer = await raw.call("StartTransaction", {**tag, "timestamp": began.isoformat()})
    await wait_until(lambda: state_of(hass, "sensor.left_session_duration") == "90")

    stop = {"transactionId": answer["transactionId"], "meterStop": 6000}
    ended = began + timedelta(minutes=40)
    await raw.call("StopTransaction", {**stop, "timestamp": ended.isoformat()})
    await wait_until(lambda: state_of(hass, "sensor.left_session_duration") == "40")

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await wait_until(lambda: state_of(hass, "sensor.left_session_duration") == "40")


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_charger_shows_since_when_it_is_connected_and_how_often_it_was(
    hass: HomeAssistant, port: int, dial: Dial
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    assert state_of(hass, "sensor.left_connected_since") == "unknown"
    assert state_of(hass, "sensor.left_last_message") == "unknown"
    assert state_of(hass, "sensor.left_connections") == "0"

    first = await dial("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_connections") == "1")
    since = state_of(hass, "sensor.left_connected_since")
    assert since is not None
    lasts = dt_util.utcnow() - dt_util.parse_datetime(since, raise_on_error=True)
    assert timedelta(0) <= lasts < timedelta(minutes=1)

    await first.call("Heartbeat", {})
    await first.close()
    await wait_until(lambda: state_of(hass, "sensor.left_connected_since") == "unknown")
    heard = state_of(hass, "sensor.left_last_message")
    assert heard is not None
    ago = dt_util.utcnow() - dt_util.parse_datetime(heard, raise_on_error=True)
    assert timedelta(0) <= ago < timedelta(minutes=2)

    await dial("CP-1")
    await wait_until(lambda: state_of(hass, "sensor.left_connections") == "2")


@pytest.mark.parametrize(
    ("shown_kwh", "register_wh", "expected_kwh"),
    [
        pytest.param(5.4, "5000", "5.4", id="a-little-behind"),
        pytest.param(5.4, "5600", "5.6", id="ahead"),
        pytest.param(50.0, "5000", "5.0", id="another-register"),
        pytest.param(None, "5000", "5.0", id="nothing-was-shown"),
    ],
)
async def test_energy_does_not_fall_over_a_kill(
    hass: HomeAssistant,
    port: int,
    dial: Dial,
    shown_kwh: float | None,
    register_wh: str,
    expected_kwh: str,
) -> None:
    data = {"native_value": shown_kwh, "native_unit_of_measurement": "kWh"}
    mock_restore_cache_with_extra_data(hass, [(State("sensor.left_energy", str(shown_kwh)), data)])
    await set_up(hass, site_entry(port, charger("CP-1")))
    raw = await dial("CP-1")

    await raw.call("MeterValues", sampled(("Energy.Active.Import.Register", register_wh, None)))

    await wait_until(lambda: state_of(hass, "sensor.left_energy") == expected_kwh)


async def test_the_energy_dashboard_takes_the_energy(
    hass: HomeAssistant, port: int, dial: Dial
) -> None:
    await set_up(hass, site_entry(port, charger("CP-1")))
    state = hass.states.get("sensor.left_energy")
    assert state is not None
    attributes = state.attributes
    assert attributes["device_class"] == "energy"
    assert attributes["state_class"] == "total_increasing"
    assert attributes["unit_of_measurement"] == "kWh"


async def test_the_energy_dashboard_has_nothing_to_warn_of_while_a_charger_is_offline(
    hass: HomeAssistant, port: int, dial: Dial
) -> None:
    """What it has delivered is known without it; the dashboard warns of what is unavailable."""
    await set_up(hass, site_entry(port, charger("CP-1")))
    raw = await dial("CP-1")
    await raw.call("MeterValues", sampled(("Energy.Active.Import.Register", "5000", None)))
    await wait_until(lambda: state_of(hass, "sensor.left_energy") == "5.0")

    await raw.close()
    await wait_until(lambda: state_of(hass, "sensor.left_power") == "unavailable")

    assert state_of(hass, "sensor.left_energy") == "5.0"


def test_each_sensor_has_a_key_of_its_own() -> None:
    keys = [description.key for description in (*CONNECTOR_SENSORS, *REPORTED_SENSORS)]
    assert len(keys) == len(set(keys))
    assert {description.key for description in REPORTED_SENSORS} == {
        *(REPORTED.keys() - {"offered_current"}),
        "offered",
        "session_duration",
        "session_start",
    }
