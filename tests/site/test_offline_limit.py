"""A charger that limits itself once its link is gone is relied on for that, and for no more."""

from custom_components.balanz.balancing.commitments import OFFLINE_AFTER_S
from custom_components.balanz.balancing.model import ConnectorKey
from simulator.behaviours import Behaviour
from simulator.car import Car
from simulator.faults import Faults

from .build import accepted_a, booked_a, charger, pass_s, settings, until
from .conftest import Bench

ALONE_A = 7.0
LIMITS_ITSELF = Behaviour(offline_a=ALONE_A)


async def test_others_get_what_it_gives_up_once_it_has_surely_noticed(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", offline_a=ALONE_A), charger("B"), rating_a=25.0))
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=LIMITS_ITSELF)
    other = await bench.dial_in(site, "B", car=Car())
    await until(lambda: accepted_a(site, "B") == 12.0)

    alone.faults = Faults(offline=True)
    await until(lambda: not site.snapshot.chargers["A"].connected)
    await pass_s(OFFLINE_AFTER_S / 2)
    assert alone.currents_a[0] == ALONE_A
    assert (booked_a(site, "A"), accepted_a(site, "B")) == (16.0, 9.0)

    await until(lambda: accepted_a(site, "B") == 16.0, deadline_s=OFFLINE_AFTER_S)
    assert booked_a(site, "A") == ALONE_A
    assert alone.currents_a[0] + other.currents_a[0] <= 25.0


async def test_it_is_booked_at_once_where_it_was_paused(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", offline_a=ALONE_A, keeps_limit=True)))
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=LIMITS_ITSELF)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await site.set_enabled(ConnectorKey("A", 1), False)
    await until(lambda: booked_a(site, "A") == 0.0)
    alone.faults = Faults(offline=True)

    await until(lambda: booked_a(site, "A") == ALONE_A)


async def test_it_is_under_control_as_soon_as_it_is_back(bench: Bench) -> None:
    site = await bench.start(settings(charger("A", offline_a=ALONE_A)))
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=LIMITS_ITSELF)
    await until(lambda: accepted_a(site, "A") == 16.0)
    alone.faults = Faults(offline=True)
    await until(lambda: booked_a(site, "A") == ALONE_A, deadline_s=OFFLINE_AFTER_S + 60.0)

    alone.faults = Faults()
    await until(lambda: accepted_a(site, "A") == 16.0)
    await until(lambda: alone.currents_a[0] == 16.0)


async def test_a_site_is_safe_alone_where_chargers_limit_themselves(bench: Bench) -> None:
    safe = settings(charger("A", offline_a=6.0), charger("B", offline_a=6.0), rating_a=16.0)
    site = await bench.start(safe)
    dark = site.snapshot.dark_budget
    assert dark is not None
    assert (dark.is_safe, dark.unproven) == (True, ())
