"""`script/benchmark fleet`: its chargers at the real central system, its files, its arithmetic."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fleet import Figures, percentile, shown
from benchmarks.fleets.chargers import Fleet, Plan
from benchmarks.fleets.home import (
    ENTITIES,
    WATCHED_RATING_A,
    copy_chargers,
    entities_per_charger,
)
from benchmarks.fleets.idle_loop import TICK_S, IdleLoop
from custom_components.balanz.charger_entities import CHARGER_ENTITIES
from custom_components.balanz.csms.events import MeterValuesReceived, StationEvent
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.station import LimitAnswer
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

CHARGERS = 3


@dataclass
class Bench:
    """Chargers, and the central system that they have dialled in to."""

    central: CentralSystem
    fleet: Fleet
    events: list[StationEvent] = field(default_factory=list)

    async def until(self, word: str, **expected: object) -> None:
        """Ask the fleet until it answers so."""
        async with asyncio.timeout(20):
            while not expected.items() <= (await self.fleet.answer(word)).items():
                await asyncio.sleep(0.02)

    async def limit(self, limit_a: float) -> list[LimitAnswer]:
        """Set the limit of all chargers."""
        limit = Limit(limit_a=limit_a, fallback_a=limit_a)
        return [
            await station.set_limit(1, limit, urgent=True)
            for station in self.central.stations.values()
        ]


@pytest.fixture
async def bench(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[Bench]:
    events: list[StationEvent] = []
    journal = Journal(tmp_path / "journal.jsonl")
    await journal.open()
    central = CentralSystem(
        ServerSettings(host="127.0.0.1", port=0), events.append, TransactionBook(journal)
    )
    central.set_known(f"CP-{number}" for number in range(1, CHARGERS + 1))
    await central.start()
    plan = Plan(
        url=f"ws://127.0.0.1:{central.port}",
        first=1,
        count=CHARGERS,
        fleet=CHARGERS,
        interval_s=0.2,
        aligned=True,
        maximum_a=16.0,
        content_a=12.0,
    )
    fleet = Fleet(plan)
    fleet.start()
    yield Bench(central, fleet, events)
    await fleet.stop()
    await central.stop()
    await journal.close()


async def test_all_chargers_dial_in_and_tell_their_values(bench: Bench) -> None:
    await bench.until("state", served=CHARGERS)

    async with asyncio.timeout(20):
        while {
            event.identity for event in bench.events if isinstance(event, MeterValuesReceived)
        } != {"CP-1", "CP-2", "CP-3"}:
            await asyncio.sleep(0.02)


async def test_their_cars_take_what_they_may(bench: Bench) -> None:
    await bench.until("state", served=CHARGERS)

    assert await bench.limit(10.0) == [LimitAnswer.ACCEPTED] * CHARGERS

    assert await bench.fleet.answer("current") == {"current_a": 10.0 * CHARGERS}


async def test_they_are_content_with_a_limit_that_is_enough(bench: Bench) -> None:
    await bench.until("state", served=CHARGERS)
    await bench.limit(11.0)
    assert (await bench.fleet.answer("state"))["content"] == 0

    await bench.limit(12.0)

    assert (await bench.fleet.answer("state"))["content"] == CHARGERS


async def test_only_a_lower_limit_is_a_cut(bench: Bench) -> None:
    await bench.until("state", served=CHARGERS)
    await bench.limit(10.0)
    await bench.limit(12.0)
    assert await bench.fleet.answer("cuts") == {"cuts_at": [[], [], []]}

    await bench.limit(11.0)

    cuts_at = (await bench.fleet.answer("cuts"))["cuts_at"]
    assert [len(times) for times in cuts_at] == [1, 1, 1]


async def test_after_a_drop_all_are_served_again(bench: Bench) -> None:
    await bench.until("state", served=CHARGERS)

    dropped = await bench.fleet.answer("drop")

    assert (dropped["served"], dropped["lost"]) == (CHARGERS, 0)
    assert dropped["all_s"] > 0


async def test_a_charger_is_not_served_while_the_central_system_is_away(bench: Bench) -> None:
    await bench.until("state", served=CHARGERS)

    await bench.central.stop()

    await bench.until("state", served=0)


def _subentry(title: str, **data: object) -> dict[str, Any]:
    return {
        "title": title,
        "subentry_id": f"01ARZ3NDEKTSV4RRFFQ69G5F{title[:2].upper():X<2}",
        "unique_id": f"group:{title}" if title != "CP-1" else "charger:CP-1",
        "data": data,
    }


def test_one_charger_becomes_as_many_as_asked_for() -> None:
    entry: dict[str, Any] = {
        "data": {"rating_a": 1000},
        "subentries": [
            _subentry("CP-1", identity="CP-1", group="root"),
            _subentry("Watched", rating_a=1000),
            _subentry("Feeder", rating_a=321),
        ],
    }

    copy_chargers(entry, count=35, watched=10)

    by_id = {one["unique_id"]: one for one in entry["subentries"]}
    assert len(by_id) == len({one["subentry_id"] for one in entry["subentries"]}) == 35 + 3
    assert by_id["charger:CP-1"]["data"]["rating_a"] == WATCHED_RATING_A
    groups = [by_id[f"charger:CP-{n}"]["data"]["group"] for n in (1, 10, 11, 30, 31, 35)]
    assert groups == ["Watched", "Watched", "Feeder", "Feeder", "feeder1", "feeder1"]


def test_entities_of_chargers_are_counted_and_no_others() -> None:
    entities = [
        {"platform": "balanz", "unique_id": f"x_charger_CP-{n}_1_{key}"}
        for n in (1, 2)
        for key in ("status", "power", "energy")
    ]
    entities.append({"platform": "balanz", "unique_id": "x_root_available"})
    entities.append({"platform": "template", "unique_id": "grid"})

    assert entities_per_charger(entities, 2) == 3


def test_the_chargers_are_to_have_eight_kinds_of_entities_that_there_are() -> None:
    assert len(CHARGER_ENTITIES.keys() & set(ENTITIES)) == 8


async def test_a_loop_that_is_held_up_is_late_at_each_tick_that_it_sleeps_through() -> None:
    idle = IdleLoop()
    await asyncio.sleep(0.1)
    before = len(idle.delays_s)
    time.sleep(0.2)  # noqa: ASYNC251
    await asyncio.sleep(0.1)
    idle.stop()
    assert len(idle.delays_s) - before >= 20
    assert max(idle.delays_s) >= 0.19 - TICK_S


def test_json_has_all_figures() -> None:
    figures = Figures(
        chargers=1000,
        aligned=False,
        core_pct=20.0,
        memory_mib=200.0,
        restarted_memory_mib=150.0,
        entities_per_charger=8.0,
        loop_delay_p99_ms=10.0,
        own_delay_p99_ms=9.0,
        idle_delay_p99_ms=0.4,
        cut_p99_ms=50.0,
        reconnect_all_s=8.0,
        lost=0,
    )

    assert json.loads(shown(figures, as_json=True))["lost"] == 0
    assert len(shown(figures, as_json=False).splitlines()) == 12


def test_a_percentile_is_not_exceeded_by_its_share() -> None:
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0
