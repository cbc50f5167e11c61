"""What one charger told and took is known of all others of its firmware."""

from typing import Any

import orjson

from custom_components.balanz.site import BalanzSite
from simulator.charger import SimulatedCharger
from simulator.faults import Faults

from .build import accepted_a, charger, recorded, settings, until
from .conftest import Bench

PICKY = Faults(reject_stack_levels_above=0)


def received(simulated: SimulatedCharger, action: str) -> list[dict[str, Any]]:
    calls = [orjson.loads(frame.text) for frame in simulated.frames]
    return [call[3] for call in calls if call[0] == 2 and call[2] == action]


async def known(site: BalanzSite, simulated: SimulatedCharger) -> None:
    """Wait until a charger was asked how it is, which comes last, and is under control."""
    await until(
        lambda: (
            len(received(simulated, "TriggerMessage")) == 2
            and accepted_a(site, simulated.identity) == 0.0
        )
    )


def stack_levels(simulated: SimulatedCharger) -> list[int]:
    profiles = received(simulated, "SetChargingProfile")
    return [payload["csChargingProfiles"]["stackLevel"] for payload in profiles]


async def test_the_second_charger_of_a_firmware_is_asked_and_refuses_less(bench: Bench) -> None:
    setup = settings(charger("A"), charger("B"), charger("C"))
    site = await bench.start(setup)
    first = await bench.dial_in(site, "A", faults=PICKY)
    await known(site, first)
    await until(lambda: {8, 7, 1, 0} <= set(stack_levels(first)))
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert {} in received(first, "GetConfiguration")
    await until(lambda: bool(recorded(bench.folder, "interview")[-1]["answers"]["form"]))

    second = await bench.dial_in(site, "B", faults=PICKY)
    await known(site, second)
    assert {} not in received(second, "GetConfiguration")
    assert set(stack_levels(second)) == {0}
    await site.stop()

    again = await bench.start(setup)
    third = await bench.dial_in(again, "C", faults=PICKY)
    await known(again, third)
    assert {} not in received(third, "GetConfiguration")
    assert set(stack_levels(third)) == {0}


async def test_a_charger_that_comes_back_to_a_restarted_site_is_only_asked_how_it_is(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await known(site, simulated)
    await site.stop()
    again = await bench.start(settings(charger("A")))
    simulated.frames.clear()
    simulated.url = f"ws://127.0.0.1:{again.port}"
    await known(again, simulated)
    assert received(simulated, "GetConfiguration") == []
    assert stack_levels(simulated)[0] == 8


async def test_another_firmware_is_asked_and_tried_anew(bench: Bench) -> None:
    site = await bench.start(settings(charger("A"), charger("B")))
    await known(site, await bench.dial_in(site, "A", faults=PICKY))
    other = await bench.dial_in(site, "B", firmware="2.0.0")
    await known(site, other)
    assert {} in received(other, "GetConfiguration")
    assert stack_levels(other)[-1] == 8


async def test_a_firmware_without_a_name_is_not_remembered(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await known(site, await bench.dial_in(site, "A", firmware=""))
    assert recorded(bench.folder, "interview") == []
