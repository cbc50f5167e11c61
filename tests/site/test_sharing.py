"""Cars share what the fuse allows, and follow what the house and the user do."""

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.site.snapshot import ProblemKind
from simulator.car import Car

from .build import (
    accepted_a,
    amperes,
    booked_a,
    charger,
    connector,
    limits_received,
    pass_s,
    problems,
    settings,
    subjects,
    until,
)
from .conftest import Bench

A, B = ConnectorKey("A", 1), ConnectorKey("B", 1)


async def test_two_cars_share_a_fuse_that_is_too_small_for_both(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    one = await bench.dial_in(site, "A", car=Car())
    two = await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    await until(lambda: one.currents_a == two.currents_a == (10.0, 10.0, 10.0))
    assert connector(site, "A").offered_by.rule is Rule.SHARED
    assert connector(site, "A").offered_by.group_name == "Root"


async def test_when_the_house_rises_all_chargers_are_cut_in_one_go(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), metered=True))
    site.report_meter("root", amperes(0.0))
    chargers = [await bench.dial_in(site, name, car=Car()) for name in "AB"]
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 16.0)
    await until(lambda: all(it.currents_a[0] == 16.0 for it in chargers))
    site.report_meter("root", amperes(32.0))
    await until(lambda: connector(site, "A").currents_a[0] == 16.0)
    await until(lambda: connector(site, "B").currents_a[0] == 16.0)
    await pass_s(20.0)
    seen = [len(limits_received(it)) for it in chargers]
    site.report_meter("root", amperes(44.0))
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    assert [limits_received(it)[count:] for it, count in zip(chargers, seen, strict=True)] == [
        [10.0],
        [10.0],
    ]


async def test_export_is_not_headroom(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), metered=True, rating_a=10.0))
    site.report_meter("root", amperes(-20.0))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 10.0)
    site.report_meter("root", amperes(-10.0))
    await pass_s(30.0)
    assert accepted_a(site, "A") == 10.0
    assert site.snapshot.groups["root"].measured == amperes(-10.0)
    assert site.snapshot.groups["root"].available == amperes(10.0)


