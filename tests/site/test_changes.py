"""Settings that change while cars charge: nothing that may still flow is forgotten."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.model import SiteError
from custom_components.balanz.site.snapshot import ProblemKind
from simulator.car import Car

from .build import (
    accepted_a,
    amperes,
    booked_a,
    changed,
    charger,
    connector,
    group,
    pass_s,
    problems,
    settings,
    subjects,
    until,
)
from .conftest import Bench


async def test_a_removed_charger_is_refused_and_stays_booked_until_it_is_released(
    bench: Bench,
) -> None:
    before = settings(charger("A"), charger("B"), rating_a=20.0)
    site = await bench.start(before)
    removed = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    await site.apply(changed(before, charger("B")))
    await until(lambda: not removed.connected and site.snapshot.refused == ("A",))
    assert problems(site) == {ProblemKind.STILL_BOOKED}
    (problem,) = site.snapshot.problems
    assert dict(problem.placeholders) == {
        "charger": "Charger A",
        "group": "Root",
        "current": "16",
    }
    await until(lambda: accepted_a(site, "B") == 0.0)
    await site.release_booking(problem.subject)
    await site.release_booking(problem.subject)
    assert problems(site) == set()
    await until(lambda: accepted_a(site, "B") == 16.0)


async def test_a_booking_outlives_a_restart(bench: Bench) -> None:
    before = settings(charger("A"))
    site = await bench.start(before)
    await site.apply(changed(before))
    await site.stop()
    again = await bench.start(changed(before))
    assert problems(again) == {ProblemKind.STILL_BOOKED}
    assert again.snapshot.groups["root"].booked == amperes(16.0)


async def test_a_charger_that_is_added_again_is_no_longer_booked_twice(bench: Bench) -> None:
    before = settings(charger("A"))
    site = await bench.start(before)
    await site.apply(changed(before))
    assert site.snapshot.groups["root"].booked == amperes(16.0)
    await site.apply(before)
    assert problems(site) == set()
    assert site.snapshot.groups["root"].booked == amperes(16.0)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_charger_that_is_added_again_starts_with_its_settings(bench: Bench) -> None:
    before = settings(charger("A"))
    site = await bench.start(before)
    key = connector(site, "A").key
    await site.set_maximum(key, 8.0)
    await site.set_enabled(key, enabled=False)
    await site.apply(changed(before))
    await site.apply(before)
    assert connector(site, "A").maximum_a == 16.0
    assert connector(site, "A").enabled


async def test_a_charger_that_moves_stays_booked_where_it_was(bench: Bench) -> None:
    groups = (group("east", rating_a=20.0), group("west", rating_a=20.0))
    before = settings(charger("A", group_id="east"), groups=groups)
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0 and booked_a(site, "A") == 16.0)
    await site.apply(changed(before, charger("A", group_id="west")))
    assert site.snapshot.groups["east"].booked == amperes(16.0)
    assert site.snapshot.groups["west"].booked == amperes(16.0)
    assert site.snapshot.groups["root"].booked == amperes(16.0)
    assert problems(site) == {ProblemKind.STILL_BOOKED}
    await pass_s(5.0)
    assert simulated.connections == 1
    await site.apply(before)
    assert problems(site) == {ProblemKind.STILL_BOOKED}
    assert site.snapshot.groups["east"].booked == amperes(16.0)
    assert site.snapshot.groups["west"].booked == amperes(16.0)


async def test_a_charger_that_moves_into_a_group_below_leaves_nothing_behind(
    bench: Bench,
) -> None:
    before = settings(charger("A"), groups=(group("garage", rating_a=20.0),))
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    await site.apply(changed(before, charger("A", group_id="garage")))
    assert problems(site) == set()
    assert simulated.connected


async def test_a_charger_of_two_connectors_is_booked_once_at_its_rating_while_it_is_offline(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A", connectors=2), charger("B"), rating_a=32.0))
    simulated = await bench.dial_in(site, "B", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert site.snapshot.groups["root"].booked == amperes(32.0)
    await pass_s(75.0)
    assert problems(site) == set()


async def test_chargers_of_a_removed_group_hang_in_the_root_and_are_booked_once(
    bench: Bench,
) -> None:
    before = settings(charger("A", group_id="garage"), groups=(group("garage", rating_a=10.0),))
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 10.0 and booked_a(site, "A") == 10.0)
    without = replace(before, groups=before.groups[:1])
    await site.apply(without)
    await until(lambda: simulated.currents_a[0] == 16.0)
    await site.apply(changed(without, charger("A")))
    assert problems(site) == set()
    assert site.snapshot.groups["root"].booked == amperes(16.0)
    assert simulated.connections == 1


async def test_a_group_whose_parent_is_removed_hangs_in_the_root(bench: Bench) -> None:
    groups = (group("house", rating_a=10.0), group("garage", parent_id="house", rating_a=20.0))
    before = settings(charger("A", group_id="garage"), groups=groups)
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 10.0)
    await site.apply(replace(before, groups=(before.groups[0], groups[1])))
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert list(site.snapshot.groups) == ["root", "garage"]


async def test_a_booking_in_a_removed_group_counts_in_the_root(bench: Bench) -> None:
    before = settings(charger("A", group_id="garage"), groups=(group("garage", rating_a=20.0),))
    site = await bench.start(before)
    await site.apply(replace(before, chargers=(), groups=before.groups[:1]))
    assert site.snapshot.groups["root"].booked == amperes(16.0)
    (problem,) = site.snapshot.problems
    assert problem.placeholders["group"] == "garage"


async def test_a_connector_that_is_taken_away_stays_booked_whatever_else_changes(
    bench: Bench,
) -> None:
    before = settings(charger("A", connectors=2))
    site = await bench.start(before)
    await site.apply(changed(before, charger("A")))
    assert len(subjects(site, ProblemKind.STILL_BOOKED)) == 1
    await site.apply(changed(before, charger("A", name="Renamed")))
    assert len(subjects(site, ProblemKind.STILL_BOOKED)) == 1


async def test_groups_that_make_no_tree_change_nothing(bench: Bench) -> None:
    before = settings(charger("A"))
    site = await bench.start(before)
    looping = (group("east", parent_id="west"), group("west", parent_id="east"))
    with pytest.raises(SiteError):
        await site.apply(replace(before, groups=(*before.groups, *looping), chargers=()))
    assert list(site.snapshot.groups) == ["root"]
    assert list(site.snapshot.chargers) == ["A"]


async def test_changed_settings_apply_to_a_car_that_charges(bench: Bench) -> None:
    before = settings(charger("A"))
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    await site.apply(changed(before, charger("A", name="Left", maximum_a=11.0)))
    assert site.snapshot.chargers["A"].name == "Left"
    await until(lambda: simulated.currents_a[0] == 11.0)
    assert simulated.connections == 1
