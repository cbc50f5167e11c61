"""Smart charging switched off in a group: no limits are written, and every fuse still holds."""

from dataclasses import replace

import orjson
import pytest

from custom_components.balanz.balancing.meter_watch import UNSEEN_STEP_A
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.csms.rpc import CALL_TIMEOUT_S
from custom_components.balanz.site import BalanzSite, smart_charging
from custom_components.balanz.storage.journal import StorageError
from simulator.behaviours import Asked, Behaviour
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import (
    FullDisk,
    accepted_a,
    amperes,
    booked_a,
    charger,
    connector,
    group,
    limits_received,
    pass_s,
    problems,
    recorded,
    settings,
    until,
)
from .conftest import Bench

SHED = group("shed", rating_a=25.0)


def draws_a(simulated: SimulatedCharger) -> float:
    return simulated.currents_a[0]


async def test_a_charger_that_was_never_balanced_gets_no_limit(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", group_id="shed"), groups=(SHED,)))
    await site.set_smart_charging("shed", False)
    one = await bench.dial_in(site, "A", car=Car())
    await until(lambda: draws_a(one) == 16.0)
    assert limits_received(one) == []
    assert connector(site, "A").offered_by.rule is Rule.NOT_BALANCED
    assert connector(site, "A").offered_by.group_name == "Shed"
    assert not site.snapshot.groups["shed"].smart_charging


async def test_a_charger_is_given_back_only_once_its_rating_fits(bench: Bench) -> None:
    """20 A for two: B has to yield before A may take its 16 A; 4 A are too little for B."""
    site = await bench.start(
        settings(charger("A", group_id="shed"), charger("B"), groups=(SHED,), rating_a=20.0)
    )
    one = await bench.dial_in(site, "A", car=Car())
    two = await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    await until(lambda: draws_a(one) == draws_a(two) == 10.0)
    most_a = 0.0

    def given_back() -> bool:
        nonlocal most_a
        most_a = max(most_a, draws_a(one) + draws_a(two))
        return draws_a(one) == 16.0

    await site.set_smart_charging("shed", False)
    await until(given_back)
    assert most_a <= 20.0
    assert draws_a(two) == 0.0
    assert booked_a(site, "A") == 16.0
    assert accepted_a(site, "A") is None


async def test_what_a_meter_sees_is_base_load_and_not_booked_twice(bench: Bench) -> None:
    site = await bench.start(
        settings(
            charger("A", group_id="shed"), charger("B"), groups=(SHED,), metered=True, rating_a=32.0
        )
    )
    site.report_meter("root", amperes(0.0))
    await site.set_smart_charging("shed", False)
    await bench.dial_in(site, "A")
    await bench.dial_in(site, "B", car=Car())
    # A has no car: its rating costs nobody anything.
    await until(lambda: accepted_a(site, "B") == 16.0)
    site.report_meter("root", amperes(16.0 + 20.0))
    await until(lambda: accepted_a(site, "B") == 12.0)


async def test_where_no_meter_sees_it_its_rating_stays_booked(bench: Bench) -> None:
    site = await bench.start(
        settings(charger("A", group_id="shed"), charger("B"), groups=(SHED,), rating_a=25.0)
    )
    await site.set_smart_charging("shed", False)
    await bench.dial_in(site, "A")
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 9.0)
    await until(lambda: site.snapshot.groups["root"].booked == amperes(25.0))
    assert problems(site) == set()


async def test_a_silent_meter_sees_nothing(bench: Bench) -> None:
    site = await bench.start(
        settings(
            charger("A", group_id="shed"), charger("B"), groups=(SHED,), metered=True, rating_a=25.0
        )
    )
    site.report_meter("root", amperes(0.0))
    await site.set_smart_charging("shed", False)
    await bench.dial_in(site, "A")
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 16.0)
    site.report_meter("root", None)
    await until(lambda: accepted_a(site, "B") == 9.0 - UNSEEN_STEP_A)


async def test_switched_on_again_it_is_under_control_at_once(bench: Bench) -> None:
    site = await bench.start(
        settings(charger("A", group_id="shed"), charger("B"), groups=(SHED,), rating_a=20.0)
    )
    await site.set_smart_charging("shed", False)
    one = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: draws_a(one) == 16.0)
    await site.set_smart_charging("shed", True)
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 10.0)
    await until(lambda: draws_a(one) == 10.0)


async def test_a_group_inside_one_that_is_off_is_off_as_well(bench: Bench) -> None:
    inner = group("box", parent_id="shed", rating_a=16.0)
    site = await bench.start(settings(charger("A", group_id="box"), groups=(SHED, inner)))
    await site.set_smart_charging("shed", False)
    one = await bench.dial_in(site, "A", car=Car())
    await until(lambda: draws_a(one) == 16.0)
    assert site.snapshot.groups["box"].smart_charging
    assert limits_received(one) == []


async def test_the_connectors_of_a_charger_are_booked_at_its_rating_together(bench: Bench) -> None:
    twin = charger("A", group_id="shed", connectors=2)
    site = await bench.start(settings(twin, charger("B"), groups=(SHED,), rating_a=32.0))
    await site.set_smart_charging("shed", False)
    await bench.dial_in(site, "A", connectors=2)
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 16.0)
    await until(lambda: site.snapshot.groups["root"].booked == amperes(32.0))


