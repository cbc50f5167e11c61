"""What is told late, in the wrong order, or under ids of the charger's own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.transactions import (
    IMPLICIT,
    OUT_OF_ORDER,
    Record,
    StartContent,
    TransactionBook,
)

from .test_transactions import Log

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def content(minutes: float, *, id_tag: str = "TAG", connector: int = 1) -> StartContent:
    return StartContent("CP1", connector, id_tag, at(minutes).isoformat(), 100.0)


@pytest.fixture
def book() -> TransactionBook:
    return TransactionBook(Log())


async def start(book: TransactionBook, minutes: float, **fields: Any) -> Any:
    """Start at a time on the only connector."""
    return await book.start(content(minutes, **fields), at(minutes), only_connector=True)


async def stop(
    book: TransactionBook, transaction_id: int, minutes: float, *, id_tag: str = ""
) -> Any:
    return await book.stop(
        "CP1",
        transaction_id,
        stopped_at=at(minutes),
        meter_stop_wh=900.0,
        reason="Local",
        id_tag=id_tag,
    )


async def test_a_late_start_of_an_old_session_does_not_end_the_one_that_runs(
    book: TransactionBook,
) -> None:
    running = await start(book, 60)
    late = await start(book, 0)

    assert (late.is_new, late.runs, late.replaced) == (True, False, None)
    assert book.open_at("CP1", 1) == running.transaction
    assert (late.transaction.stopped_at, late.transaction.reason) == (at(60), OUT_OF_ORDER)


async def test_the_late_stop_of_an_old_session_tells_how_it_really_ended(
    book: TransactionBook,
) -> None:
    running = await start(book, 60)
    late = await start(book, 0)

    assert await stop(book, late.transaction.id, 45) is None

    ended = book.find("CP1", late.transaction.id)
    assert ended is not None
    assert (ended.stopped_at, ended.meter_stop_wh, ended.reason) == (at(45), 900.0, "Local")
    assert book.open_at("CP1", 1) == running.transaction


async def test_a_stop_that_comes_after_the_next_start_tells_how_the_session_really_ended(
    book: TransactionBook,
) -> None:
    first = await start(book, 0)
    second = await start(book, 60)
    assert second.replaced == first.transaction

    assert await stop(book, first.transaction.id, 30) is None

    ended = book.find("CP1", first.transaction.id)
    assert ended is not None
    assert (ended.stopped_at, ended.reason) == (at(30), "Local")
    assert book.open_at("CP1", 1) == second.transaction


async def test_a_session_by_a_clock_that_went_back_runs_once_its_meter_tells(
    book: TransactionBook,
) -> None:
    first = await start(book, 60)
    second = await start(book, 0)

    resumed = book.adopt("CP1", 1, second.transaction.id, meter_wh=None, at=at(61))

    assert resumed is not None
    assert resumed.id == second.transaction.id
    assert book.open_at("CP1", 1) == resumed
    ended = book.find("CP1", first.transaction.id)
    assert ended is not None
    assert ended.reason == IMPLICIT
    assert book.adopt("CP1", 1, first.transaction.id, meter_wh=1.0, at=at(61)) is None


async def test_a_stop_before_its_start_ends_it(book: TransactionBook) -> None:
    assert await stop(book, -7, 30, id_tag="TAG") is None

    late = await start(book, 0)

    assert not late.runs
    assert late.transaction.stopped_at == at(30)
    assert not book.open_transactions
    assert (await start(book, 60)).runs


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"minutes": 40}, id="a-start-after-the-stop"),
        pytest.param({"minutes": 0, "id_tag": "OTHER"}, id="another-tag"),
    ],
)
async def test_a_stop_of_another_session_ends_nothing(
    book: TransactionBook, fields: dict[str, Any]
) -> None:
    await stop(book, -7, 30, id_tag="TAG")

    assert (await start(book, **fields)).runs


async def test_of_two_possible_stops_none_is_guessed(book: TransactionBook) -> None:
    await stop(book, -7, 30, id_tag="TAG")
    await stop(book, -8, 90, id_tag="TAG")

    assert (await start(book, 0)).runs


async def test_a_stop_before_its_start_is_not_guessed_among_connectors(
    book: TransactionBook,
) -> None:
    await stop(book, -7, 30, id_tag="TAG")

    assert (await book.start(content(0), at(0), only_connector=False)).runs


async def test_a_start_without_a_time_of_its_own_is_not_ended_by_an_old_stop(
    book: TransactionBook,
) -> None:
    await stop(book, -7, 30, id_tag="TAG")

    started = await book.start(content(0)._replace(timestamp=""), at(0), only_connector=True)

    assert started.runs


async def test_an_id_of_the_chargers_own_has_one_of_ours(book: TransactionBook) -> None:
    adopted = book.adopt("CP1", 1, -77, meter_wh=None, at=NOON)

    assert adopted is not None
    assert adopted.id > 0
    assert (adopted.told_id, adopted.content.meter_start_wh) == (-77, None)
    assert book.find("CP1", -77) == adopted
    assert book.find("CP2", -77) is None
    assert book.adopt("CP1", 1, -77, meter_wh=None, at=at(1)) is None
    assert (await stop(book, -77, 30)).id == adopted.id


async def test_closing_values_after_the_stop_start_nothing(book: TransactionBook) -> None:
    book.adopt("CP1", 1, -77, meter_wh=None, at=NOON)
    await stop(book, -77, 30)

    assert book.adopt("CP1", 1, -77, meter_wh=1.0, at=at(31)) is None
    assert book.adopt("CP1", 1, -77, meter_wh=1.0, at=at(99)) is not None


async def test_an_id_that_two_connectors_share_stops_neither(book: TransactionBook) -> None:
    for connector in (1, 2):
        assert book.adopt("CP1", connector, -77, meter_wh=None, at=NOON) is not None

    assert await stop(book, -77, 30) is None

    assert len(book.open_transactions) == 2


def as_written(_book: TransactionBook, log: Log) -> list[Record]:
    return log.records


def compacted(book: TransactionBook, _log: Log) -> list[Record]:
    return book.records()


@pytest.mark.parametrize("source", [as_written, compacted])
async def test_all_of_that_is_known_after_a_restart(
    source: Callable[[TransactionBook, Log], list[Record]],
) -> None:
    log = Log()
    book = TransactionBook(log)
    running = await start(book, 60)
    late = await start(book, 0)
    await stop(book, late.transaction.id, 45)
    resumed = await start(book, 30)
    book.adopt("CP1", 1, resumed.transaction.id, meter_wh=None, at=at(61))
    adopted = book.adopt("CP1", 2, -5, meter_wh=None, at=NOON)
    assert adopted is not None

    after = TransactionBook(Log())
    after.restore(source(book, log))

    assert after.open_transactions == book.open_transactions
    assert set(after.open_transactions) == {("CP1", 1), ("CP1", 2)}
    for one in (running.transaction, late.transaction, adopted):
        assert after.find("CP1", one.id) == book.find("CP1", one.id)
    assert after.find("CP1", -5) == adopted


MESSAGES = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 8), st.integers(1, 2)),
        st.tuples(st.just("stop"), st.integers(-2, 8), st.integers(0, 8)),
        st.tuples(st.just("adopt"), st.integers(-3, 8), st.integers(1, 2)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@given(messages=MESSAGES)
async def test_in_whatever_order_things_are_told_a_restart_loses_and_doubles_nothing(
    messages: list[tuple[str, int, int]],
) -> None:
    log = Log()
    book, ids = TransactionBook(log), [0]
    for kind, first, second in messages:
        match kind:
            case "start":
                ids.append((await start(book, first, connector=second)).transaction.id)
            case "stop":
                one = ids[first % len(ids)] if first > 0 else first
                await stop(book, one, second, id_tag="TAG")
            case "adopt":
                one = ids[first % len(ids)] if first > 0 else first * 7
                book.adopt("CP1", second, one, meter_wh=None, at=at(9))
            case _:
                before, book = book, TransactionBook(log)
                book.restore(log.records)
                assert book.open_transactions == before.open_transactions
        places = [(it.identity, it.connector) for it in book.open_transactions.values()]
        assert len(places) == len(set(places))
        assert all(it.id > 0 for it in book.open_transactions.values())
    again = TransactionBook(Log())
    again.restore(book.records())
    assert again.open_transactions == book.open_transactions


async def test_a_stop_without_an_id_is_that_of_the_only_session_with_its_tag_that_can_be_meant(
    book: TransactionBook,
) -> None:
    running = (await start(book, 0)).transaction

    assert book.find_untold("CP1", "TAG", at(30), 900.0) == running
    assert book.find_untold("CP1", "TAG", at(30), None) == running


@pytest.mark.parametrize(
    ("identity", "id_tag", "minutes", "meter_stop_wh"),
    [
        pytest.param("CP2", "TAG", 30, 900.0, id="another-charger"),
        pytest.param("CP1", "OTHER", 30, 900.0, id="another-tag"),
        pytest.param("CP1", "", 30, 900.0, id="no-tag"),
        pytest.param("CP1", "TAG", -1, 900.0, id="before-it-began"),
        pytest.param("CP1", "TAG", 30, 99.0, id="below-its-register"),
    ],
)
async def test_a_stop_without_an_id_that_may_be_anothers_is_nobodys(
    book: TransactionBook, identity: str, id_tag: str, minutes: int, meter_stop_wh: float
) -> None:
    await start(book, 0)

    assert book.find_untold(identity, id_tag, at(minutes), meter_stop_wh) is None


async def test_a_stop_without_an_id_is_nobodys_where_two_sessions_run(
    book: TransactionBook,
) -> None:
    await start(book, 0)
    await start(book, 1, connector=2)

    assert book.find_untold("CP1", "TAG", at(30), 900.0) is None
