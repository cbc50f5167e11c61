"""Transactions: one id for one start, on disk before the answer, and nothing guessed."""

import asyncio
import errno
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms import transactions as module
from custom_components.balanz.csms.rpc_errors import WithholdAnswer
from custom_components.balanz.csms.transactions import (
    IMPLICIT,
    MAX_ID,
    Record,
    StartContent,
    TransactionBook,
)
from custom_components.balanz.storage.journal import Journal

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)
START = StartContent("CP1", 1, "TAG", "2026-03-01T12:00:00Z", 100.0)


class Log:
    """A log in memory, whose disk can fail."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.failing = False

    async def append(self, record: Record) -> None:
        if self.failing:
            raise OSError(errno.ENOSPC, "full")
        self.records.append(record)

    def append_soon(self, record: Record) -> None:
        self.records.append(record)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def book(log: Log) -> TransactionBook:
    return TransactionBook(log)


async def stop(book: TransactionBook, transaction_id: int, identity: str = "CP1") -> Any:
    return await book.stop(
        identity, transaction_id, stopped_at=LATER, meter_stop_wh=500.0, reason="Local"
    )


async def test_the_same_start_has_one_id_however_often_it_is_said(book: TransactionBook) -> None:
    first = await book.start(START, AT)
    again = await book.start(START, AT)

    assert again.transaction == first.transaction
    assert (first.is_new, again.is_new) == (True, False)


async def test_the_same_start_has_its_id_even_after_it_was_stopped(book: TransactionBook) -> None:
    first = await book.start(START, AT)
    await stop(book, first.transaction.id)

    assert (await book.start(START, AT)).transaction.id == first.transaction.id


async def test_without_a_timestamp_a_start_after_the_stop_is_a_new_one(
    book: TransactionBook,
) -> None:
    content = START._replace(timestamp="")
    first = await book.start(content, AT)
    await stop(book, first.transaction.id)

    assert (await book.start(content, LATER)).is_new


async def test_ids_are_positive_and_unlike(book: TransactionBook) -> None:
    ids = [
        (await book.start(START._replace(identity=f"CP{number}"), AT)).transaction.id
        for number in range(100)
    ]

    assert len(set(ids)) == 100
    assert all(0 < transaction_id <= MAX_ID for transaction_id in ids)
    assert len({after - before for before, after in itertools.pairwise(ids)}) > 20


async def test_ids_start_anew_before_they_leave_the_range(book: TransactionBook) -> None:
    book.restore([{"kind": "transaction_counter", "last_id": MAX_ID}])

    assert 0 < (await book.start(START, AT)).transaction.id <= MAX_ID


async def test_a_start_ends_what_was_open_on_its_connector(book: TransactionBook) -> None:
    first = await book.start(START, AT)

    second = await book.start(START._replace(timestamp="2026-03-01T13:00:00Z"), LATER)

    assert second.replaced == first.transaction
    assert book.open_at("CP1", 1) == second.transaction
    ended = book.find("CP1", first.transaction.id)
    assert ended is not None
    assert (ended.stopped_at, ended.reason) == (LATER, IMPLICIT)


async def test_a_stop_counts_once(book: TransactionBook, log: Log) -> None:
    started = (await book.start(START, AT)).transaction

    stopped = await stop(book, started.id)
    records = len(log.records)

    assert stopped.stopped_at == LATER
    assert book.open_transactions == {}
    assert await stop(book, started.id) is None
    assert len(log.records) == records


@pytest.mark.parametrize("transaction_id", [0, -1, 4711])
async def test_an_unknown_stop_ends_nothing(book: TransactionBook, transaction_id: int) -> None:
    started = (await book.start(START, AT)).transaction

    assert await stop(book, transaction_id) is None
    assert book.open_at("CP1", 1) == started


async def test_a_charger_cannot_stop_what_is_another_chargers(book: TransactionBook) -> None:
    started = (await book.start(START, AT)).transaction

    assert await stop(book, started.id, identity="CP2") is None
    assert started.is_open


async def test_a_transaction_that_nobody_remembers_is_adopted(book: TransactionBook) -> None:
    adopted = book.adopt("CP1", 1, 77, meter_wh=1000.0, at=AT)

    assert adopted is not None
    assert book.open_at("CP1", 1) == adopted
    assert (await stop(book, 77)).id == 77


@pytest.mark.parametrize(
    ("identity", "connector", "transaction_id"),
    [
        pytest.param("CP1", 2, 0, id="zero"),
        pytest.param("CP1", 2, -1, id="minus-one"),
        pytest.param("CP1", 2, MAX_ID + 1, id="too-large"),
        pytest.param("CP1", 1, 77, id="connector-taken"),
        pytest.param("CP2", 1, None, id="of-another-charger"),
    ],
)
async def test_what_cannot_be_adopted_is_not(
    book: TransactionBook, identity: str, connector: int, transaction_id: int | None
) -> None:
    started = (await book.start(START, AT)).transaction

    adopted = book.adopt(
        identity,
        connector,
        started.id if transaction_id is None else transaction_id,
        meter_wh=0.0,
        at=AT,
    )

    assert adopted is None


async def test_a_transaction_that_has_ended_is_not_adopted(book: TransactionBook) -> None:
    started = (await book.start(START, AT)).transaction
    await stop(book, started.id)

    assert book.adopt("CP1", 1, started.id, meter_wh=0.0, at=AT) is None


def as_written(_book: TransactionBook, log: Log) -> list[Record]:
    return log.records


def compacted(book: TransactionBook, _log: Log) -> list[Record]:
    return book.records()


@pytest.mark.parametrize("source", [as_written, compacted])
async def test_everything_is_known_after_a_restart(
    book: TransactionBook, log: Log, source: Callable[[TransactionBook, Log], list[Record]]
) -> None:
    first = (await book.start(START, AT)).transaction
    second = await book.start(START._replace(timestamp="2026-03-01T13:00:00Z"), LATER)
    third = (await book.start(START._replace(connector=2), AT)).transaction
    book.adopt("CP2", 1, 77, meter_wh=5.0, at=AT)
    await stop(book, third.id)

    after = TransactionBook(Log())
    after.restore([{"kind": "limit", "other": True}, *source(book, log)])

    assert after.open_transactions == book.open_transactions
    assert after.find("CP1", first.id) == book.find("CP1", first.id)
    assert after.find("CP1", third.id) == book.find("CP1", third.id)
    again = await after.start(second.transaction.content, LATER)
    assert again.transaction == second.transaction
    assert not again.is_new


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "transaction_started", "id": 1},
        {"kind": "transaction_stopped", "id": 1, "identity": "CP1"},
        {"kind": "transaction_counter", "last_id": "many"},
    ],
)
async def test_a_record_that_cannot_be_understood_is_skipped(
    book: TransactionBook, log: Log, record: Record
) -> None:
    started = (await book.start(START, AT)).transaction

    after = TransactionBook(Log())
    after.restore([record, *log.records])

    assert after.open_at("CP1", 1) == started


async def test_a_stop_of_what_was_never_recorded_is_skipped(book: TransactionBook) -> None:
    record = {
        "kind": "transaction_stopped",
        "id": 5,
        "identity": "CP1",
        "stopped_at": LATER.isoformat(),
        "meter_stop_wh": None,
        "reason": "Local",
    }

    book.restore([record])

    assert book.find("CP1", 5) is None


async def test_only_so_many_ended_transactions_are_remembered(
    book: TransactionBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 3)
    for number in range(5):
        started = await book.start(START._replace(timestamp=f"2026-03-0{number + 1}"), AT)
        await stop(book, started.transaction.id)

    assert len(book.records()) == 1 + 3 * 2


async def test_while_the_disk_fails_a_start_is_withheld_twice_and_then_taken(
    book: TransactionBook, log: Log
) -> None:
    not_durable: list[str] = []
    book.on_not_durable = not_durable.append
    log.failing = True

    for _ in range(2):
        with pytest.raises(WithholdAnswer):
            await book.start(START, AT)
        assert not book.open_transactions
    third = await book.start(START, AT)

    assert book.open_at("CP1", 1) == third.transaction
    assert not_durable == ["CP1"]


async def test_while_the_disk_fails_a_stop_is_withheld_twice_and_then_taken(
    book: TransactionBook, log: Log
) -> None:
    started = (await book.start(START, AT)).transaction
    log.failing = True

    for _ in range(2):
        with pytest.raises(WithholdAnswer):
            await stop(book, started.id)
        assert book.open_transactions

    assert (await stop(book, started.id)).id == started.id
    assert not book.open_transactions


async def test_a_start_is_durable_once_the_disk_works_again(
    book: TransactionBook, log: Log
) -> None:
    log.failing = True
    with pytest.raises(WithholdAnswer):
        await book.start(START, AT)
    log.failing = False

    started = await book.start(START, AT)

    assert started.is_new
    assert [record["id"] for record in log.records] == [started.transaction.id]


async def test_only_so_many_failures_are_remembered(
    book: TransactionBook, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 1)
    log.failing = True

    for _ in range(3):
        for connector in (1, 2):
            with pytest.raises(WithholdAnswer):
                await book.start(START._replace(connector=connector), AT)


async def test_a_start_said_on_two_connections_at_once_is_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    await journal.open()
    book = TransactionBook(journal)

    outcomes = await asyncio.gather(book.start(START, AT), book.start(START, AT))
    await journal.close()

    assert outcomes[0].transaction == outcomes[1].transaction
    assert [outcome.is_new for outcome in outcomes] == [True, False]
