"""A meter that stops costs the cars their current step by step, and gives it back."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest

from custom_components.balanz.balancing import base_load_memory
from custom_components.balanz.balancing.meter_watch import UNSEEN_STEP_A, MeterStage
from custom_components.balanz.balancing.phases import ZERO, PhaseCurrents
from custom_components.balanz.site import BalanzSite, kept_base_loads, meters
from custom_components.balanz.site.snapshot import MeterSnapshot, ProblemKind
from simulator.car import Car
from simulator.charger import SimulatedCharger

from .build import (
    accepted_a,
    amperes,
    changed,
    charger,
    connector,
    limits_received,
    pass_s,
    problems,
    recorded,
    settings,
    until,
)
from .conftest import Bench

FRESH_FOR_S = 15.0
METERED = settings(
    charger("A"), metered=True, rating_a=40.0, other_loads_a=32.0, meter_lost_after_s=240.0
)
WITHOUT_CHARGERS = changed(METERED)


class Calendar(datetime):
    """A calendar that tests turn."""

    hour_now = 8

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        monday = cls(2026, 11, 23, tzinfo=UTC)
        return (monday + timedelta(hours=cls.hour_now)).astimezone(tz)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Calendar]]:
    monkeypatch.setattr(meters, "datetime", Calendar)
    yield Calendar
    Calendar.hour_now = 8


def meter_of(site: BalanzSite) -> MeterSnapshot:
    meter = site.snapshot.groups["root"].meter
    assert meter is not None
    return meter


async def tell(
    site: BalanzSite, house_a: float, car: SimulatedCharger | None = None, *, for_s: float = 0.0
) -> None:
    """Report a house, and a car beside it, each five seconds."""
    passed_s = 0.0
    while True:
        drawn = ZERO if car is None else PhaseCurrents.uniform(car.currents_a[0])
        site.report_meter("root", amperes(house_a) + drawn, fresh_for_s=FRESH_FOR_S)
        if passed_s >= for_s:
            return
        await pass_s(5.0)
        passed_s += 5.0


async def test_a_meter_that_stops_costs_current_step_by_step_and_gives_it_back(
    bench: Bench, calendar: type[Calendar]
) -> None:
    site = await bench.start(METERED)
    await tell(site, 2.0)
    car = await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    await tell(site, 2.0, car, for_s=120.0)
    assert car.currents_a[0] == 16.0

    # The house is known to have taken more a while ago.
    await tell(site, 22.0, car, for_s=20.0)
    assert connector(site, "A").commanded_a == 16.0
    await tell(site, 26.5, car)
    await until(lambda: accepted_a(site, "A") == 13.0)
    await tell(site, 2.0, car, for_s=250.0)
    await until(lambda: accepted_a(site, "A") == 16.0)
    before = len(limits_received(car))

    loop = asyncio.get_running_loop()
    stopped_at = loop.time()
    await until(lambda: accepted_a(site, "A") == 12.0)
    assert loop.time() - stopped_at < 60.0
    assert meter_of(site).stage is MeterStage.AGEING
    assert meter_of(site).assumed == amperes(26.5 + UNSEEN_STEP_A)
    await until(lambda: ProblemKind.METER_SILENT in problems(site))
    assert site.snapshot.problems[0].placeholders["stage"] == MeterStage.AGEING
    await until(lambda: meter_of(site).stage is MeterStage.OLD)
    await until(lambda: accepted_a(site, "A") == 8.0)
    assert meter_of(site).stage is MeterStage.LOST
    assert limits_received(car)[before:] == [12.0, 8.0]

    await tell(site, 2.0, car, for_s=30.0)
    assert meter_of(site).stage is MeterStage.FRESH
    assert problems(site) == set()
    await tell(site, 2.0, car, for_s=120.0)
    await until(lambda: accepted_a(site, "A") == 16.0)


async def test_what_a_house_took_at_such_an_hour_is_known_after_a_restart(
    bench: Bench, calendar: type[Calendar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_load_memory, "SEEN_FROM_MIN", 2)
    site = await bench.start(WITHOUT_CHARGERS)
    await tell(site, 2.0, for_s=70.0)
    await tell(site, 20.0, for_s=5.0)
    await tell(site, 2.0, for_s=70.0)
    assert worst_hours(bench.folder) == []
    calendar.hour_now = 9
    await tell(site, 2.0)
    await until(lambda: worst_hours(bench.folder) == [(8, 20.0)])
    await site.stop()

    # After a longer stop, what the house took last tells nothing.
    monkeypatch.setattr(kept_base_loads, "GOOD_FOR", timedelta(seconds=-1))
    again = await bench.start(WITHOUT_CHARGERS)
    assert meter_of(again).stage is MeterStage.OLD
    assert meter_of(again).assumed == amperes(20.0)
    await tell(again, 2.0)
    await until(lambda: meter_of(again).stage is MeterStage.FRESH)
    assert again.snapshot.groups["root"].base_load == amperes(2.0)


async def test_the_time_that_a_stage_began_is_told_once(bench: Bench) -> None:
    site = await bench.start(WITHOUT_CHARGERS)
    await tell(site, 2.0)
    await until(lambda: meter_of(site).stage is MeterStage.FRESH)
    shown = meter_of(site)
    await tell(site, 3.0, for_s=40.0)
    assert meter_of(site) == shown
    assert shown.assumed is None


@pytest.mark.parametrize(
    ("hour_of_utc", "zone", "hour"),
    [(8, "UTC", 8), (8, "Europe/Copenhagen", 9), (167, "UTC", 167), (167, "Europe/Copenhagen", 0)],
)
def test_hours_of_the_week_are_those_of_the_wall_clock(
    calendar: type[Calendar], hour_of_utc: int, zone: str, hour: int
) -> None:
    calendar.hour_now = hour_of_utc
    assert meters.hour_of_week(ZoneInfo(zone)) == hour


def worst_hours(folder: Path) -> list[tuple[int, float]]:
    rows = [row for record in recorded(folder, "worst_hours") for row in record["hours"]]
    return [(hour, l1) for hour, l1, _, _ in rows]
