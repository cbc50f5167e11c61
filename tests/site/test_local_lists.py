"""Local lists follow the tags, at chargers that have one and are idle."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any, cast

import pytest

from custom_components.balanz.csms.local_list import STEP
from custom_components.balanz.csms.server import CentralSystem
from custom_components.balanz.csms.station import CommandRejected, StationUnreachable
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


class Scripted:
    """A charger that answers as it is told to; a callable is asked at each call."""

    identity = "A"
    ready = True
    back_office = None

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "ClearCache": {"status": "Accepted"},
            "GetLocalListVersion": {"listVersion": 0},
            "GetConfiguration": {"configurationKey": []},
            "SendLocalList": {"status": "Accepted"},
            **answers,
        }
        self.lists: list[str] = []
        self.calls: list[str] = []

    async def request(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(action)
        if action == "SendLocalList":
            self.lists.append(payload["updateType"])
        answer = self.answers[action]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, list):
            answer = answer.pop(0)
        return answer  # type: ignore[no-any-return]


@pytest.fixture
async def tell(bench: Bench) -> Callable[..., Awaitable[Scripted]]:
    """Let a charger be told of the tags A and B; `idle` is whether it is, each time one looks."""
    site = await bench.start(settings(charger("Z")))
    await site.tags.put(Tag(id="A"))
    await site.tags.put(Tag(id="B"))
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        return task

    async def tell(idle: Iterable[bool] = (), **answers: Any) -> Scripted:
        station = Scripted(**answers)
        moods = chain(idle, repeat(True))
        lists = local_lists.LocalLists(
            central=cast("CentralSystem", SimpleNamespace(stations={"A": station})),
            tags=site.tags,
            is_idle=lambda _identity: next(moods),
            spawn=spawn,
        )
        lists.tags_changed()
        await pass_s(6.0)
        lists.stop()
        await asyncio.gather(*tasks)
        return station

    return tell


type Tell = Callable[..., Awaitable[Scripted]]


async def test_a_change_that_does_not_fit_is_followed_by_the_whole_list(tell: Tell) -> None:
    station = await tell(
        GetLocalListVersion={"listVersion": STEP},
        SendLocalList=[{"status": "VersionMismatch"}, {"status": "Accepted"}],
    )

    assert station.lists == ["Differential", "Full"]


@pytest.mark.parametrize("status", ["Failed", "NotSupported"])
async def test_a_list_that_is_refused_is_not_sent_again(tell: Tell, status: str) -> None:
    station = await tell(SendLocalList={"status": status})

    assert station.lists == ["Full"]
    assert station.calls.count("ClearCache") == 1


async def test_a_charger_that_knows_no_such_messages_is_asked_once(tell: Tell) -> None:
    refusal = CommandRejected("NotImplemented")
    station = await tell(ClearCache=refusal, GetLocalListVersion=refusal)

    assert station.calls == ["ClearCache", "GetLocalListVersion"]


@pytest.mark.parametrize("answer", [CommandRejected("no"), {"configurationKey": "none"}, {}])
async def test_what_a_charger_does_not_tell_of_its_list_is_assumed(
    tell: Tell, answer: object
) -> None:
    assert (await tell(GetConfiguration=answer)).lists == ["Full"]


async def test_a_charger_that_does_not_answer_is_not_asked_on_and_on(tell: Tell) -> None:
    station = await tell(SendLocalList=StationUnreachable("gone"))

    assert station.lists == ["Full"]


async def test_a_car_that_comes_in_between_has_the_line(tell: Tell) -> None:
    station = await tell(idle=[True, False])

    assert station.calls == ["ClearCache", "GetLocalListVersion", "GetConfiguration"]
