"""Overload drills: how fast the chargers of a site really are."""

import pytest

from custom_components.balanz.site.drill import DrillError
from simulator.car import Car
from simulator.faults import Faults

from .build import accepted_a, charger, pass_s, settings, until
from .conftest import Bench


async def test_a_drill_tells_how_long_each_charger_takes_and_ends_by_itself(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    first = await bench.dial_in(site, "A", car=Car())
    second = await bench.dial_in(site, "B", car=Car())
    await until(lambda: first.currents_a[0] == 16.0 and second.currents_a[0] == 16.0)

    ended = site.start_drill("root")
    assert site.snapshot.groups["root"].drilling
    await until(lambda: accepted_a(site, "A") == 8.0 and accepted_a(site, "B") == 8.0)
    report = await ended

    assert report.capacity_a == 16.0
    assert [(one.from_a, one.to_a) for one in report.connectors] == [(16.0, 8.0), (16.0, 8.0)]
    for one in report.connectors:
        assert one.accepted_after_s is not None
        assert one.accepted_after_s < 5.0
    assert report.slowest_s is not None
    assert report.slowest_s < 30.0
    assert site.snapshot.groups["root"].drill == report
    assert not site.snapshot.groups["root"].drilling
    await until(lambda: accepted_a(site, "A") == 16.0 and accepted_a(site, "B") == 16.0)


async def test_a_charger_that_ignores_its_limit_is_seen_in_a_drill(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    stubborn = await bench.dial_in(site, "A", car=Car())
    await until(lambda: stubborn.currents_a[0] == 16.0)
    stubborn.faults = Faults(ignore_profiles=True)

    report = await site.start_drill("root")

    assert report.connectors[0].to_a == 8.0
    assert report.connectors[0].followed_after_s is None
    assert report.slowest_s is None


async def test_the_last_report_outlives_a_restart(bench: Bench) -> None:
    planned = settings(charger("A"))
    site = await bench.start(planned)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    report = await site.start_drill("root")
    await site.stop()

    again = await bench.start(planned)

    await until(lambda: again.snapshot.groups["root"].drill is not None)
    assert again.snapshot.groups["root"].drill == report


async def test_where_nothing_charges_there_is_nothing_to_drill(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") is not None)

    with pytest.raises(DrillError) as refused:
        site.start_drill("root")

    assert refused.value.code == "drill_nothing_charges"


async def test_a_group_whose_meter_is_silent_cannot_be_drilled(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), metered=True))

    with pytest.raises(DrillError) as refused:
        site.start_drill("root")

    assert refused.value.code == "drill_supply_unknown"


async def test_one_drill_at_a_time_and_a_stop_ends_it(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    ended = site.start_drill("root")
    await pass_s(1.0)

    with pytest.raises(DrillError) as refused:
        site.start_drill("root")
    await site.stop()

    assert refused.value.code == "drill_running"
    assert ended.cancelled()
