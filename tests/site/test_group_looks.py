"""Where a step takes long, a group is looked at by itself as soon as its meter has told."""

import logging
from dataclasses import dataclass
from typing import Any

import pytest

from custom_components.balanz.balancing.commands import Command
from custom_components.balanz.balancing.part import cuts_in
from custom_components.balanz.site import BalanzSite, group_looks
from simulator.car import Car
from simulator.charger import SimulatedCharger

from .build import (
    accepted_a,
    amperes,
    charger,
    group,
    limits_received,
    pass_s,
    settings,
    until,
)
from .conftest import Bench
from .elsewhere import decide_elsewhere

STEP_S = 5.0
AT_ONCE_S = 0.2
HOUSE_A = 2.0


@dataclass
class Garage:
    """Two cars in a metered feeder and one beside it, at a site whose steps take long."""

    site: BalanzSite
    chargers: dict[str, SimulatedCharger]

    def house_takes(self, *currents_a: float) -> None:
        """Let the feeder's meter tell this, A besides the two cars."""
        self.site.report_meter("feeder", amperes(*(30.0 + one_a for one_a in currents_a)))

    @property
    def sent_a(self) -> dict[str, float]:
        """The limit that each charger was sent last."""
        return {name: limits_received(one)[-1] for name, one in self.chargers.items()}

    @property
    def writes(self) -> dict[str, int]:
        """How many it was sent."""
        return {name: len(limits_received(one)) for name, one in self.chargers.items()}


@pytest.fixture
async def garage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Garage:
    feeder = group("feeder", rating_a=32.0, metered=True)
    site = await bench.start(
        settings(
            charger("A", group_id="feeder"),
            charger("B", group_id="feeder"),
            charger("C"),
            groups=(feeder,),
            rating_a=63.0,
            metered=True,
        )
    )
    site.report_meter("feeder", amperes(HOUSE_A))
    site.report_meter("root", amperes(HOUSE_A))
    chargers = {name: await bench.dial_in(site, name, car=Car()) for name in "ABC"}
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 15.0)
    await until(lambda: accepted_a(site, "C") == 16.0)
    await pass_s(60.0)
    decide_elsewhere(monkeypatch, taking_s=STEP_S)
    return Garage(site, chargers)


async def test_a_house_that_takes_more_has_its_group_cut_before_a_step_is_decided(
    garage: Garage,
) -> None:
    garage.house_takes(8.0)
    await pass_s(AT_ONCE_S)
    assert garage.sent_a == {"A": 12.0, "B": 12.0, "C": 16.0}


async def test_the_step_that_follows_finds_it_done_and_explains_it(
    garage: Garage,
) -> None:
    before = garage.writes
    garage.house_takes(8.0)
    await until(lambda: accepted_a(garage.site, "A") == 12.0, deadline_s=2 * STEP_S)
    await pass_s(2 * STEP_S)
    assert garage.writes == {"A": before["A"] + 1, "B": before["B"] + 1, "C": before["C"]}
    assert garage.site.snapshot.groups["feeder"].base_load == amperes(HOUSE_A + 6.0)


async def test_a_meter_that_tells_a_phase_at_a_time_is_looked_at_once_all_are_there(
    garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def noted(*arguments: Any) -> tuple[Command, ...]:
        looks.append(arguments)
        return cuts_in(*arguments)

    monkeypatch.setattr(group_looks, "cuts_in", noted)
    for currents_a in ((8.0, 2.0, 2.0), (8.0, 8.0, 2.0), (8.0, 8.0, 8.0)):
        garage.house_takes(*currents_a)
    await pass_s(AT_ONCE_S)
    assert len(looks) == 1
    assert garage.sent_a == {"A": 12.0, "B": 12.0, "C": 16.0}


async def test_a_large_group_waits_for_the_step(
    garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_looks, "MOST_CONNECTORS", 1)
    garage.house_takes(8.0)
    await pass_s(AT_ONCE_S)
    assert garage.sent_a == {"A": 15.0, "B": 15.0, "C": 16.0}
    await until(lambda: garage.sent_a["A"] == garage.sent_a["B"] == 12.0, deadline_s=2 * STEP_S)


async def test_a_site_that_is_to_be_built_anew_waits_for_the_step(
    garage: Garage,
) -> None:
    garage.house_takes(8.0)
    garage.site._rooms.layout.outdated = True
    await pass_s(AT_ONCE_S)
    assert garage.sent_a == {"A": 15.0, "B": 15.0, "C": 16.0}


async def test_a_look_that_fails_is_told_and_the_step_cuts(
    garage: Garage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(group_looks, "cuts_in", fail)
    garage.house_takes(8.0)
    await until(lambda: garage.sent_a["A"] == 12.0, deadline_s=2 * STEP_S)
    assert [one.message for one in caplog.records if one.levelno == logging.ERROR] == [
        "A look at feeder failed; a step follows"
    ]


async def test_where_steps_are_quick_nobody_looks_before_them(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A"), metered=True))
    site.report_meter("root", amperes(1.0))
    assert site._rooms.looks._timer is None


async def test_a_site_that_stops_looks_at_nothing_more(garage: Garage) -> None:
    garage.house_takes(30.0)
    await garage.site.stop()
    assert garage.site._rooms.looks._timer is None
