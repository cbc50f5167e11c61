"""Sensors of Home Assistant are read as grid currents, or not at all."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents
from custom_components.balanz.supply import (
    BatteryDirection,
    Direction,
    Supply,
    SupplyKind,
    sensor_names,
)
from custom_components.balanz.supply_sensors import MeterReport, SupplySensors, read_supply

NOW = datetime(2026, 11, 21, 12, tzinfo=dt_util.UTC)
PER_PHASE = {"l1": "sensor.l1", "l2": "sensor.l2", "l3": "sensor.l3"}
ONE_PHASE = (Phase.L1,)


def supply(kind: SupplyKind, sensors: dict[str, str], **changes: Any) -> Supply:
    return Supply(**{"kind": kind, "sensors": sensors, "phases": ALL_PHASES, **changes})


def states(unit: str | None, *values: str, names: tuple[str, ...] = ("l1", "l2", "l3")) -> Any:
    attributes = {} if unit is None else {"unit_of_measurement": unit}
    return {
        f"sensor.{name}": State(f"sensor.{name}", value, attributes, last_reported=NOW)
        for name, value in zip(names, values, strict=True)
    }


@pytest.mark.parametrize(
    ("kind", "unit", "values", "expected"),
    [
        (SupplyKind.CURRENT, "A", ("1.5", "2", "3"), PhaseCurrents(l1=1.5, l2=2, l3=3)),
        (SupplyKind.CURRENT, "mA", ("1500", "0", "0"), PhaseCurrents(l1=1.5)),
        (SupplyKind.CURRENT, "A", ("-4", "2", "0"), PhaseCurrents(l1=-4, l2=2)),
        (SupplyKind.POWER, "W", ("2300", "230", "0"), PhaseCurrents(l1=10, l2=1)),
        (SupplyKind.POWER, "kW", ("2.3", "-0.23", "0"), PhaseCurrents(l1=10, l2=-1)),
    ],
)
def test_each_unit_becomes_amperes_and_export_stays_negative(
    kind: SupplyKind, unit: str, values: tuple[str, ...], expected: PhaseCurrents
) -> None:
    assert read_supply(supply(kind, PER_PHASE), states(unit, *values)) == expected


def test_power_is_more_amperes_where_part_of_them_does_no_work_but_export_is_not() -> None:
    measured = supply(SupplyKind.POWER, PER_PHASE, power_factor=0.5)

    assert read_supply(measured, states("W", "2300", "-2300", "0")) == PhaseCurrents(l1=20, l2=-10)


def test_amperes_are_taken_as_they_are() -> None:
    measured = supply(SupplyKind.CURRENT, PER_PHASE, power_factor=0.5)

    assert read_supply(measured, states("A", "4", "5", "6")) == PhaseCurrents(l1=4, l2=5, l3=6)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "unknown", "unavailable", "", "twelve"])
def test_a_value_that_is_no_finite_number_makes_the_supply_unknown(value: str) -> None:
    readings = states("A", "1", value, "3")

    assert read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings) is None


@pytest.mark.parametrize("unit", [None, "V", "W", "kWh", "°C"])
def test_a_unit_that_is_no_current_makes_the_supply_unknown(unit: str | None) -> None:
    readings = states(unit, "1", "2", "3")

    assert read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings) is None


def test_a_sensor_that_is_gone_makes_the_supply_unknown() -> None:
    readings = {**states("A", "1", "2", "3"), "sensor.l2": None}

    assert read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings) is None


def test_a_phase_that_has_no_sensor_makes_the_supply_unknown() -> None:
    only_l1 = supply(SupplyKind.CURRENT, {"l1": "sensor.l1"})

    assert read_supply(only_l1, states("A", "1", "2", "3")) is None


def test_sensors_that_count_export_as_positive_are_turned_around() -> None:
    exporting = supply(SupplyKind.CURRENT, PER_PHASE, direction=Direction.EXPORT_POSITIVE)

    assert read_supply(exporting, states("A", "5", "-2", "0")) == PhaseCurrents(l1=-5, l2=2)


def test_import_and_export_sensors_are_subtracted() -> None:
    names = ("import_l1", "export_l1")
    pair = supply(
        SupplyKind.IMPORT_EXPORT,
        {name: f"sensor.{name}" for name in names},
        phases=ONE_PHASE,
    )

    assert read_supply(pair, states("W", "0", "460", names=names)) == PhaseCurrents(l1=-2)


def test_a_total_is_booked_wholly_on_each_phase() -> None:
    total = supply(SupplyKind.TOTAL, {"total": "sensor.total"})
    readings = states("W", "4600", names=("total",))

    assert read_supply(total, readings) == PhaseCurrents(l1=20, l2=20, l3=20)


def test_a_total_at_a_site_of_one_phase_is_that_phase() -> None:
    total = supply(SupplyKind.TOTAL, {"total": "sensor.total"}, phases=ONE_PHASE)

    assert read_supply(total, states("W", "4600", names=("total",))) == PhaseCurrents(l1=20)


def test_a_supply_that_is_not_measured_asks_for_no_sensors() -> None:
    assert sensor_names(SupplyKind.NONE, ALL_PHASES) == ()


def test_a_lower_voltage_gives_a_higher_current() -> None:
    weak = supply(SupplyKind.TOTAL, {"total": "sensor.total"}, phases=ONE_PHASE, voltage_v=200)

    assert read_supply(weak, states("W", "4600", names=("total",))) == PhaseCurrents(l1=23)


def measure(hass: HomeAssistant, **more: Any) -> Meters:
    """Watch a power of 2,300 W on one phase, and whatever else was named."""
    hass.states.async_set("sensor.house", "2300", {"unit_of_measurement": "W"})
    meters = Meters(hass)
    total = supply(SupplyKind.TOTAL, {"total": "sensor.house"}, phases=ONE_PHASE, **more)
    meters.sensors.update({"root": total})
    return meters


def newest(meters: Meters) -> MeterReport:
    assert meters.newest is not None
    return meters.newest


@pytest.mark.parametrize(
    ("direction", "power", "unit", "gives_a"),
    [
        (BatteryDirection.DISCHARGE_POSITIVE, "2300", "W", 10.0),
        (BatteryDirection.DISCHARGE_POSITIVE, "-2300", "W", 0.0),
        (BatteryDirection.CHARGE_POSITIVE, "-2.3", "kW", 10.0),
        (BatteryDirection.CHARGE_POSITIVE, "2.3", "kW", 0.0),
    ],
)
async def test_what_a_battery_gives_is_told_with_each_reading(
    hass: HomeAssistant, direction: BatteryDirection, power: str, unit: str, gives_a: float
) -> None:
    hass.states.async_set("sensor.battery", power, {"unit_of_measurement": unit})
    meters = measure(hass, battery="sensor.battery", battery_direction=direction)

    assert newest(meters).battery_discharge_a == pytest.approx(gives_a)
    meters.sensors.stop()


@pytest.mark.parametrize("state", ["unavailable", "nan", "much"])
async def test_what_a_battery_gives_is_not_known_while_it_does_not_tell(
    hass: HomeAssistant, state: str
) -> None:
    hass.states.async_set("sensor.battery", "0", {"unit_of_measurement": "W"})
    meters = measure(hass, battery="sensor.battery")
    assert newest(meters).battery_discharge_a == 0.0

    hass.states.async_set("sensor.battery", state, {"unit_of_measurement": "W"})
    await hass.async_block_till_done()

    assert newest(meters).battery_discharge_a is None
    meters.sensors.stop()


async def test_what_a_battery_said_long_ago_is_not_known(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    hass.states.async_set("sensor.battery", "2300", {"unit_of_measurement": "W"})
    freezer.tick(901)

    meters = measure(hass, battery="sensor.battery", lost_after_s=900.0)

    assert newest(meters).battery_discharge_a is None
    meters.sensors.stop()


async def test_without_a_battery_none_gives_anything(hass: HomeAssistant) -> None:
    meters = measure(hass)

    assert newest(meters).battery_discharge_a == 0.0
    meters.sensors.stop()


@pytest.mark.parametrize(
    ("volts", "current_a", "highest_v"),
    [
        (("230", "200", "250"), 11.5, 250.0),
        (("unavailable", "200"), 11.5, 200.0),
        (("400", "3", "nan"), 10.0, 230.0),
        (("290",), 10.0, 230.0),
    ],
)
async def test_measured_voltages_count_on_the_safe_side(
    hass: HomeAssistant, volts: tuple[str, ...], current_a: float, highest_v: float
) -> None:
    names = tuple(f"sensor.volts_{number}" for number in range(len(volts)))
    for name, value in zip(names, volts, strict=True):
        hass.states.async_set(name, value, {"unit_of_measurement": "V"})
    meters = measure(hass, voltage_sensors=names)

    assert newest(meters).currents.l1 == pytest.approx(current_a)
    assert newest(meters).voltage_v == highest_v
    meters.sensors.stop()


class Meters:
    """What was reported, in order."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.reports: list[tuple[str, PhaseCurrents | None]] = []
        self.newest: MeterReport | None = None
        self.reported_at = dt_util.utcnow()
        self.sensors = SupplySensors(hass, self._reported)

    def _reported(self, group_id: str, report: MeterReport | None) -> None:
        self.newest = report
        self.reported_at = dt_util.utcnow()
        self.reports.append((group_id, None if report is None else report.currents))

    @property
    def fresh(self) -> bool:
        """Whether the newest report still tells what flows."""
        if self.newest is None:
            return False
        passed_s = (dt_util.utcnow() - self.reported_at).total_seconds()
        return passed_s < self.newest.fresh_for_s


