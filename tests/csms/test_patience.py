"""What a peer may do wrong, how often, and what it costs."""

import pytest

from custom_components.balanz.csms.message_rate import MessageRate
from custom_components.balanz.csms.patience import Budget, Penalties, Reconnects


def test_a_budget_is_spent_within_its_span_only() -> None:
    budget = Budget({60.0: 2})

    assert [budget.spend(at) for at in (0.0, 1.0, 61.5, 62.0, 63.0)] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_budget_of_two_spans_ends_with_the_first_that_is_spent() -> None:
    budget = Budget({60.0: 5, 3600.0: 8})

    spent = [budget.spend(100.0 * number) for number in range(10)]

    assert spent == [False] * 8 + [True, True]


def test_the_first_time_costs_nothing_and_each_further_one_twice_as_much() -> None:
    penalties = Penalties()
    left = []

    for _ in range(7):
        penalties.add("CP1", 0.0)
        left.append(penalties.left_s("CP1", 0.0))

    assert left == [0.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0]
    assert penalties.left_s("CP1", 899.0) == 1.0
    assert penalties.left_s("CP1", 900.0) == 0.0
    assert penalties.left_s("CP2", 0.0) == 0.0


def test_an_hour_without_trouble_is_forgiven() -> None:
    penalties = Penalties()
    penalties.add("CP1", 0.0)

    penalties.add("CP1", 3601.0)

    assert penalties.left_s("CP1", 3601.0) == 0.0


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Penalties, "MOST", 1)
    penalties = Penalties()
    for who in ("CP1", "CP1", "CP2"):
        penalties.add(who, 0.0)

    assert penalties.left_s("CP1", 0.0) == 0.0


def test_a_charger_that_connects_all_the_time_waits_longer_each_time() -> None:
    reconnects = Reconnects()

    delays_s = [reconnects.delay_s(float(second)) for second in range(20)]

    assert delays_s[:10] == [0.0] * 10
    assert delays_s[10:16] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert set(delays_s[16:]) == {5.0}
    assert reconnects.delay_s(100.0) == 0.0


def test_a_burst_is_read_at_once_and_what_follows_at_the_rate() -> None:
    rate = MessageRate(per_s=10.0, burst=5)

    waits_s = [rate.take(0.0) for _ in range(7)]

    assert waits_s == pytest.approx([0.0] * 5 + [0.1, 0.2])
    assert rate.too_fast_for_s(3.0) == 3.0
    assert rate.take(3.0) == 0.0
    assert rate.too_fast_for_s(3.0) == 0.0
