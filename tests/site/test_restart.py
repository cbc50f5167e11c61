"""What a site knows after a restart, a kill, and a damaged file."""

import asyncio
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.site.snapshot import ProblemKind
from custom_components.balanz.storage.kept_files import files_kept
from simulator.car import Car
from simulator.charger import SimulatedCharger

from .build import (
    accepted_a,
    amperes,
    booked_a,
    changed,
    charger,
    connector,
    group,
    pass_s,
    problems,
    recorded,
    settings,
    until,
)
from .conftest import Bench

A = ConnectorKey("A", 1)


def limits_recorded(folder: Path) -> list[tuple[str, float]]:
    return [(it["charger"], it["limit_a"]) for it in recorded(folder, "limit")]


async def test_numbers_and_switches_are_kept_over_a_restart(bench: Bench) -> None:
    setup = settings(charger("A"), groups=(group("garage", rating_a=20.0),))
    site = await bench.start(setup)
    await site.set_capacity("garage", 11.0)
    await site.set_maximum(A, 9.0)
    await site.set_enabled(A, enabled=False)
    await site.stop()
    again = await bench.start(setup)
    assert again.snapshot.groups["garage"].capacity_a == 11.0
    assert again.snapshot.groups["root"].capacity_a == 32.0
    assert connector(again, "A").maximum_a == 9.0
    assert connector(again, "A").enabled is False


async def test_a_capacity_never_stands_above_a_rating_that_was_lowered(bench: Bench) -> None:
    site = await bench.start(settings())
    await site.set_capacity("root", 25.0)
    await site.set_capacity("root", 30.0)
    await site.stop()
    again = await bench.start(settings(rating_a=20.0))
    assert again.snapshot.groups["root"].capacity_a == 20.0


