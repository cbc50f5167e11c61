"""What is here to stay is kept from the garbage collector, without the garbage in it."""

import gc
import math
import weakref
from collections.abc import Generator
from datetime import timedelta

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.balanz import coordinator
from custom_components.balanz.csms.server import CentralSystem
from custom_components.balanz.garbage import (
    NEWEST,
    SETTLED_AFTER_S,
    YOUNG_ROUNDS,
    GarbageRelief,
)
from tests.ha.build import charger, set_up, site_entry


class Ring:
    """An object that only the garbage collector can get rid of."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def relief(hass: HomeAssistant) -> Generator[GarbageRelief]:
    relief = GarbageRelief(hass)
    gc.disable()
    yield relief
    relief.end()
    gc.enable()


async def settle(hass: HomeAssistant) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=SETTLED_AFTER_S + 1))
    await hass.async_block_till_done()


def test_what_is_there_is_put_aside_without_its_garbage(relief: GarbageRelief) -> None:
    garbage = weakref.ref(Ring())
    kept = Ring()

    relief.begin()

    assert garbage() is None
    assert not any(one is kept for one in gc.get_objects())


def test_what_is_put_aside_does_not_put_off_the_next_round(relief: GarbageRelief) -> None:
    put_aside: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            put_aside.append(gc.get_freeze_count())

    before = gc.get_freeze_count()
    gc.callbacks.append(note)
    try:
        relief.begin()
    finally:
        gc.callbacks.remove(note)

    assert put_aside[0] == before
    assert put_aside[-1] > before


def test_pauses_are_shorter_and_full_rounds_as_seldom_until_the_end(
    relief: GarbageRelief,
) -> None:
    before = gc.get_threshold()
    newest, young_rounds, full_after = before

    relief.begin()
    relief.begin()
    shorter = gc.get_threshold()
    relief.end()

    assert shorter[:2] == (NEWEST, YOUNG_ROUNDS)
    assert math.prod(shorter) == newest * young_rounds * full_after
    assert gc.get_threshold() == before


@pytest.mark.parametrize("chosen", [(2000, 10, 0), (700, YOUNG_ROUNDS, 10), (NEWEST, 10, 10)])
def test_a_collector_that_pauses_shortly_anyway_is_left_alone(
    relief: GarbageRelief, chosen: tuple[int, int, int]
) -> None:
    before = gc.get_threshold()
    gc.set_threshold(*chosen)
    try:
        relief.begin()
        relief.end()

        assert gc.get_threshold() == chosen
    finally:
        gc.set_threshold(*before)


async def test_so_is_what_is_there_once_all_has_settled(
    hass: HomeAssistant, relief: GarbageRelief
) -> None:
    relief.begin()
    garbage, kept = weakref.ref(Ring()), Ring()
    relief.started()
    assert any(one is kept for one in gc.get_objects())

    await settle(hass)

    assert garbage() is None
    assert not any(one is kept for one in gc.get_objects())


async def test_what_comes_after_that_is_looked_at_as_ever(
    hass: HomeAssistant, relief: GarbageRelief
) -> None:
    relief.begin()
    relief.started()
    await settle(hass)
    made_later = Ring()

    await settle(hass)

    assert any(one is made_later for one in gc.get_objects())


async def test_nothing_is_put_aside_after_the_end(
    hass: HomeAssistant, relief: GarbageRelief
) -> None:
    relief.begin()
    relief.started()
    relief.end()
    kept = Ring()

    await settle(hass)

    assert any(one is kept for one in gc.get_objects())


def test_in_the_end_all_is_looked_at_again(relief: GarbageRelief) -> None:
    kept = Ring()
    relief.begin()

    relief.end()

    assert any(one is kept for one in gc.get_objects())


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to a site that counts as large."""
    happened: list[str] = []
    monkeypatch.setattr(coordinator, "LARGE_SITE", 1)
    monkeypatch.setattr(GarbageRelief, "begin", lambda _: happened.append("put aside"))
    monkeypatch.setattr(GarbageRelief, "started", lambda _: None)
    monkeypatch.setattr(GarbageRelief, "end", lambda _: happened.append("end"))
    return happened


async def test_a_large_site_puts_aside_what_is_there_before_it_listens(
    hass: HomeAssistant, port: int, happened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = CentralSystem.start

    async def listen(central: CentralSystem) -> None:
        happened.append("listen")
        await start(central)

    monkeypatch.setattr(CentralSystem, "start", listen)

    await set_up(hass, site_entry(port, charger("CP-1")))

    assert happened == ["put aside", "listen"]


async def test_a_large_site_that_does_not_start_keeps_nothing_put_aside(
    hass: HomeAssistant, port: int, happened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: CentralSystem) -> None:
        raise OSError("no such address")

    monkeypatch.setattr(CentralSystem, "start", fail)

    await set_up(hass, site_entry(port, charger("CP-1")))

    assert happened == ["put aside", "end"]
