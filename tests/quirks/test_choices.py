"""What the user says of a charger, and what is remembered of it, counts like what it says."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from benchmarks.virtual_site.world import World
from custom_components.balanz.csms.capabilities import RateUnit
from custom_components.balanz.csms.quirks import STANDARD, QuirkChoice
from custom_components.balanz.site.settings import SiteSettings
from simulator.behaviours import Behaviour
from simulator.car import Car
from simulator.options import ChargerOptions
from simulator.profiles import ProfileCapabilities, Unit
from tests.site.build import charger, settings

from .conftest import StartWorld
from .field import FIELD
from .test_quirks import SETTLED_S, connector, draws_a, problems

WALLBOX = FIELD["wallbox"]
TAKES_ZERO_FOR_NO_LIMIT = ChargerOptions(behaviour=Behaviour(zero_is_no_limit=True))


def chosen(choice: QuirkChoice) -> SiteSettings:
    return settings(charger("A", quirks=choice), charger("B"), rating_a=20.0)


def profiles(world: World) -> list[dict[str, Any]]:
    """The profiles that A was sent, oldest first."""
    frames = [orjson.loads(frame.text) for frame in world.chargers["A"].frames]
    return [
        frame[3]["csChargingProfiles"]
        for frame in frames
        if frame[0] == 2 and frame[2] == "SetChargingProfile"
    ]


async def settled(world: World) -> None:
    """Let a car come to each charger."""
    for identity in world.chargers:
        world.plug_in(identity, Car(needed_wh=90_000.0))
    await world.pass_s(SETTLED_S)


async def test_a_charger_under_another_name_behaves_as_the_user_says(
    start_world: StartWorld,
) -> None:
    choice = QuirkChoice(behaves_like="wallbox")
    world = await start_world(chosen(choice), WALLBOX.options(known=False))
    await world.pass_s(60.0)
    assert {it["chargingProfileKind"] for it in profiles(world)} == {"Relative"}


async def test_what_is_known_of_a_make_may_be_said_not_to_hold(start_world: StartWorld) -> None:
    choice = QuirkChoice(behaves_like=STANDARD)
    world = await start_world(chosen(choice), ChargerOptions(vendor="Wallbox"))
    await world.pass_s(60.0)
    assert {it["chargingProfileKind"] for it in profiles(world)} == {"Absolute"}


@pytest.mark.parametrize(("known", "most"), [(True, 1), (False, 3)])
async def test_a_charger_that_hangs_up_when_it_is_pinged_is_soon_left_in_peace(
    start_world: StartWorld, known: bool, most: int
) -> None:
    en_plus = FIELD["en_plus"].options(known=known)
    quiet = replace(en_plus, behaviour=replace(en_plus.behaviour, meters_when_asked=True))
    world = await start_world(settings(charger("A"), charger("B")), quiet)

    await world.pass_s(1800.0)

    assert world.chargers["A"].connections == most


async def test_a_charger_that_takes_watts_and_does_not_say_so_is_found_out(
    start_world: StartWorld,
) -> None:
    only_watts = ChargerOptions(
        profile_capabilities=ProfileCapabilities(units=(Unit.W,)),
        behaviour=Behaviour(tells={"ChargingScheduleAllowedChargingRateUnit": ""}),
    )
    world = await start_world(settings(charger("A"), charger("B"), rating_a=40.0), only_watts)
    await settled(world)
    assert {it["chargingSchedule"]["chargingRateUnit"] for it in profiles(world)} == {"A", "W"}
    assert draws_a(world) == pytest.approx(16.0, abs=0.1)

    await world.set_capacity("root", 20.0)
    await world.pass_s(SETTLED_S)

    assert draws_a(world) == pytest.approx(10.0, abs=0.1)
    assert problems(world) == set()


async def test_a_changed_choice_is_applied_on_the_open_connection(
    start_world: StartWorld,
) -> None:
    world = await start_world(chosen(QuirkChoice()), ChargerOptions())
    await world.pass_s(60.0)
    in_watts = chosen(QuirkChoice(rate_unit=RateUnit.WATT))
    await world.running_site.apply(replace(in_watts, port=world.settings.port))
    await world.pass_s(10.0)
    assert profiles(world)[-1]["chargingSchedule"]["chargingRateUnit"] == "W"
    assert world.chargers["A"].connections == 1
    assert connector(world).accepted_a == 0.0


async def test_a_make_is_remembered_where_a_charger_does_not_boot(
    start_world: StartWorld,
) -> None:
    world = await start_world(chosen(QuirkChoice()), WALLBOX.options(known=True))
    await world.pass_s(60.0)
    world.chargers["A"].frames.clear()
    await world.restart()
    await world.pass_s(60.0)
    frames = [orjson.loads(frame.text) for frame in world.chargers["A"].frames]
    assert "BootNotification" not in [frame[2] for frame in frames]
    assert {it["chargingProfileKind"] for it in profiles(world)} == {"Relative"}


async def test_a_charger_that_takes_0_for_no_limit_is_held_at_its_minimum_if_the_user_says_so(
    start_world: StartWorld,
) -> None:
    choice = QuirkChoice(pauses_at_zero=False)
    world = await start_world(chosen(choice), TAKES_ZERO_FOR_NO_LIMIT)
    await settled(world)
    await world.running_site.set_enabled(connector(world).key, False)
    await world.pass_s(SETTLED_S)
    assert draws_a(world) == connector(world).booked_a == 6.0
    assert draws_a(world, "B") == 14.0
    assert problems(world) == set()


async def test_a_charger_that_takes_0_for_no_limit_is_booked_and_stopped(
    start_world: StartWorld,
) -> None:
    world = await start_world(chosen(QuirkChoice()), TAKES_ZERO_FOR_NO_LIMIT)
    await settled(world)
    await world.set_capacity("root", 10.0)
    await world.running_site.set_enabled(connector(world).key, False)
    await world.pass_s(40.0)
    assert draws_a(world) == connector(world).booked_a == 16.0
    assert draws_a(world, "B") == 0.0
    await world.pass_s(2 * SETTLED_S)
    assert draws_a(world) == 0.0
    assert draws_a(world, "B") == 10.0
