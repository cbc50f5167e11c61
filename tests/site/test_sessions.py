"""What happens to sessions is told once it counts, and not at each twitch."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from custom_components.balanz.balancing.model import Connector, ConnectorKey
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.balancing.reasons import Reason, Rule
from custom_components.balanz.csms.events import (
    ConnectorStatus,
    MeterValues,
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.live import LiveConnector
from custom_components.balanz.site.session_events import SessionEvent, SessionKind
from custom_components.balanz.site.sessions import Sessions
from custom_components.balanz.storage.tags import Tag
from simulator.car import Car

from .build import accepted_a, charger, pass_s, settings, until
from .conftest import Bench

KEY = ConnectorKey("A", 1)
BEGAN = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
ANNE = Tag(id="ANNE", name="Anne")


class Scene:
    """A connector, its charger's words, and what is told of its sessions."""

    def __init__(self) -> None:
        connector = Connector(
            key=KEY,
            name="A",
            group_id="root",
            rating_a=16.0,
            maximum_a=16.0,
            phase_map=PhaseMap.L1_L2_L3,
        )
        self.live = LiveConnector(connector, charger("A"), 16.0)
        self.all = {KEY: self.live}
        self.sessions = Sessions(live=self.all, tag_of={"ANNE": ANNE}.get)
        self.told: list[SessionEvent] = []
        self.stop_listening = self.sessions.listen(KEY, self.told.append)
        self.now = 100.0

    @property
    def kinds(self) -> list[SessionKind]:
        return [event.kind for event in self.told]

    def starts(self, transaction_id: int = 7, *, refused: bool = False) -> None:
        start = TransactionStarted(
            identity="A",
            connector=1,
            transaction_id=transaction_id,
            id_tag="ANNE",
            meter_start_wh=1000.0,
            started_at=BEGAN,
            refused=refused,
        )
        self.sessions.take(start, self.live, self.now)

    def stops(self, transaction_id: int = 7) -> None:
        stop = TransactionStopped(
            identity="A",
            connector=1,
            transaction_id=transaction_id,
            meter_stop_wh=6000.0,
            stopped_at=BEGAN + timedelta(hours=2),
            reason="EVDisconnected",
        )
        self.sessions.take(stop, self.live, self.now)

    def meters(self, energy_wh: float) -> None:
        values = MeterValues(
            currents_a=None,
            per_phase=False,
            power_w=None,
            energy_wh=energy_wh,
            offered_a=None,
            measured_at=BEGAN + timedelta(hours=1),
        )
        event = MeterValuesReceived(identity="A", connector=1, values=values)
        self.sessions.take(event, self.live, self.now)

    def is_(self, status: ConnectorStatus) -> None:
        event = StatusChanged(identity="A", connector=1, status=status, error_code="NoError")
        self.sessions.take(event, self.live, self.now)

    def gets(self, rule: Rule) -> None:
        self.live.reason = Reason(rule=rule)

    def passes(self, seconds: float) -> None:
        """Let time pass, with a step at its begin and at its end."""
        self.sessions.look(self.now)
        self.now += seconds
        self.sessions.look(self.now)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def charging(scene: Scene) -> Scene:
    """A session whose car has all it can use, and whose start has been told."""
    scene.starts()
    scene.is_(ConnectorStatus.CHARGING)
    scene.gets(Rule.CAR)
    scene.passes(60.0)
    scene.told.clear()
    return scene


def test_a_session_is_told_from_its_start_to_its_end(scene: Scene) -> None:
    scene.starts()
    scene.passes(1.0)
    scene.stops()

    started, ended = scene.told
    assert (started.kind, started.tag, started.transaction_id) == (SessionKind.STARTED, ANNE, 7)
    assert ended.kind is SessionKind.ENDED
    assert (ended.energy_wh, ended.duration_s) == (5000.0, 7200.0)
    assert (ended.stop_reason, ended.tag) == ("EVDisconnected", ANNE)


def test_a_session_that_is_told_late_and_whole_has_both_its_ends(scene: Scene) -> None:
    scene.starts()
    scene.stops()

    assert scene.kinds == [SessionKind.STARTED, SessionKind.ENDED]


def test_a_session_is_not_told_again_when_its_charger_comes_back(charging: Scene) -> None:
    charging.starts()
    charging.passes(60.0)

    assert charging.told == []


def test_a_session_from_before_a_restart_is_followed_without_telling_it_again(
    scene: Scene,
) -> None:
    scene.live.energy = replace(scene.live.energy, transaction_id=7)
    scene.starts()
    scene.is_(ConnectorStatus.SUSPENDED_EV)
    scene.passes(60.0)
    assert scene.told == []
    scene.stops()

    assert scene.kinds == [SessionKind.ENDED]


def test_a_refused_tag_is_told_instead_of_its_session(scene: Scene) -> None:
    scene.starts()
    scene.sessions.refused(scene.live, 7)
    scene.passes(60.0)
    scene.stops()

    assert scene.kinds == [SessionKind.REFUSED]


def test_a_refused_session_from_before_a_restart_is_not_followed(scene: Scene) -> None:
    scene.live.energy = replace(scene.live.energy, transaction_id=7)
    scene.starts(refused=True)
    scene.passes(60.0)
    scene.stops()

    assert scene.told == []


