"""Sites in virtual time with chargers as they are in the field."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from benchmarks.virtual_site.world import World, WorldOptions
from custom_components.balanz.site.settings import SiteSettings
from simulator.options import ChargerOptions
from simulator.virtual_time import VirtualLoop

type StartWorld = Callable[[SiteSettings, ChargerOptions], Awaitable[World]]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[asyncio.SelectorEventLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture
async def start_world(socket_enabled: None, tmp_path: Path) -> AsyncGenerator[StartWorld]:
    """Run a site whose charger A is like this, and stop it in the end."""
    # Home Assistant's own fixtures pin the real clock to every loop.
    vars(asyncio.get_running_loop()).pop("time", None)
    async with AsyncExitStack() as stack:

        async def start(settings: SiteSettings, options: ChargerOptions) -> World:
            world = World.running(settings, tmp_path, WorldOptions(chargers={"A": options}))
            return await stack.enter_async_context(world)

        yield start
