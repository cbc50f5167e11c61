"""The watch sees what it is there to see: each rule is broken once, on purpose."""

from custom_components.balanz.balancing.phases import PhaseCurrents
from simulator.car import Car
from simulator.faults import Faults, HouseMeter, MeterStyle
from simulator.frames import Direction, Frame
from simulator.house import Amperes
from tests.site.build import charger, settings

from .conftest import StartWorld

SETTLED_S = 120.0


NOTHING = (0.0, 0.0, 0.0)


class OptimisticMeter(HouseMeter):
    """Tells nothing but zeros and has no fault that anybody knows of."""

    def tell(self, currents_a: Amperes, of_chargers_a: Amperes = NOTHING) -> Amperes:
        return NOTHING


def profile(limit_a: float) -> str:
    """What a charger receives."""
    periods = f'[{{"startPeriod":0,"limit":{limit_a}}}]'
    schedule = f'{{"chargingSchedule":{{"chargingSchedulePeriod":{periods}}}}}'
    return f'[2,"1","SetChargingProfile",{{"csChargingProfiles":{schedule}}}]'


async def test_an_overload_that_could_be_cut_is_seen(start_world: StartWorld) -> None:
    world = await start_world(settings(charger("A"), rating_a=20.0, metered=True))
    world.meter = OptimisticMeter()
    world.plug_in("A", Car())
    world.base_a = PhaseCurrents(l1=0.0, l2=10.0, l3=0.0)
    await world.pass_s(SETTLED_S)
    assert {it.rule for it in world.watch.violations} == {1}
    assert "26.0 A of 20 A in root on L2" in str(world.watch.violations[0])


async def test_an_overload_by_the_house_alone_is_nobodys_fault(start_world: StartWorld) -> None:
    world = await start_world(settings(charger("A"), rating_a=20.0, metered=True))
    world.plug_in("A", Car())
    await world.pass_s(SETTLED_S)
    world.base_a = PhaseCurrents.uniform(30.0)
    await world.pass_s(SETTLED_S)
    assert world.watch.violations == []
    assert [0.0 < seconds < 15.0 for seconds in world.watch.overload_clear_s] == [True]


async def test_limits_that_cannot_be_are_seen(start_world: StartWorld) -> None:
    world = await start_world(settings(charger("A")))
    await world.pass_s(SETTLED_S)
    for limit_a in (5.0, 0.0, 6.0, 17.0):
        frame = Frame(Direction.RECEIVED, world.now_s, profile(limit_a))
        world.chargers["A"].frames.append(frame)
    world.look()
    assert [(it.rule, it.text) for it in world.watch.violations] == [
        (3, "A was sent 5.0 A"),
        (3, "A was sent 17.0 A of 16.0 A"),
    ]


async def test_a_charger_that_draws_more_than_it_is_booked_at_is_seen(
    start_world: StartWorld,
) -> None:
    world = await start_world(settings(charger("A"), rating_a=10.0))
    world.plug_in("A", Car())
    await world.pass_s(SETTLED_S)
    # Energy alone does not tell the site that its limit is ignored.
    blind = Faults(ignore_profiles=True, meter_style=MeterStyle.ENERGY_ONLY)
    world.chargers["A"].faults = blind
    await world.pass_s(SETTLED_S)
    assert {it.rule for it in world.watch.violations} == {5}


async def test_a_charger_without_a_limit_is_seen(start_world: StartWorld) -> None:
    world = await start_world(settings(charger("A")))
    await world.pass_s(SETTLED_S)
    world.chargers["A"].station.clear_profiles()
    world.look()
    assert {it.rule for it in world.watch.violations} == {8}


async def test_an_exception_in_the_integration_is_seen(start_world: StartWorld) -> None:
    world = await start_world(settings(charger("A")))
    world.running_site.on_connectors_counted = lambda identity, count: [][count]
    world.chargers["A"].station.connectors[2] = world.chargers["A"].station.connectors[1]
    world.chargers["A"].drop_link()
    await world.pass_s(SETTLED_S)
    assert 9 in {it.rule for it in world.watch.violations}
