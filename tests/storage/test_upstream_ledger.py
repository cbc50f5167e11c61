"""What back offices have to be told later: kept in order, within bounds, over a restart."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from custom_components.balanz.storage import upstream_ledger
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import (
    Kept,
    UpstreamLedger,
    UpstreamQueue,
    WaitingCall,
)

LEG = "CP1 ws://office/CP1"


def call(number: int, kept: Kept = Kept.EVENT, **more: object) -> WaitingCall:
    fields: dict[str, object] = {"action": "Told", "payload": "{}"}
    return WaitingCall(id=f"id-{number}", kept=kept, **(fields | more))  # type: ignore[arg-type]


def start(number: int) -> WaitingCall:
    return call(number, Kept.TRANSACTION, action="StartTransaction", transaction_id=number)


def waiting(queue: UpstreamQueue) -> list[str]:
    """Empty a queue; the ids of its calls, in order."""
    ids = []
    while (first := queue.first) is not None:
        ids.append(first.id)
        queue.done(first)
    return ids


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncGenerator[UpstreamLedger]:
    ledger = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await ledger.open()
    yield ledger
    await ledger.close()


async def again(ledger: UpstreamLedger, tmp_path: Path) -> UpstreamLedger:
    """The same after a restart."""
    await ledger.close()
    restarted = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await restarted.open()
    return restarted


async def test_everything_is_there_again_after_a_restart(
    ledger: UpstreamLedger, tmp_path: Path
) -> None:
    queue = ledger.queue(LEG)
    await queue.put_durably(start(1))
    queue.put(call(2, Kept.SAMPLE, transaction_id=1), on_disk=True)
    queue.put(call(3), on_disk=False)
    queue.keep_all()
    queue.put(call(4), on_disk=False)
    queue.remember("accepted", "yes")
    queue.remember_tag("TAG", "{}")

    restarted = await again(ledger, tmp_path)
    queue = restarted.queue(LEG)

    assert queue.facts == {"accepted": "yes"}
    assert dict(queue.tags) == {"TAG": "{}"}
    assert queue.ids == {1: None}
    assert waiting(queue) == ["id-1", "id-2", "id-3"]
    await restarted.close()


async def test_what_was_answered_is_not_said_again(ledger: UpstreamLedger, tmp_path: Path) -> None:
    queue = ledger.queue(LEG)
    for number in (1, 2):
        await queue.put_durably(start(number))
    queue.done(start(1), upstream_id=4711)
    queue.forget_tags()

    restarted = await again(await again(ledger, tmp_path), tmp_path)

    assert restarted.queue(LEG).ids == {1: 4711, 2: None}
    assert waiting(restarted.queue(LEG)) == ["id-2"]
    await restarted.close()


async def test_what_was_forgotten_stays_so(ledger: UpstreamLedger, tmp_path: Path) -> None:
    queue = ledger.queue(LEG)
    queue.remember("boot", "{}")
    queue.remember("accepted", "yes")
    queue.forget("boot")

    restarted = await again(ledger, tmp_path)

    assert restarted.queue(LEG).facts == {"accepted": "yes"}
    await restarted.close()


async def test_chargers_have_queues_of_their_own(ledger: UpstreamLedger) -> None:
    ledger.queue(LEG).put(call(1), on_disk=False)

    assert len(ledger.queue("CP2 ws://office/CP2")) == 0


async def test_only_the_newest_of_a_subject_is_kept(ledger: UpstreamLedger) -> None:
    queue = ledger.queue(LEG)
    queue.put(call(0), on_disk=False)
    for number, subject in ((1, "a"), (2, "b"), (3, "a")):
        queue.put(call(number, Kept.NEWEST, subject=subject), on_disk=True)

    assert waiting(queue) == ["id-0", "id-2", "id-3"]


async def test_samples_are_thinned_before_anything_else(
    ledger: UpstreamLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_ledger, "MAX_CALLS", 6)
    queue = ledger.queue(LEG)
    await queue.put_durably(start(0))
    queue.put(call(1), on_disk=False)
    for number in range(2, 7):
        queue.put(call(number, Kept.SAMPLE), on_disk=True)

    assert queue.thinned == 3
    assert waiting(queue) == ["id-0", "id-1", "id-3", "id-5"]


async def test_starts_and_stops_stay_however_many_they_are(
    ledger: UpstreamLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_ledger, "MAX_CALLS", 3)
    queue = ledger.queue(LEG)
    for number in range(10):
        await queue.put_durably(start(number))
        queue.put(call(100 + number), on_disk=True)

    assert [it for it in waiting(queue) if len(it) == 4] == [f"id-{it}" for it in range(10)]


async def test_much_text_is_thinned_as_well(
    ledger: UpstreamLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_ledger, "MAX_BYTES", 1000)
    queue = ledger.queue(LEG)
    for number in range(100):
        queue.put(call(number, Kept.SAMPLE, payload="x" * 100), on_disk=False)

    assert len(queue) <= 11


async def test_what_belongs_to_a_start_that_was_not_taken_is_lost_with_it(
    ledger: UpstreamLedger, tmp_path: Path
) -> None:
    queue = ledger.queue(LEG)
    await queue.put_durably(start(1))
    stop = call(2, Kept.TRANSACTION, action="StopTransaction", transaction_id=1)
    await queue.put_durably(stop)
    assert queue.is_lost(stop)

    queue.park(start(1))
    restarted = await again(ledger, tmp_path)

    assert queue.parked == 1
    assert restarted.queue(LEG).is_lost(stop)
    await restarted.close()


async def test_the_file_stays_small(
    ledger: UpstreamLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_ledger, "_SPARE_RECORDS", 20)
    queue = ledger.queue(LEG)
    for number in range(500):
        await queue.put_durably(call(number))
        queue.done(call(number))

    assert (tmp_path / "upstream.jsonl").stat().st_size < 10_000


def stop(number: int) -> WaitingCall:
    return call(1000 + number, Kept.TRANSACTION, action="StopTransaction", transaction_id=number)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest three of everything are to be kept."""
    monkeypatch.setattr(upstream_ledger, "MAX_IDS", 3)
    monkeypatch.setattr(upstream_ledger, "MAX_TAGS", 3)
    monkeypatch.setattr(upstream_ledger, "_TRIM_EVERY", 1)


