"""Sites in virtual time, and the table of faults at the end of a test run."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks.virtual_site.world import World
from custom_components.balanz.site.settings import SiteSettings
from simulator.virtual_time import VirtualLoop

from .catalogue import FAULTS

type StartWorld = Callable[[SiteSettings], Awaitable[World]]
FAULT_PROPERTY = "fault"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[asyncio.SelectorEventLoop]]:
    return {"virtual": VirtualLoop}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(id): the scenario of a fault of the catalogue")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, lest one process end minutes after the others."""
    items.sort(key=lambda item: item.path.name != "test_rule_machine.py")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("fault"):
        item.user_properties.append((FAULT_PROPERTY, marker.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line for each fault whose scenario was run."""
    results = {
        value: outcome
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == FAULT_PROPERTY
    }
    if not results:
        return
    terminalreporter.section("faults")
    for fault in FAULTS:
        if fault.id in results:
            terminalreporter.write_line(f"{fault.id}  {results[fault.id]}  {fault.title}")


@pytest.fixture
async def start_world(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[StartWorld]:
    """Run a site, and stop it in the end."""
    # Home Assistant's own fixtures pin the real clock to every loop.
    vars(asyncio.get_running_loop()).pop("time", None)
    async with AsyncExitStack() as stack:

        async def start(settings: SiteSettings) -> World:
            return await stack.enter_async_context(World.running(settings, tmp_path))

        yield start


@pytest.fixture
async def run(start_world: StartWorld) -> AsyncGenerator[StartWorld]:
    """Run a site at which no rule may be broken."""
    worlds: list[World] = []

    async def start(settings: SiteSettings) -> World:
        worlds.append(await start_world(settings))
        return worlds[-1]

    yield start
    assert [violation for world in worlds for violation in world.watch.violations] == []
