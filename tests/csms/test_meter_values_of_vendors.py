"""Meter values in the words of real chargers, and what they mean."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.events import MeterValues
from custom_components.balanz.csms.meter_quirks import NO_METER_QUIRKS, MeterQuirks
from custom_components.balanz.csms.v16_measurands import QUANTITIES, Measurand
from custom_components.balanz.csms.v16_meter_values import last_register_wh, parse_meter_values

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """What a charger sends in one sample set, and what it means."""

    id: str
    sampled: list[Any]
    expected: dict[str, Any]
    quirks: MeterQuirks = field(default=NO_METER_QUIRKS)


def one(value: object, measurand: str, unit: str = "", **fields: object) -> dict[str, Any]:
    named = {"unit": unit} if unit else {}
    return {"value": value, "measurand": measurand, **named, **fields}


def three(measurand: str, unit: str, *values: object, to: str = "") -> list[dict[str, Any]]:
    return [
        one(value, measurand, unit, phase=f"L{line}{to}")
        for line, value in enumerate(values, start=1)
    ]


REGISTER = "Energy.Active.Import.Register"
CURRENT, POWER, VOLTAGE = "Current.Import", "Power.Active.Import", "Voltage"

ROWS = [
    Row(
        "alfen-names-the-phase-in-the-measurand",
        [one("9.8", "Current.Import.L1", "A"), one("9.9", "Current.Import.L2", "A")],
        {"currents_a": (9.8, 9.9), "per_phase": True},
    ),
    Row(
        "alfen-backlog-with-a-context-of-its-own",
        [one("1000", REGISTER, "Wh", context="Sample.Something")],
        {"energy_wh": 1000.0},
    ),
    Row(
        "autel-spreads-one-line-over-three",
        three(CURRENT, "A", "3.3", "3.3", "3.4"),
        {"currents_a": (10.0,), "per_phase": False},
        MeterQuirks(spreads_one_line=True),
    ),
    Row(
        "charge-amps-hertz",
        [one("49.98", "Frequency", "Hz"), *three(CURRENT, "A", "6", "6", "6")],
        {"frequency_hz": 49.98, "currents_a": (6.0, 6.0, 6.0)},
    ),
    Row(
        "enercab-blank-before-the-value-and-only-line-1",
        [one(" 9.6", CURRENT, "A", phase="L1"), *three(VOLTAGE, "V", "231", "229", "230")],
        {"currents_a": (9.6,), "voltages_v": (231.0, 229.0, 230.0)},
    ),
    Row(
        "grizzl-e-imports-what-it-calls-export",
        [one("24", "Current.Export", "A")],
        {"currents_a": (24.0,)},
        MeterQuirks(export_is_import=True),
    ),
    Row(
        "grizzl-e-imports-nothing-besides",
        [one("24", "Current.Export", "A"), one("0", CURRENT, "A")],
        {"currents_a": (24.0,)},
        MeterQuirks(export_is_import=True),
    ),
    Row(
        "growatt-begin-and-now-in-one-message",
        [
            one("120", REGISTER, "Wh", context="Sample.Periodic"),
            one("0", REGISTER, "Wh", context="Transaction.Begin"),
        ],
        {"energy_wh": 120.0},
    ),
    Row(
        "the-end-of-a-session-counts-more-than-the-last-sample",
        [
            one("900", REGISTER, context="Transaction.End"),
            one("850", REGISTER, context="Sample.Clock"),
            one("100", REGISTER, context="Interruption.Begin"),
        ],
        {"energy_wh": 900.0},
    ),
    Row(
        "injet-current-on-neutral-only",
        [one("13.2", CURRENT, "A", phase="N"), one("3030", POWER, "W")],
        {"currents_a": None, "neutral_a": 13.2, "power_w": 3030.0},
    ),
    Row(
        "mennekes-energy-only-when-idle",
        [one("123456", REGISTER, "Wh")],
        {"energy_wh": 123456.0, "power_w": None, "currents_a": None},
    ),
    Row("decimal-comma", [one("12,5", CURRENT, "A")], {"currents_a": (12.5,)}),
    Row("value-with-its-unit", [one("7.36 kW", POWER)], {"power_w": 7360.0}),
    Row("value-with-its-unit-twice", [one("16.0A", CURRENT, "A")], {"currents_a": (16.0,)}),
    Row("unit-spelt-out", [one("16", CURRENT, "Ampere")], {"currents_a": (16.0,)}),
    Row("unit-in-capitals", [one("7.4", POWER, "KW")], {"power_w": 7400.0}),
    Row("apparent-power-for-active", [one("7400", POWER, "VA")], {"power_w": 7400.0}),
    Row("unit-empty", [{"value": "5", "unit": ""}], {"energy_wh": 5.0}),
    Row("measurand-null", [{"value": "5", "measurand": None}], {"energy_wh": 5.0}),
    Row("measurand-in-lower-case", [one("5", "current.import")], {"currents_a": (5.0,)}),
    Row(
        "energy-per-phase",
        three(REGISTER, "kWh", "1.5", "1.25", "1.25"),
        {"energy_wh": 4000.0},
    ),
    Row(
        "power-per-phase",
        three(POWER, "kW", "2.3", "2.3", "0"),
        {"power_w": 4600.0, "powers_w": (2300.0, 2300.0, 0.0)},
    ),
    Row(
        "one-phase-of-three-in-use",
        three(CURRENT, "A", "15.9", "0.0", "0.0"),
        {"currents_a": (15.9, 0.0, 0.0), "per_phase": True},
    ),
    Row(
        "voltage-between-lines",
        [
            one("398.4", VOLTAGE, "V", phase="L1-L2"),
            one("400.1", VOLTAGE, "V", phase="L2-L3"),
            one("401.8", VOLTAGE, "V", phase="L3-L1"),
        ],
        {"voltages_v": (230.0, 231.0, 232.0)},
    ),
    Row(
        "voltage-between-lines-called-line",
        three(VOLTAGE, "V", "400", "400", "400"),
        {"voltages_v": (230.9, 230.9, 230.9)},
    ),
    Row(
        "split-phase-of-north-america",
        [one("240", VOLTAGE, "V", phase="L1-L2")],
        {"voltages_v": (240.0, None, None)},
    ),
    Row("one-voltage-for-all", [one("231", VOLTAGE)], {"voltages_v": (231.0, 231.0, 231.0)}),
    Row(
        "kilowatts-called-watts",
        [*three(CURRENT, "A", "16", "16", "16"), one("11.04", POWER, "W")],
        {"power_w": 11040.0},
    ),
    Row(
        "a-few-watts-are-not-kilowatts",
        [*three(CURRENT, "A", "0", "0", "0"), one("7", POWER, "W")],
        {"power_w": 7.0},
    ),
    Row(
        "a-power-that-fits-no-current-is-left-as-it-is",
        [*three(CURRENT, "A", "16", "16", "16"), one("40", POWER, "W")],
        {"power_w": 40.0},
    ),
    Row(
        "kilowatts-whatever-is-named",
        [one("7.4", POWER, "W")],
        {"power_w": 7400.0},
        MeterQuirks(power_in_kw=True),
    ),
    Row(
        "kilowatt-hours-called-watt-hours",
        [one("1234.567", REGISTER, "Wh")],
        {"energy_wh": 1234567.0},
        MeterQuirks(energy_in_kwh=True),
    ),
    Row(
        "tenths-of-amperes",
        three(CURRENT, "A", "160", "161", "159"),
        {"currents_a": (16.0, 16.1, 15.9)},
        MeterQuirks(tenths_of_amperes=True),
    ),
    Row(
        "the-outlet-counts-and-not-the-inlet-of-the-whole-charger",
        [
            one("20", CURRENT, location="Inlet", phase="L1"),
            one("16", CURRENT, location="Outlet", phase="L1"),
            one("19", CURRENT, location="Attic", phase="L1"),
        ],
        {"currents_a": (16.0,)},
    ),
    Row(
        "the-inlet-is-better-than-nothing",
        [one("16", CURRENT, location="Inlet", phase="L1")],
        {"currents_a": (16.0,)},
    ),
    Row(
        "what-the-car-tells",
        [one("57", "SoC", "Percent", location="EV"), one("31", "Temperature", location="EV")],
        {"state_of_charge_pct": 57.0, "temperature_c": 31.0},
    ),
    Row("misspelt-celsius", [one("35.5", "Temperature", "Celcius")], {"temperature_c": 35.5}),
    Row("fahrenheit", [one("95", "Temperature", "Fahrenheit")], {"temperature_c": 35.0}),
    Row("kelvin", [one("308.15", "Temperature", "K")], {"temperature_c": 35.0}),
    Row("power-factor", [one("0.98", "Power.Factor")], {"power_factor": 0.98}),
    Row("power-factor-in-percent", [one("98", "Power.Factor")], {"power_factor": 0.98}),
    Row("power-factor-called-percent", [one("98", "Power.Factor", "%")], {"power_factor": 0.98}),
    Row(
        "signed-data-beside-the-number",
        [
            one("OCMF|{}", REGISTER, format="SignedData", context="Transaction.End"),
            one("500", REGISTER, format="Raw"),
        ],
        {"energy_wh": 500.0},
    ),
    Row(
        "current-from-power-and-voltage-between-lines",
        [*three(POWER, "W", "2309", "2309"), one("400", VOLTAGE)],
        {"currents_a": (10.0, 10.0), "per_phase": True},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_what_a_charger_sends_is_what_it_means(row: Row) -> None:
    ((values, _),) = parse_meter_values([{"sampledValue": row.sampled}], NOW, row.quirks)

    for name, expected in row.expected.items():
        shown = getattr(values, name)
        if isinstance(expected, tuple):
            assert shown == pytest.approx(expected, rel=1e-3, nan_ok=False), name
        elif isinstance(expected, float):
            assert shown == pytest.approx(expected), name
        else:
            assert shown == expected, name


def test_the_end_of_a_session_is_the_newest_value_of_its_data() -> None:
    data = [
        {"timestamp": "2026-03-01T11:00:00Z", "sampledValue": [{"value": "9"}]},
        {"timestamp": "2026-03-01T09:00:00Z", "sampledValue": [{"value": "7"}]},
        {"timestamp": "2026-03-01T11:30:00Z", "sampledValue": [one("16", CURRENT)]},
    ]

    assert last_register_wh(data, NOW) == 9.0


@pytest.mark.parametrize("nothing", [None, [], "x", [{"sampledValue": []}], [{}]])
def test_no_data_are_no_end(nothing: object) -> None:
    assert last_register_wh(nothing, NOW) is None


def test_each_measurand_that_is_read_has_its_units() -> None:
    assert set(QUANTITIES) == set(Measurand)


NAMES = st.sampled_from(
    [CURRENT, POWER, VOLTAGE, REGISTER, "SoC", "Power.Factor", "Temperature", "Frequency", "x"]
)
FIELD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
SAMPLE = st.fixed_dictionaries(
    {},
    optional={
        "value": FIELD | st.decimals(allow_nan=False).map(str) | st.just("1e308"),
        "measurand": NAMES | FIELD,
        "unit": st.sampled_from(["A", "kW", "Wh", "kWh", "K", "%"]) | FIELD,
        "phase": st.sampled_from(["L1", "L2", "L3", "N", "L1-N", "L1-L2"]) | FIELD,
        "context": FIELD,
        "format": FIELD,
        "location": FIELD,
    },
)


@given(sampled=st.lists(SAMPLE | FIELD, max_size=12), stamp=FIELD)
def test_whatever_comes_is_read_without_a_fault_and_is_plausible(
    sampled: list[Any], stamp: object
) -> None:
    for values, _ in parse_meter_values([{"timestamp": stamp, "sampledValue": sampled}], NOW):
        assert_plausible(values)


def assert_plausible(values: MeterValues) -> None:
    assert all(0.0 <= current_a <= 3e3 for current_a in values.currents_a or ())
    assert values.power_w is None or 0.0 <= values.power_w <= 3e6
    assert values.energy_wh is None or 0.0 <= values.energy_wh <= 3e12
    assert all(voltage_v is None or 50.0 <= voltage_v <= 1e3 for voltage_v in values.voltages_v)
