"""The upper bounds of connectors: which one binds, what it is called, and when it ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.bound import Bound, BoundName, lowest
from custom_components.balanz.storage.bounds import KeptBound
from custom_components.balanz.storage.journal import StorageError
from custom_components.balanz.storage.ledger import Ledger
from simulator.car import Car
from simulator.virtual_time import wall_time

from .build import FullDisk, accepted_a, charger, connector, recorded, settings, until
from .conftest import Bench

A = ConnectorKey("A", 1)
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
BOUNDS = st.builds(
    Bound,
    name=st.sampled_from(BoundName),
    limit_a=st.integers(0, 3).map(float),
    until=st.none() | st.integers(1, 3).map(lambda hours: NOON + timedelta(hours=hours)),
)


def in_s(seconds: float) -> datetime:
    return wall_time() + timedelta(seconds=seconds)


async def one_that_charges(bench: Bench) -> BalanzSite:
    """A site with a charger that gives its car all of its 16 A."""
    site = await bench.start(settings(charger("A"), charger("B")))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    return site


def rule(site: BalanzSite) -> Rule:
    return connector(site, "A").offered_by.rule


async def test_a_limit_holds_until_it_is_ended_and_says_so(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.LIMIT, 8.0)
    await until(lambda: accepted_a(site, "A") == 8.0)
    assert rule(site) is Rule.LIMIT_SET
    assert connector(site, "A").offered_by.until is None
    await site.ceilings.end(A, BoundName.LIMIT)
    await until(lambda: accepted_a(site, "A") == 16.0 and rule(site) is Rule.MAXIMUM)


async def test_a_limit_for_a_while_tells_its_end_and_ends_by_itself(bench: Bench) -> None:
    site = await one_that_charges(bench)
    end = in_s(3).replace(microsecond=0)
    await site.ceilings.set(A, BoundName.LIMIT, 8.0, end)
    await until(lambda: accepted_a(site, "A") == 8.0)
    assert connector(site, "A").offered_by.until == end
    assert connector(site, "A").bounds == (Bound(name=BoundName.LIMIT, limit_a=8.0, until=end),)
    await until(lambda: accepted_a(site, "A") == 16.0)
    assert connector(site, "A").bounds == ()


async def test_the_lowest_bound_counts_whoever_set_it(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.LIMIT, 12.0)
    await site.set_maximum(A, 7.0)
    await until(lambda: accepted_a(site, "A") == 7.0 and rule(site) is Rule.MAXIMUM)
    await site.set_maximum(A, 16.0)
    await until(lambda: accepted_a(site, "A") == 12.0 and rule(site) is Rule.LIMIT_SET)


async def test_a_paused_car_gets_nothing_until_it_is_resumed(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.PAUSE, 0.0)
    await until(lambda: accepted_a(site, "A") == 0.0 and rule(site) is Rule.PAUSED)
    await site.ceilings.end(A, BoundName.PAUSE)
    await until(lambda: accepted_a(site, "A") == 16.0)


async def test_resuming_does_not_switch_on_what_the_user_has_switched_off(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.PAUSE, 0.0)
    await site.set_enabled(A, enabled=False)
    await site.ceilings.end(A, BoundName.PAUSE)
    await until(lambda: accepted_a(site, "A") == 0.0 and rule(site) is Rule.SWITCHED_OFF)


async def test_a_limit_below_the_minimum_pauses_and_is_named(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.LIMIT, 5.9)
    await until(lambda: accepted_a(site, "A") == 0.0 and rule(site) is Rule.LIMIT_SET)


async def test_a_power_is_shared_by_all_lines_until_fewer_are_known_to_be_used(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.ceilings.set(A, BoundName.LIMIT, power_w=4830.0)
    await bench.dial_in(site, "A", car=Car(phases=1))
    await until(lambda: accepted_a(site, "A") == 7.0 and rule(site) is Rule.LIMIT_SET)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await site.ceilings.set(A, BoundName.LIMIT, power_w=2300.0)
    await until(lambda: accepted_a(site, "A") == 10.0)


async def test_the_power_for_one_line_is_not_left_to_the_next_car_on_three(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    dialled = await bench.dial_in(site, "A", car=Car(phases=1))
    await until(lambda: site._rooms.live[A].known_lines == 1)
    await site.ceilings.set(A, BoundName.LIMIT, power_w=2300.0)
    await until(lambda: accepted_a(site, "A") == 10.0)
    dialled.unplug()
    dialled.plug_in(Car())
    await until(lambda: accepted_a(site, "A") == 0.0 and rule(site) is Rule.LIMIT_SET)


async def test_of_a_current_and_a_power_both_hold(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.LIMIT, 10.0, power_w=4830.0)
    await until(lambda: accepted_a(site, "A") == 7.0)
    await site.ceilings.set(A, BoundName.LIMIT, 7.0, power_w=6900.0)
    assert [bound.limit_a for bound in connector(site, "A").bounds] == [7.0]


@pytest.mark.parametrize("power_w", [-0.1, 11_040.1, float("nan"), float("inf")])
async def test_a_power_that_cannot_be_changes_nothing(bench: Bench, power_w: float) -> None:
    site = await bench.start(settings(charger("A")))
    await site.ceilings.set(A, BoundName.LIMIT, power_w=6900.0)
    with pytest.raises(ValueError, match="not within"):
        await site.ceilings.set(A, BoundName.LIMIT, power_w=power_w)
    with pytest.raises(ValueError, match="no limit"):
        await site.ceilings.set(A, BoundName.LIMIT)
    assert [bound.limit_a for bound in connector(site, "A").bounds] == [10.0]


@pytest.mark.parametrize("limit_a", [-0.1, 16.1, float("nan"), float("inf")])
async def test_a_limit_that_cannot_be_changes_nothing(bench: Bench, limit_a: float) -> None:
    site = await bench.start(settings(charger("A")))
    await site.ceilings.set(A, BoundName.LIMIT, 8.0)
    with pytest.raises(ValueError, match="not within"):
        await site.ceilings.set(A, BoundName.LIMIT, limit_a)
    assert [bound.limit_a for bound in connector(site, "A").bounds] == [8.0]


async def test_bounds_outlive_a_restart(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    end = in_s(3600)
    await site.ceilings.set(A, BoundName.LIMIT, 8.0, end)
    await site.ceilings.set(A, BoundName.PAUSE, 0.0)
    await site.stop()
    again = await bench.start(setup)
    assert set(connector(again, "A").bounds) == {
        Bound(name=BoundName.LIMIT, limit_a=8.0, until=end),
        Bound(name=BoundName.PAUSE, limit_a=0.0),
    }


async def test_a_bound_whose_time_ended_while_nothing_ran_is_gone(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    end = in_s(1)
    await site.ceilings.set(A, BoundName.LIMIT, 8.0, end)
    await site.stop()
    await until(lambda: wall_time() > end)
    again = await bench.start(setup)
    assert connector(again, "A").bounds == ()


async def test_without_a_disk_a_limit_cuts_and_does_not_rise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await one_that_charges(bench)
    await site.ceilings.set(A, BoundName.LIMIT, 12.0)
    await until(lambda: accepted_a(site, "A") == 12.0)
    FullDisk(monkeypatch)
    await site.ceilings.set(A, BoundName.LIMIT, 8.0)
    await until(lambda: accepted_a(site, "A") == 8.0)
    with pytest.raises(StorageError):
        await site.ceilings.set(A, BoundName.LIMIT, 10.0)
    with pytest.raises(StorageError):
        await site.ceilings.end(A, BoundName.LIMIT)
    assert [bound.limit_a for bound in connector(site, "A").bounds] == [8.0]


async def test_a_removed_charger_takes_its_bounds_along(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    await site.ceilings.set(A, BoundName.PAUSE, 0.0)
    await site.apply(settings())
    await site.apply(setup)
    assert connector(site, "A").bounds == ()


async def test_the_end_of_what_is_not_there_is_nothing_to_record(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.ceilings.end(A, BoundName.PAUSE)
    await site.stop()
    assert recorded(bench.folder, "bound") == []


@given(st.lists(BOUNDS, min_size=1))
def test_no_bound_is_below_the_lowest_and_none_as_low_outlasts_it(bounds: list[Bound]) -> None:
    found = lowest(bounds)
    assert found in bounds
    for bound in bounds:
        assert bound.limit_a >= found.limit_a
        if bound.limit_a == found.limit_a and found.until is not None:
            assert bound.until is not None
            assert bound.until <= found.until


KEPT = st.builds(
    KeptBound,
    limit_a=st.floats(0, 100),
    power_w=st.none() | st.floats(0, 70_000),
    until=st.none() | st.just(NOON),
) | st.builds(KeptBound, power_w=st.floats(0, 70_000), until=st.none() | st.just(NOON))


@given(KEPT, KEPT, st.integers(1, 3))
def test_a_bound_that_leaves_more_on_any_lines_allows_more(
    one: KeptBound, other: KeptBound, lines: int
) -> None:
    if not one.allows_more_than(other):
        assert one.current_a(lines) <= other.current_a(lines)


@given(KEPT, st.sampled_from(BoundName))
def test_a_recorded_bound_is_read_back_as_it_was(bound: KeptBound, name: BoundName) -> None:
    ledger, again = Ledger(), Ledger()
    ledger.apply(ledger.note_bound(A, name, bound))
    again.restore(ledger.records())
    assert again.bounds == {A: {name: bound}}


def test_a_bound_that_was_recorded_without_a_power_is_a_current() -> None:
    recorded_before = {"limit_a": 8.0, "until": None}
    assert KeptBound.from_record(recorded_before) == KeptBound(limit_a=8.0)


def test_a_record_that_is_no_bound_changes_nothing() -> None:
    ledger = Ledger()
    nothing = {"limit_a": None, "power_w": None, "until": None}
    for told in (nothing, {**nothing, "limit_a": "many"}, {**nothing, "power_w": float("nan")}):
        ledger.restore(
            [{"kind": "bound", "charger": "A", "connector": 1, "name": "limit", "bound": told}]
        )
    assert ledger.bounds == {}


async def test_a_bound_of_a_name_that_nobody_knows_is_dropped(bench: Bench, tmp_path: Path) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    # As a version of later on may have left it.
    site._rooms.recorder.note(
        site._rooms.ledger.note_bound(A, "moon_phase", KeptBound(limit_a=1.0))
    )
    await site.stop()
    again = await bench.start(setup)
    assert connector(again, "A").bounds == ()
