"""What groups may carry for a while instead of their capacity: in A, in W, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.capacity_settings import OverrideTooHigh
from custom_components.balanz.storage.journal import StorageError
from custom_components.balanz.storage.ledger import Ledger
from custom_components.balanz.storage.overrides import CapacityOverride
from simulator.car import Car
from simulator.virtual_time import wall_time

from .build import FullDisk, accepted_a, charger, group, recorded, settings, until
from .conftest import Bench

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
OVERRIDES = st.builds(
    CapacityOverride,
    capacity_a=st.floats(0, 100),
    power_w=st.none() | st.floats(0, 100_000),
    until=st.none() | st.integers(1, 3).map(lambda hours: NOON + timedelta(hours=hours)),
)


def in_s(seconds: float) -> datetime:
    return wall_time() + timedelta(seconds=seconds)


def amperes(capacity_a: float, until: datetime | None = None) -> CapacityOverride:
    return CapacityOverride(capacity_a=capacity_a, until=until)


def override(site: BalanzSite) -> CapacityOverride | None:
    return site.snapshot.groups["root"].override


async def one_that_charges(bench: Bench, **root: Any) -> BalanzSite:
    """A site of 32 A with a charger that gives its car all of its 16 A."""
    site = await bench.start(settings(charger("A"), **root))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    return site


async def test_a_group_carries_less_for_a_while_and_then_its_capacity_again(bench: Bench) -> None:
    site = await one_that_charges(bench)
    end = in_s(3)
    await site.capacity.override("root", amperes(10.0, end))
    await until(lambda: accepted_a(site, "A") == 10.0)
    assert site.snapshot.groups["root"].capacity_a == 32.0
    assert override(site) == amperes(10.0, end)
    await until(lambda: accepted_a(site, "A") == 16.0)
    assert override(site) is None


async def test_a_group_carries_more_for_a_while_than_its_capacity(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "A") == 8.0)
    await site.capacity.override("root", amperes(14.0))
    await until(lambda: accepted_a(site, "A") == 14.0)
    await site.capacity.end_override("root")
    await until(lambda: accepted_a(site, "A") == 8.0)


async def test_a_second_override_replaces_the_first(bench: Bench) -> None:
    site = await one_that_charges(bench)
    await site.capacity.override("root", amperes(10.0, in_s(2)))
    await site.capacity.override("root", amperes(12.0))
    await until(lambda: accepted_a(site, "A") == 12.0)
    assert override(site) == amperes(12.0)


async def test_a_power_is_kept_over_all_phases_whatever_the_currents(bench: Bench) -> None:
    site = await one_that_charges(bench, power_factor=1.0)
    await site.capacity.override("root", CapacityOverride(power_w=6900.0))
    await until(lambda: accepted_a(site, "A") == 10.0)
    await site.capacity.override("root", CapacityOverride(power_w=6900.0, capacity_a=7.0))
    await until(lambda: accepted_a(site, "A") == 7.0)
    await site.capacity.end_override("root")
    await until(lambda: accepted_a(site, "A") == 16.0)


async def test_a_power_for_a_while_does_not_raise_the_power_limit_of_a_group(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A"), power_factor=1.0, power_limit_w=6900.0))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 10.0)
    await site.capacity.override("root", CapacityOverride(power_w=4830.0, until=in_s(3)))
    await until(lambda: accepted_a(site, "A") == 7.0)
    await until(lambda: accepted_a(site, "A") == 10.0)
    with pytest.raises(OverrideTooHigh) as refused:
        await site.capacity.override("root", CapacityOverride(power_w=6901.0))
    assert refused.value.highest == 6900.0


@pytest.mark.parametrize(
    ("wrong", "highest"),
    [(amperes(32.1), 32.0), (CapacityOverride(power_w=22_081.0), 22_080.0)],
)
async def test_no_override_goes_above_the_rating(
    bench: Bench, wrong: CapacityOverride, highest: float
) -> None:
    site = await bench.start(settings())
    await site.capacity.override("root", amperes(20.0))
    with pytest.raises(OverrideTooHigh) as refused:
        await site.capacity.override("root", wrong)
    assert refused.value.highest == highest
    assert override(site) == amperes(20.0)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"capacity_a": -1.0},
        {"capacity_a": float("nan")},
        {"power_w": float("inf")},
        {"capacity_a": 6.0, "power_w": -0.1},
    ],
)
def test_what_no_group_can_carry_is_no_override(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no capacity"):
        CapacityOverride(**told)


async def test_a_capacity_set_below_an_override_ends_it_and_one_above_does_not(
    bench: Bench,
) -> None:
    site = await one_that_charges(bench)
    await site.capacity.override("root", amperes(12.0))
    await site.set_capacity("root", 20.0)
    assert override(site) == amperes(12.0)
    await site.set_capacity("root", 9.0)
    await until(lambda: accepted_a(site, "A") == 9.0)
    assert override(site) is None


async def test_a_capacity_set_below_an_override_leaves_its_power_in_force(bench: Bench) -> None:
    site = await bench.start(settings())
    await site.capacity.override("root", CapacityOverride(capacity_a=20.0, power_w=4_000.0))
    await site.set_capacity("root", 16.0)
    assert override(site) == CapacityOverride(power_w=4_000.0)


async def test_an_override_outlives_a_restart(bench: Bench) -> None:
    setup = settings(charger("A"), power_factor=1.0)
    site = await bench.start(setup)
    kept = CapacityOverride(capacity_a=12.0, power_w=6900.0, until=in_s(3600))
    await site.capacity.override("root", kept)
    await site.stop()
    again = await bench.start(setup)
    assert override(again) == kept
    await bench.dial_in(again, "A", car=Car())
    await until(lambda: accepted_a(again, "A") == 10.0)


async def test_an_override_whose_time_ended_while_nothing_ran_is_gone(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    end = in_s(1)
    await site.capacity.override("root", amperes(8.0, end))
    await site.stop()
    await until(lambda: wall_time() > end)
    again = await bench.start(setup)
    assert override(again) is None
    await bench.dial_in(again, "A", car=Car())
    await until(lambda: accepted_a(again, "A") == 16.0)


async def test_without_a_disk_an_override_cuts_and_does_not_let_more_flow(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await one_that_charges(bench)
    await site.set_capacity("root", 12.0)
    await site.capacity.override("root", amperes(14.0))
    await until(lambda: accepted_a(site, "A") == 14.0)
    FullDisk(monkeypatch)
    await site.capacity.end_override("root")
    await until(lambda: accepted_a(site, "A") == 12.0)
    await site.capacity.override("root", amperes(8.0))
    await until(lambda: accepted_a(site, "A") == 8.0)
    with pytest.raises(StorageError):
        await site.capacity.override("root", amperes(10.0))
    with pytest.raises(StorageError):
        await site.capacity.override("root", amperes(8.0, in_s(60)))
    with pytest.raises(StorageError):
        await site.capacity.end_override("root")
    assert override(site) == amperes(8.0)


async def test_an_inner_group_has_an_override_of_its_own(bench: Bench) -> None:
    inside = charger("B", group_id="yard")
    site = await bench.start(settings(charger("A"), inside, groups=(group("yard"),)))
    for name in "AB":
        await bench.dial_in(site, name, car=Car())
    await site.capacity.override("yard", amperes(7.0))
    await until(lambda: (accepted_a(site, "A"), accepted_a(site, "B")) == (16.0, 7.0))


async def test_the_override_of_a_group_that_is_gone_does_no_harm(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), groups=(group("yard"),)))
    await site.capacity.override("yard", CapacityOverride(power_w=1000.0, until=in_s(1)))
    await site.apply(settings(charger("A")))
    await until(lambda: recorded(bench.folder, "override")[-1]["override"] is None)


async def test_the_end_of_no_override_is_nothing_to_record(bench: Bench) -> None:
    site = await bench.start(settings())
    await site.capacity.end_override("root")
    await site.stop()
    assert recorded(bench.folder, "override") == []


@given(OVERRIDES)
def test_a_recorded_override_is_read_back_as_it_was(kept: CapacityOverride) -> None:
    ledger, again = Ledger(), Ledger()
    ledger.apply(ledger.note_override("root", kept))
    again.restore(ledger.records())
    assert again.overrides == {"root": kept}


@given(OVERRIDES, OVERRIDES)
def test_of_two_overrides_that_do_not_allow_more_than_each_other_both_are_the_same(
    one: CapacityOverride, other: CapacityOverride
) -> None:
    if not one.allows_more_than(other) and not other.allows_more_than(one):
        assert one == other