async def test_few_ids_and_tags_are_kept(ledger: UpstreamLedger, few: None) -> None:
    queue = ledger.queue(LEG)
    for number in range(10):
        await queue.put_durably(start(number))
        queue.done(start(number), upstream_id=number + 100)
        await queue.put_durably(stop(number))
        queue.done(stop(number))
        queue.remember_tag(str(number), "{}")

    assert list(queue.ids) == [7, 8, 9]
    assert list(queue.stopped) == [7, 8, 9]
    assert list(queue.tags) == ["7", "8", "9"]


async def test_sessions_of_which_no_end_is_ever_told_are_forgotten_in_the_end(
    ledger: UpstreamLedger, few: None
) -> None:
    queue = ledger.queue(LEG)
    for number in range(20):
        await queue.put_durably(start(number))
        queue.done(start(number), upstream_id=number + 100)

    assert len(queue.ids) < 10
    assert 19 in queue.ids


async def test_the_id_of_a_session_that_waits_or_runs_is_known_however_many_there_were(
    ledger: UpstreamLedger, tmp_path: Path, few: None
) -> None:
    queue = ledger.queue(LEG)
    await queue.put_durably(start(0))
    queue.done(start(0), upstream_id=100)
    await queue.put_durably(start(1))
    queue.done(start(1), upstream_id=101)
    await queue.put_durably(stop(1))
    for number in range(2, 20):
        await queue.put_durably(start(number))
        queue.done(start(number), upstream_id=number + 100)
        await queue.put_durably(stop(number))
        queue.done(stop(number))
    assert (queue.ids[0], queue.ids[1]) == (100, 101)
    assert not queue.is_lost(stop(1))

    restarted = await again(ledger, tmp_path)
    kept = restarted.queue(LEG)

    assert (kept.ids[0], kept.ids[1]) == (100, 101)
    await restarted.close()


async def test_long_facts_that_change_all_the_time_do_not_fill_the_disk(
    ledger: UpstreamLedger, tmp_path: Path
) -> None:
    queue = ledger.queue(LEG)
    for number in range(100):
        queue.remember("profiles", f"{number}" + "x" * 100_000)
        await asyncio.sleep(0.01)
    await ledger.write({"kind": "disk_tried"})

    assert (tmp_path / "upstream.jsonl").stat().st_size < 4_000_000


async def test_records_that_mean_nothing_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "upstream.jsonl")
    await journal.open()
    for record in ({}, {"leg": LEG}, {"leg": LEG, "kind": "call"}, {"leg": LEG, "kind": "ids"}):
        await journal.append(record)
    await journal.close()

    ledger = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await ledger.open()

    assert len(ledger.queue(LEG)) == 0
    assert not ledger.failing
    await ledger.close()
