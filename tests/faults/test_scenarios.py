"""One story for each fault that simulated chargers, a house and a host can have."""

import asyncio
import math
from dataclasses import replace

import orjson
import pytest

from benchmarks.virtual_site.world import World
from custom_components.balanz.balancing.phases import PhaseCurrents, PhaseMap
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.csms.events import ConnectorStatus
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.site.snapshot import ConnectorSnapshot, ProblemKind
from simulator.behaviours import Asked, Behaviour
from simulator.car import Car
from simulator.faults import Faults, MeterFault
from simulator.frames import Direction
from simulator.virtual_time import VirtualLoop
from tests.quirks.field import SIX_AMPERES_FOR_EVER
from tests.site.build import charger, settings

from .conftest import StartWorld

TWO = settings(charger("A"), charger("B"), rating_a=20.0)
METERED = settings(charger("A"), charger("B"), metered=True, other_loads_a=32.0)
SETTLED_S = 120.0


def connector(world: World, identity: str) -> ConnectorSnapshot:
    return world.running_site.snapshot.chargers[identity].connectors[0]


def booked_a(world: World, identity: str) -> float:
    return connector(world, identity).booked_a


def draws_a(world: World, identity: str) -> float:
    return max(world.chargers[identity].currents_a)


def problems(world: World) -> set[ProblemKind]:
    """What is wrong now; what would be if nobody controlled the site is another matter."""
    found = {problem.kind for problem in world.running_site.snapshot.problems}
    return found - {ProblemKind.UNSAFE_ALONE}


def actions(world: World, identity: str, since_s: float = 0.0) -> list[str]:
    frames = [
        orjson.loads(frame.text)
        for frame in world.chargers[identity].frames
        if frame.at_s >= since_s
    ]
    return [frame[2] for frame in frames if frame[0] == 2]


def waits_s(world: World, identity: str, since_s: float) -> list[float]:
    """How long a charger has waited for each of its answers."""
    asked_s: dict[str, float] = {}
    waits: list[float] = []
    for frame in world.chargers[identity].frames:
        kind, message_id = orjson.loads(frame.text)[:2]
        if frame.at_s >= since_s and frame.direction is Direction.SENT and kind == 2:
            asked_s[message_id] = frame.at_s
        elif message_id in asked_s:
            waits.append(frame.at_s - asked_s.pop(message_id))
    assert not asked_s
    return waits


async def charging(run: StartWorld, site: SiteSettings = TWO) -> World:
    """A site with a car at each charger, all settled."""
    world = await run(site)
    for identity in world.chargers:
        world.plug_in(identity, Car())
    await world.pass_s(SETTLED_S)
    return world


@pytest.mark.fault("F01")
@pytest.mark.parametrize("forgets", [False, True])
async def test_a_charger_that_reboots_is_under_control_again(
    run: StartWorld, forgets: bool
) -> None:
    world = await charging(run)
    await world.reboot("A", forgets=forgets)
    await world.pass_s(world.chargers["A"].station.options.reboot_s + 10.0)
    assert world.chargers["A"].limit_a is not None
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F02")
async def test_a_half_open_connection_ends(run: StartWorld) -> None:
    world = await charging(run)
    await world.chargers["A"].duplicate_socket()
    world.chargers["A"].faults = Faults(offline=True)
    await world.pass_s(60.0)
    assert world.running_site.snapshot.chargers["A"].connected
    await world.pass_s(1100.0)
    assert not world.running_site.snapshot.chargers["A"].connected


