from collections.abc import AsyncIterator

import pytest

from simulator.home_assistant import HassProcess, free_port


@pytest.fixture(scope="module")
async def home_assistant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HassProcess]:
    """A new Home Assistant, shared by the tests of a file."""
    async with HassProcess(tmp_path_factory.mktemp("config"), free_port()) as process:
        yield process
