"""balanz between a charger and a back office, on real sockets, where waiting takes no time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms.local_controller.controller import LocalController, Patience
from custom_components.balanz.csms.local_controller.upstream import Backoff
from custom_components.balanz.csms.local_controller.upstream_calls import ProfileDesk
from custom_components.balanz.csms.local_controller.upstream_settings import UpstreamSettings
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import UpstreamLedger
from simulator.virtual_time import VirtualLoop

from ..client import RawCharger, wait_until
from ..conftest import Bench, Dial
from .back_office import BackOffice


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, type[asyncio.SelectorEventLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture(autouse=True)
async def own_time() -> None:
    # Home Assistant's own fixtures pin the real clock to every loop.
    vars(asyncio.get_running_loop()).pop("time", None)


QUICK = Patience(
    backoff=Backoff(first_s=0.02, most_s=0.05, refused_s=0.05), call_timeout_s=1.0, retry_s=0.02
)


class Between:
    """balanz's side: a central system, a ledger, and who is passed on."""

    def __init__(self, central: Bench, office: BackOffice, folder: Path) -> None:
        self.central = central
        self.office = office
        self.ledger = UpstreamLedger(Journal(folder / "upstream.jsonl"))
        self.controllers: dict[str, LocalController] = {}

    def pass_on(
        self,
        charger: str = "CP1",
        *,
        patience: Patience = QUICK,
        profiles: Callable[[], ProfileDesk | None] = lambda: None,
        **settings: Any,
    ) -> LocalController:
        """Put balanz between a charger and the back office."""
        chosen = UpstreamSettings(**({"url": self.office.url} | settings))
        controller = LocalController(
            self.central.stations[charger],
            chosen,
            queue=self.ledger.queue(chosen.leg(charger)),
            tag_desk=self.central.tag_desk,
            transactions=self.central.transactions,
            profiles=profiles,
            patience=patience,
        )
        self.controllers[charger] = controller
        controller.start()
        return controller

    async def close(self) -> None:
        """Stop as Home Assistant does."""
        for controller in self.controllers.values():
            await controller.stop()
        await self.ledger.close()


type PassOn = Callable[..., LocalController]


@pytest.fixture
async def office(socket_enabled: None) -> AsyncGenerator[BackOffice]:
    office = BackOffice()
    await office.start()
    yield office
    await office.stop()


@pytest.fixture
async def between(central: Bench, office: BackOffice, tmp_path: Path) -> AsyncGenerator[Between]:
    between = Between(central, office, tmp_path)
    await between.ledger.open()
    yield between
    await between.close()


@pytest.fixture
async def controller(between: Between) -> LocalController:
    """That of CP1."""
    return between.pass_on()


@pytest.fixture
async def connected(controller: LocalController, dial: Dial, office: BackOffice) -> RawCharger:
    """CP1, booted, and connected to the back office."""
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: controller.connected and "CP1" in office.lines)
    return charger


type Connect = Callable[[], Awaitable[RawCharger]]
