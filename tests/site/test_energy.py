"""Energy only ever grows, whatever the register does, and sessions are told apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.site.energy import ConnectorEnergy, LifetimeEnergy

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOST_W = 11_040.0


def minutes(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def totals(*registers_wh: float, every_min: float = 1.0) -> list[float | None]:
    """Return the lifetime energy after each reading of a register."""
    energy, shown = LifetimeEnergy(), []
    for number, register_wh in enumerate(registers_wh):
        energy = energy.read(register_wh, minutes(number * every_min), MOST_W)
        shown.append(energy.total_wh)
    return shown


@pytest.mark.parametrize(
    ("registers_wh", "shown_wh"),
    [
        pytest.param([5000, 5100, 5250], [5000, 5100, 5250], id="a-lifetime-register"),
        pytest.param([5000, 0, 5100], [5000, 5000, 5100], id="one-zero-is-nonsense"),
        pytest.param([9e5, 0, 0, 9e5 + 60], [9e5, 9e5, 9e5, 9e5 + 60], id="so-are-two"),
        pytest.param([5000, 0, 100, 250], [5000, 5000, 5100, 5250], id="the-meter-starts-anew"),
        pytest.param(
            [5000, 7e6, 7e6 + 80, 7e6 + 90], [5000, 5000, 5080, 5090], id="another-meter-shows-more"
        ),
        pytest.param([7e6, 5e6, 5e6 + 80], [7e6, 7e6, 7e6 + 80], id="another-meter-shows-less"),
        pytest.param([1000, 16e6, 1100], [1000, 1000, 1100], id="a-spike-of-16-MWh"),
        pytest.param([1000, 16e6, 90e6, 1100], [1000, 1000, 1000, 1100], id="two-unlike-spikes"),
        pytest.param([1000, 41_000], [1000, 41_000], id="all-of-a-session-at-its-end"),
        pytest.param([1000, -5, float("nan"), 1100], [1000, 1000, 1000, 1100], id="no-energy"),
    ],
)
def test_what_is_shown_of_a_register(registers_wh: list[float], shown_wh: list[float]) -> None:
    assert totals(*registers_wh) == pytest.approx(shown_wh)


def test_a_register_that_counts_sessions_becomes_one_that_counts_all() -> None:
    energy = ConnectorEnergy()
    shown = []
    for session in range(3):
        start = session * 120
        energy = energy.began(session + 1, 0.0, minutes(start), MOST_W)
        energy = energy.read(2000.0, minutes(start + 30), MOST_W)
        energy = energy.ended(4000.0, minutes(start + 60), MOST_W)
        shown.append((energy.lifetime.total_wh, energy.session_wh))

    assert shown == [(4000.0, 4000.0), (8000.0, 4000.0), (12_000.0, 4000.0)]


def test_a_session_register_that_is_told_only_at_the_ends_counts_each_session_whole() -> None:
    energy = ConnectorEnergy()
    for number, stop_wh in enumerate((5000.0, 7000.0)):
        energy = energy.began(number + 1, 0.0, minutes(number * 120), MOST_W)
        energy = energy.ended(stop_wh, minutes(number * 120 + 60), MOST_W)

    assert (energy.lifetime.total_wh, energy.session_wh) == (12_000.0, 7000.0)


def test_a_start_at_zero_of_a_charger_that_counts_its_lifetime_is_no_new_start() -> None:
    energy = ConnectorEnergy().read(900_000.0, NOON, MOST_W)
    energy = energy.began(1, 0.0, minutes(1), MOST_W)
    energy = energy.read(900_100.0, minutes(2), MOST_W)

    assert (energy.lifetime.total_wh, energy.session_wh) == (900_100.0, 100.0)


def test_what_flowed_between_a_start_and_the_news_of_it_belongs_to_the_session() -> None:
    energy = ConnectorEnergy().read(1000.0, NOON, MOST_W)

    energy = energy.began(1, 900.0, minutes(-5), MOST_W)

    assert energy.session_wh == 100.0


def test_a_session_whose_start_nobody_knows_counts_from_the_first_reading() -> None:
    energy = ConnectorEnergy().began(1, None, NOON, MOST_W)
    assert energy.session_wh == 0.0

    energy = energy.read(5000.0, minutes(1), MOST_W).read(5300.0, minutes(2), MOST_W)

    assert energy.session_wh == 300.0


@pytest.mark.parametrize(
    "stop_wh", [pytest.param(999.0, id="one-less"), pytest.param(0.0, id="zero"), None]
)
def test_a_stop_below_the_start_costs_nothing(stop_wh: float | None) -> None:
    energy = ConnectorEnergy().began(1, 1000.0, NOON, MOST_W).read(1400.0, minutes(3), MOST_W)

    energy = energy.ended(stop_wh, minutes(4), MOST_W)

    assert (energy.lifetime.total_wh, energy.session_wh) == (1400.0, 400.0)


def test_what_flows_after_a_session_is_not_of_it() -> None:
    energy = ConnectorEnergy().began(1, 1000.0, NOON, MOST_W).ended(1500.0, minutes(9), MOST_W)

    energy = energy.read(1510.0, minutes(60), MOST_W)

    assert (energy.lifetime.total_wh, energy.session_wh) == (1510.0, 500.0)


def test_a_session_that_is_told_again_goes_on() -> None:
    energy = ConnectorEnergy().began(1, 1000.0, NOON, MOST_W).read(1200.0, minutes(2), MOST_W)

    again = ConnectorEnergy.from_record(energy.as_record()).began(1, 1000.0, NOON, MOST_W)
    again = again.read(1300.0, minutes(30), MOST_W)

    assert (again.session_wh, again.started_at) == (300.0, NOON)


def test_a_session_register_that_went_on_while_nobody_looked_is_counted_whole() -> None:
    energy = ConnectorEnergy().began(1, 0.0, NOON, MOST_W).read(2000.0, minutes(30), MOST_W)
    kept = ConnectorEnergy.from_record(energy.as_record())

    late = kept.read(1000.0, minutes(120), MOST_W).read(1100.0, minutes(121), MOST_W)

    assert late.lifetime.total_wh == 3100.0


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["read", "began", "ended", "restart"]),
        st.one_of(
            st.none(),
            st.floats(allow_nan=True, allow_infinity=True),
            st.sampled_from([0.0, 10.0, 500.0, 1000.0, 1e6, 1e6 + 50.0, 1e12]),
        ),
        st.integers(-600, 6000),
    ),
    max_size=30,
)


@given(events=EVENTS)
def test_whatever_is_reported_the_lifetime_energy_never_falls(
    events: list[tuple[str, float | None, int]],
) -> None:
    energy, last_wh = ConnectorEnergy(), 0.0
    for number, (kind, register_wh, at_s) in enumerate(events):
        at = NOON + timedelta(seconds=at_s)
        match kind:
            case "read" if register_wh is not None:
                energy = energy.read(register_wh, at, MOST_W)
            case "began":
                energy = energy.began(number, register_wh, at, MOST_W)
            case "ended":
                energy = energy.ended(register_wh, at, MOST_W)
            case "restart":
                energy = ConnectorEnergy.from_record(energy.as_record())
        total_wh = energy.lifetime.total_wh
        assert total_wh is None or total_wh >= last_wh
        assert energy.session_wh is None or energy.session_wh >= 0.0
        last_wh = total_wh or last_wh


@given(
    steps=st.lists(st.floats(0.0, 900.0), min_size=1, max_size=40),
    glitches=st.dictionaries(st.integers(1, 40), st.sampled_from([0.0, 3.0, 1e11]), max_size=8),
)
def test_a_register_with_nonsense_in_between_shows_what_it_would_without(
    steps: list[float], glitches: dict[int, float]
) -> None:
    energy, register_wh, number = LifetimeEnergy(), 2e6, 0
    for step_wh in steps:
        energy = energy.read(register_wh, minutes(number * 5), MOST_W)
        if number in glitches:
            energy = energy.read(glitches[number], minutes(number * 5 + 1), MOST_W)
        register_wh += step_wh
        number += 1
    energy = energy.read(register_wh, minutes(number * 5), MOST_W)

    assert energy.total_wh == pytest.approx(register_wh)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"transaction_id": "x"},
        ConnectorEnergy().as_record() | {"read_at": "yesterday"},
        ConnectorEnergy().as_record() | {"total_wh": "much"},
    ],
)
def test_a_record_that_is_none_of_ours_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        ConnectorEnergy.from_record(record)
