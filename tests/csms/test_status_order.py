"""Statuses that come too late, and clocks that are set meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.balanz.csms.clock_skew import ClockSkew
from custom_components.balanz.csms.station_errors import StationOffline
from custom_components.balanz.csms.status_order import StatusOrder

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Charger:
    """One whose statuses are stamped by its own clock."""

    def __init__(self) -> None:
        self.clock = ClockSkew()
        self.order = StatusOrder(self.clock)

    def tells(self, *, at_s: float, stamped_s: float) -> bool:
        """Tell a status of connector 1; return whether it counts."""
        received_at = NOW + timedelta(seconds=at_s)
        stamped_at = NOW + timedelta(seconds=stamped_s)
        self.clock.observe(stamped_at, received_at)
        return not self.order.is_overtaken(1, stamped_at, received_at)


def test_what_was_kept_while_the_link_was_gone_counts_in_its_order() -> None:
    charger = Charger()
    assert charger.tells(at_s=0, stamped_s=0)

    assert charger.tells(at_s=600, stamped_s=100)
    assert charger.tells(at_s=600, stamped_s=200)
    assert charger.tells(at_s=600, stamped_s=600)


def test_what_was_kept_does_not_count_after_what_is_so_now() -> None:
    charger = Charger()
    assert charger.tells(at_s=600, stamped_s=600)

    assert not charger.tells(at_s=600, stamped_s=100)
    assert not charger.tells(at_s=601, stamped_s=200)
    assert charger.tells(at_s=610, stamped_s=610)


def test_two_that_cross_within_a_minute_both_count() -> None:
    charger = Charger()
    assert charger.tells(at_s=10, stamped_s=10)
    assert charger.tells(at_s=11, stamped_s=9)


def test_a_clock_that_is_wrong_in_the_same_way_all_the_time_does_no_harm() -> None:
    charger = Charger()
    for at_s in (0, 30, 60):
        assert charger.tells(at_s=at_s, stamped_s=at_s - 7200)
    assert not charger.tells(at_s=61, stamped_s=-9000)
    assert charger.tells(at_s=90, stamped_s=90 - 7200)


def test_a_clock_that_was_set_back_is_believed_once_it_is_known() -> None:
    charger = Charger()
    assert charger.tells(at_s=0, stamped_s=0)

    assert not charger.tells(at_s=10, stamped_s=10 - 3600)
    assert charger.tells(at_s=40, stamped_s=40 - 3600)


def test_a_clock_that_nobody_knows_is_believed() -> None:
    charger = Charger()
    assert charger.tells(at_s=0, stamped_s=-9000)
    assert charger.tells(at_s=1, stamped_s=-9500)


def test_after_a_boot_any_time_counts() -> None:
    charger = Charger()
    assert charger.tells(at_s=600, stamped_s=600)
    charger.order.forget()
    assert charger.tells(at_s=601, stamped_s=-3600)


async def test_a_connector_is_asked_once_more_however_many_of_its_statuses_came_too_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_components.balanz.csms.status_order.ASKED_AFTER_S", 0.01)
    order = Charger().order
    asked: list[int | None] = []

    async def ask(connector: int | None) -> None:
        asked.append(connector)

    await asyncio.gather(*(order.ask_again(connector, ask) for connector in (1, 1, 0, 2)))
    await order.ask_again(1, ask)

    assert asked == [1, None, 2, 1]


async def test_whoever_cannot_be_asked_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custom_components.balanz.csms.status_order.ASKED_AFTER_S", 0.01)
    charger = Charger()
    assert charger.tells(at_s=600, stamped_s=600)

    async def ask(connector: int | None) -> None:
        raise StationOffline("gone")

    await charger.order.ask_again(1, ask)

    assert charger.tells(at_s=600, stamped_s=100)