@pytest.mark.fault("F03")
async def test_others_live_with_a_charger_that_does_not_answer(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(silent=True)
    await world.set_capacity("root", 16.0)
    await world.pass_s(60.0)
    assert booked_a(world, "A") == draws_a(world, "A") == 10.0
    assert draws_a(world, "B") == 6.0


@pytest.mark.fault("F04")
async def test_a_charger_that_comes_back_without_a_boot_is_under_control(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(drop_profiles_on_reconnect=True)
    world.chargers["A"].drop_link()
    await world.pass_s(world.chargers["A"].options.reconnect_s + 10.0)
    assert actions(world, "A").count("BootNotification") == 1
    assert world.chargers["A"].limit_a is not None


@pytest.mark.fault("F05")
async def test_a_charger_that_tells_no_status_is_known_by_its_sessions(run: StartWorld) -> None:
    silent = Behaviour(refuses=(Asked("TriggerMessage", '"StatusNotification"'),))
    world = await run(TWO)
    for one in world.chargers.values():
        one.faults = Faults(tells_no_status=True)
        one.station.options = replace(one.options, behaviour=silent)
    await world.restart()
    restarted_s = world.now_s
    await world.pass_s(30.0)
    for identity in world.chargers:
        world.plug_in(identity, Car())
    await world.pass_s(SETTLED_S)
    assert "StartTransaction" in actions(world, "A", since_s=restarted_s)
    assert "StatusNotification" not in actions(world, "A", since_s=restarted_s)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F06")
async def test_a_link_that_flaps_costs_few_writes(run: StartWorld) -> None:
    world = await charging(run)
    before = world.chargers["B"].profile_writes
    for _ in range(20):
        world.chargers["A"].drop_link()
        await world.pass_s(6.0)
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0
    assert world.chargers["B"].profile_writes - before <= 40


@pytest.mark.fault("F07")
async def test_sessions_go_on_after_a_kill(run: StartWorld) -> None:
    world = await charging(run)
    number = world.chargers["A"].transaction_id
    await world.kill()
    await world.pass_s(60.0)
    await world.reopen()
    await world.pass_s(SETTLED_S)
    assert world.chargers["A"].transaction_id == number
    assert connector(world, "A").session_started_at is not None


@pytest.mark.fault("F08")
async def test_a_stop_waits_for_nobody(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(silent=True)
    await world.set_capacity("root", 6.0)
    began_s = world.now_s
    await world.restart()
    assert world.now_s - began_s <= 10.0


@pytest.mark.fault("F09")
async def test_nobody_charges_before_the_meter_tells(run: StartWorld) -> None:
    world = await run(METERED)
    world.meter.fault = MeterFault.SILENT
    await world.restart()
    world.plug_in("A", Car())
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == 0.0
    world.meter.fault = MeterFault.NONE
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == 16.0


@pytest.mark.fault("F10")
async def test_a_stall_of_the_loop_changes_nothing(run: StartWorld) -> None:
    world = await charging(run)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    # The chargers send a ping each 20 s; one in flight would take the stall for a dead line.
    await world.pass_s(0.5)
    for _ in range(5):
        loop.now_s += 30.0
        await world.pass_s(19.5)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F11")
async def test_a_charger_that_does_one_thing_at_a_time_is_answered_at_once(run: StartWorld) -> None:
    """Whoever called it before answering would wait for it, as it waits for them."""
    world = await run(TWO)
    for one in world.chargers.values():
        one.faults = Faults(one_thing_at_a_time=True)
        one.drop_link()
    await world.pass_s(30.0)
    since_s = world.now_s
    for identity in world.chargers:
        world.plug_in(identity, Car())
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0
    assert len(waits := waits_s(world, "A", since_s)) >= 5
    assert max(waits) <= 1.0


@pytest.mark.fault("F12")
async def test_a_charger_that_takes_40_s_holds_up_nobody(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(answer_delay_s=40.0)
    await world.set_capacity("root", 12.0)
    await world.pass_s(60.0)
    assert draws_a(world, "A") + draws_a(world, "B") <= 12.0
    world.chargers["A"].faults = Faults()
    await world.set_capacity("root", 20.0)
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F20")
async def test_a_start_that_is_sent_again_is_one_session(run: StartWorld) -> None:
    world = await run(TWO)
    await world.pass_s(SETTLED_S)
    world.disk.full = True
    world.plug_in("A", Car())
    await world.pass_s(200.0)
    world.disk.full = False
    await world.pass_s(200.0)
    assert actions(world, "A").count("StartTransaction") > 1
    await world.kill()
    await world.reopen()
    await world.pass_s(SETTLED_S)
    assert connector(world, "A").session_started_at is not None
    assert draws_a(world, "A") == 16.0


@pytest.mark.fault("F21")
async def test_a_stop_that_is_sent_again_is_answered(run: StartWorld) -> None:
    world = await charging(run)
    world.disk.full = True
    world.chargers["A"].unplug()
    await world.pass_s(200.0)
    world.disk.full = False
    # Not a multiple of the metering interval, so that nothing else is on its way.
    await world.pass_s(205.0)
    assert actions(world, "A").count("StopTransaction") > 1
    assert not len(world.chargers["A"].station.outbox)
    assert draws_a(world, "B") == 16.0


@pytest.mark.fault("F22")
async def test_no_two_sessions_have_the_same_number(run: StartWorld) -> None:
    world = await charging(run)
    numbers = [world.chargers[name].transaction_id for name in "AB"]
    for _ in range(3):
        await world.kill()
        await world.reopen()
        for name in "AB":
            world.chargers[name].unplug()
            world.plug_in(name, Car())
        await world.pass_s(SETTLED_S)
        numbers += [world.chargers[name].transaction_id for name in "AB"]
    assert None not in numbers
    assert len(set(numbers)) == len(numbers)


@pytest.mark.fault("F25")
async def test_a_stop_of_what_nobody_remembers_stops_nothing_else(run: StartWorld) -> None:
    world = await charging(run)
    await world.kill()
    world.chargers["A"].unplug()
    await world.reopen(lost_bytes=10_000_000)
    await world.pass_s(SETTLED_S + 5.0)
    assert not len(world.chargers["A"].station.outbox)
    assert world.chargers["B"].transaction_id is not None
    assert draws_a(world, "B") == 16.0


@pytest.mark.fault("F28")
async def test_meter_values_from_memory_move_no_limit(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(offline=True)
    await world.pass_s(600.0)
    assert booked_a(world, "A") == 16.0
    world.chargers["A"].unplug()
    world.chargers["A"].faults = Faults()
    await world.pass_s(SETTLED_S)
    assert booked_a(world, "A") == 0.0
    assert draws_a(world, "B") == 16.0


@pytest.mark.fault("F31")
async def test_a_meter_that_starts_anew_gives_no_negative_energy(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].reset_meters()
    await world.pass_s(SETTLED_S)
    assert (connector(world, "A").session_energy_wh or 0.0) >= 0.0
    assert draws_a(world, "A") == 10.0


@pytest.mark.fault("F32")
async def test_a_session_that_starts_in_finishing_gets_its_share(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(stuck_in_finishing=True)
    world.chargers["A"].unplug()
    await world.pass_s(SETTLED_S)
    assert connector(world, "A").status is ConnectorStatus.FINISHING
    assert (booked_a(world, "A"), draws_a(world, "B")) == (0.0, 16.0)
    assert "RemoteStartTransaction" not in actions(world, "A")
    world.plug_in("A", Car())
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F33")
@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_charger_that_soon_gives_up_its_messages_is_limited_all_the_same(
    run: StartWorld, attempts: int
) -> None:
    """By default chargers try three times, and the third time they are answered in any case."""
    world = await run(TWO)
    for one in world.chargers.values():
        one.station.configuration.set("TransactionMessageAttempts", str(attempts))
    world.disk.full = True
    for identity in world.chargers:
        world.plug_in(identity, Car())
    await world.pass_s(200.0)
    world.disk.full = False
    await world.pass_s(600.0)
    is_known = world.chargers["A"].transaction_id is not None
    assert is_known is (attempts == 3)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F40")
async def test_a_charger_that_refuses_limits_is_booked_at_its_rating(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(reject_profiles=True)
    world.chargers["A"].drop_link()
    await world.pass_s(SETTLED_S)
    assert booked_a(world, "A") == 16.0
    assert draws_a(world, "B") == 0.0
    await world.pass_s(600.0)
    assert ProblemKind.LIMIT_REFUSED in problems(world)


@pytest.mark.fault("F41")
async def test_a_charger_that_ignores_limits_is_booked_at_what_it_draws_and_then_stopped(
    run: StartWorld,
) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(ignore_profiles=True)
    await world.pass_s(25.0)
    assert draws_a(world, "A") == 16.0
    assert booked_a(world, "A") >= 15.0
    assert draws_a(world, "B") == 0.0
    # Another form of profile and a pause are tried before that.
    await world.pass_s(90.0)
    assert problems(world) == {ProblemKind.LIMIT_IGNORED_STOPPED}
    assert draws_a(world, "A") == 0.0
    assert draws_a(world, "B") == 16.0


@pytest.mark.fault("F42")
async def test_a_charger_that_resumes_at_full_power_is_told_again(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(full_power_after_zero=True)
    await world.set_capacity("root", 6.0)
    await world.pass_s(SETTLED_S)
    await world.set_capacity("root", 20.0)
    await world.pass_s(600.0)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F43")
async def test_limits_lost_on_reconnect_are_set_again(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(drop_profiles_on_reconnect=True)
    for _ in range(5):
        world.chargers["A"].drop_link()
        await world.pass_s(world.chargers["A"].options.reconnect_s + 10.0)
        assert world.chargers["A"].limit_a is not None


@pytest.mark.fault("F44")
async def test_no_limit_is_ever_cleared(run: StartWorld) -> None:
    world = await charging(run)
    for capacity_a in (8.0, 20.0, 6.0, 20.0):
        await world.set_capacity("root", capacity_a)
        await world.pass_s(SETTLED_S)
    await world.restart()
    await world.pass_s(SETTLED_S)
    assert "ClearChargingProfile" not in actions(world, "A") + actions(world, "B")


@pytest.mark.fault("F45")
async def test_a_charger_that_nobody_reaches_falls_back(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(offline=True)
    await world.pass_s(1000.0)
    assert draws_a(world, "A") == 6.0


@pytest.mark.fault("F46")
async def test_others_get_the_share_of_a_car_that_sleeps(run: StartWorld) -> None:
    world = await run(TWO)
    world.plug_in("A", Car(asleep=((300.0, 100_000.0),)))
    world.plug_in("B", Car())
    await world.pass_s(250.0)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0
    await world.pass_s(900.0)
    assert draws_a(world, "B") >= 14.0


@pytest.mark.fault("F47")
async def test_others_get_what_a_charger_that_somebody_else_limits_does_not_use(
    run: StartWorld,
) -> None:
    world = await charging(run)
    world.chargers["A"].station.set_profile(0, SIX_AMPERES_FOR_EVER)
    await world.pass_s(600.0)
    assert draws_a(world, "A") == 6.0
    assert draws_a(world, "B") >= 13.0


@pytest.mark.fault("F48")
async def test_others_get_the_share_of_a_charger_that_is_faulted(run: StartWorld) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(broken=True)
    await world.pass_s(SETTLED_S)
    assert connector(world, "A").offered_by.rule is Rule.OUT_OF_SERVICE
    assert (draws_a(world, "A"), draws_a(world, "B")) == (0.0, 16.0)
    world.chargers["A"].faults = Faults()
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F49")
async def test_others_get_the_phases_that_a_car_does_not_use(run: StartWorld) -> None:
    rotated = charger("B", phases=1, phase_map=PhaseMap.L2)
    world = await run(settings(charger("A"), rotated, rating_a=16.0))
    world.plug_in("A", Car(phases=1))
    world.plug_in("B", Car(phases=1))
    await world.pass_s(600.0)
    assert draws_a(world, "A") == draws_a(world, "B") == 16.0


@pytest.mark.fault("F50")
async def test_a_car_that_goes_on_with_three_lines_is_booked_on_them(run: StartWorld) -> None:
    """What switches is the charger or the car, never balanz."""
    rotated = charger("B", phases=1, phase_map=PhaseMap.L2)
    world = await run(settings(charger("A"), rotated, rating_a=20.0))
    world.plug_in("A", Car(phases=1))
    world.plug_in("B", Car(phases=1))
    await world.pass_s(600.0)
    assert draws_a(world, "A") == draws_a(world, "B") == 16.0
    world.watch.disturbed(world.now_s)
    world.chargers["A"].station.connectors[1].car = Car()
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0
    world.chargers["A"].station.connectors[1].car = Car(phases=1)
    await world.pass_s(600.0)
    assert draws_a(world, "A") + draws_a(world, "B") <= 32.0


@pytest.mark.fault("F51")
async def test_an_unknown_wiring_costs_the_worst_phase(run: StartWorld) -> None:
    unknown = [charger(name, phases=1, phase_map=PhaseMap.UNKNOWN) for name in "AB"]
    world = await charging(run, settings(*unknown, rating_a=20.0))
    await world.pass_s(600.0)
    assert draws_a(world, "A") + draws_a(world, "B") <= 20.0


@pytest.mark.fault("F52")
@pytest.mark.parametrize("skew_s", [-7200.0, 7200.0])
async def test_a_limit_is_in_force_by_a_clock_that_is_wrong(run: StartWorld, skew_s: float) -> None:
    world = await charging(run)
    world.chargers["A"].faults = Faults(clock_skew_s=skew_s)
    await world.pass_s(SETTLED_S)
    await world.set_capacity("root", 12.0)
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") + draws_a(world, "B") == 12.0


@pytest.mark.fault("F53")
async def test_a_calm_night_costs_few_writes(run: StartWorld) -> None:
    site = settings(charger("A"), charger("B"))
    world = await charging(run, site)
    before = world.chargers["A"].profile_writes
    await world.pass_s(3600.0)
    # One renewal of the lease each five minutes.
    assert world.chargers["A"].profile_writes - before <= 12


@pytest.mark.fault("F60")
async def test_nothing_rises_while_the_meter_tells_nothing(run: StartWorld) -> None:
    world = await charging(run, METERED)
    world.base_a = PhaseCurrents.uniform(10.0)
    await world.pass_s(SETTLED_S)
    world.meter.fault = MeterFault.SILENT
    await world.pass_s(1.0)
    before_a = [draws_a(world, name) for name in "AB"]
    await world.pass_s(900.0)
    assert [draws_a(world, name) for name in "AB"] <= before_a
    assert ProblemKind.METER_SILENT in problems(world)


@pytest.mark.fault("F61")
async def test_what_is_no_number_is_nothing(run: StartWorld) -> None:
    world = await charging(run, METERED)
    world.meter.fault = MeterFault.SILENT
    world.running_site.report_meter("root", PhaseCurrents.uniform(math.nan))
    await world.pass_s(300.0)
    assert world.running_site.snapshot.groups["root"].measured is None


@pytest.mark.fault("F62")
async def test_export_is_not_headroom(run: StartWorld) -> None:
    site = settings(charger("A"), charger("B"), rating_a=20.0, metered=True)
    world = await run(site)
    world.base_a = PhaseCurrents.uniform(-30.0)
    for name in "AB":
        world.plug_in(name, Car())
    await world.pass_s(600.0)
    assert draws_a(world, "A") + draws_a(world, "B") == 20.0


@pytest.mark.fault("F63")
async def test_a_changed_unit_lets_nothing_rise(run: StartWorld) -> None:
    world = await charging(run, METERED)
    world.base_a = PhaseCurrents.uniform(12.0)
    await world.pass_s(SETTLED_S)
    world.meter.fault = MeterFault.MILLIAMPERES
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 0.0


async def in_ups_and_downs(world: World) -> None:
    """Let an automation change the capacity, a few minutes each time."""
    for capacity_a in (12.0, 30.0) * 4:
        await world.set_capacity("root", capacity_a)
        await world.pass_s(400.0)


@pytest.mark.fault("F66")
async def test_a_meter_that_does_not_see_the_chargers_is_found_out(run: StartWorld) -> None:
    world = await charging(run, METERED)
    world.base_a = PhaseCurrents.uniform(8.0)
    world.meter.fault = MeterFault.MISSES_CHARGERS
    await in_ups_and_downs(world)
    assert problems(world) == {ProblemKind.METER_MISSES_CHARGERS}
    group = world.running_site.snapshot.groups["root"]
    assert group.base_load == PhaseCurrents.uniform(8.0)
    assert draws_a(world, "A") + draws_a(world, "B") + 8.0 <= 30.0

    world.meter.fault = MeterFault.NONE
    await in_ups_and_downs(world)
    assert problems(world) == set()
    group = world.running_site.snapshot.groups["root"]
    assert group.base_load == PhaseCurrents.uniform(8.0)


@pytest.mark.fault("F67")
async def test_a_meter_of_the_wrong_sign_is_found_out(run: StartWorld) -> None:
    world = await charging(run, METERED)
    world.base_a = PhaseCurrents.uniform(8.0)
    world.meter.fault = MeterFault.REVERSED
    await in_ups_and_downs(world)
    assert problems(world) == {ProblemKind.METER_REVERSED}
    before_a = draws_a(world, "A") + draws_a(world, "B")
    await world.set_capacity("root", 32.0)
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") + draws_a(world, "B") <= before_a

    world.meter.fault = MeterFault.NONE
    world.running_site.meter_replaced("root")
    await world.pass_s(400.0)
    assert problems(world) == set()
    assert draws_a(world, "A") + draws_a(world, "B") > before_a


@pytest.mark.fault("F70")
@pytest.mark.parametrize("lost_bytes", [1, 7, 40, 200])
async def test_a_torn_record_costs_only_itself(run: StartWorld, lost_bytes: int) -> None:
    world = await charging(run)
    await world.kill()
    await world.reopen(lost_bytes=lost_bytes)
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F71")
@pytest.mark.parametrize("place", [0.0, 0.3, 0.7])
async def test_a_damaged_file_is_told(run: StartWorld, place: float) -> None:
    world = await charging(run)
    await world.kill()
    await world.reopen(damaged_at=place)
    assert problems(world) == {ProblemKind.STORAGE_DAMAGED}
    assert booked_a(world, "A") == 16.0
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0


@pytest.mark.fault("F76")
async def test_a_file_that_has_gone_is_told(run: StartWorld) -> None:
    keeping = [charger(name, keeps_limit=True) for name in "AB"]
    world = await charging(run, settings(*keeping, rating_a=20.0))
    number = world.chargers["A"].transaction_id
    world.chargers["A"].faults = Faults(offline=True)
    await world.kill()
    await world.reopen(lost_file="journal.jsonl")
    assert problems(world) == {ProblemKind.STORAGE_MISSING}
    assert booked_a(world, "A") == 16.0
    world.chargers["B"].unplug()
    world.plug_in("B", Car())
    await world.pass_s(SETTLED_S)
    assert world.chargers["B"].transaction_id != number
    world.chargers["A"].faults = Faults()
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0
    await world.restart()
    assert problems(world) == {ProblemKind.STORAGE_MISSING}
    await world.running_site.accept_lost_files()
    await world.pass_s(1.0)
    assert problems(world) == set()


@pytest.mark.fault("F72")
@pytest.mark.parametrize("lost_bytes", [0, 1])
async def test_a_full_disk_leaves_cuts(run: StartWorld, lost_bytes: int) -> None:
    world = await charging(run)
    world.disk.full = True
    await world.set_capacity("root", 12.0)
    await world.pass_s(60.0)
    assert draws_a(world, "A") == draws_a(world, "B") == 6.0
    await world.kill()
    await world.reopen(lost_bytes=lost_bytes)
    await world.pass_s(SETTLED_S)
    assert ProblemKind.STORAGE_FAILING in problems(world)
    assert draws_a(world, "A") + draws_a(world, "B") <= 20.0
    world.disk.full = False
    await world.pass_s(SETTLED_S)
    assert problems(world) <= {ProblemKind.STORAGE_DAMAGED}


@pytest.mark.fault("F73")
async def test_nothing_is_taken_from_an_old_backup_for_what_is_in_force(run: StartWorld) -> None:
    keeping = [charger(name, keeps_limit=True) for name in "AB"]
    world = await charging(run, settings(*keeping, rating_a=20.0))
    await world.set_capacity("root", 12.0)
    await world.pass_s(SETTLED_S)
    backup = await world.back_up()
    await world.set_capacity("root", 20.0)
    world.chargers["B"].unplug()
    world.plug_in("B", Car())
    await world.pass_s(SETTLED_S)
    given = {world.chargers[name].transaction_id for name in "AB"}
    assert draws_a(world, "A") == draws_a(world, "B") == 10.0

    world.chargers["A"].faults = Faults(offline=True)
    await world.kill()
    world.restore(backup)
    await world.reopen()
    assert booked_a(world, "A") == 16.0
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") + draws_a(world, "B") <= 20.0
    world.chargers["B"].unplug()
    world.plug_in("B", Car())
    await world.pass_s(SETTLED_S)
    assert world.chargers["B"].transaction_id not in {None, *given}

    world.chargers["A"].faults = Faults()
    await world.restart()
    await world.pass_s(SETTLED_S)
    assert draws_a(world, "A") == draws_a(world, "B") == 6.0