async def test_a_capacity_that_is_lowered_cuts_and_one_that_is_raised_lets_rise(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    await site.set_capacity("root", 8.0)
    assert site.snapshot.groups["root"].capacity_a == 8.0
    await until(lambda: accepted_a(site, "A") == 8.0)
    await site.set_capacity("root", 12.0)
    await until(lambda: accepted_a(site, "A") == 12.0)


@pytest.mark.parametrize("capacity_a", [-1.0, 32.5, float("nan")])
async def test_a_capacity_that_cannot_be_is_refused(bench: Bench, capacity_a: float) -> None:
    site = await bench.start(settings())
    with pytest.raises(ValueError, match="not within"):
        await site.set_capacity("root", capacity_a)
    assert site.snapshot.groups["root"].capacity_a == 32.0


async def test_a_maximum_bounds_its_charger_alone(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    for name in "AB":
        await bench.dial_in(site, name, car=Car())
    await site.set_maximum(A, 7.0)
    await until(lambda: (accepted_a(site, "A"), accepted_a(site, "B")) == (7.0, 16.0))
    await site.set_maximum(A, 9.0)
    await until(lambda: accepted_a(site, "A") == 9.0)
    with pytest.raises(ValueError, match="not within"):
        await site.set_maximum(A, 16.5)


async def test_a_charger_that_is_switched_off_pauses_its_car(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    await site.set_enabled(A, enabled=False)
    await until(lambda: accepted_a(site, "A") == 0.0 and simulated.currents_a[0] == 0.0)
    assert connector(site, "A").offered_by.rule is Rule.SWITCHED_OFF
    assert simulated.transaction_id is not None
    await site.set_enabled(A, enabled=True)
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_charger_without_a_car_is_held_at_nothing(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0 and booked_a(site, "A") == 0.0)
    assert connector(site, "A").offered_by.rule is Rule.NO_CAR
    simulated.plug_in(Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    simulated.unplug()
    await until(lambda: accepted_a(site, "A") == 0.0 and booked_a(site, "A") == 0.0)
    assert connector(site, "A").currents_a == (0.0, 0.0, 0.0)
    assert connector(site, "A").session_energy_wh is not None


async def test_two_connectors_share_the_rating_of_their_charger(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", connectors=2)))
    simulated = await bench.dial_in(site, "A", connectors=2)
    for number in (1, 2):
        simulated.plug_in(Car(), number)
    await until(lambda: [accepted_a(site, "A", number) for number in (1, 2)] == [8.0, 8.0])
    await until(lambda: simulated.currents_a == (16.0, 16.0, 16.0))
    assert list(site.snapshot.groups) == ["root"]


async def test_a_silent_meter_lets_nothing_rise_and_is_told_after_the_grace(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), metered=True, other_loads_a=40.0))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: connector(site, "A").offered_by.rule is Rule.SUPPLY_UNKNOWN)
    assert problems(site) == set()
    await until(lambda: problems(site) == {ProblemKind.METER_SILENT})
    assert subjects(site, ProblemKind.METER_SILENT) == ["root"]
    assert max(limits_received(simulated)) == 0.0
    site.report_meter("root", amperes(2.0))
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert problems(site) == set()


async def test_a_meter_that_falls_silent_pauses_what_would_not_fit_any_more(bench: Bench) -> None:
    site = await bench.start(
        settings(charger("A"), metered=True, other_loads_a=28.0, meter_lost_after_s=90.0)
    )
    site.report_meter("root", amperes(0.0))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    site.report_meter("root", None)
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert site.snapshot.groups["root"].base_load is None
    assert site.snapshot.groups["root"].measured is None


async def test_a_reading_that_is_no_number_is_no_reading(bench: Bench) -> None:
    site = await bench.start(settings(metered=True))
    site.report_meter("root", amperes(3.0))
    await until(lambda: site.snapshot.groups["root"].measured == amperes(3.0))
    site.report_meter("root", amperes(3.0, float("nan")))
    await until(lambda: site.snapshot.groups["root"].measured is None)


async def test_a_house_that_takes_it_all_is_told_once_nothing_is_left_to_cut(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), metered=True))
    await bench.dial_in(site, "A", car=Car())
    site.report_meter("root", amperes(5.0, 40.0, 5.0))
    await until(lambda: problems(site) == {ProblemKind.OVERLOAD})
    problem = site.snapshot.problems[0]
    assert dict(problem.placeholders) == {"group": "Root", "phase": "L2", "capacity": "32"}
    assert not site.snapshot.groups["root"].within_limit
    site.report_meter("root", amperes(5.0))
    await until(lambda: problems(site) == set())


async def test_a_sleeping_car_keeps_its_minimum_so_that_it_can_wake(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car(asleep=((0.0, 100.0),)))
    await until(lambda: connector(site, "A").offered_by.rule is Rule.DELAYED)
    await until(lambda: accepted_a(site, "A") == 6.0)
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_lease_is_renewed_before_it_lapses(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", short_lease=True)))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    before = len(limits_received(simulated))
    await until(lambda: len(limits_received(simulated)) > before)
    assert limits_received(simulated)[before:] == [16.0]


async def test_a_charger_out_of_service_gets_nothing(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    simulated.station.change_availability(0, operative=False)
    await until(lambda: connector(site, "A").offered_by.rule is Rule.OUT_OF_SERVICE)
    assert connector(site, "A").plugged is None


async def test_single_phase_cars_on_different_phases_do_not_share(bench: Bench) -> None:
    chargers = [
        charger("A", phases=1, phase_map=PhaseMap.L1),
        charger("B", phases=1, phase_map=PhaseMap.L3),
    ]
    site = await bench.start(settings(*chargers, rating_a=16.0))
    one = await bench.dial_in(site, "A", car=Car(phases=1), phases=1)
    two = await bench.dial_in(site, "B", car=Car(phases=1), phases=1)
    await until(lambda: one.currents_a[0] == two.currents_a[0] == 16.0)
    await until(lambda: connector(site, "A").currents_a == (16.0, None, None))
    assert site.snapshot.groups["root"].booked == amperes(16.0, 0.0, 16.0)
