"""Real sites on real sockets and files, and chargers that dial in to them.

They live in a loop in which waiting takes no time at all, or, in modules marked `hurried`, whose
tests stop threads, in one that is only faster.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.site import BalanzSite
from custom_components.balanz.site.settings import SiteSettings
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.options import ChargerOptions
from simulator.virtual_time import VirtualClock, VirtualLoop, virtual_calendar

from .hurried import HurriedLoop, LoopClock

PACKAGE = "custom_components.balanz"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[asyncio.SelectorEventLoop]]:
    if item.get_closest_marker("hurried") is not None:
        return {"hurried": HurriedLoop}
    return {"virtual": VirtualLoop}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "hurried: waiting takes some of its time")


class Bench:
    """Starts sites and chargers, and stops them all in the end."""

    def __init__(self, folder: Path, stack: AsyncExitStack, clock: Clock) -> None:
        self.folder = folder
        self._stack = stack
        self._clock = clock

    async def start(
        self,
        settings: SiteSettings,
        *,
        folder: Path | None = None,
        expected_files: frozenset[str] = frozenset(),
    ) -> BalanzSite:
        site = BalanzSite(
            settings=settings,
            storage_path=folder or self.folder,
            expected_files=expected_files,
        )
        self._stack.push_async_callback(site.stop)
        await site.start()
        return site

    async def dial_in(
        self,
        site: BalanzSite,
        identity: str,
        *,
        car: Car | None = None,
        rating_a: float = 16.0,
        phases: int = 3,
        faults: Faults | None = None,
        **options: Any,
    ) -> SimulatedCharger:
        """Switch on a charger, with a car plugged in if one is given."""
        charger = SimulatedCharger(
            identity,
            f"ws://127.0.0.1:{site.port}",
            rating_a=rating_a,
            phases=phases,
            car=car,
            clock=self._clock,
            options=replace(ChargerOptions(tick_s=0.5, reconnect_s=0.5), **options),
            faults=faults,
        )
        self._stack.push_async_callback(charger.stop)
        await charger.start()
        return charger


@pytest.fixture
async def own_time() -> None:
    # Home Assistant's own fixtures pin the real clock to every loop.
    vars(asyncio.get_running_loop()).pop("time", None)


@pytest.fixture
async def bench(socket_enabled: None, own_time: None, tmp_path: Path) -> AsyncGenerator[Bench]:
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        clock: Clock = LoopClock()
        if isinstance(loop, VirtualLoop):
            clock = VirtualClock()
            stack.enter_context(virtual_calendar(PACKAGE))
        yield Bench(tmp_path / "site", stack, clock)
