"""What is told of a supply besides its current decides what cars may have."""

from typing import Any

from custom_components.balanz.balancing.surplus import SurplusMode
from custom_components.balanz.site import BalanzSite
from simulator.car import Car
from simulator.charger import SimulatedCharger

from .build import accepted_a, amperes, charger, pass_s, settings, until
from .conftest import Bench


async def tell(site: BalanzSite, house_a: float, car: SimulatedCharger, **more: Any) -> None:
    """Report a house, and a car beside it, each five seconds for two minutes."""
    for _ in range(24):
        site.report_meter("root", amperes(house_a + car.currents_a[0]), fresh_for_s=15.0, **more)
        await pass_s(5.0)


async def test_a_car_takes_what_the_roof_gives_and_nothing_of_the_battery(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), metered=True, surplus=SurplusMode.ONLY))
    car = await bench.dial_in(site, "A", car=Car())
    await tell(site, -10.0, car, battery_discharge_a=30.0)
    assert car.currents_a[0] == 0.0

    await tell(site, -10.0, car, battery_discharge_a=None)
    assert car.currents_a[0] == 0.0

    await tell(site, -10.0, car, battery_discharge_a=3.0)

    assert car.currents_a[0] == 9.0


async def test_a_power_limit_leaves_less_current_where_the_voltage_is_high(bench: Bench) -> None:
    limited = settings(charger("A"), metered=True, power_limit_w=6900.0, power_factor=1.0)
    site = await bench.start(limited)
    car = await bench.dial_in(site, "A", car=Car())
    await tell(site, 0.0, car, voltage_v=230.0)
    assert accepted_a(site, "A") == 10.0

    await tell(site, 0.0, car, voltage_v=250.0)

    await until(lambda: accepted_a(site, "A") == 9.0)
