"""The story of a back office that the demo tells, without a Home Assistant."""

import argparse
import asyncio
from typing import Any

import pytest

from simulator import demo
from simulator.back_office import BackOffice
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.demo import Demo, Story
from simulator.fleet import make_fleet
from simulator.site_setup import SetupFailed
from simulator.upstream_story import CUT, NEXT_CAR, STORY_MINUTES, UpstreamStory, passed_on
from simulator.virtual_time import VirtualLoop

NOWHERE = "ws://127.0.0.1:9"
LONGEST_WAIT_S = 90.0
"""Until balanz dials again after a cut of a minute: 150 s after the cut."""


class Office:
    """Writes down what is wanted of it, and when."""

    def __init__(self) -> None:
        self.wanted: list[tuple[float, str]] = []

    async def allow(self, charger: str, limit_a: float | None) -> str:
        self._note(f"allow {charger} {limit_a}")
        return "Accepted"

    async def cut(self) -> None:
        self._note("cut")

    async def start(self) -> None:
        self._note("start")

    def _note(self, text: str) -> None:
        self.wanted.append((asyncio.get_running_loop().time(), text))


class Process:
    """A Home Assistant that nobody has started."""

    client = None


def make_demo(chargers: int, upstream_port: int) -> Demo:
    process: Any = Process()
    options = argparse.Namespace(
        secure=False,
        chargers=chargers,
        ocpp_port=9,
        story=Story.UPSTREAM,
        upstream_port=upstream_port,
    )
    return Demo(process, options)


def test_an_operator_limits_a_charger_and_is_cut_off_for_a_minute(
    socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    office: Any = Office()

    async def tell() -> SimulatedCharger:
        chargers = make_fleet(NOWHERE, 2)
        chargers[1].plug_in(Car())
        await UpstreamStory(office, chargers, asyncio.get_running_loop().time).tell()
        return chargers[1]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        visited = runner.run(tell())

    assert office.wanted == [
        (35, "allow CP-1 8.0"),
        (65, "allow CP-1 None"),
        (75, "cut"),
        (135, "start"),
    ]
    assert visited.station.connectors[1].car is NEXT_CAR
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"--- {seconds} s" for seconds in (35, 65, 75, 85, 100, 135)
    ]


def test_the_story_is_long_enough_for_balanz_to_dial_again() -> None:
    assert CUT[1] + LONGEST_WAIT_S < 60 * STORY_MINUTES


@pytest.mark.parametrize(("chargers", "belonging"), [(1, 1), (2, 1), (4, 3)])
def test_all_chargers_but_the_last_belong_to_the_back_office(chargers: int, belonging: int) -> None:
    fleet = make_fleet(NOWHERE, chargers)

    assert passed_on(fleet) == fleet[:belonging]


async def test_the_forms_of_those_chargers_name_it(socket_enabled: None) -> None:
    told = make_demo(2, 0)
    await told._open_office()
    assert told._office is not None

    forms = [told._form(index, charger, "root") for index, charger in enumerate(told._chargers)]

    assert forms[0]["upstream"] == {"url": told._office.url, "unknown_tags_offline": "refuse"}
    assert "upstream" not in forms[1]
    await told._office.cut()


async def test_a_port_that_is_taken_is_told(socket_enabled: None) -> None:
    other = BackOffice()
    await other.start()
    port = int(other.url.split(":")[2].split("/")[0])

    with pytest.raises(SetupFailed, match="the back office cannot listen"):
        await make_demo(1, port)._open_office()
    await other.cut()


def test_the_command_line_sets_the_length_of_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--upstream"])
    assert demo._options().minutes == STORY_MINUTES


def test_two_stories_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--upstream", "--faults"])
    with pytest.raises(SystemExit):
        demo._options()
