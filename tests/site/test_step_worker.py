"""Steps that take too long are decided beside the event loop, and come to the same."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.control import AllFits, Result
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.phase_use import PhaseUse
from custom_components.balanz.balancing.phases import Phase, PhaseMap
from custom_components.balanz.site import BalanzSite, step_worker
from custom_components.balanz.site.step_worker import (
    AWAY_ABOVE_S,
    BACK_BELOW_S,
    MOST_OUTDATED,
    STEPS_IN_A_ROW,
    StepWorker,
)
from simulator.car import Car
from simulator.charger import SimulatedCharger

from .build import (
    accepted_a,
    amperes,
    charger,
    connector,
    group,
    limits_received,
    pass_s,
    settings,
    until,
)
from .conftest import Bench
from .elsewhere import Deciding, decide_elsewhere

A, B, C = (ConnectorKey(name, 1) for name in "ABC")
SLOW_S, BETWEEN_S, FAST_S = AWAY_ABOVE_S * 2, (AWAY_ABOVE_S + BACK_BELOW_S) / 2, BACK_BELOW_S / 2


# Where steps are decided


def after(worker: StepWorker, worked_s: float, steps: int) -> bool:
    for _ in range(steps):
        worker.took(worked_s)
    return worker.away


def test_a_single_slow_step_moves_nothing() -> None:
    worker = StepWorker()
    assert not after(worker, SLOW_S, STEPS_IN_A_ROW - 1)
    assert not after(worker, FAST_S, 1)
    assert not after(worker, SLOW_S, STEPS_IN_A_ROW - 1)
    assert after(worker, SLOW_S, 1)


def test_who_has_left_comes_back_only_for_steps_that_are_much_faster() -> None:
    worker = StepWorker()
    assert after(worker, SLOW_S, STEPS_IN_A_ROW)
    assert after(worker, BETWEEN_S, 3 * STEPS_IN_A_ROW)
    assert not after(worker, FAST_S, STEPS_IN_A_ROW)
    assert not after(worker, BETWEEN_S, 3 * STEPS_IN_A_ROW)


def test_what_news_hold_up_again_and_again_is_decided_in_the_loop() -> None:
    worker = StepWorker()
    after(worker, SLOW_S, STEPS_IN_A_ROW)
    for _ in range(MOST_OUTDATED):
        assert worker.away
        worker.sent(all_of_it=False)
    assert not worker.away
    worker.sent(all_of_it=True)
    assert worker.away


@pytest.mark.hurried
@pytest.mark.usefixtures("own_time")
async def test_a_thread_of_its_own_decides_and_ends() -> None:
    worker = StepWorker()
    deciding: Any = threading.current_thread

    thread: Any
    thread, worked_s = await worker.decide(deciding)
    await worker.stop()

    assert thread.name.startswith("balanz-step")
    assert worked_s >= 0.0
    assert not thread.is_alive()


@pytest.mark.usefixtures("own_time")
async def test_work_is_left_undone_once_something_else_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step_worker, "PORTION_S", 0.0)
    done: list[int] = []

    def work() -> Iterator[None]:
        for number in range(4):
            done.append(number)
            yield

    worker = StepWorker()
    assert await worker.in_portions(work(), leave_off=lambda: len(done) == 2) is None
    assert done == [0, 1]
    assert await worker.in_portions(work(), leave_off=lambda: False) is not None
    assert done == [0, 1, 0, 1, 2, 3]


# What they come to


async def evening(
    bench: Bench, begins: Callable[[], None]
) -> tuple[BalanzSite, list[SimulatedCharger]]:
    """Three cars share a feeder and a metered fuse; the house and the user change their minds."""
    site = await bench.start(
        settings(
            charger("A", group_id="feeder"),
            charger("B", group_id="feeder"),
            charger("C"),
            groups=(group("feeder", rating_a=20.0),),
            rating_a=40.0,
            metered=True,
        )
    )
    begins()
    site.report_meter("root", amperes(1.0))
    chargers = [await bench.dial_in(site, name) for name in "ABC"]
    await until(lambda: all(accepted_a(site, name) == 0.0 for name in "ABC"))
    for one in chargers:
        one.plug_in(Car())
    await until(lambda: accepted_a(site, "C") == 16.0)
    for house_a in (2.0, 25.0, 3.0):
        for _ in range(30):
            site.report_meter("root", amperes(house_a))
            await pass_s(1.0)
    await site.set_capacity("feeder", 13.0)
    await pass_s(20.0)
    chargers[0].unplug()
    await pass_s(60.0)
    return site, chargers


@pytest.mark.parametrize("taking_s", [0.0, 0.05])
async def test_the_same_is_decided_wherever_that_is(
    taking_s: float, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, chargers = await evening(bench, lambda: None)
    limits_here = [limits_received(one) for one in chargers]
    shown_here = {key: connector(here, key.charger) for key in (A, B, C)}
    await here.stop()
    for one in chargers:
        await one.stop()

    bench.folder = bench.folder / "elsewhere"
    elsewhere, chargers = await evening(
        bench, lambda: decide_elsewhere(monkeypatch, taking_s=taking_s)
    )

    assert [limits_received(one) for one in chargers] == limits_here
    for key, shown in shown_here.items():
        now = connector(elsewhere, key.charger)
        assert (now.accepted_a, now.booked_a, now.offered_by.rule) == (
            shown.accepted_a,
            shown.booked_a,
            shown.offered_by.rule,
        )


@pytest.mark.parametrize("after_s", [0.2, 0.7, 1.2, 1.7, 2.2, 2.7])
async def test_a_house_that_rises_meanwhile_lets_nothing_be_raised(
    after_s: float, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await bench.start(settings(charger("A"), metered=True, rating_a=32.0))
    site.report_meter("root", amperes(2.0))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    await pass_s(60.0)
    site.report_meter("root", amperes(2.0))
    await pass_s(1.0)
    decide_elsewhere(monkeypatch, taking_s=0.5)

    simulated.plug_in(Car())
    await pass_s(after_s)
    seen = len(limits_received(simulated))
    for _ in range(40):
        site.report_meter("root", amperes(31.0 + simulated.currents_a[0]))
        await pass_s(0.6)

    assert all(limit_a == 0.0 for limit_a in limits_received(simulated)[seen:])
    assert accepted_a(site, "A") == 0.0


async def test_settings_that_change_meanwhile_are_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = settings(charger("A"), charger("B"), rating_a=20.0)
    site = await bench.start(both)
    for name in "AB":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    decide_elsewhere(monkeypatch, taking_s=5.0)
    await site.set_capacity("root", 14.0)
    await pass_s(1.0)

    monkeypatch.setattr(StepWorker, "away", False)
    alone = settings(charger("A"), rating_a=20.0)
    await site.apply(alone)

    assert set(site.snapshot.chargers) == {"A"}
    await pass_s(10.0)
    assert set(site.snapshot.chargers) == {"A"}


async def test_of_steps_that_chase_each_other_every_second_one_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await bench.start(settings(charger("A"), metered=True, rating_a=32.0))
    site.report_meter("root", amperes(2.0))
    await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    decide_elsewhere(monkeypatch, taking_s=0.5)
    decided, told = [], []
    decide = StepWorker.decide

    async def noted(self: StepWorker, deciding: Deciding) -> tuple[Result | AllFits, float]:
        decided.append(deciding)
        return await decide(self, deciding)

    monkeypatch.setattr(StepWorker, "decide", noted)
    site.subscribe(lambda: told.append(site.snapshot))
    for tenth in range(200):
        site.report_meter("root", amperes(2.0 + tenth / 10))
        await pass_s(0.1)

    assert len(decided) > 20
    assert len(told) == pytest.approx(len(decided) / 2, abs=2)


# What news leave of a step


@pytest.fixture
async def site(bench: Bench) -> BalanzSite:
    """A metered fuse, with two chargers in a feeder and one beside it."""
    site = await bench.start(
        settings(
            charger("A", group_id="feeder", rating_a=32.0, maximum_a=16.0),
            charger("B", group_id="feeder"),
            charger("C"),
            groups=(group("feeder", rating_a=32.0),),
            rating_a=64.0,
            metered=True,
        )
    )
    site.report_meter("root", amperes(5.0))
    for name in "ABC":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: all(accepted_a(site, name) == 16.0 for name in "ABC"))
    await pass_s(30.0)
    return site


def left(
    site: BalanzSite,
    happens: Callable[[], object],
    sent_a: Mapping[ConnectorKey, float] | None = None,
) -> set[tuple[str, Kind]]:
    """What may still be sent of a raise and a cut of each charger, once something has happened."""
    rooms = site._rooms
    now = rooms.timer.now()
    inputs = rooms.control.inputs(now)
    happens()
    news = rooms.control.news_since(inputs, sent_a or {}, now)
    commands = (
        Command(key=key, limit_a=6.0, kind=kind)
        for key in (A, B, C)
        for kind in (Kind.CUT, Kind.RAISE)
    )
    return {(it.key.charger, it.kind) for it in commands if news.leaves(it)}


CUTS = {(name, Kind.CUT) for name in "ABC"}
RAISES = {(name, Kind.RAISE) for name in "ABC"}


async def test_a_step_that_knew_all_is_sent_as_it_is(site: BalanzSite) -> None:
    assert left(site, lambda: None) == CUTS | RAISES


async def test_a_meter_that_tells_more_leaves_the_cuts(site: BalanzSite) -> None:
    assert left(site, lambda: site.report_meter("root", amperes(5.0, 6.0, 5.0))) == CUTS


async def test_a_meter_that_tells_nothing_any_more_leaves_the_cuts(site: BalanzSite) -> None:
    assert left(site, lambda: site.report_meter("root", None)) == CUTS


async def test_a_meter_that_tells_less_is_no_reason_to_wait(site: BalanzSite) -> None:
    assert left(site, lambda: site.report_meter("root", amperes(4.0))) == CUTS | RAISES


async def test_a_charger_that_is_lost_keeps_those_from_rising_that_share_its_limits(
    site: BalanzSite,
) -> None:
    lost = left(site, site._rooms.live[A].disconnected)
    assert lost == CUTS - {("A", Kind.CUT)}


async def test_what_a_step_has_sent_itself_is_no_news(site: BalanzSite) -> None:
    def raised() -> None:
        site._rooms.live[A].sending(20.0, site._rooms.timer.now())

    others = (CUTS | RAISES) - {("A", Kind.CUT), ("A", Kind.RAISE)}
    assert left(site, raised, {A: 20.0}) == others


async def test_more_that_is_booked_in_a_feeder_holds_nobody_up_who_is_not_behind_it(
    bench: Bench,
) -> None:
    feeders = (group("one", rating_a=16.0), group("two", rating_a=16.0))
    site = await bench.start(
        settings(
            charger("A", group_id="one"),
            charger("B", group_id="two"),
            charger("C", group_id="two"),
            groups=feeders,
            rating_a=64.0,
        )
    )
    for name in "ABC":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    await until(lambda: accepted_a(site, "B") == accepted_a(site, "C") == 8.0)
    await pass_s(30.0)

    capacity = left(site, lambda: site._rooms.ledger.capacities_a.update(one=10.0))

    assert capacity == CUTS | {("B", Kind.RAISE), ("C", Kind.RAISE)}


async def test_nothing_is_raised_that_cannot_be_recorded(site: BalanzSite) -> None:
    def fails() -> None:
        site._rooms.journal.failing = True

    assert left(site, fails) == CUTS


async def test_one_whose_limit_is_in_doubt_waits_for_room_and_not_for_a_disk(
    site: BalanzSite,
) -> None:
    def fails() -> None:
        site._rooms.journal.failing = True

    site._rooms.live[A].limit_lost(site._rooms.timer.now())
    assert left(site, lambda: site.report_meter("root", amperes(9.0))) == CUTS - {("A", Kind.CUT)}
    assert left(site, fails) == CUTS


async def test_a_feeder_whose_meter_tells_more_leaves_no_raise_above_it_where_none_is(
    bench: Bench,
) -> None:
    house = group("house", rating_a=64.0, metered=True)
    site = await bench.start(
        settings(*(charger(name) for name in "ABC"), groups=(house,), rating_a=64.0)
    )
    site.report_meter("house", amperes(5.0))
    for name in "ABC":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: all(accepted_a(site, name) == 16.0 for name in "ABC"))
    await pass_s(30.0)

    # What flows through the root besides its chargers is told by that meter alone.
    assert left(site, lambda: site.report_meter("house", amperes(45.0))) == CUTS


async def test_a_feeder_whose_meter_tells_more_holds_nobody_up_where_another_meter_tells(
    bench: Bench,
) -> None:
    house = group("house", rating_a=64.0, metered=True)
    chargers = [charger("A", group_id="house"), charger("B"), charger("C")]
    site = await bench.start(settings(*chargers, groups=(house,), rating_a=64.0, metered=True))
    for name in ("house", "root"):
        site.report_meter(name, amperes(5.0))
    for name in "ABC":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: all(accepted_a(site, name) == 16.0 for name in "ABC"))
    await pass_s(30.0)

    told = left(site, lambda: site.report_meter("house", amperes(45.0)))

    assert told == (CUTS | RAISES) - {("A", Kind.RAISE)}


async def test_a_reading_that_has_become_too_old_leaves_the_cuts(site: BalanzSite) -> None:
    old = left(site, lambda: site.report_meter("root", amperes(5.0), fresh_for_s=0.0))

    assert old == CUTS


async def test_a_car_that_may_use_more_phases_again_leaves_no_raise_beside_it(
    bench: Bench,
) -> None:
    # A line whose phase is known loads no other, so that only B, on all three, is reckoned anew.
    site = await bench.start(
        settings(
            charger("A", phases=1, phase_map=PhaseMap.L1),
            charger("B", phases=3, phase_map=PhaseMap.L1_L2_L3),
            charger("C"),
            rating_a=64.0,
            metered=True,
        )
    )
    site.report_meter("root", amperes(5.0))
    for name in "ABC":
        await bench.dial_in(site, name, car=Car())
    await until(lambda: all(accepted_a(site, name) == 16.0 for name in "ABC"))
    await pass_s(30.0)
    live = site._rooms.live[B]
    live._phase_use = PhaseUse(seen=frozenset({Phase.L1}), since=0.0, last_at=1000.0)

    def forgets() -> None:
        live._phase_use = PhaseUse()

    assert left(site, forgets) == CUTS


async def test_a_maximum_that_was_lowered_meanwhile_is_not_raised_above(site: BalanzSite) -> None:
    def lowers() -> None:
        site._rooms.live[A].maximum_a = 5.0

    assert left(site, lowers) == (CUTS | RAISES) - {("A", Kind.RAISE)}


async def test_a_site_that_is_to_be_built_anew_leaves_the_cuts(site: BalanzSite) -> None:
    def outdates() -> None:
        site._rooms.layout.outdated = True

    assert left(site, outdates) == CUTS


async def test_one_that_is_left_to_itself_holds_nobody_up(site: BalanzSite) -> None:
    await site.set_smart_charging("feeder", False)
    await until(lambda: site._rooms.smart_charging.is_free(A))
    await pass_s(30.0)

    assert ("C", Kind.RAISE) in left(site, lambda: None)


async def test_one_that_was_switched_off_meanwhile_is_not_raised(site: BalanzSite) -> None:
    def switches_off() -> None:
        site._rooms.live[A].enabled = False

    assert left(site, switches_off) == (CUTS | RAISES) - {("A", Kind.RAISE)}
