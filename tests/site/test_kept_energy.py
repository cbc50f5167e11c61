"""Energy goes on where it was, over restarts and kills, and costs the disk little."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.site.energy import ConnectorEnergy
from custom_components.balanz.site.kept_energy import KEEP_EVERY_S, KeptEnergy
from custom_components.balanz.storage.ledger import Ledger
from simulator.car import Car

from .build import charger, connector, recorded, settings, until
from .conftest import Bench

A = ConnectorKey("A", 1)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_what_was_delivered_is_known_before_the_charger_is_back(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    await bench.dial_in(site, "A", car=Car(), meter_start_wh=5000.0)
    await until(lambda: (connector(site, "A").session_energy_wh or 0.0) > 50.0)
    before = connector(site, "A")
    await site.stop()
    again = await bench.start(setup)
    after = connector(again, "A")
    assert (after.energy_wh or 0.0) >= (before.energy_wh or 0.0) > 5050.0
    assert (after.session_energy_wh or 0.0) >= (before.session_energy_wh or 0.0)
    assert after.session_started_at is not None


async def test_after_a_kill_the_session_counts_from_its_begin(bench: Bench, tmp_path: Path) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    first = await bench.dial_in(site, "A", car=Car(), meter_start_wh=5000.0)
    await until(lambda: (connector(site, "A").session_energy_wh or 0.0) > 50.0)
    shown_wh = connector(site, "A").session_energy_wh or 0.0
    shutil.copytree(bench.folder, tmp_path / "after the kill")
    again = await bench.start(setup, folder=tmp_path / "after the kill")
    first.url = f"ws://127.0.0.1:{again.port}"
    await site.stop()
    await until(lambda: (connector(again, "A").session_energy_wh or 0.0) > shown_wh)
    assert (connector(again, "A").energy_wh or 0.0) > 5000.0 + shown_wh


async def test_a_charger_that_is_removed_takes_its_energy_along(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    await bench.dial_in(site, "A", meter_start_wh=5000.0)
    await until(lambda: connector(site, "A").energy_wh == 5000.0)
    await site.apply(settings())
    await site.apply(setup)
    assert connector(site, "A").energy_wh is None


class Live:
    """The part of a connector that is looked at."""

    def __init__(self) -> None:
        self.energy = ConnectorEnergy()


class Notes:
    """What is written."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.count = 0

    def note(self, record: dict[str, object]) -> None:
        self.ledger.apply(record)
        self.count += 1


def test_begin_and_end_are_recorded_at_once_and_the_rest_now_and_then() -> None:
    ledger, live = Ledger(), Live()
    notes = Notes(ledger)
    kept = KeptEnergy(ledger=ledger, recorder=notes, live={A: live})  # type: ignore[arg-type,dict-item]
    live.energy = kept.restored(A)
    kept.keep(0.0)
    assert notes.count == 0
    live.energy = live.energy.began(7, 100.0, AT, 1e4)
    kept.keep(1.0)
    assert notes.count == 1
    for second in range(2, 60):
        live.energy = live.energy.read(100.0 + second, AT, 1e4)
        kept.keep(float(second))
    assert notes.count == 1
    kept.keep(1.0 + KEEP_EVERY_S)
    kept.keep(2.0 + 2 * KEEP_EVERY_S)
    assert notes.count == 2
    live.energy = live.energy.ended(200.0, AT, 1e4)
    kept.keep(3.0 + 2 * KEEP_EVERY_S)
    assert notes.count == 3
    assert KeptEnergy(ledger=ledger, recorder=notes, live={}).restored(A) == live.energy  # type: ignore[arg-type]


def test_a_record_that_cannot_be_read_starts_anew() -> None:
    ledger = Ledger()
    ledger.apply(ledger.note_energy(A, {"total_wh": "much"}))
    kept = KeptEnergy(ledger=ledger, recorder=Notes(ledger), live={})  # type: ignore[arg-type]
    assert kept.restored(A) == ConnectorEnergy()


async def test_the_disk_is_not_asked_at_each_reading(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car(), sample_interval_s=1)
    await until(lambda: (simulated.energy_wh or 0.0) > 100.0)
    assert len(recorded(bench.folder, "energy")) <= 3
