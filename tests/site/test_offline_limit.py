"""A charger that limits itself once its link is gone is relied on for that, and for no more."""

from typing import Any

import orjson
import pytest

from custom_components.balanz.balancing.commitments import OFFLINE_AFTER_S
from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.csms.quirks import QuirkChoice
from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import ChargerSettings
from simulator.behaviours import Asked, Behaviour
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import accepted_a, booked_a, changed, charger, pass_s, settings, until
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


# A key of the charger's own

KEY = "OfflineCurrent"
BY_KEY = QuirkChoice(offline_key=KEY)


def with_key(**changes: Any) -> ChargerSettings:
    return charger("A", **({"offline_a": ALONE_A, "quirks": BY_KEY} | changes))


async def gone(site: BalanzSite, simulated: SimulatedCharger) -> None:
    """Wait until a charger has surely noticed that its link is gone."""
    simulated.faults = Faults(offline=True)
    await until(lambda: not site.snapshot.chargers["A"].connected)
    await pass_s(OFFLINE_AFTER_S + 60.0)


def keys_written(simulated: SimulatedCharger) -> list[str]:
    calls = [orjson.loads(frame.text) for frame in simulated.frames]
    changes = [call[3] for call in calls if call[0] == 2 and call[2] == "ChangeConfiguration"]
    return [change["value"] for change in changes if change["key"] == KEY]


async def test_its_key_is_set_and_relied_on_once_it_was_read_back(bench: Bench) -> None:
    site = await bench.start(settings(with_key()))
    behaviour = Behaviour(offline_a=16.0, offline_key=KEY)
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=behaviour)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(30.0)
    assert keys_written(alone) == ["7"]
    assert site.snapshot.dark_budget is not None
    assert site.snapshot.dark_budget.unproven == ()

    await gone(site, alone)
    assert booked_a(site, "A") == alone.currents_a[0] == ALONE_A


async def test_nothing_is_written_where_the_key_is_as_it_should_be(bench: Bench) -> None:
    site = await bench.start(settings(with_key()))
    behaviour = Behaviour(offline_a=ALONE_A, offline_key=KEY)
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=behaviour)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(30.0)
    alone.drop_link()
    await pass_s(30.0)
    assert keys_written(alone) == []
    await gone(site, alone)
    assert booked_a(site, "A") == ALONE_A


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(Behaviour(), id="no-such-key"),
        pytest.param(
            Behaviour(
                offline_a=16.0,
                offline_key=KEY,
                shrugs_off=(Asked("ChangeConfiguration", f'"{KEY}"'),),
            ),
            id="only-says-so",
        ),
        pytest.param(
            Behaviour(
                offline_a=16.0,
                offline_key=KEY,
                refuses=(Asked("ChangeConfiguration", f'"{KEY}"'),),
            ),
            id="refuses",
        ),
        pytest.param(
            Behaviour(offline_key=KEY, ignores=(Asked("GetConfiguration", f'["{KEY}"]'),)),
            id="does-not-tell",
        ),
    ],
)
async def test_a_charger_that_was_not_seen_to_have_that_current_is_not_relied_on(
    bench: Bench, behaviour: Behaviour
) -> None:
    site = await bench.start(settings(with_key()))
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=behaviour)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(60.0)
    assert len(keys_written(alone)) <= 1
    await gone(site, alone)
    assert booked_a(site, "A") == 16.0


async def test_a_key_that_somebody_else_changes_is_looked_at_again(bench: Bench) -> None:
    site = await bench.start(settings(with_key()))
    behaviour = Behaviour(offline_a=ALONE_A, offline_key=KEY)
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=behaviour)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(30.0)
    await site.remote.change_configuration("A", KEY, "32")
    await pass_s(30.0)
    assert keys_written(alone) == ["32", "7"]
    await site.remote.change_configuration("A", KEY, "32")
    await pass_s(30.0)
    await gone(site, alone)
    # It is set once on each connection, lest two write against each other for ever.
    assert booked_a(site, "A") == 16.0


async def test_a_key_that_takes_effect_with_the_next_boot_is_relied_on_from_then_on(
    bench: Bench,
) -> None:
    site = await bench.start(settings(with_key()))
    behaviour = Behaviour(offline_a=16.0, offline_key=KEY)
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=behaviour)
    alone.station.configuration.needs_reboot(KEY)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(30.0)
    dark = site.snapshot.dark_budget
    assert dark is not None
    assert dark.unproven == ("A",)

    alone.reboot()
    await until(lambda: site.snapshot.dark_budget != dark)
    assert site.snapshot.dark_budget is not None
    assert site.snapshot.dark_budget.unproven == ()


async def test_another_current_has_to_be_confirmed_anew(bench: Bench) -> None:
    before = settings(with_key())
    site = await bench.start(before)
    behaviour = Behaviour(offline_a=ALONE_A, offline_key=KEY)
    alone = await bench.dial_in(site, "A", car=Car(), behaviour=behaviour)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await pass_s(30.0)
    await site.apply(changed(before, with_key(offline_a=6.0), port=site.port))
    await pass_s(30.0)
    assert keys_written(alone) == ["6"]
    await gone(site, alone)
    assert booked_a(site, "A") == 6.0
