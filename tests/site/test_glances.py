"""At large sites most news get but a glance, and what has to be cut is cut all the same."""

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.site import BalanzSite, step_timer
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import accepted_a, amperes, charger, limits_received, pass_s, settings, until
from .conftest import Bench

PATIENCE_S = 0.7
SHARE_A = 12.0
B = ConnectorKey("B", 1)


@pytest.fixture
async def shared(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> tuple[BalanzSite, SimulatedCharger, SimulatedCharger]:
    """Two cars that share a metered fuse, at a site that takes itself for a large one."""
    monkeypatch.setattr(step_timer, "PATIENT_ABOVE", 0)
    monkeypatch.setattr(step_timer, "PATIENCE_PER_CONNECTOR_S", 1.0)
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=25.0, metered=True))
    site.report_meter("root", amperes(1.0))
    first, second = [await bench.dial_in(site, name, car=Car()) for name in "AB"]
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == SHARE_A)
    await pass_s(60.0)
    assert site._rooms.timer.patience_s == PATIENCE_S
    return site, first, second


async def test_a_charger_that_takes_more_than_it_may_has_others_cut_within_a_second(
    shared: tuple[BalanzSite, SimulatedCharger, SimulatedCharger],
) -> None:
    site, first, second = shared
    timer, live = site._rooms.timer, site._rooms.live[B]
    second.faults = Faults(ignore_profiles=True)

    await until(lambda: live.commitment.measured_a(timer.now()) > 15.0)
    told_at = timer.now()
    await until(lambda: limits_received(first)[-1] < SHARE_A)

    assert timer.now() - told_at < 1.0


async def test_what_a_car_leaves_is_given_to_others_a_little_later(
    shared: tuple[BalanzSite, SimulatedCharger, SimulatedCharger],
) -> None:
    site, first, _ = shared
    first.unplug()
    await until(lambda: accepted_a(site, "B") == 16.0, deadline_s=30.0)


async def test_a_house_that_takes_more_waits_for_nothing(
    shared: tuple[BalanzSite, SimulatedCharger, SimulatedCharger],
) -> None:
    site, first, second = shared
    told_at = site._rooms.timer.now()
    site.report_meter("root", amperes(10.0 + first.currents_a[0] + second.currents_a[0]))
    await until(
        lambda: limits_received(first)[-1] < SHARE_A and limits_received(second)[-1] < SHARE_A
    )
    assert site._rooms.timer.now() - told_at < 0.2
