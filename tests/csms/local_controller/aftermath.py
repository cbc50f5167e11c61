"""What must hold after whatever bad input came from one side or the other."""

import asyncio

from ..client import DEADLINE_S, RawCharger, wait_until
from .back_office import BackOffice
from .conftest import Between


async def goes_on(charger: RawCharger, office: BackOffice, between: Between) -> None:
    """Fail unless both sides are served again, and nothing waits for ever."""
    controller = between.controllers["CP1"]
    charger.answers["Reset"] = {"status": "Accepted"}
    assert await charger.alive()
    heard = len(office.of("Heartbeat"))
    async with asyncio.timeout(DEADLINE_S):
        # The link may be about to break.
        while len(office.of("Heartbeat")) == heard:
            await wait_until(lambda: controller.connected)
            assert await charger.alive()
    assert await office.ask("Reset", {"type": "Soft"}) == {"status": "Accepted"}
    await wait_until(lambda: controller.waiting == 0)
