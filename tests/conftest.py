"""What all tests have in common: how closely their event loops look at themselves."""

import asyncio
from asyncio import constants

import pytest

from simulator.virtual_time import VirtualLoop

# The frames that a loop in debug mode keeps of whoever schedules a callback or makes a future cost
# more than most tests themselves. What it checks, such as calls from another thread, it checks
# without them.
vars(constants)["DEBUG_STACK_DEPTH"] = 0


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Do as Home Assistant's own fixture of this name, but for loops whose time is not real.

    Those have no threads to be called from, and would log each wait as a poll that took long.
    """
    loop = asyncio.get_running_loop()
    loop.set_debug(not isinstance(loop, VirtualLoop))
    # This is all that futures ask, who know no depth and would keep the whole stack.
    vars(loop)["get_debug"] = lambda: False