async def test_it_stays_off_over_a_restart_and_nothing_is_cleared_twice(bench: Bench) -> None:
    setup = settings(charger("A", group_id="shed"), groups=(SHED,))
    site = await bench.start(setup)
    one = await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    await site.set_smart_charging("shed", False)
    await until(lambda: recorded(bench.folder, "limit_cleared"))
    assert one.limit_a is None
    port = site.port
    await site.stop()
    again = await bench.start(replace(setup, port=port))
    await until(lambda: one.connected)
    await pass_s(5.0)
    assert not again.snapshot.groups["shed"].smart_charging
    assert calls_received(one, "ClearChargingProfile") == [{"id": it} for it in (1001, 1, 2001)]


def calls_received(simulated: SimulatedCharger, action: str) -> list[object]:
    calls = [orjson.loads(frame.text) for frame in simulated.frames]
    return [call[3] for call in calls if call[0] == 2 and call[2] == action]


async def test_leaving_it_alone_needs_a_disk_that_takes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    site: BalanzSite = await bench.start(settings(charger("A", group_id="shed"), groups=(SHED,)))
    one = await bench.dial_in(site, "A", car=Car())
    await until(lambda: accepted_a(site, "A") == 16.0)
    FullDisk(monkeypatch)
    with pytest.raises(StorageError):
        await site.set_smart_charging("shed", False)
    await pass_s(5.0)
    assert site.snapshot.groups["shed"].smart_charging
    assert accepted_a(site, "A") == 16.0
    assert draws_a(one) == 16.0


async def test_a_charger_that_does_not_clear_its_limit_is_asked_again_in_a_while(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smart_charging, "RETRY_S", 5.0)
    site = await bench.start(settings(charger("A", group_id="shed"), groups=(SHED,)))
    stubborn = Behaviour(refuses=(Asked("ClearChargingProfile"),))
    one = await bench.dial_in(site, "A", car=Car(), behaviour=stubborn)
    await until(lambda: accepted_a(site, "A") == 16.0)
    asked_before = len(calls_received(one, "ClearChargingProfile"))
    await site.set_smart_charging("shed", False)
    await until(lambda: len(calls_received(one, "ClearChargingProfile")) >= asked_before + 3)
    assert not recorded(bench.folder, "limit_cleared")
    assert booked_a(site, "A") == 16.0


async def test_switched_on_while_its_limit_is_being_cleared_it_gets_one_again(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", group_id="shed"), groups=(SHED,)))
    one = await bench.dial_in(site, "A", car=Car(), faults=Faults(answer_delay_s=2.0))
    await until(lambda: accepted_a(site, "A") == 16.0)
    asked_before = len(calls_received(one, "ClearChargingProfile"))
    await site.set_smart_charging("shed", False)
    await until(lambda: len(calls_received(one, "ClearChargingProfile")) > asked_before + 1)
    await site.set_smart_charging("shed", True)
    await until(lambda: one.limit_a is None)
    await until(lambda: one.limit_a == 16.0)
    assert not recorded(bench.folder, "limit_cleared")


async def test_a_clear_that_is_not_answered_books_the_rating_until_a_limit_is_accepted(
    bench: Bench,
) -> None:
    """The charger has cleared its limit, and its answer comes too late; meanwhile it is back on."""
    site = await bench.start(settings(charger("A", group_id="shed", maximum_a=8.0), groups=(SHED,)))
    one = await bench.dial_in(site, "A", car=Car(), faults=Faults(answer_delay_s=1.0))
    await until(lambda: draws_a(one) == 8.0)
    asked_before = len(calls_received(one, "ClearChargingProfile"))
    await site.set_smart_charging("shed", False)
    await until(lambda: len(calls_received(one, "ClearChargingProfile")) > asked_before)
    one.faults = Faults(answer_delay_s=CALL_TIMEOUT_S + 2.0)
    await until(lambda: one.limit_a is None)
    await site.set_smart_charging("shed", True)
    booked = await booked_until_limited(site, one)
    assert min(booked) == 16.0
    assert not recorded(bench.folder, "limit_cleared")


async def test_no_limit_that_was_told_since_is_cleared(bench: Bench) -> None:
    """A cut does not wait for all of the clears, which go one after the other."""
    site = await bench.start(settings(charger("A", group_id="shed", maximum_a=8.0), groups=(SHED,)))
    one = await bench.dial_in(site, "A", car=Car(), faults=Faults(answer_delay_s=2.0))
    await until(lambda: draws_a(one) == 8.0)
    asked_before = len(calls_received(one, "ClearChargingProfile"))
    await site.set_smart_charging("shed", False)
    await until(lambda: len(calls_received(one, "ClearChargingProfile")) > asked_before)
    await site.set_smart_charging("shed", True)
    assert await booked_until_limited(site, one) == []
    assert accepted_a(site, "A") == booked_a(site, "A") == 8.0


async def booked_until_limited(site: BalanzSite, simulated: SimulatedCharger) -> list[float]:
    """Return what is booked at each moment at which a charger has no limit, for 30 s."""
    booked = []
    for _ in range(600):
        await pass_s(0.05)
        if simulated.limit_a is None:
            booked.append(booked_a(site, "A"))
    assert simulated.limit_a == 8.0
    return booked
