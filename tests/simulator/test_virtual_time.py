"""An event loop in which hours pass in seconds."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from types import ModuleType

import pytest

from simulator.virtual_time import EPOCH, VirtualClock, VirtualLoop, virtual_calendar


@pytest.fixture
def runner(socket_enabled: None) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of a package that reads the calendar."""
    module = ModuleType("calendar_reader.room")
    vars(module)["datetime"] = datetime
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_day_passes_at_once_and_exactly(runner: asyncio.Runner) -> None:
    async def sleep() -> float:
        began_s = asyncio.get_running_loop().time()
        await asyncio.gather(*(asyncio.sleep(3600 * hour) for hour in range(25)))
        return asyncio.get_running_loop().time() - began_s

    began = monotonic()
    assert runner.run(sleep()) == 86_400.0
    assert monotonic() - began < 5.0


def test_no_time_passes_while_a_frame_is_on_its_way(runner: asyncio.Runner) -> None:
    async def talk() -> tuple[bytes, float]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        async with asyncio.timeout(1000.0):
            line = await reader.readline()
        writer.close()
        server.close()
        return line, asyncio.get_running_loop().time()

    assert runner.run(talk()) == (b"hello\n", 0.0)


def test_no_time_passes_while_a_disk_is_written(runner: asyncio.Runner, tmp_path: Path) -> None:
    async def write() -> float:
        async with asyncio.timeout(0.001):
            await asyncio.to_thread((tmp_path / "file").write_text, "real")
        return asyncio.get_running_loop().time()

    assert runner.run(write()) == 0.0
    assert (tmp_path / "file").read_text() == "real"


def test_work_that_fails_fails_for_whoever_waits_for_it(runner: asyncio.Runner) -> None:
    async def fail() -> None:
        await asyncio.to_thread(Path("/nowhere/at/all").read_text)

    with pytest.raises(FileNotFoundError):
        runner.run(fail())


def test_all_clocks_agree(runner: asyncio.Runner, module: ModuleType) -> None:
    clock = VirtualClock()

    async def look() -> list[datetime]:
        await clock.sleep(90.0)
        assert clock.seconds() == 90.0
        with virtual_calendar("calendar_reader"):
            return [clock.now(), vars(module)["datetime"].now(UTC)]

    assert runner.run(look()) == [EPOCH + timedelta(seconds=90)] * 2
    assert vars(module)["datetime"] is datetime


def test_ordinary_times_pass_for_virtual_ones(runner: asyncio.Runner, module: ModuleType) -> None:
    with virtual_calendar("calendar_reader"):
        assert isinstance(EPOCH, vars(module)["datetime"])
