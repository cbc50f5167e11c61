"""`script/benchmark safety`: the figures that the safety page promises hold."""

import asyncio
import json
from collections.abc import Coroutine
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from typing import Any

import pytest

from benchmarks import safety
from benchmarks.safety import main
from simulator.virtual_time import VirtualLoop

MOST_WRITES_PER_DAY = 50


def run[T](work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


@pytest.fixture
def figures(socket_enabled: None) -> dict[str, float]:
    return measured()


@cache
def measured() -> dict[str, float]:
    printed = StringIO()
    with redirect_stdout(printed):
        assert main(["--samples", "4", "--hours", "3.5", "--seed", "7", "--json"]) == 0
    found: dict[str, float] = json.loads(printed.getvalue())
    return found


def test_an_overload_is_cleared_as_fast_as_the_meter_and_the_cars_allow(
    figures: dict[str, float],
) -> None:
    assert figures["clear_2s_p95_s"] <= 15.0
    assert figures["clear_10s_p95_s"] <= 30.0


def test_far_too_much_pauses_all_within_a_second_of_the_reading(figures: dict[str, float]) -> None:
    assert figures["stop_above_2_s"] <= 1.0
    assert figures["stop_above_1_45_s"] <= 1.0


def test_proven_chargers_fall_back_when_their_lease_is_over(figures: dict[str, float]) -> None:
    assert figures["link_lost_beyond_lease_s"] <= 10.0
    assert figures["killed_beyond_lease_s"] <= 10.0


def test_a_lost_meter_raises_nothing_and_costs_current_within_a_minute(
    figures: dict[str, float],
) -> None:
    assert figures["meter_lost_raises"] == 0
    assert figures["meter_lost_first_step_s"] <= 60.0
    assert figures["steady_house_first_step_s"] <= 60.0


def test_three_hours_of_charging_cost_few_writes(figures: dict[str, float]) -> None:
    # A third of the lease is five minutes.
    assert 30 <= figures["writes_per_charger_day"] <= MOST_WRITES_PER_DAY


def test_a_charger_that_waits_for_a_car_is_written_nothing(socket_enabled: None) -> None:
    async def idle() -> list[int]:
        async with safety.Site.running(1, chargers=2, period_s=10.0) as site:
            await site.world.pass_s(60.0)
            before = [charger.profile_writes for charger in site.chargers]
            site.house_a = 12.0
            await site.world.pass_s(2 * 3600.0)
            return [
                charger.profile_writes - known
                for charger, known in zip(site.chargers, before, strict=True)
            ]

    assert run(idle()) == [0, 0]
