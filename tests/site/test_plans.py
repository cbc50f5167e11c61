"""What users plan for cars: when they leave, what they need, and who goes first for a while."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.policies import Policy
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.plans import PlanRefusal, PlanRefused
from custom_components.balanz.storage.plans import Plan
from simulator.car import Car
from simulator.virtual_time import wall_time

from .build import accepted_a, charger, connector, pass_s, settings, until
from .conftest import Bench

A, B = ConnectorKey("A", 1), ConnectorKey("B", 1)


def later(hours: float) -> datetime:
    return wall_time() + timedelta(hours=hours)


async def two_that_share(bench: Bench, **root: Any) -> BalanzSite:
    """20 A for two cars that would take 16 A each."""
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0, **root))
    for name in "AB":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    return site


async def test_a_boosted_car_goes_first_and_no_longer_when_that_is_taken_back(
    bench: Bench,
) -> None:
    site = await two_that_share(bench)
    await site.set_plan(B, Plan(boosted_until=later(1)))
    await until(lambda: (accepted_a(site, "A"), accepted_a(site, "B")) == (6.0, 14.0))
    await site.set_plan(B, Plan())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)


async def test_a_boost_ends_by_itself(bench: Bench) -> None:
    site = await two_that_share(bench)
    await site.set_plan(B, Plan(boosted_until=wall_time() + timedelta(minutes=1)))
    await until(lambda: accepted_a(site, "B") == 14.0)
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)


async def test_how_long_a_boost_lasts_outlives_a_restart_and_not_its_charger(
    bench: Bench,
) -> None:
    setup = settings(charger("A"), charger("B"))
    site = await bench.start(setup)
    assert connector(site, "A").boost_lasts == timedelta(hours=1)
    await site.set_boost_duration(A, timedelta(minutes=20))
    await site.stop()
    again = await bench.start(setup)
    assert connector(again, "A").boost_lasts == timedelta(minutes=20)
    assert connector(again, "B").boost_lasts == timedelta(hours=1)
    await again.apply(settings(charger("B")))
    await again.apply(setup)
    assert connector(again, "A").boost_lasts == timedelta(hours=1)


@pytest.mark.parametrize("minutes", [-1, 0, 24 * 60 + 1])
async def test_no_boost_lasts_no_time_or_more_than_a_day(bench: Bench, minutes: int) -> None:
    site = await bench.start(settings(charger("A")))
    with pytest.raises(ValueError, match="not within"):
        await site.set_boost_duration(A, timedelta(minutes=minutes))
    assert connector(site, "A").boost_lasts == timedelta(hours=1)


async def test_who_leaves_soon_and_needs_much_gets_more_where_need_counts(bench: Bench) -> None:
    site = await two_that_share(bench, policy=Policy.NEED)
    await site.set_plan(B, Plan(departs_at=later(2), energy_wh=22_000.0))
    await until(lambda: (accepted_a(site, "B") or 0.0) > (accepted_a(site, "A") or 0.0))


async def test_a_plan_ends_when_its_car_leaves_and_not_before_it_comes(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await site.set_plan(A, Plan(departs_at=later(2), energy_wh=10_000.0))
    await pass_s(5.0)
    assert connector(site, "A").plan.energy_wh == 10_000.0
    simulated.plug_in(Car())
    await until(lambda: connector(site, "A").plugged)
    await pass_s(5.0)
    assert connector(site, "A").plan.energy_wh == 10_000.0
    simulated.unplug()
    await until(lambda: connector(site, "A").plan.is_empty)


async def test_a_plan_outlives_a_restart(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    plan = Plan(departs_at=later(2), energy_wh=10_000.0, boosted_until=later(1))
    await site.set_plan(A, plan)
    await site.stop()
    again = await bench.start(setup)
    assert connector(again, "A").plan == plan


@pytest.mark.parametrize(
    ("hours", "refusal"),
    [(-1.0, PlanRefusal.PASSED), (24.0 * 30, PlanRefusal.TOO_FAR)],
)
async def test_times_that_cannot_be_are_refused(
    bench: Bench, hours: float, refusal: PlanRefusal
) -> None:
    site = await bench.start(settings(charger("A")))
    for plan in (Plan(departs_at=later(hours)), Plan(boosted_until=later(hours))):
        with pytest.raises(PlanRefused) as refused:
            await site.set_plan(A, plan)
    assert refused.value.code is refusal
    assert connector(site, "A").plan.is_empty


@pytest.mark.parametrize("energy_wh", [0.0, -1.0, float("nan"), float("inf")])
def test_energy_that_no_car_can_need_is_no_plan(energy_wh: float) -> None:
    with pytest.raises(ValueError, match="no energy"):
        Plan(energy_wh=energy_wh)


async def test_a_departure_that_has_passed_may_stay_while_something_else_is_planned(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: connector(site, "A").plugged)
    soon = wall_time() + timedelta(seconds=0.2)
    await site.set_plan(A, Plan(departs_at=soon))
    await until(lambda: wall_time() > soon)
    await site.set_plan(A, Plan(departs_at=soon, energy_wh=5_000.0))
    assert connector(site, "A").plan == Plan(departs_at=soon, energy_wh=5_000.0)
