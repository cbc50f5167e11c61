"""A charger that accepts limits and ignores them is dealt with, and the group's limit holds."""

import asyncio
from typing import Any

import orjson
import pytest

from custom_components.balanz.balancing.commitments import LAG_S
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.site.snapshot import ProblemKind
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import (
    accepted_a,
    booked_a,
    charger,
    connector,
    pass_s,
    problems,
    settings,
    subjects,
    until,
)
from .conftest import Bench

IGNORES = Faults(ignore_profiles=True)
IGNORES_ALL = Faults(ignore_profiles=True, ignore_remote_stop=True)


def calls(simulated: SimulatedCharger, action: str) -> list[dict[str, Any]]:
    """What was asked of a charger over the wire, oldest first."""
    frames = [orjson.loads(frame.text) for frame in simulated.frames]
    return [frame[3] for frame in frames if frame[0] == 2 and frame[2] == action]


def two(**a: Any) -> SiteSettings:
    return settings(charger("A", **a), charger("B"), rating_a=32.0)


async def overloaded_by(
    bench: Bench, site: BalanzSite, faults: Faults
) -> tuple[SimulatedCharger, SimulatedCharger]:
    """A takes 16 A of a group that is put down to 10 A, and B what is left of it."""
    wild = await bench.dial_in(site, "A", car=Car(), faults=faults)
    obedient = await bench.dial_in(site, "B", car=Car())
    await until(lambda: wild.currents_a[0] == obedient.currents_a[0] == 16.0)
    await until(lambda: accepted_a(site, "A") == accepted_a(site, "B") == 16.0)
    await site.set_capacity("root", 10.0)
    return wild, obedient


async def test_a_session_that_ignores_its_pause_is_stopped_and_the_limit_holds_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    site = await bench.start(two())
    wild, obedient = await overloaded_by(bench, site, IGNORES)
    await until(lambda: obedient.currents_a[0] == 0.0)
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_PAUSED})
    assert booked_a(site, "A") == 16.0
    assert accepted_a(site, "A") == 0.0
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_STOPPED})
    await until(lambda: wild.currents_a[0] == 0.0)
    await until(lambda: obedient.currents_a[0] == 10.0)
    assert site.snapshot.groups["root"].within_limit
    assert subjects(site, ProblemKind.LIMIT_IGNORED_STOPPED) == ["A/1"]
    assert connector(site, "A").offered_by.rule is Rule.LIMIT_IGNORED
    assert not calls(wild, "ChangeAvailability")
    steps = [it.getMessage() for it in caplog.records if "keep its limit" in it.getMessage()]
    assert len(steps) == len(set(steps))


async def test_one_that_does_not_even_stop_is_taken_out_of_service(bench: Bench) -> None:
    site = await bench.start(two())
    wild, _ = await overloaded_by(bench, site, IGNORES_ALL)
    await until(lambda: calls(wild, "ChangeAvailability"))
    assert calls(wild, "ChangeAvailability") == [{"connectorId": 1, "type": "Inoperative"}]
    assert len(calls(wild, "RemoteStopTransaction")) == 1
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE})
    assert wild.currents_a[0] == 16.0


async def test_the_user_puts_a_connector_back_into_service_even_after_a_restart(
    bench: Bench,
) -> None:
    settings_ = two()
    site = await bench.start(settings_)
    wild, _ = await overloaded_by(bench, site, IGNORES_ALL)
    await until(lambda: calls(wild, "ChangeAvailability"))
    await site.stop()
    await wild.stop()
    site = await bench.start(settings_)
    mended = await bench.dial_in(site, "A")
    assert ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE in problems(site)
    await until(lambda: site.snapshot.chargers["A"].connectors[0].accepted_a == 0.0)
    await pass_s(20.0)
    await site.set_enabled(connector(site, "A").key, True)
    await until(lambda: calls(mended, "ChangeAvailability"))
    assert calls(mended, "ChangeAvailability") == [{"connectorId": 1, "type": "Operative"}]
    await until(lambda: ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE not in problems(site))


