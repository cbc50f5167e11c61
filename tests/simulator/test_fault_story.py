"""The story of faults that the demo tells, without a Home Assistant."""

import argparse
import asyncio
from typing import Any

import pytest

from simulator import demo, grid_meter
from simulator.charger import SimulatedCharger
from simulator.demo import Demo, Story
from simulator.fault_story import STORY, STORY_MINUTES
from simulator.faults import Faults, MeterFault
from simulator.virtual_time import VirtualLoop


class Entities:
    """What the dashboard would show."""

    async def charger_line(self, charger: SimulatedCharger) -> str:
        return f"{charger.identity} is {'well' if charger.faults == Faults() else 'broken'}"


class Process:
    """A Home Assistant that nobody has started."""

    client = None


def test_the_story_tells_what_broke_what_was_done_and_whether_the_fuse_held(
    socket_enabled: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tell() -> None:
        monkeypatch.setattr("simulator.demo.time.monotonic", asyncio.get_running_loop().time)
        process: Any = Process()
        entities: Any = Entities()
        options = argparse.Namespace(secure=False, chargers=2, ocpp_port=9, story=Story.FAULTS)
        await Demo(process, options)._break_and_mend(entities)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(tell())

    lines = capsys.readouterr().out.splitlines()
    assert lines[:5] == [
        "--- 35 s, broken: a charger loses its network in mid-session",
        "--- what balanz did:",
        "        CP-1 is broken",
        "        CP-2 is well",
        "--- 65 s, mended. Main fuse has held: 0 s above 32 A so far.",
    ]
    assert len(lines) == 5 * len(STORY)


def test_the_story_is_told_in_its_time() -> None:
    assert STORY[-1].mended_at_s < 60 * STORY_MINUTES


async def test_a_meter_that_fell_silent_reports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[object] = []

    async def report(client: object, currents_a: object, *, solar_w: float) -> None:
        reports.append(currents_a)

    monkeypatch.setattr(grid_meter, "report", report)
    process: Any = Process()
    told = Demo(
        process, argparse.Namespace(secure=False, chargers=1, ocpp_port=9, story=Story.FAULTS)
    )
    await told._report_meter()
    told._meter_of_house.fault = MeterFault.SILENT
    await told._report_meter()
    assert len(reports) == 1


def test_the_command_line_sets_the_length_of_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--faults"])
    assert demo._options().minutes == STORY_MINUTES
