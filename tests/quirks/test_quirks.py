"""Every charger of the table is under control, and whoever is not known is at least booked."""

import pytest

from benchmarks.virtual_site.world import World
from custom_components.balanz.balancing.phases import PhaseMap
from custom_components.balanz.csms.quirk_table import QUIRK_ROWS
from custom_components.balanz.site.settings import SiteSettings
from custom_components.balanz.site.snapshot import ConnectorSnapshot, ProblemKind
from simulator.car import Car
from tests.site.build import charger, settings

from .conftest import StartWorld
from .field import FIELD, FieldCharger
from .page import PAGE, page

SETTLED_S = 100.0
TOLERANCE_A = 1.0
ENOUGH_A, SCARCE_A = 20.0, 16.0


def site(field: FieldCharger) -> SiteSettings:
    """A supply of 20 A for the charger and another one, each of 16 A."""
    phase_map = PhaseMap.L1 if field.phases == 1 else PhaseMap.L1_L2_L3
    return settings(
        charger("A", phases=field.phases, phase_map=phase_map), charger("B"), rating_a=ENOUGH_A
    )


def connector(world: World) -> ConnectorSnapshot:
    return world.running_site.snapshot.chargers["A"].connectors[0]


def draws_a(world: World, identity: str = "A") -> float:
    return max(world.chargers[identity].currents_a)


def problems(world: World) -> set[ProblemKind]:
    found = {problem.kind for problem in world.running_site.snapshot.problems}
    return found - {ProblemKind.UNSAFE_ALONE}


async def charging(start_world: StartWorld, field: FieldCharger, *, known: bool) -> World:
    world = await start_world(site(field), field.options(known=known))
    await world.pass_s(60.0)
    for identity in world.chargers:
        world.plug_in(identity, Car(phases=field.phases, needed_wh=90_000.0))
    await world.pass_s(SETTLED_S)
    return world


def test_each_row_has_its_charger_and_none_is_left_over() -> None:
    assert set(FIELD) == {row.id for row in QUIRK_ROWS}


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("row_id", list(FIELD))
async def test_a_charger_that_is_known_is_under_control(
    row_id: str, start_world: StartWorld
) -> None:
    field = FIELD[row_id]
    enough_a, scarce_a = field.shares_a

    world = await charging(start_world, field, known=True)
    assert draws_a(world) == pytest.approx(enough_a, abs=0.1)

    await world.set_capacity("root", SCARCE_A)
    await world.pass_s(SETTLED_S)
    assert draws_a(world) == pytest.approx(scarce_a, abs=0.1)

    await world.running_site.set_enabled(connector(world).key, False)
    await world.pass_s(SETTLED_S)
    assert draws_a(world) == pytest.approx(field.paused_a, abs=0.1)

    await world.running_site.set_enabled(connector(world).key, True)
    await world.pass_s(2 * SETTLED_S)
    assert draws_a(world) == pytest.approx(scarce_a, abs=0.1)
    assert problems(world) == set()
    # The watch takes all limits for amperes.
    rules = {it.rule for it in world.watch.violations}
    assert rules <= (set() if field.takes_amperes else {3})


@pytest.mark.parametrize("row_id", list(FIELD))
async def test_a_charger_that_is_not_known_is_found_out_or_booked(
    row_id: str, start_world: StartWorld
) -> None:
    field = FIELD[row_id]

    world = await charging(start_world, field, known=False)
    await world.pass_s(SETTLED_S)
    await world.set_capacity("root", SCARCE_A)
    await world.pass_s(2 * SETTLED_S)

    assert draws_a(world) <= connector(world).booked_a + TOLERANCE_A
    assert draws_a(world) + draws_a(world, "B") <= SCARCE_A + TOLERANCE_A
    is_under_control = draws_a(world) == pytest.approx(field.shares_a[1], abs=0.1)
    assert is_under_control == field.found
