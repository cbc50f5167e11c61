"""Chargers measure in many ways, and some hardly at all."""

import pytest

from custom_components.balanz.balancing.phases import PhaseMap
from simulator.car import Car
from simulator.faults import Faults, MeterStyle

from .build import accepted_a, amperes, booked_a, charger, connector, settings, until
from .conftest import Bench


@pytest.mark.parametrize("style", list(MeterStyle))
@pytest.mark.parametrize("phases", [1, 3])
async def test_whatever_a_charger_measures_two_cars_share(
    bench: Bench, style: MeterStyle, phases: int
) -> None:
    wiring = PhaseMap.L1 if phases == 1 else PhaseMap.L1_L2_L3
    chargers = [charger(name, phases=phases, phase_map=wiring) for name in "AB"]
    site = await bench.start(settings(*chargers, rating_a=20.0))
    cars = [
        await bench.dial_in(
            site, name, car=Car(phases=phases), phases=phases, faults=Faults(meter_style=style)
        )
        for name in "AB"
    ]
    await until(lambda: cars[0].currents_a[0] == cars[1].currents_a[0] == 10.0)
    await until(lambda: booked_a(site, "A") == booked_a(site, "B") == 10.0)


async def test_a_current_without_phases_is_shown_only_where_there_is_but_one_line(
    bench: Bench,
) -> None:
    faults = Faults(meter_style=MeterStyle.NO_PHASES)
    chargers = [charger("A"), charger("B", phases=1, phase_map=PhaseMap.L2)]
    site = await bench.start(settings(*chargers))
    await bench.dial_in(site, "A", car=Car(), faults=faults)
    await bench.dial_in(site, "B", car=Car(phases=1), phases=1, faults=faults)
    await until(lambda: connector(site, "B").currents_a == (16.0, None, None))
    await until(lambda: connector(site, "A").power_w == 11040.0)
    assert connector(site, "A").currents_a == (None, None, None)


async def test_a_charger_that_measures_power_alone_is_not_taken_for_the_house(
    bench: Bench,
) -> None:
    site = await bench.start(
        settings(charger("A", phases=1, phase_map=PhaseMap.L1), metered=True, rating_a=20.0)
    )
    site.report_meter("root", amperes(2.0))
    faults = Faults(meter_style=MeterStyle.POWER_ONLY)
    simulated = await bench.dial_in(site, "A", car=Car(phases=1), phases=1, faults=faults)
    await until(lambda: connector(site, "A").power_w == 3680.0)
    site.report_meter("root", amperes(18.0, 2.0, 2.0))
    await until(lambda: site.snapshot.groups["root"].measured == amperes(18.0, 2.0, 2.0))
    assert site.snapshot.groups["root"].base_load == amperes(2.0)
    assert simulated.currents_a[0] == 16.0


async def test_energy_alone_tells_the_power_but_no_current(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    faults = Faults(meter_style=MeterStyle.ENERGY_ONLY)
    await bench.dial_in(site, "A", car=Car(), faults=faults, meter_start_wh=5000.0)
    await until(lambda: connector(site, "A").power_w == pytest.approx(11040.0, rel=0.05))
    assert (connector(site, "A").session_energy_wh or 0.0) > 0.0
    assert connector(site, "A").currents_a == (None, None, None)
    await until(lambda: connector(site, "A").charging is True)
    assert (connector(site, "A").energy_wh or 0.0) > 5000.0


async def test_a_car_that_has_finished_is_seen_by_its_power_on_three_lines(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    faults = Faults(meter_style=MeterStyle.POWER_ONLY)
    await bench.dial_in(site, "A", car=Car(maximum_a=0.0), faults=faults)
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: other.currents_a[0] == 16.0)


async def test_what_a_meter_said_is_not_shown_once_the_link_is_gone(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: connector(site, "A").currents_a == (16.0, 16.0, 16.0))
    await simulated.stop()
    await until(lambda: not site.snapshot.chargers["A"].connected)
    assert connector(site, "A").currents_a == (None, None, None)
    assert connector(site, "A").power_w is None
    assert connector(site, "A").charging is None
    assert (connector(site, "A").energy_wh or 0.0) > 0.0
    assert accepted_a(site, "A") == 16.0
