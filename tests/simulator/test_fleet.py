"""A fleet of chargers, and the command that runs one."""

import asyncio
import os
import signal

import pytest

from simulator.__main__ import main, parse_arguments, simulate, status_line
from simulator.clock import Clock
from simulator.fleet import KINDS, make_fleet

from .conftest import CentralSystem, eventually


def test_a_fleet_has_the_four_kinds_in_turn() -> None:
    fleet = make_fleet("ws://127.0.0.1:9300", 5, prefix="DEMO")

    assert [it.identity for it in fleet] == ["DEMO-1", "DEMO-2", "DEMO-3", "DEMO-4", "DEMO-5"]
    assert [it.options.model for it in fleet] == [*(kind.model for kind in KINDS), KINDS[0].model]
    assert len({it.options.serial for it in fleet}) == 5
    assert len({id(it.clock) for it in fleet}) == 1
    assert [(it.rating_a, it.phases) for it in fleet[:2]] == [(16, 3), (32, 1)]


async def test_a_status_line_tells_link_status_limit_and_current(central: CentralSystem) -> None:
    charger = make_fleet(central.url, 1, clock=Clock(20))[0]
    assert "offline" in status_line(charger)

    await charger.start()
    await charger.wait_until(lambda: charger.currents_a == (16, 16, 16))
    line = status_line(charger)
    await charger.stop()

    assert "CP-1" in line
    assert "accepted" in line
    assert "Charging" in line
    assert "no limit" in line
    assert "draws 16.0/16.0/16.0 A" in line


async def test_a_status_line_tells_why_there_is_no_connection(central: CentralSystem) -> None:
    await central.stop()
    charger = make_fleet(central.url, 1)[0]
    await charger.start()
    await charger.wait_until(lambda: charger.last_error is not None)

    assert "offline (" in status_line(charger)
    await charger.stop()


async def test_simulating_prints_lines_until_it_is_stopped(
    central: CentralSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet, stopped = make_fleet(central.url, 2, clock=Clock(20)), asyncio.Event()
    running = asyncio.create_task(simulate(fleet, every_s=0.05, stopped=stopped))
    await eventually(lambda: len(central.messages("StartTransaction")) == 2)
    stopped.set()
    await running

    assert "CP-2" in capsys.readouterr().out
    assert not any(charger.connected for charger in fleet)


async def test_the_command_ends_cleanly_on_ctrl_c(central: CentralSystem) -> None:
    running = asyncio.create_task(
        main(["--url", central.url, "--chargers", "1", "--prefix", "X", "--time-factor", "5"])
    )
    await eventually(lambda: len(central.messages("BootNotification")) == 1)

    os.kill(os.getpid(), signal.SIGINT)

    assert await running == 0


@pytest.mark.parametrize(
    "arguments", [["--chargers", "0"], ["--time-factor", "0"], ["--every", "nan"]]
)
def test_numbers_without_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
