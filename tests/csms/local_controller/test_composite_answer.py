"""What another central system is told of the current that cars get, at every second."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.local_controller.composite_answer import (
    InForce,
    composite_answer,
)
from custom_components.balanz.csms.local_controller.composition import (
    InstalledProfile,
    Lines,
    RunningTransaction,
)
from custom_components.balanz.csms.validation import Direction, check

from .plain import SECONDS, lines_of_chargers, plain_limit, sets, transactions
from .profiles import NOON, later

own_limits = st.builds(
    InForce, limit_a=st.integers(0, 60).map(lambda it: it / 10), lines=lines_of_chargers
)


def told(
    profiles: list[InstalledProfile],
    connector: int,
    unit: str,
    running: dict[int, RunningTransaction],
    in_force: dict[int, InForce],
) -> list[float]:
    """What is told for each second."""
    answer = composite_answer(
        {"connectorId": connector, "duration": SECONDS, "chargingRateUnit": unit},
        connector,
        begin=NOON,
        profiles=profiles,
        transactions=running,
        in_force=in_force,
        most_periods=10_000,
    )
    assert check("GetCompositeSchedule", Direction.RESPONSE, answer) is None
    schedule = answer["chargingSchedule"]
    assert schedule["duration"] == SECONDS
    periods = schedule["chargingSchedulePeriod"]
    return [
        [it["limit"] for it in periods if it["startPeriod"] <= second][-1]
        for second in range(SECONDS)
    ]


def least(limit_a: float | None, own_a: float) -> float:
    return own_a if limit_a is None else min(limit_a, own_a)


def tenths(limit: float) -> float:
    return math.floor(round(limit * 10, 6)) / 10


@given(sets, transactions, own_limits, st.sampled_from("AW"))
@settings(max_examples=200, deadline=None)
def test_a_connector_is_told_the_smaller_of_both_limits(
    profiles: list[InstalledProfile],
    transaction: RunningTransaction | None,
    own: InForce,
    unit: str,
) -> None:
    running = {} if transaction is None else {1: transaction}
    begun = transaction or RunningTransaction(id=None, started_at=NOON)

    found = told(profiles, 1, unit, running, {1: own})

    for second, limit in enumerate(found):
        theirs_a, phases = plain_limit(profiles, 1, later(second), begun, own.lines)
        lines = own.lines.in_use or min(phases or 3, own.lines.wired)
        factor = 1 if unit == "A" else 230 * lines
        assert limit == pytest.approx(tenths(least(theirs_a, own.limit_a) * factor), abs=0.11)


@given(sets, transactions, own_limits, own_limits)
@settings(max_examples=200, deadline=None)
def test_the_whole_charger_is_told_the_sum_of_its_connectors_under_its_own_limit(
    profiles: list[InstalledProfile],
    transaction: RunningTransaction | None,
    one: InForce,
    other: InForce,
) -> None:
    running = {} if transaction is None else {1: transaction}
    stand_in = RunningTransaction(id=None, started_at=NOON)
    lines = Lines.of_all([one.lines, other.lines])

    found = told(profiles, 0, "A", running, {1: one, 2: other})

    for second, limit_a in enumerate(found):
        now = later(second)
        total_a = 0.0
        for number, own, begun in ((1, one, transaction or stand_in), (2, other, stand_in)):
            theirs_a, _ = plain_limit(profiles, number, now, begun, own.lines)
            total_a += least(theirs_a, own.limit_a)
        whole_a, _ = plain_limit(profiles, 0, now, None, lines)
        assert limit_a == pytest.approx(tenths(least(whole_a, total_a)), abs=0.11)
