"""Simulated time."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.clock import Clock, parse_timestamp, timestamp


async def test_a_fast_clock_lets_simulated_time_fly_and_the_wall_time_be() -> None:
    clock = Clock(10_000.0)
    before = datetime.now(UTC)

    await clock.sleep(100)

    assert clock.seconds() >= 100
    assert clock.now() - before < timedelta(seconds=60)


async def test_the_wall_time_may_fly_along() -> None:
    clock = Clock(10_000.0, scale_wall=True)
    before = clock.now()

    await clock.sleep(100)

    assert clock.now() - before >= timedelta(seconds=99)


@pytest.mark.parametrize("factor", [0, -1, float("nan")])
def test_time_does_not_stand_still_or_run_backwards(factor: float) -> None:
    with pytest.raises(ValueError, match="factor"):
        Clock(factor)


def test_timestamps_are_written_in_utc_and_read_in_any_zone() -> None:
    moment = datetime(2026, 11, 21, 12, 0, 0, 500_000, tzinfo=UTC)

    assert timestamp(moment) == "2026-11-21T12:00:00.500Z"
    assert parse_timestamp("2026-11-21T13:00:00.5+01:00") == moment
    assert parse_timestamp("2026-11-21T12:00:00.5") == moment
