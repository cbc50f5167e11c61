"""Local lists follow the tags, at chargers that have one and are idle."""

from dataclasses import replace

import pytest

from custom_components.balanz.csms.local_list import STEP
from custom_components.balanz.site import local_lists
from custom_components.balanz.storage.tags import Tag, TagStatus
from simulator.car import Car
from simulator.charger import SimulatedCharger

from .build import changed, charger, group, pass_s, settings, until
from .conftest import Bench


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_lists, "DELAY_S", 2.0)


def statuses(simulated: SimulatedCharger) -> dict[str, str]:
    """What the charger knows of tags by itself."""
    return {key: info["status"] for key, info in simulated.station.local_list.tags.items()}


def calls(simulated: SimulatedCharger, action: str) -> int:
    return sum(f'"{action}"' in frame.text for frame in simulated.frames)


async def test_a_charger_learns_the_tags_and_their_changes(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", local_list_length=50)
    await site.tags.put_all([Tag(id=f"T{n}") for n in range(25)], replace=True)
    await until(lambda: len(statuses(simulated)) == 25)
    assert simulated.station.local_list.version == STEP
    assert simulated.station.local_list.updates == 3

    await site.tags.put(Tag(id="T0", status=TagStatus.BLOCKED))
    await site.tags.remove(["T1"])

    await until(lambda: statuses(simulated).get("t0") == "Blocked")
    assert "t1" not in statuses(simulated)
    assert simulated.station.local_list.updates == 4
    assert calls(simulated, "ClearCache") == 2


async def test_a_charger_that_was_away_learns_it_when_it_comes(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.tags.put(Tag(id="A"))
    simulated = await bench.dial_in(site, "A", local_list_length=50)

    await until(lambda: statuses(simulated) == {"a": "Accepted"})


async def test_a_charger_with_a_car_is_left_alone_until_it_has_gone(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car(), local_list_length=50)
    await until(lambda: simulated.station.connectors[1].transaction is not None)
    await site.tags.put(Tag(id="A"))
    await pass_s(8.0)
    assert statuses(simulated) == {}

    simulated.unplug()

    await until(lambda: statuses(simulated) == {"a": "Accepted"})


async def test_a_list_that_the_charger_has_lost_track_of_is_sent_anew(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", local_list_length=50)
    await site.tags.put(Tag(id="A"))
    await until(lambda: statuses(simulated) == {"a": "Accepted"})
    simulated.station.local_list.version, simulated.station.local_list.tags = 7, {}

    await site.tags.put(Tag(id="B"))

    await until(lambda: statuses(simulated) == {"a": "Accepted", "b": "Accepted"})


async def test_a_charger_without_a_list_is_not_bothered_with_one(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await site.tags.put(Tag(id="A"))
    await until(lambda: calls(simulated, "GetLocalListVersion") == 1)
    await pass_s(8.0)

    assert calls(simulated, "SendLocalList") == 0
    assert calls(simulated, "GetLocalListVersion") == 1


async def test_a_list_that_is_switched_off_is_left_alone(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", local_list_length=50)
    simulated.station.configuration.change("LocalAuthListEnabled", "false")
    await site.tags.put(Tag(id="A"))
    await until(lambda: calls(simulated, "LocalAuthListEnabled") >= 1)
    await pass_s(8.0)

    assert statuses(simulated) == {}


async def test_a_site_without_tags_sends_nothing(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", local_list_length=50)
    await pass_s(12.0)

    assert calls(simulated, "ClearCache") == calls(simulated, "SendLocalList") == 0


async def test_a_charger_that_is_moved_learns_who_is_valid_there(bench: Bench) -> None:
    before = settings(charger("A", group_id="garage"), groups=(group("garage"), group("yard")))
    site = await bench.start(before)
    await site.tags.put(Tag(id="MINE", places=frozenset({"group:garage"})))
    await site.tags.put(Tag(id="ALL"))
    simulated = await bench.dial_in(site, "A", local_list_length=50)
    await until(lambda: set(statuses(simulated)) == {"all", "mine"})

    await site.apply(changed(before, replace(before.chargers[0], group_id="yard")))

    await until(lambda: set(statuses(simulated)) == {"all"})
