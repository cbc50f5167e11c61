"""Meter values, as chargers really send them."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.csms.clock_skew import ClockSkew
from custom_components.balanz.csms.events import MeterValues
from custom_components.balanz.csms.lenient import integer, number, text, timestamp
from custom_components.balanz.csms.v16_meter_values import MAX_VALUES, parse_meter_values

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sample(value: object, measurand: str | None = None, **fields: object) -> dict[str, object]:
    kind = {} if measurand is None else {"measurand": measurand}
    return {"value": value, **kind, **fields}


def parse(*samples: object) -> MeterValues | None:
    """Return what becomes of one sample set."""
    parsed = list(parse_meter_values([{"sampledValue": list(samples)}], NOW))
    return parsed[0][0] if parsed else None


def parse_one(*samples: object) -> MeterValues:
    values = parse(*samples)
    assert values is not None
    return values


@pytest.mark.parametrize(
    ("samples", "currents_a", "per_phase"),
    [
        pytest.param(
            [
                sample("10.1", "Current.Import", unit="A", phase="L1"),
                sample("10.2", "Current.Import", unit="A", phase="L2"),
                sample("0", "Current.Import", unit="A", phase="L3"),
            ],
            (10.1, 10.2, 0.0),
            True,
            id="three-phases",
        ),
        pytest.param(
            [
                sample("9", "Current.Import", phase="L2-N"),
                sample("8", "Current.Import", phase="L1-N"),
            ],
            (8.0, 9.0),
            True,
            id="phase-to-neutral-in-any-order",
        ),
        pytest.param([sample("12", "Current.Import")], (12.0,), False, id="no-phase"),
        pytest.param(
            [sample("12000", "Current.Import", unit="mA", phase="L1")],
            (12.0,),
            True,
            id="milliamperes",
        ),
        pytest.param(
            [sample("7", "Current.Import", phase="L2")], (7.0,), False, id="one-line-called-L2"
        ),
        pytest.param(
            [
                sample("7", "Current.Import", phase="L1"),
                sample("9", "Current.Import", phase="L3"),
            ],
            (9.0,),
            False,
            id="a-gap-is-no-zero",
        ),
        pytest.param(
            [
                sample("2.3", "Power.Active.Import", unit="kW", phase="L1"),
                sample("1150", "Power.Active.Import", unit="W", phase="L2"),
                sample("230", "Voltage", unit="V", phase="L1-N"),
                sample("230", "Voltage", unit="V", phase="L2-N"),
            ],
            (10.0, 5.0),
            True,
            id="from-power-and-voltage",
        ),
        pytest.param(
            [
                sample("2300", "Power.Active.Import", phase="L1"),
                sample("230", "Voltage"),
            ],
            (10.0,),
            True,
            id="from-power-and-one-voltage",
        ),
        pytest.param(
            [sample("2300", "Power.Active.Import", phase="L1")], None, False, id="no-voltage"
        ),
        pytest.param([sample("2300", "Power.Active.Import")], None, False, id="power-alone"),
    ],
)
def test_currents(
    samples: list[object], currents_a: tuple[float, ...] | None, per_phase: bool
) -> None:
    values = parse_one(*samples)

    assert values.currents_a == (None if currents_a is None else pytest.approx(currents_a))
    assert values.per_phase is per_phase


@pytest.mark.parametrize(
    ("samples", "power_w"),
    [
        ([sample("7.4", "Power.Active.Import", unit="kW")], 7400.0),
        ([sample(7400, "Power.Active.Import")], 7400.0),
        (
            [
                sample("1000", "Power.Active.Import", phase="L1"),
                sample("2000", "Power.Active.Import", phase="L2"),
            ],
            3000.0,
        ),
        (
            [
                sample("1000", "Power.Active.Import", phase="L1"),
                sample("3500", "Power.Active.Import"),
            ],
            3500.0,
        ),
    ],
)
def test_power_of_all_lines(samples: list[object], power_w: float) -> None:
    assert parse_one(*samples).power_w == power_w


@pytest.mark.parametrize(
    ("samples", "energy_wh"),
    [
        ([sample("1234.5")], 1234.5),
        ([sample("12", "Energy.Active.Import.Register", unit="kWh")], 12_000.0),
        ([sample("12", unit="KWH")], 12_000.0),
        ([sample("1", phase="L1"), sample("2", phase="L2"), sample("3", phase="L3")], 6.0),
    ],
)
def test_energy(samples: list[object], energy_wh: float) -> None:
    assert parse_one(*samples).energy_wh == energy_wh


def test_the_current_that_a_charger_says_it_offers() -> None:
    assert parse_one(sample("16", "Current.Offered", unit="A")).offered_a == 16.0


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(sample("5", "Frequency", unit="Hz"), id="D09-measurand"),
        pytest.param(sample("5", "Current.Import", unit="Celcius"), id="D09-unit"),
        pytest.param(sample("5", "Current.Import", phase="L1-L2-L3"), id="D09-phase"),
        pytest.param(sample("5", ["Current.Import"]), id="measurand-as-list"),  # type: ignore[arg-type]
        pytest.param(sample("", "Current.Import"), id="D10-empty"),
        pytest.param(sample("NaN", "Current.Import"), id="D10-nan"),
        pytest.param(sample("inf", "Current.Import"), id="D10-infinity"),
        pytest.param(sample("1e400", "Current.Import"), id="D10-too-large"),
        pytest.param(sample("1,250", "Current.Import"), id="D10-comma-of-thousands-or-decimals"),
        pytest.param(sample("12,5,1", "Current.Import"), id="two-commas"),
        pytest.param(sample("16 V", "Current.Import"), id="unit-of-something-else"),
        pytest.param(sample("16 A", "Current.Import", unit="mA"), id="two-units"),
        pytest.param(sample("1" * 60, "Current.Import"), id="endless-digits"),
        pytest.param(sample("12", "Current.Import", format="SignedData"), id="signed"),
        pytest.param(sample("12", "Current.Import", location="EV"), id="battery-current"),
        pytest.param(sample("12", "Current.Import.L9"), id="line-that-cannot-be"),
        pytest.param(sample("12", "RPM"), id="measurand-that-says-nothing"),
        pytest.param(sample("--", "Current.Import"), id="D10-dashes"),
        pytest.param(sample(None, "Current.Import"), id="null"),
        pytest.param(sample(True, "Current.Import"), id="true"),
        pytest.param(sample("1e6", "Current.Import"), id="D11-current"),
        pytest.param(sample("-40", "Current.Import"), id="D11-negative"),
        pytest.param(sample("3000000", "Power.Active.Import"), id="D11-power"),
        pytest.param("no object", id="no-object"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_bad_sample_is_dropped_and_the_rest_kept(bad: object) -> None:
    assert parse(bad) is None
    values = parse_one(bad, sample("100"))
    assert (values.energy_wh, values.currents_a, values.power_w) == (100.0, None, None)


@pytest.mark.parametrize("nothing", [None, [], {}, "x", [None], [{}], [{"sampledValue": {}}]])
def test_no_samples_are_no_values(nothing: Any) -> None:
    assert list(parse_meter_values(nothing, NOW)) == []


def test_each_sample_has_its_time() -> None:
    meter_values = [
        {"timestamp": "2026-03-01T10:00:00+02:00", "sampledValue": [sample("1")]},
        {"sampledValue": [sample("2")]},
    ]

    first, second = parse_meter_values(meter_values, NOW)

    assert first[0].measured_at == first[1] == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert (second[0].measured_at, second[1]) == (NOW, None)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-01T12:00:00Z", NOW),
        ("2026-03-01T12:00:00", NOW),
        ("2026-03-01T14:00:00.000000001+02:00", NOW),
        (" 2026-03-01T12:00:00Z ", NOW),
        ("", None),
        ("yesterday", None),
        ("2026-03-01T12:00:60Z", None),
        ("0001-01-01T00:00:00+23:00", None),
        (17, None),
    ],
)
def test_timestamps_are_read_as_far_as_they_can_be(written: object, moment: object) -> None:
    assert timestamp(written) == moment


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (1, 1),
        ("1", 1),
        (" 12 ", 12),
        (1.0, 1),
        (1.5, None),
        (True, None),
        (None, None),
        ("x", None),
    ],
)
def test_whole_numbers_are_read_as_far_as_they_can_be(written: object, value: object) -> None:
    assert integer(written) == value


def test_text_is_cleaned_and_cut() -> None:
    assert text("a\n\x00b\u202ec" * 10, 5) == "abcab"
    assert text(5, 5) == ""
    assert number([]) is None


def test_a_clock_that_is_right_is_known_at_once() -> None:
    clock = ClockSkew()

    clock.observe(NOW - timedelta(seconds=2), NOW)

    assert clock.skew_s == -2.0
    assert clock.is_fresh(NOW - timedelta(seconds=55), NOW)


def test_messages_from_memory_are_not_mistaken_for_a_wrong_clock() -> None:
    clock = ClockSkew()
    for number_sent in range(100):
        received_at = NOW + timedelta(seconds=number_sent)
        clock.observe(NOW - timedelta(hours=2) + timedelta(seconds=60 * number_sent), received_at)

    assert clock.skew_s is None
    assert not clock.is_fresh(NOW - timedelta(hours=1), NOW)


@pytest.mark.parametrize("offset", [timedelta(hours=2), timedelta(hours=-5)])
def test_a_clock_that_is_off_is_learnt_and_its_values_become_fresh(offset: timedelta) -> None:
    clock = ClockSkew()
    clock.observe(NOW + offset, NOW)
    assert not clock.is_fresh(NOW + offset, NOW)

    later = NOW + timedelta(seconds=30)
    clock.observe(later + offset, later)

    assert clock.skew_s == offset.total_seconds()
    assert clock.is_fresh(later + offset, later)
    assert not clock.is_fresh(later, later)


def test_a_clock_that_was_set_right_is_right() -> None:
    clock = ClockSkew()
    for seconds in (0, 30):
        received_at = NOW + timedelta(seconds=seconds)
        clock.observe(received_at + timedelta(hours=2), received_at)

    clock.observe(NOW, NOW)

    assert clock.skew_s == 0.0


def test_what_is_known_of_a_clock_ends_when_ours_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ClockSkew()
    clock.observe(NOW, NOW)
    set_to = time.time() + 3600

    monkeypatch.setattr(time, "time", lambda: set_to)

    assert clock.skew_s is None


def test_of_thousands_of_values_in_one_message_the_last_ones_are_read() -> None:
    one = {"sampledValue": [{"value": "1"}]}
    last = {"sampledValue": [{"value": "2"}]}

    read = [values.energy_wh for values, _ in parse_meter_values([one] * 5000 + [last], NOW)]

    assert len(read) == MAX_VALUES
    assert read[-1] == 2.0