async def test_a_maximum_changed_in_the_settings_wins_over_the_number(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    await site.set_maximum(A, 9.0)
    await site.apply(changed(setup, charger("A", maximum_a=12.0)))
    assert connector(site, "A").maximum_a == 12.0
    await site.set_maximum(A, 10.0)
    await site.apply(changed(setup, charger("A", maximum_a=12.0, name="Renamed")))
    assert connector(site, "A").maximum_a == 10.0


async def test_a_rating_that_is_lowered_lowers_the_maximum(bench: Bench) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    await site.apply(changed(setup, charger("A", rating_a=10.0, maximum_a=16.0)))
    assert connector(site, "A").maximum_a == 10.0
    assert connector(site, "A").rating_a == 10.0


async def test_after_a_kill_the_charger_is_booked_at_what_the_ledger_proves(
    bench: Bench, tmp_path: Path
) -> None:
    setup = settings(charger("A", keeps_limit=True), charger("B"))
    site = await bench.start(setup)
    await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B")
    await until(lambda: accepted_a(site, "A") == 16.0 and booked_a(site, "B") == 0.0)
    await site.set_capacity("root", 9.0)
    await until(lambda: booked_a(site, "A") == 9.0)
    await until(lambda: ("A", 9.0) in limits_recorded(bench.folder))
    shutil.copytree(bench.folder, tmp_path / "after the kill")
    again = await bench.start(setup, folder=tmp_path / "after the kill")
    assert booked_a(again, "A") == 9.0
    assert booked_a(again, "B") == 16.0
    assert again.snapshot.groups["root"].capacity_a == 9.0


async def test_a_session_goes_on_after_a_kill_under_its_number(
    bench: Bench, tmp_path: Path
) -> None:
    setup = settings(charger("A"))
    site = await bench.start(setup)
    first = await bench.dial_in(site, "A", car=Car())
    await until(lambda: first.transaction_id is not None and first.currents_a[0] == 16.0)
    await until(lambda: (connector(site, "A").session_energy_wh or 0) > 0)
    started_at = connector(site, "A").session_started_at
    number = first.transaction_id
    shutil.copytree(bench.folder, tmp_path / "after the kill")
    again = await bench.start(setup, folder=tmp_path / "after the kill")
    first.url = f"ws://127.0.0.1:{again.port}"
    await site.stop()
    await until(lambda: connector(again, "A").session_started_at == started_at)
    assert first.transaction_id == number
    await until(lambda: (connector(again, "A").session_energy_wh or 0) > 0)
    await again.remote.stop(A)
    await until(lambda: first.transaction_id is None)


async def test_a_recorded_limit_follows_a_cut_only_after_a_while(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A", car=Car())
    await until(lambda: booked_a(site, "A") == accepted_a(site, "A") == 16.0)
    await site.set_capacity("root", 8.0)
    await until(lambda: booked_a(site, "A") == 8.0)
    assert limits_recorded(bench.folder) == [("A", 16.0)]
    await pass_s(45.0)
    assert limits_recorded(bench.folder) == [("A", 16.0), ("A", 8.0)]


async def test_a_damaged_record_is_told_and_costs_only_itself(bench: Bench) -> None:
    bench.folder.mkdir()
    (bench.folder / "journal.jsonl").write_bytes(b"00000000 {}\n")
    site = await bench.start(settings(charger("A")))
    assert problems(site) == {ProblemKind.STORAGE_DAMAGED}
    assert site.snapshot.problems[0].placeholders == {"lines": "1"}
    await site.stop()
    again = await bench.start(settings(charger("A")))
    assert problems(again) == set()


async def metered(site: BalanzSite, house_a: float, chargers: list[SimulatedCharger]) -> None:
    """Report what the house and the chargers really draw, every 2 s."""
    while True:
        drawn = zip(*(one.currents_a for one in chargers), strict=True)
        site.report_meter("root", amperes(*(house_a + sum(line) for line in drawn)))
        await asyncio.sleep(2.0)


async def test_cars_go_on_charging_over_a_restart(bench: Bench) -> None:
    setup = settings(charger("A"), charger("B"), rating_a=25.0, metered=True, margin_a=1.0)
    site = await bench.start(setup)
    setup = replace(setup, port=site.port)
    chargers = [await bench.dial_in(site, name, car=Car()) for name in "AB"]
    meter = asyncio.create_task(metered(site, 4.0, chargers))
    await until(lambda: [one.currents_a[0] for one in chargers] == [10.0, 10.0])
    await pass_s(30.0)
    meter.cancel()
    await site.stop()

    again = await bench.start(setup)
    meter = asyncio.create_task(metered(again, 4.0, chargers))
    lowest_a = 16.0
    for _ in range(240):
        lowest_a = min(lowest_a, *(one.currents_a[0] for one in chargers))
        await pass_s(0.5)
    meter.cancel()

    # The fallback that the site left them at when it stopped is the least that they had.
    assert lowest_a == 6.0
    assert [one.currents_a[0] for one in chargers] == [10.0, 10.0]


async def test_what_the_house_took_long_ago_says_nothing(bench: Bench) -> None:
    setup = settings(charger("A"), rating_a=25.0, metered=True)
    site = await bench.start(setup)
    site.report_meter("root", amperes(4.0))
    await until(lambda: recorded(bench.folder, "base_load"))
    await site.stop()
    journal = bench.folder / "journal.jsonl"
    at = recorded(bench.folder, "base_load")[-1]["at"]
    hour_ago = (datetime.fromisoformat(at) - timedelta(hours=1)).isoformat()
    journal.write_text(journal.read_text().replace(at, hour_ago))

    again = await bench.start(setup)
    again.report_meter("root", amperes(9.0))
    await pass_s(1.0)

    assert again.snapshot.groups["root"].base_load == amperes(9.0)


ALL_FILES = frozenset({"journal.jsonl", "tags.jsonl", "firmware.jsonl"})


async def charged_and_stopped(bench: Bench, setup: SiteSettings) -> int | None:
    """Have A charge with a lower capacity, stop, and return the number of its transaction."""
    site = await bench.start(setup)
    first = await bench.dial_in(site, "A", car=Car())
    await site.set_capacity("root", 9.0)
    await until(lambda: first.transaction_id is not None and booked_a(site, "A") == 9.0)
    await until(lambda: ("A", 9.0) in limits_recorded(bench.folder))
    await first.stop()
    await site.stop()
    return first.transaction_id


@pytest.mark.parametrize("emptied", [False, True])
async def test_records_that_have_gone_are_told_until_the_user_has_seen_it(
    bench: Bench, emptied: bool
) -> None:
    setup = settings(charger("A", keeps_limit=True))
    number = await charged_and_stopped(bench, setup)
    journal = bench.folder / "journal.jsonl"
    journal.unlink()
    if emptied:
        journal.touch()

    site = await bench.start(setup, expected_files=ALL_FILES)
    assert booked_a(site, "A") == 16.0
    assert problems(site) == {ProblemKind.STORAGE_MISSING}
    assert site.snapshot.problems[0].placeholders == {"files": "journal.jsonl"}
    again = await bench.dial_in(site, "A", car=Car())
    await until(lambda: again.transaction_id is not None)
    assert again.transaction_id != number
    await site.stop()

    site = await bench.start(setup, expected_files=files_kept(bench.folder))
    assert problems(site) == {ProblemKind.STORAGE_MISSING}
    await site.accept_lost_files()
    await until(lambda: problems(site) == set())
    await site.stop()

    site = await bench.start(setup, expected_files=files_kept(bench.folder))
    assert problems(site) == set()


async def test_a_copy_of_the_records_that_is_put_back_makes_it_whole(bench: Bench) -> None:
    setup = settings(charger("A", keeps_limit=True))
    await charged_and_stopped(bench, setup)
    journal = bench.folder / "journal.jsonl"
    copy = journal.read_bytes()
    journal.unlink()
    site = await bench.start(setup, expected_files=ALL_FILES)
    assert problems(site) == {ProblemKind.STORAGE_MISSING}
    await site.stop()

    journal.write_bytes(copy)
    site = await bench.start(setup, expected_files=ALL_FILES)
    assert problems(site) == set()
    assert booked_a(site, "A") == 9.0


async def test_tags_that_have_gone_are_told(bench: Bench) -> None:
    site = await bench.start(settings())
    await site.stop()
    (bench.folder / "tags.jsonl").unlink()
    site = await bench.start(settings(), expected_files=ALL_FILES)
    assert site.snapshot.problems[0].placeholders == {"files": "tags.jsonl"}


async def test_a_first_start_has_lost_nothing(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    assert problems(site) == set()
    assert files_kept(bench.folder) == ALL_FILES
