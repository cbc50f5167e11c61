"""A site begins and ends, and leaves nothing behind."""

import asyncio
import logging
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.storage.journal import StorageError
from simulator.car import Car
from simulator.faults import Faults

from .build import (
    accepted_a,
    amperes,
    charger,
    connector,
    limits_received,
    pass_s,
    settings,
    until,
)
from .conftest import Bench


def live_timers() -> int:
    """Count the timers of the running loop that will still fire."""
    handles = vars(asyncio.get_running_loop())["_scheduled"]
    return sum(not handle.cancelled() for handle in handles)


def threads() -> list[str]:
    """Name the threads of sites; the loop keeps some of its own."""
    return [it.name for it in threading.enumerate() if it.name.startswith("balanz")]


async def test_a_stopped_site_leaves_no_task_timer_or_thread(bench: Bench) -> None:
    tasks, timers = asyncio.all_tasks(), live_timers()
    site = await bench.start(settings(charger("A"), metered=True))
    site.open_pairing()
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 0.0 and accepted_a(site, "A") == 0.0)
    site.report_meter("root", amperes(3.0))
    await simulated.stop()
    await site.stop()
    await pass_s(0.1)
    assert asyncio.all_tasks() == tasks
    assert threads() == []
    assert live_timers() == timers
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", site.port)) != 0


async def test_a_site_can_be_stopped_twice_and_takes_nothing_any_more(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.stop()
    await site.stop()
    before = site.snapshot
    site.report_meter("root", amperes(3.0))
    with pytest.raises(StorageError):
        await site.set_enabled(ConnectorKey("A", 1), enabled=True)
    await pass_s(1.0)
    assert site.snapshot is before


async def test_a_taken_port_is_told_and_nothing_stays_open(bench: Bench) -> None:
    tasks = asyncio.all_tasks()
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        site = BalanzSite(
            settings=settings(charger("A"), port=other.getsockname()[1]),
            storage_path=bench.folder,
        )
        with pytest.raises(OSError, match="address already in use"):
            await site.start()
    assert asyncio.all_tasks() == tasks
    assert threads() == []
    assert not live_timers()
    await bench.start(settings(charger("A")))


async def test_a_folder_that_cannot_be_used_is_told(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    site = BalanzSite(settings=settings(), storage_path=tmp_path / "file")
    with pytest.raises(StorageError):
        await site.start()
    assert threads() == []


async def test_the_snapshot_stays_the_same_object_until_something_changes(bench: Bench) -> None:
    told: list[object] = []
    site = await bench.start(settings(charger("A"), metered=True))
    site.open_pairing()
    site.report_meter("root", amperes(3.0))
    await until(lambda: site.snapshot.groups["root"].measured is not None)
    site.subscribe(lambda: told.append(site.snapshot))
    before = site.snapshot
    for _ in range(5):
        site.report_meter("root", amperes(3.0))
        await pass_s(1.0)
    assert site.snapshot is before
    assert told == []
    site.report_meter("root", amperes(4.0))
    await until(lambda: told)
    assert told == [site.snapshot]
    assert site.snapshot is not before


async def test_who_has_unsubscribed_is_told_nothing(bench: Bench) -> None:
    told: list[str] = []
    site = await bench.start(settings())
    unsubscribe = site.subscribe(lambda: told.append("told"))
    unsubscribe()
    unsubscribe()
    site.open_pairing()
    assert told == []


async def test_a_listener_that_fails_costs_neither_others_nor_the_chargers(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail() -> None:
        told.append("failed")
        raise RuntimeError("a listener's own trouble")

    site = await bench.start(settings(charger("A")))
    site.subscribe(fail)
    site.subscribe(lambda: told.append("served"))
    with caplog.at_level(logging.ERROR):
        site.open_pairing()
        assert sorted(told) == ["failed", "served"]
        await bench.dial_in(site, "A", car=Car())
        await until(lambda: connector(site, "A").currents_a[0] == 16.0)
    assert "A listener failed" in caplog.text


async def test_a_site_that_stops_leaves_chargers_at_their_fallback(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B", fallback_a=8.0)))
    first = await bench.dial_in(site, "A", car=Car())
    second = await bench.dial_in(site, "B", car=Car())
    await until(lambda: first.currents_a[0] == 16.0 and second.currents_a[0] == 16.0)

    await site.stop()

    assert limits_received(first)[-1] == 6.0
    assert limits_received(second)[-1] == 8.0


async def test_a_site_that_stops_lets_no_car_begin(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    idle = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)

    await site.stop()

    assert limits_received(idle)[-1] == 0.0


async def test_a_site_stops_in_time_although_a_charger_is_silent(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    silent = await bench.dial_in(site, "A", car=Car())
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: silent.currents_a[0] == 16.0 and other.currents_a[0] == 16.0)
    silent.faults = Faults(silent=True)
    now = asyncio.get_running_loop().time()

    await site.stop()

    assert asyncio.get_running_loop().time() - now < 10.0
    assert limits_received(other)[-1] == 6.0
