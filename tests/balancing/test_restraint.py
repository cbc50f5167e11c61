"""What is held back of a limit is named, with its amperes and until when."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.base_load_memory import BaseLoadMemory
from custom_components.balanz.balancing.control import Result, State
from custom_components.balanz.balancing.inputs import ConnectorInput
from custom_components.balanz.balancing.meter_watch import MeterWatch
from custom_components.balanz.balancing.phases import Phase, PhaseCurrents
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.balancing.supply import PEAK_HOLD_S, BaseLoad, Peak

from .build import NOW, charging, connector, decide, group, inputs, key, meter, site, waiting

HOUR = 20
FUSE_A = 20.0
PEAK_AT = NOW - 60.0


def decided(
    *cars: tuple[str, ConnectorInput],
    house_a: float,
    peak_a: float | None = None,
    worst_a: float = 0.0,
    power_limit_w: float | None = None,
) -> Result:
    """Decide beside a house that took a peak a minute ago, or is known to take more at times."""
    home = replace(group(rating_a=FUSE_A, metered=True), power_limit_w=power_limit_w)
    on = site([home], [connector(name) for name, _ in cars])
    base_load = BaseLoad().observe(meter(house_a, at=NOW - 600.0), [])
    if peak_a is not None:
        peak = Peak(second=int(PEAK_AT), base_load=PhaseCurrents.uniform(peak_a))
        base_load = replace(base_load, peaks=(peak,))
    drawn_a = sum(one.commitment.aim_a(on.connectors[key(name)], NOW) for name, one in cars)
    memory = BaseLoadMemory(hours={HOUR: PhaseCurrents.uniform(worst_a)})
    before = MeterWatch(memory=memory).heard(meter(house_a + drawn_a, at=NOW - 2))
    what = inputs(on, cars, meters={"root": meter(house_a + drawn_a)})
    state = State(base_loads={"root": base_load}, meters={"root": before})
    return decide(on, replace(what, hour_of_week=HOUR), state)


def reason(result: Result, name: str) -> Reason:
    return result.reasons[key(name)]


def test_a_car_that_waits_for_a_past_peak_is_told_its_amperes_and_its_end() -> None:
    result = decided(waiting("a"), house_a=4.0, peak_a=18.0)

    assert reason(result, "a") == Reason(
        rule=Rule.PAST_PEAK,
        group_id="root",
        phase=Phase.L1,
        until=PEAK_AT + 1 + PEAK_HOLD_S,
        other_loads_a=18.0,
    )


def test_a_peak_of_all_phases_together_is_named_as_well() -> None:
    result = decided(waiting("a"), house_a=4.0, peak_a=12.0, power_limit_w=12_000.0)

    told = reason(result, "a")
    assert (told.rule, told.phase, told.other_loads_a) == (Rule.PAST_PEAK, None, 36.0)


def test_a_car_that_could_not_begin_without_the_peak_either_waits_for_its_turn() -> None:
    result = decided(charging("a", 8.0), waiting("b"), house_a=11.0, peak_a=12.0)

    assert reason(result, "b").rule is Rule.WAITING


def test_a_house_that_takes_as_much_now_is_no_past_peak() -> None:
    assert reason(decided(waiting("a"), house_a=18.0), "a").rule is Rule.WAITING


def test_a_peak_is_no_matter_to_a_car_that_charges() -> None:
    result = decided(charging("a", 8.0), house_a=4.0, peak_a=12.0)

    assert reason(result, "a").rule is Rule.SHARED


@pytest.mark.parametrize(
    ("car", "worst_a"),
    [
        pytest.param(waiting("a"), 24.0, id="waits"),
        pytest.param(charging("a", 9.0), 20.0, id="charges"),
    ],
)
def test_what_is_kept_free_in_case_nobody_controls_the_site_is_named(
    car: tuple[str, ConnectorInput], worst_a: float
) -> None:
    result = decided(car, house_a=2.0, worst_a=worst_a)

    assert reason(result, "a") == Reason(
        rule=Rule.UNATTENDED,
        group_id="root",
        phase=Phase.L1,
        other_loads_a=worst_a,
        within_a=29.0,
    )


def test_a_house_that_is_known_to_take_little_keeps_nothing_free() -> None:
    result = decided(charging("a", 14.0), house_a=6.0, worst_a=9.0)

    assert reason(result, "a").rule is Rule.SHARED