async def test_only_a_connector_that_has_obeyed_since_is_let_back(bench: Bench) -> None:
    site = await bench.start(two())
    wild, _ = await overloaded_by(bench, site, IGNORES_ALL)
    await until(lambda: calls(wild, "ChangeAvailability"))
    key = connector(site, "A").key
    assert not site.let_back(key)

    wild.faults = Faults()
    await until(lambda: site.let_back(key))
    await until(lambda: ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE not in problems(site))
    assert not site.let_back(ConnectorKey("GONE", 1))


async def test_the_last_resort_is_the_switch_that_the_user_has_named(bench: Bench) -> None:
    site = await bench.start(two(has_power_switch=True))
    switched: list[tuple[str, bool]] = []
    site.on_power = lambda identity, on: switched.append((identity, on))
    wild, obedient = await overloaded_by(bench, site, IGNORES_ALL)
    await until(lambda: switched)
    assert switched == [("A", False)]
    assert calls(wild, "ChangeAvailability")
    assert obedient.currents_a[0] == 0.0
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_SWITCHED_OFF})
    wild.faults = Faults()
    await until(lambda: site.snapshot.groups["root"].within_limit)
    await site.set_enabled(connector(site, "A").key, True)
    assert switched == [("A", False), ("A", True)]


async def test_a_step_that_the_charger_does_not_answer_leads_to_the_next(bench: Bench) -> None:
    site = await bench.start(two())
    wild, _ = await overloaded_by(bench, site, IGNORES)
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_PAUSED})
    wild.faults = Faults(ignore_profiles=True, silent=True)
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_OUT_OF_SERVICE})
    assert booked_a(site, "A") == 16.0


async def test_a_new_car_gets_a_new_chance(bench: Bench) -> None:
    site = await bench.start(two())
    wild, _ = await overloaded_by(bench, site, IGNORES)
    await until(lambda: problems(site) >= {ProblemKind.LIMIT_IGNORED_STOPPED})
    await until(lambda: wild.currents_a[0] == 0.0)
    wild.faults = Faults()
    wild.unplug()
    await until(lambda: connector(site, "A").plugged is False)
    await site.set_capacity("root", 32.0)
    wild.plug_in(Car())
    await until(lambda: wild.currents_a[0] == 16.0)
    assert problems(site) == set()


async def test_nothing_hard_is_done_while_nobody_has_less_for_it(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", maximum_a=10.0), charger("B"), rating_a=32.0))
    wild = await bench.dial_in(site, "A", car=Car(), faults=IGNORES)
    obedient = await bench.dial_in(site, "B", car=Car())
    await until(lambda: problems(site) == {ProblemKind.LIMIT_IGNORED})
    await pass_s(60.0)
    assert problems(site) == {ProblemKind.LIMIT_IGNORED}
    assert wild.currents_a[0] == 16.0
    assert obedient.currents_a[0] == 16.0
    assert accepted_a(site, "A") == 10.0
    assert not calls(wild, "RemoteStopTransaction")


async def test_others_make_room_by_the_next_reading_and_get_their_share_back_in_the_end(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A"), charger("B"), rating_a=20.0))
    wild = await bench.dial_in(site, "A", car=Car())
    obedient = await bench.dial_in(site, "B", car=Car())
    await until(lambda: wild.currents_a[0] == obedient.currents_a[0] == 10.0)
    await pass_s(LAG_S)
    wild.faults = IGNORES
    await until(lambda: wild.currents_a[0] == 16.0)
    broke_at = asyncio.get_running_loop().time()
    await until(lambda: obedient.currents_a[0] == 0.0)
    overloaded_s = asyncio.get_running_loop().time() - broke_at
    assert overloaded_s < wild.options.sample_interval_s + LAG_S
    # Everything fits now, and yet there is somebody who has nothing because of it.
    await until(lambda: calls(wild, "RemoteStopTransaction"))
    await until(lambda: obedient.currents_a[0] == 16.0)
    assert wild.currents_a[0] == 0.0
