"""What would be if nobody controlled the site any more, told while somebody does."""

import logging

import pytest

from custom_components.balanz.site.snapshot import ProblemKind
from simulator.car import Car

from .build import (
    accepted_a,
    amperes,
    changed,
    charger,
    group,
    pass_s,
    settings,
    subjects,
    until,
)
from .conftest import Bench


async def test_chargers_of_which_nothing_is_proven_are_named(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B", keeps_limit=True), rating_a=20.0))
    await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B")
    await until(lambda: accepted_a(site, "A") is not None and accepted_a(site, "B") is not None)
    await until(lambda: not subjects(site, ProblemKind.UNSAFE_ALONE))

    await site.set_capacity("root", 12.0)
    await until(lambda: subjects(site, ProblemKind.UNSAFE_ALONE) == ["root"])

    told = next(one for one in site.snapshot.problems if one.kind is ProblemKind.UNSAFE_ALONE)
    assert told.placeholders == {
        "group": "Root",
        "current": "4",
        "chargers": "Charger A",
        "count": "1",
    }
    assert site.snapshot.dark_budget is not None
    assert site.snapshot.dark_budget.unproven == ("A",)

    await site.set_capacity("root", 20.0)
    await until(lambda: not subjects(site, ProblemKind.UNSAFE_ALONE))


@pytest.mark.parametrize("with_group", [True, False], ids=["its group stays", "its group goes too"])
async def test_a_charger_that_was_named_can_be_removed(
    with_group: bool, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    garage = group("garage", rating_a=10.0)
    old = settings(charger("A", group_id="garage"), charger("B"), groups=(garage,), rating_a=40.0)
    site = await bench.start(old)
    await bench.dial_in(site, "A")
    await bench.dial_in(site, "B")
    await until(lambda: subjects(site, ProblemKind.UNSAFE_ALONE) == ["garage"])

    groups = old.groups if with_group else old.groups[:1]
    await site.apply(changed(old, charger("B"), groups=groups))
    await until(lambda: "A" not in site.snapshot.chargers)

    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []
    assert site.snapshot.dark_budget is not None
    assert site.snapshot.dark_budget.unproven == ("B",)


async def test_at_a_large_site_those_with_the_largest_share_are_named_and_the_others_counted(
    bench: Bench,
) -> None:
    """Seven chargers behind the main fuse, the largest of them in a group of its own."""
    elsewhere = charger("0", rating_a=32.0, group_id="shed")
    chargers = [charger(str(number), rating_a=10.0 + number) for number in range(1, 7)]
    sites = settings(elsewhere, *chargers, groups=(group("shed", rating_a=32.0),), rating_a=100.0)
    site = await bench.start(sites)
    await site.set_capacity("root", 10.0)
    await site.set_capacity("shed", 20.0)
    await until(lambda: subjects(site, ProblemKind.UNSAFE_ALONE) == ["root"])

    told = next(one for one in site.snapshot.problems if one.kind is ProblemKind.UNSAFE_ALONE)
    assert told.placeholders["chargers"] == "Charger 0, Charger 6, Charger 5, Charger 4, Charger 3"
    assert told.placeholders["count"] == "7"


async def test_the_worst_that_the_house_took_counts(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), rating_a=20.0, metered=True))
    await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    for house_a in (2.0, 5.0, 1.0):
        safe_before = site.snapshot.dark_budget is not None and site.snapshot.dark_budget.is_safe
        for _ in range(14):
            site.report_meter("root", amperes(house_a))
            await pass_s(5.0)
        assert site.snapshot.dark_budget is not None
        assert site.snapshot.dark_budget.is_safe is (house_a == 2.0)
        # Before the meter has told for a while, the house may be taking all there is.
        assert safe_before is (house_a == 5.0)
