"""The back office that the demo and the end-to-end tests put behind balanz."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from simulator.back_office import BackOffice
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults
from simulator.options import ChargerOptions


@pytest.fixture
async def told() -> list[str]:
    return []


@pytest.fixture
async def office(socket_enabled: None, told: list[str]) -> AsyncIterator[BackOffice]:
    office = BackOffice(tell=told.append)
    await office.start()
    yield office
    await office.cut()


type MakeCharger = Callable[..., Awaitable[SimulatedCharger]]


@pytest.fixture
async def make(office: BackOffice) -> AsyncIterator[MakeCharger]:
    """Make a charger that charges."""
    chargers: list[SimulatedCharger] = []

    async def make(**faults: Any) -> SimulatedCharger:
        options = ChargerOptions(id_tag="TAG", reconnect_s=0.05, tick_s=0.05, sample_interval_s=1)
        charger = SimulatedCharger(
            "CP-1", office.url, car=Car(), options=options, faults=Faults(**faults)
        )
        chargers.append(charger)
        await charger.start()
        await charger.wait_until(lambda: bool(office.sessions))
        return charger

    yield make
    await asyncio.gather(*(charger.stop() for charger in chargers))


@pytest.fixture
async def charger(make: MakeCharger) -> SimulatedCharger:
    return await make()


async def test_it_tells_of_boots_starts_and_stops_and_bills_what_was_charged(
    office: BackOffice, charger: SimulatedCharger, told: list[str]
) -> None:
    await charger.wait_until(lambda: bool(office.of("MeterValues", "CP-1")))
    charger.unplug()
    await charger.wait_until(lambda: office.sessions[0].meter_stop_wh is not None)

    assert told == [
        "CP-1 boots: Simulated AC 11-3",
        "CP-1 starts 4711 for TAG",
        "CP-1 stops 4711 after 0.00 kWh",
    ]
    assert office.connected == {"CP-1"}
    assert office.in_order("CP-1")
    assert office.summary()[0].startswith("CP-1: sessions: 1, ended: 1, billed: 0.00 kWh; ")
    assert office.summary()[0].endswith(" messages, 0 of them late, in order")


async def test_it_limits_a_charger_and_takes_the_limit_away(
    office: BackOffice, charger: SimulatedCharger, told: list[str]
) -> None:
    assert await office.allow("CP-1", 8.0) == "Accepted"
    assert charger.limit_a == 8.0
    assert await office.allow("CP-1", None) == "Accepted"
    assert charger.limit_a is None

    assert told[-2:] == ["allows CP-1 8 A: Accepted", "allows CP-1 as much as it likes: Accepted"]


async def test_a_charger_that_is_not_there_or_does_not_answer_is_told_of(
    office: BackOffice, charger: SimulatedCharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.back_office._ANSWER_LIMIT_S", 0.1)
    await charger.disconnect()
    await charger.wait_until(lambda: charger.connections == 2 and charger.connected)
    charger.faults = Faults(silent=True)

    assert await office.allow("CP-1", 8.0) == "no answer (TimeoutError)"
    assert await office.allow("CP-2", 8.0) == "not connected"


async def test_what_happened_while_it_was_cut_off_is_heard_in_order(
    office: BackOffice, charger: SimulatedCharger
) -> None:
    await office.cut()
    charger.unplug()
    charger.plug_in(Car())
    assert office.connected == frozenset()

    await office.start()
    await charger.wait_until(lambda: len(office.sessions) == 2)

    assert office.sessions[0].meter_stop_wh is not None
    assert office.in_order("CP-1")


async def test_what_is_told_late_is_said_to_be_and_counted_once_all_is_told(
    office: BackOffice, make: MakeCharger, told: list[str]
) -> None:
    charger = await make(clock_skew_s=-60)
    assert "CP-1 starts 4711 for TAG, 60 s ago" in told

    charger.faults = Faults()
    charger.unplug()
    await charger.wait_until(lambda: "that it missed" in "".join(told))

    late = sum(it.late_s > 5 for it in office.heard)
    assert late >= 3
    assert any(re.fullmatch(r"has heard \d+ messages of CP-1 that it missed", it) for it in told)
    assert f", {late} of them late" in office.summary()[0]


async def test_a_charger_that_tells_the_later_before_the_earlier_is_noticed(
    office: BackOffice, charger: SimulatedCharger
) -> None:
    charger.faults = Faults(clock_skew_s=-60)

    await charger.wait_until(lambda: bool(office.of("MeterValues")))

    assert not office.in_order("CP-1")
    assert office.summary()[0].endswith("OUT OF ORDER")


async def test_a_start_that_is_told_twice_is_one_session(
    office: BackOffice, charger: SimulatedCharger
) -> None:
    started = office.of("StartTransaction")[0]

    assert office.session_of("CP-1", started.payload) is office.sessions[0]
    assert len(office.sessions) == 1