@pytest.mark.parametrize(
    ("status", "by_car"),
    [(ConnectorStatus.SUSPENDED_EV, True), (ConnectorStatus.SUSPENDED_EVSE, False)],
)
def test_a_pause_is_told_with_who_pauses_and_so_is_its_end(
    charging: Scene, status: ConnectorStatus, by_car: bool
) -> None:
    charging.meters(2500.0)
    charging.is_(status)
    charging.passes(20.0)
    charging.is_(ConnectorStatus.CHARGING)
    charging.passes(20.0)

    suspended, resumed = charging.told
    assert (suspended.kind, suspended.by_car) == (SessionKind.SUSPENDED, by_car)
    assert suspended.energy_wh == 1500.0
    assert (resumed.kind, resumed.by_car) == (SessionKind.RESUMED, None)


def test_a_pause_of_ten_seconds_is_not_told(charging: Scene) -> None:
    charging.is_(ConnectorStatus.SUSPENDED_EVSE)
    charging.passes(10.0)
    charging.is_(ConnectorStatus.CHARGING)
    charging.passes(60.0)

    assert charging.told == []


def test_a_car_that_gets_less_than_it_could_use_is_told_once_however_often_it_changes(
    charging: Scene,
) -> None:
    charging.live.commanded_a = 8.0
    for _ in range(10):
        charging.gets(Rule.SHARED)
        charging.passes(40.0)
        charging.gets(Rule.CAR)
        charging.passes(40.0)

    [limited] = charging.told
    assert (limited.kind, limited.limit_a) == (SessionKind.LIMITED, 8.0)
    assert limited.reason.rule is Rule.SHARED


def test_a_car_is_told_to_be_limited_again_after_a_quarter_hour_without(charging: Scene) -> None:
    charging.gets(Rule.SHARED)
    charging.passes(40.0)
    charging.gets(Rule.CAR)
    charging.passes(900.0)
    charging.gets(Rule.SCHEDULE)
    charging.passes(40.0)

    assert [event.reason.rule for event in charging.told] == [Rule.SHARED, Rule.SCHEDULE]


@pytest.mark.parametrize("rule", [Rule.CONFIRMING, Rule.SPACING, Rule.MAXIMUM, Rule.FULL])
def test_a_car_on_its_way_up_or_with_all_it_can_use_is_not_limited(
    charging: Scene, rule: Rule
) -> None:
    charging.gets(rule)
    charging.passes(600.0)

    assert charging.told == []


def test_a_car_that_is_suspended_is_not_told_to_be_limited_as_well(charging: Scene) -> None:
    charging.is_(ConnectorStatus.SUSPENDED_EVSE)
    charging.gets(Rule.WAITING)
    charging.passes(600.0)

    assert charging.kinds == [SessionKind.SUSPENDED]


def test_the_next_step_is_due_when_something_settles(charging: Scene) -> None:
    assert charging.sessions.next_change(charging.now) is None
    charging.is_(ConnectorStatus.SUSPENDED_EV)
    charging.sessions.look(charging.now)

    assert charging.sessions.next_change(charging.now) == charging.now + 15.0


def test_what_nobody_can_tell_any_more_calls_for_no_step_after_step(charging: Scene) -> None:
    """A car that was limited and is full now would be looked at for as long as it stays."""
    charging.gets(Rule.SHARED)
    charging.passes(20.0)
    charging.is_(ConnectorStatus.SUSPENDED_EV)
    charging.passes(60.0)

    assert charging.sessions.next_change(charging.now) is None

    charging.is_(ConnectorStatus.CHARGING)
    charging.passes(0.0)
    assert SessionKind.LIMITED in charging.kinds


def test_a_session_of_a_connector_that_was_removed_is_followed_no_more(charging: Scene) -> None:
    charging.all.clear()
    charging.passes(1.0)
    charging.stops()

    assert charging.told == []


def test_nobody_is_told_any_more_who_stopped_to_listen(charging: Scene) -> None:
    charging.stop_listening()
    charging.stops()

    assert charging.told == []


def test_a_listener_that_fails_costs_the_others_nothing(
    charging: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event: SessionEvent) -> None:
        raise RuntimeError("mad")

    charging.sessions.listen(KEY, fail)
    with caplog.at_level(logging.ERROR):
        charging.stops()

    assert charging.kinds == [SessionKind.ENDED]
    assert "mad" in caplog.text


# At a running site


def listen(site: BalanzSite, *identities: str) -> dict[str, list[SessionEvent]]:
    told: dict[str, list[SessionEvent]] = {identity: [] for identity in identities}
    for identity in identities:
        site.sessions.listen(ConnectorKey(identity, 1), told[identity].append)
    return told


async def test_two_cars_that_share_a_fuse_are_told_to_be_limited_once_each(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    told = listen(site, "A", "B")
    one = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await pass_s(300.0)
    one.unplug()
    await until(lambda: SessionKind.ENDED in [event.kind for event in told["A"]])

    started, limited, ended = told["A"]
    assert [started.kind, limited.kind] == [SessionKind.STARTED, SessionKind.LIMITED]
    assert limited.limit_a == 10.0
    assert limited.reason.group_id == "root"
    assert ended.energy_wh is not None
    assert ended.energy_wh > 100.0
    assert ended.duration_s == pytest.approx(300.0, abs=60.0)
    assert [event.kind for event in told["B"]] == [SessionKind.STARTED, SessionKind.LIMITED]


async def test_a_session_is_not_told_to_start_again_after_a_restart(bench: Bench) -> None:
    same = settings(charger("A"))
    site = await bench.start(same)
    told = listen(site, "A")["A"]
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: told)
    port = site.port
    await site.stop()

    site = await bench.start(replace(same, port=port))
    told = listen(site, "A")["A"]
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(60.0)
    assert told == []
    simulated.unplug()

    await until(lambda: told)
    assert [event.kind for event in told] == [SessionKind.ENDED]
