"""One connector's state, moved on by what its charger says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from custom_components.balanz.balancing.inputs import Line
from custom_components.balanz.balancing.lag import LearntLag
from custom_components.balanz.balancing.model import Connector, ConnectorKey
from custom_components.balanz.balancing.phases import ALL_PHASES, Phase, PhaseMap
from custom_components.balanz.csms.events import (
    ConnectorStatus,
    MeterValues,
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from custom_components.balanz.site.live import LiveConnector
from custom_components.balanz.site.report_card import ReportCard

from .build import charger

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def live() -> LiveConnector:
    connector = Connector(
        key=ConnectorKey("A", 1),
        name="A",
        group_id="root",
        rating_a=16.0,
        maximum_a=16.0,
        phase_map=PhaseMap.L1_L2_L3,
    )
    return LiveConnector(connector, charger("A"), 16.0)


def metered(
    *currents_a: float, power_w: float | None = None, energy_wh: float | None = None
) -> MeterValuesReceived:
    values = MeterValues(
        currents_a=currents_a or None,
        per_phase=len(currents_a) == 3,
        power_w=power_w,
        energy_wh=energy_wh,
        offered_a=None,
        measured_at=NOON,
    )
    return MeterValuesReceived(identity="A", connector=1, values=values)


def started(transaction_id: int, *, meter_start_wh: float = 0.0) -> TransactionStarted:
    return TransactionStarted(
        identity="A",
        connector=1,
        transaction_id=transaction_id,
        id_tag="TAG",
        meter_start_wh=meter_start_wh,
        started_at=NOON,
    )


def stopped(transaction_id: int, meter_stop_wh: float | None) -> TransactionStopped:
    return TransactionStopped(
        identity="A",
        connector=1,
        transaction_id=transaction_id,
        meter_stop_wh=meter_stop_wh,
        stopped_at=NOON,
        reason="Local",
    )


def limited(live: LiveConnector, limit_a: float, now: float) -> None:
    """Have the charger accept a limit."""
    live.sending(limit_a, now)
    live.accepted(now)


def test_values_that_come_in_separate_messages_are_kept_together(live: LiveConnector) -> None:
    live.take(metered(6.0, 6.0, 6.0), 1.0)
    live.take(metered(power_w=4140.0), 2.0)
    live.take(metered(energy_wh=12.0), 3.0)
    assert live.values is not None
    assert live.values.currents_a == (6.0, 6.0, 6.0)
    assert (live.values.power_w, live.values.energy_wh) == (4140.0, 12.0)


def test_a_session_counts_from_its_own_start(live: LiveConnector) -> None:
    live.take(metered(energy_wh=1000.0), 0.0)
    live.take(started(7, meter_start_wh=900.0), 1.0)
    assert live.session_energy_wh == 100.0
    live.take(metered(energy_wh=1500.0), 2.0)
    assert live.session_energy_wh == 600.0
    live.take(stopped(7, 1700.0), 3.0)
    assert live.session_energy_wh == 800.0
    assert live.transaction is None


def test_the_end_of_another_session_ends_nothing(live: LiveConnector) -> None:
    live.take(started(7), 0.0)
    live.take(stopped(6, 500.0), 1.0)
    assert live.transaction is not None
    assert live.session_energy_wh == 0.0


def test_a_session_that_ends_without_a_meter_keeps_its_last_energy(live: LiveConnector) -> None:
    live.take(started(7), 0.0)
    live.take(metered(energy_wh=300.0), 1.0)
    live.take(stopped(7, None), 2.0)
    assert live.session_energy_wh == 300.0


def test_lines_that_a_charger_does_not_tell_of_stay_in_use(live: LiveConnector) -> None:
    for now in range(0, 120, 10):
        live.take(
            replace(metered(16.0), values=metered(16.0).values._replace(per_phase=True)),
            float(now),
        )
    assert live.as_input(Line.FREE, 120.0).phase_use.in_use(ALL_PHASES) == ALL_PHASES


def test_lines_that_are_told_and_carry_nothing_are_learnt(live: LiveConnector) -> None:
    for now in range(0, 120, 10):
        live.take(metered(16.0, 0.0, 0.0), float(now))
    assert live.as_input(Line.FREE, 120.0).phase_use.in_use(ALL_PHASES) == (Phase.L1,)


def test_a_reading_that_grew_old_tells_nothing_of_the_draw(live: LiveConnector) -> None:
    live.take(metered(6.0, 6.0, 6.0), 0.0)
    assert live.as_input(Line.FREE, 40.0).draw is not None
    assert live.as_input(Line.FREE, 50.0).draw is None


def test_what_a_step_is_told_is_the_same_until_something_changes(live: LiveConnector) -> None:
    live.take(started(7), 0.0)
    live.take(metered(6.0, 6.0, 6.0), 0.0)
    told = live.as_input(Line.FREE, 1.0)
    assert live.as_input(Line.FREE, 2.0) is told

    assert live.as_input(Line.BUSY, 2.0).line is Line.BUSY
    live.maximum_a = 8.0
    assert live.as_input(Line.FREE, 2.0).maximum_a == 8.0
    live.enabled = False
    assert not live.as_input(Line.FREE, 2.0).wants


def test_a_car_is_known_from_its_session_before_any_status(live: LiveConnector) -> None:
    assert not live.as_input(Line.FREE, 0.0).wants
    live.take(started(7), 0.0)
    assert live.as_input(Line.FREE, 0.0).wants
    live.take(
        StatusChanged(
            identity="A", connector=1, status=ConnectorStatus.FINISHING, error_code="NoError"
        ),
        1.0,
    )
    assert not live.as_input(Line.FREE, 1.0).wants


def test_a_further_cut_does_not_forgive_a_charger_that_has_ignored_the_last(
    live: LiveConnector,
) -> None:
    live.ready()
    limited(live, 10.0, 0.0)
    live.take(metered(16.0, 16.0, 16.0), 20.0)
    assert live.ignores_limit_for(20.0) == 0.0
    limited(live, 8.0, 30.0)
    live.take(metered(16.0, 16.0, 16.0), 40.0)
    assert live.ignores_limit_for(80.0) == 60.0
    live.take(metered(8.5, 8.5, 8.5), 90.0)
    assert live.ignores_limit_for(90.0) == 0.0


def test_a_charger_has_its_time_to_follow_before_it_counts_as_ignoring(
    live: LiveConnector,
) -> None:
    live.ready()
    limited(live, 16.0, 0.0)
    live.take(metered(16.0, 16.0, 16.0), 20.0)
    limited(live, 8.0, 30.0)
    live.take(metered(16.0, 16.0, 16.0), 40.0)
    assert live.ignores_limit_for(40.0) == 0.0
    live.take(metered(8.0, 8.0, 8.0), 44.0)
    assert live.ignores_limit_for(200.0) == 0.0


def test_who_is_gone_is_not_blamed(live: LiveConnector) -> None:
    live.ready()
    limited(live, 10.0, 0.0)
    live.take(metered(16.0, 16.0, 16.0), 20.0)
    live.ignores_limit_for(20.0)
    live.disconnected()
    assert live.ignores_limit_for(200.0) == 0.0


def test_watts_are_for_as_many_lines_as_are_seen_to_share_them(live: LiveConnector) -> None:
    assert live.lines_for(10.0) == 1
    assert live.lines_for(16.0) == 3  # The hardware keeps each line to the rating.
    for now in (100.0, 110.0, 170.0):
        live.take(metered(10.0, 10.0, 10.0), now)
    assert live.lines_for(10.0) == 3
    live.take(metered(10.0, 0.0, 0.0), 180.0)
    assert live.lines_for(10.0) == 1


def test_another_car_may_use_other_lines(live: LiveConnector) -> None:
    for now in (100.0, 110.0, 170.0):
        live.take(metered(10.0, 10.0, 10.0), now)
    for status in (ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING):
        live.take(StatusChanged(identity="A", connector=1, status=status, error_code=""), 200.0)
    assert live.lines_for(10.0) == 1


def test_a_cut_of_a_charger_that_was_slow_before_is_given_its_time(live: LiveConnector) -> None:
    live.commitment = live.commitment.connected(keeps_limit=False)
    for limit_a, at in ((16.0, 0.0), (6.0, 100.0)):
        live.sending(limit_a, at)
        live.accepted(at)
    live.card = ReportCard(lag=LearntLag(cuts_s=(40.0,)))

    assert live.as_input(Line.FREE, 130.0).commitment.booked_a(live.connector, 130.0) == 16.0
    assert live.as_input(Line.FREE, 142.0).commitment.booked_a(live.connector, 142.0) == 6.0
