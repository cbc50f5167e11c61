"""What readings say about currents: exactly, at the most, or nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.model import Connector, ConnectorKey
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.csms.events import MeterValues
from custom_components.balanz.site.draws import Drawn, RegisterPower, drawn

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = RegisterPower()


def connector(phase_map: PhaseMap = PhaseMap.L1_L2_L3) -> Connector:
    return Connector(
        key=ConnectorKey("A", 1),
        name="A",
        group_id="root",
        rating_a=16.0,
        maximum_a=16.0,
        phase_map=phase_map,
    )


def values(**fields: Any) -> MeterValues:
    unknown: dict[str, Any] = {
        "currents_a": None,
        "per_phase": False,
        "power_w": None,
        "energy_wh": None,
        "offered_a": None,
        "measured_at": NOON,
    }
    return MeterValues(**(unknown | fields))


def of_three(**fields: Any) -> Drawn:
    return drawn(values(**fields), connector(), 3, NOTHING)


def of_one(**fields: Any) -> Drawn:
    return drawn(values(**fields), connector(PhaseMap.L2), 1, NOTHING)


def on_l2(current_a: float) -> PhaseCurrents:
    return PhaseCurrents(l2=current_a)


def test_currents_of_all_lines_are_exact() -> None:
    seen = of_three(currents_a=(10.0, 0.0, 4.0), per_phase=True)

    assert seen.interval is not None
    assert seen.interval.least == seen.interval.most == PhaseCurrents(l1=10.0, l2=0.0, l3=4.0)
    assert seen.line_a == 10.0


def test_lines_that_are_not_told_of_may_carry_as_much_as_the_others() -> None:
    seen = of_three(currents_a=(9.6,), per_phase=True)

    assert seen.interval is not None
    assert seen.interval.least == PhaseCurrents(l1=9.6)
    assert seen.interval.most == PhaseCurrents.uniform(9.6)


def test_what_flows_back_is_what_flows_where_there_is_one_line() -> None:
    seen = of_one(neutral_a=13.2)

    assert seen.interval is not None
    assert seen.interval.least == seen.interval.most == on_l2(13.2)
    assert of_three(neutral_a=13.2) == Drawn()


def test_of_three_lines_one_may_carry_all_of_a_power() -> None:
    seen = of_three(power_w=2300.0)

    assert seen.interval is not None
    assert seen.interval.least == PhaseCurrents()
    assert seen.interval.most == PhaseCurrents.uniform(10.0)
    assert seen.line_a is None
    assert seen.at_most_a == pytest.approx(2300.0 / 207.0)


def test_the_voltage_that_is_measured_tells_the_current_of_a_power() -> None:
    seen = of_one(power_w=2200.0, voltages_v=(220.0, None, None))

    assert (seen.line_a, seen.at_most_a) == (10.0, 10.0)


def test_energy_tells_nothing_before_the_register_has_moved() -> None:
    register = RegisterPower()
    for second in range(0, 100, 10):
        register = register.read(5000.0, float(second))

    assert drawn(values(energy_wh=5000.0), connector(), 3, register) == Drawn()
    assert register.power_w is None


def fed(*steps: tuple[float, float]) -> RegisterPower:
    """Return a register that was read at these times, s, with these values, Wh."""
    register = RegisterPower()
    for at, register_wh in steps:
        register = register.read(register_wh, at)
    return register


def test_energy_bounds_a_current_but_never_tells_that_of_a_line() -> None:
    register = fed((0.0, 0.0), (1.0, 1.0), (37.0, 101.0))

    seen = drawn(values(energy_wh=101.0), connector(PhaseMap.L2), 1, register)

    assert register.power_w == pytest.approx(10_000.0)
    assert seen.line_a is None
    assert seen.interval is not None
    assert seen.interval.least.l2 == pytest.approx(9900.0 / 230.0)
    assert seen.interval.most.l2 == pytest.approx(10_100.0 / 230.0)
    assert seen.interval.most.l1 == 0.0


def test_a_coarse_register_tells_nothing_of_a_short_time() -> None:
    assert fed((0.0, 0.0), (10.0, 100.0), (20.0, 200.0)).power_w is None


def test_a_register_that_stands_still_tells_of_a_car_at_rest() -> None:
    register = fed((0.0, 0.0), (10.0, 1.0), (20.0, 1.0), (30.0, 1.0))

    seen = drawn(values(energy_wh=1.0), connector(), 3, register)

    assert seen.at_most_a is not None
    assert 0.0 < seen.at_most_a < 1.0


def test_a_register_that_falls_starts_anew_but_stays_as_fine() -> None:
    register = fed((0.0, 900.0), (10.0, 901.0), (20.0, 0.0))

    assert (register.power_w, register.step_wh) == (None, 1.0)


@given(
    power_w=st.floats(0.0, 22_000.0),
    resolution_wh=st.sampled_from([1.0, 10.0, 100.0]),
    every_s=st.floats(1.0, 60.0),
    count=st.integers(2, 60),
)
def test_a_steady_power_is_within_what_the_register_tells(
    power_w: float, resolution_wh: float, every_s: float, count: int
) -> None:
    register = RegisterPower()
    for number in range(count):
        exact_wh = power_w * number * every_s / 3600.0
        register = register.read(exact_wh // resolution_wh * resolution_wh, number * every_s)
    bounds_w = register.bounds_w()
    if bounds_w is not None:
        least_w, most_w = bounds_w
        assert least_w - 1e-6 <= power_w <= most_w + 1e-6