TOTAL = Supply(kind=SupplyKind.TOTAL, sensors={"total": "sensor.total"}, phases=ONE_PHASE)


def set_total(hass: HomeAssistant, value: str) -> None:
    hass.states.async_set("sensor.total", value, {"unit_of_measurement": "W"})


async def test_a_new_value_is_reported_at_once(hass: HomeAssistant) -> None:
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": TOTAL})
    set_total(hass, "460")
    await hass.async_block_till_done()

    assert meters.reports == [("root", PhaseCurrents(l1=1)), ("root", PhaseCurrents(l1=2))]
    meters.sensors.stop()


async def pass_s(hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float) -> None:
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


def watching(hass: HomeAssistant, **changes: Any) -> Meters:
    """Watch a sensor of one phase that has just said 230 W."""
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": replace(TOTAL, **changes)})
    return meters


async def test_a_sensor_of_unknown_rhythm_that_falls_silent_is_fresh_for_a_minute(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    meters = watching(hass)
    await pass_s(hass, freezer, 59)
    assert meters.fresh
    await pass_s(hass, freezer, 1)

    assert not meters.fresh
    meters.sensors.stop()


async def test_a_sensor_that_reports_often_may_be_silent_for_a_short_time_only(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    meters = watching(hass)
    for _ in range(40):
        await pass_s(hass, freezer, 2)
        set_total(hass, "230")
        await hass.async_block_till_done()
    await pass_s(hass, freezer, 14)
    assert meters.fresh
    await pass_s(hass, freezer, 1)

    assert not meters.fresh
    meters.sensors.stop()


async def test_a_time_that_the_user_has_set_is_kept_to(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    meters = watching(hass, max_age_s=300.0)
    await pass_s(hass, freezer, 299)
    assert meters.fresh
    await pass_s(hass, freezer, 1)

    assert not meters.fresh
    meters.sensors.stop()


async def test_a_sensor_that_repeats_its_value_stays_known(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    meters = watching(hass)
    for _ in range(3):
        await pass_s(hass, freezer, 40)
        assert meters.fresh
        set_total(hass, "230")
        await hass.async_block_till_done()

    assert meters.reports[-1] == ("root", PhaseCurrents(l1=1))
    meters.sensors.stop()


def beat(hass: HomeAssistant, value: str = "on") -> None:
    hass.states.async_set("binary_sensor.gateway", value)


async def test_a_steady_sensor_whose_heartbeat_beats_is_fresh_and_ages_when_it_stops(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    beat(hass)
    meters = watching(hass, heartbeat="binary_sensor.gateway")
    for _ in range(120):
        await pass_s(hass, freezer, 30)
        assert meters.fresh
        beat(hass)
        await hass.async_block_till_done()
    assert meters.newest is not None
    assert (meters.newest.currents, meters.newest.age_s) == (PhaseCurrents(l1=1), 0.0)
    await pass_s(hass, freezer, 60)

    assert not meters.fresh
    meters.sensors.stop()


@pytest.mark.parametrize("value", ["unavailable", "unknown"])
async def test_a_heartbeat_that_becomes_unavailable_is_no_sign_of_life(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, value: str
) -> None:
    beat(hass)
    meters = watching(hass, heartbeat="binary_sensor.gateway")
    await pass_s(hass, freezer, 59)
    beat(hass, value)
    await pass_s(hass, freezer, 2)

    assert not meters.fresh
    meters.sensors.stop()


async def test_a_heartbeat_does_not_make_up_for_a_sensor_that_says_nothing(
    hass: HomeAssistant,
) -> None:
    beat(hass)
    meters = watching(hass, heartbeat="binary_sensor.gateway")
    set_total(hass, "unavailable")
    beat(hass)
    await hass.async_block_till_done()

    assert meters.newest is None
    meters.sensors.stop()


async def test_a_heartbeat_that_does_not_exist_is_missing(hass: HomeAssistant) -> None:
    meters = watching(hass, heartbeat="binary_sensor.gateway")

    assert meters.newest is not None
    assert meters.sensors.missing == {"root": ("binary_sensor.gateway",)}
    meters.sensors.stop()


async def test_the_sensor_that_is_silent_for_longest_tells_how_old_all_are(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    for line in ("l1", "l2", "l3"):
        hass.states.async_set(f"sensor.{line}", "1", {"unit_of_measurement": "A"})
        freezer.tick(10)
    meters = Meters(hass)
    meters.sensors.update({"root": supply(SupplyKind.CURRENT, PER_PHASE)})

    assert meters.newest == MeterReport(
        currents=PhaseCurrents.uniform(1.0), age_s=30.0, fresh_for_s=30.0
    )
    meters.sensors.stop()


async def test_a_report_from_the_future_is_of_unknown_age(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    meters = watching(hass)
    freezer.tick(-3600)
    meters.sensors.update({"root": replace(TOTAL, max_age_s=30.0)})

    assert meters.newest is None
    meters.sensors.stop()


async def test_without_sensors_there_is_nothing_to_tell(hass: HomeAssistant) -> None:
    meters = watching(hass, sensors={}, heartbeat=None)

    assert meters.newest is None
    meters.sensors.stop()


async def test_a_removed_sensor_is_reported_as_unknown_and_missing(hass: HomeAssistant) -> None:
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": TOTAL})
    hass.states.async_remove("sensor.total")
    await hass.async_block_till_done()

    assert meters.newest is None
    assert meters.sensors.missing == {"root": ("sensor.total",)}
    meters.sensors.stop()


async def test_groups_that_stay_as_they_are_are_not_reported_again(hass: HomeAssistant) -> None:
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": TOTAL})
    meters.sensors.update({"root": TOTAL, "garage": TOTAL})

    assert [group_id for group_id, _ in meters.reports] == ["root", "garage"]
    meters.sensors.stop()


async def test_a_group_without_sensors_any_more_is_watched_no_longer(hass: HomeAssistant) -> None:
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": TOTAL})
    meters.sensors.update({"root": Supply(kind=SupplyKind.NONE, sensors={}, phases=ONE_PHASE)})
    set_total(hass, "460")
    await hass.async_block_till_done()

    assert meters.reports == [("root", PhaseCurrents(l1=1))]
