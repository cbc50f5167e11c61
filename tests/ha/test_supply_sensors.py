"""Sensors of Home Assistant are read as grid currents, or not at all."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant, State
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseCurrents
from custom_components.balanz.supply import Direction, Supply, SupplyKind, sensor_names
from custom_components.balanz.supply_sensors import SupplySensors, read_supply

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
    assert read_supply(supply(kind, PER_PHASE), states(unit, *values), NOW) == expected


def test_power_is_more_amperes_where_part_of_them_does_no_work_but_export_is_not() -> None:
    measured = supply(SupplyKind.POWER, PER_PHASE, power_factor=0.5)

    assert read_supply(measured, states("W", "2300", "-2300", "0"), NOW) == PhaseCurrents(
        l1=20, l2=-10
    )


def test_amperes_are_taken_as_they_are() -> None:
    measured = supply(SupplyKind.CURRENT, PER_PHASE, power_factor=0.5)

    assert read_supply(measured, states("A", "4", "5", "6"), NOW) == PhaseCurrents(l1=4, l2=5, l3=6)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "unknown", "unavailable", "", "twelve"])
def test_a_value_that_is_no_finite_number_makes_the_supply_unknown(value: str) -> None:
    readings = states("A", "1", value, "3")

    assert read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings, NOW) is None


@pytest.mark.parametrize("unit", [None, "V", "W", "kWh", "°C"])
def test_a_unit_that_is_no_current_makes_the_supply_unknown(unit: str | None) -> None:
    readings = states(unit, "1", "2", "3")

    assert read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings, NOW) is None


def test_a_sensor_that_is_gone_makes_the_supply_unknown() -> None:
    readings = {**states("A", "1", "2", "3"), "sensor.l2": None}

    assert read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings, NOW) is None


def test_a_phase_that_has_no_sensor_makes_the_supply_unknown() -> None:
    only_l1 = supply(SupplyKind.CURRENT, {"l1": "sensor.l1"})

    assert read_supply(only_l1, states("A", "1", "2", "3"), NOW) is None


@pytest.mark.parametrize(
    ("age_s", "known"), [(0, True), (60, True), (61, False), (-4, True), (-3600, False)]
)
def test_a_reading_counts_for_its_maximum_age_and_never_from_the_future(
    age_s: int, known: bool
) -> None:
    readings = states("A", "1", "2", "3")
    moment = NOW + timedelta(seconds=age_s)

    currents = read_supply(supply(SupplyKind.CURRENT, PER_PHASE), readings, moment)

    assert (currents is not None) == known


def test_sensors_that_count_export_as_positive_are_turned_around() -> None:
    exporting = supply(SupplyKind.CURRENT, PER_PHASE, direction=Direction.EXPORT_POSITIVE)

    assert read_supply(exporting, states("A", "5", "-2", "0"), NOW) == PhaseCurrents(l1=-5, l2=2)


def test_import_and_export_sensors_are_subtracted() -> None:
    names = ("import_l1", "export_l1")
    pair = supply(
        SupplyKind.IMPORT_EXPORT,
        {name: f"sensor.{name}" for name in names},
        phases=ONE_PHASE,
    )

    assert read_supply(pair, states("W", "0", "460", names=names), NOW) == PhaseCurrents(l1=-2)


def test_a_total_is_booked_wholly_on_each_phase() -> None:
    total = supply(SupplyKind.TOTAL, {"total": "sensor.total"})
    readings = states("W", "4600", names=("total",))

    assert read_supply(total, readings, NOW) == PhaseCurrents(l1=20, l2=20, l3=20)


def test_a_total_at_a_site_of_one_phase_is_that_phase() -> None:
    total = supply(SupplyKind.TOTAL, {"total": "sensor.total"}, phases=ONE_PHASE)

    assert read_supply(total, states("W", "4600", names=("total",)), NOW) == PhaseCurrents(l1=20)


def test_a_supply_that_is_not_measured_asks_for_no_sensors() -> None:
    assert sensor_names(SupplyKind.NONE, ALL_PHASES) == ()


def test_a_lower_voltage_gives_a_higher_current() -> None:
    weak = supply(SupplyKind.TOTAL, {"total": "sensor.total"}, phases=ONE_PHASE, voltage_v=200)

    assert read_supply(weak, states("W", "4600", names=("total",)), NOW) == PhaseCurrents(l1=23)


class Meters:
    """What was reported, in order."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.reports: list[tuple[str, PhaseCurrents | None]] = []
        self.sensors = SupplySensors(hass, lambda *report: self.reports.append(report))

    @property
    def newest(self) -> PhaseCurrents | None:
        return self.reports[-1][1]


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


async def test_a_sensor_that_falls_silent_is_reported_as_unknown(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": TOTAL})
    freezer.tick(61)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()

    assert meters.newest is None
    meters.sensors.stop()


async def test_a_sensor_that_repeats_its_value_stays_known(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    set_total(hass, "230")
    meters = Meters(hass)
    meters.sensors.update({"root": TOTAL})
    for _ in range(3):
        freezer.tick(40)
        set_total(hass, "230")
        async_fire_time_changed(hass)
        await hass.async_block_till_done()

    assert meters.newest == PhaseCurrents(l1=1)
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

    assert meters.newest == PhaseCurrents(l1=1)
