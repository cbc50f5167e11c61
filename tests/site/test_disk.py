"""What the disk knows, and what happens while it takes nothing."""

import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.site import recorder as recorder_module
from custom_components.balanz.site.snapshot import ProblemKind
from custom_components.balanz.storage.journal import StorageError
from simulator.car import Car

from .build import (
    FullDisk,
    accepted_a,
    amperes,
    booked_a,
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

pytestmark = pytest.mark.hurried

A = ConnectorKey("A", 1)


class SlowDisk:
    """A disk on which nothing is safe before it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._free = threading.Event()
        self._free.set()
        self._fsync = os.fsync
        self.waiting = 0
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        self.waiting += 1
        self._free.wait()
        self.waiting -= 1
        self._fsync(descriptor)

    def hold(self) -> None:
        self._free.clear()

    def let_go(self) -> None:
        self._free.set()


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk(monkeypatch)
    yield disk
    disk.let_go()


async def test_a_raise_is_on_disk_before_it_is_on_the_wire(
    bench: Bench, slow_disk: SlowDisk
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.set_capacity("root", 8.0)
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 8.0 and booked_a(site, "A") == 8.0)
    await pass_s(50.0)
    assert recorded(bench.folder, "limit")[-1]["limit_a"] == 8.0
    await site.set_capacity("root", 14.0)
    await until(lambda: connector(site, "A").commanded_a == 14.0)
    assert recorded(bench.folder, "limit")[-1]["limit_a"] == 14.0
    await site.set_capacity("root", 16.0)
    slow_disk.hold()
    await until(lambda: slow_disk.waiting)
    await pass_s(30.0)
    assert max(limits_received(simulated)) == 14.0
    slow_disk.let_go()
    await until(lambda: limits_received(simulated)[-1] == 16.0)


async def test_a_cut_does_not_wait_for_the_disk(bench: Bench, slow_disk: SlowDisk) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    slow_disk.hold()
    await site.set_capacity("root", 8.0)
    await until(lambda: simulated.currents_a[0] == 8.0)
    assert slow_disk.waiting
    slow_disk.let_go()
    await until(lambda: recorded(bench.folder, "capacity")[-1]["capacity_a"] == 8.0)


async def test_a_cut_is_the_last_word_over_a_raise_that_waits_for_the_disk(
    bench: Bench, slow_disk: SlowDisk
) -> None:
    site = await bench.start(settings(charger("A")))
    await site.set_capacity("root", 10.0)
    await until(lambda: recorded(bench.folder, "capacity"))
    slow_disk.hold()
    raising = asyncio.create_task(site.set_capacity("root", 30.0))
    await until(lambda: slow_disk.waiting)
    await site.set_capacity("root", 7.0)
    slow_disk.let_go()
    await raising
    assert site.snapshot.groups["root"].capacity_a == 7.0
    await site.stop()
    assert recorded(bench.folder, "capacity")[-1]["capacity_a"] == 7.0


async def test_with_a_full_disk_there_are_cuts_only_until_it_takes_records_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await bench.start(settings(charger("A"), metered=True))
    site.report_meter("root", amperes(0.0))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.currents_a[0] == 16.0)
    disk = FullDisk(monkeypatch)
    await site.set_capacity("root", 8.0)
    await until(lambda: accepted_a(site, "A") == 8.0)
    await until(lambda: problems(site) == {ProblemKind.STORAGE_FAILING})
    with pytest.raises(StorageError):
        await site.set_capacity("root", 32.0)
    assert site.snapshot.groups["root"].capacity_a == 8.0
    await site.set_maximum(A, 7.0)
    await until(lambda: accepted_a(site, "A") == 7.0)
    disk.full = False
    await until(lambda: problems(site) == set())
    assert recorded(bench.folder, "capacity")[-1]["capacity_a"] == 8.0
    assert recorded(bench.folder, "maximum")[-1]["maximum_a"] == 7.0
    await site.set_maximum(A, 16.0)
    await site.set_capacity("root", 32.0)
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_car_that_comes_while_the_disk_is_full_waits_and_then_charges(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == booked_a(site, "A") == 0.0)
    await pass_s(60.0)
    disk = FullDisk(monkeypatch)
    await site.set_capacity("root", 31.0)
    await until(lambda: problems(site) == {ProblemKind.STORAGE_FAILING})
    simulated.plug_in(Car())
    await until(lambda: connector(site, "A").offered_by.rule is Rule.STORAGE_FAILING)
    await pass_s(20.0)
    assert max(limits_received(simulated)) == 0.0
    disk.full = False
    await until(lambda: simulated.currents_a[0] == 16.0)


async def test_a_site_starts_on_a_full_disk_and_cuts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert problems(site) == {ProblemKind.STORAGE_FAILING}
    disk.full = False
    await until(lambda: simulated.currents_a[0] == 16.0)
    assert problems(site) == set()


async def test_a_charger_is_not_removed_while_its_booking_cannot_be_recorded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings(charger("A"), charger("B"))
    site = await bench.start(before)
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    disk = FullDisk(monkeypatch)
    with pytest.raises(StorageError):
        await site.apply(changed(before))
    assert list(site.snapshot.chargers) == ["A", "B"]
    assert simulated.connected
    disk.full = False
    await site.apply(changed(before))
    assert list(site.snapshot.chargers) == []
    assert len(site.snapshot.problems) == 2
    await site.stop()
    again = await bench.start(changed(before))
    assert len(again.snapshot.problems) == 2


async def test_no_raise_leaves_for_a_charger_that_is_being_removed(
    bench: Bench, slow_disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LOWER_RECORD_AFTER_S", 10_000.0)
    before = settings(charger("A", keeps_limit=True), charger("B"), rating_a=16.0)
    site = await bench.start(before)
    leaving = await bench.dial_in(site, "A", car=Car())
    staying = await bench.dial_in(site, "B", car=Car())
    await until(lambda: leaving.currents_a[0] == staying.currents_a[0] == 8.0)
    # The car is at its share before the cut that brought it there counts as followed.
    await until(lambda: booked_a(site, "A") == 8.0)
    slow_disk.hold()
    removing = asyncio.create_task(site.apply(changed(before, charger("B"))))
    await site.set_enabled(ConnectorKey("B", 1), enabled=False)
    await pass_s(40.0)
    assert booked_a(site, "B") == 0.0
    assert leaving.currents_a[0] == 8.0
    slow_disk.let_go()
    await removing
    assert site.snapshot.groups["root"].booked == amperes(8.0)
