from collections.abc import AsyncIterator, Callable, Generator

import pytest

from simulator.home_assistant import HassProcess, free_port

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether a test has failed."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def has_failed(request: pytest.FixtureRequest) -> Callable[[], bool]:
    """Tell a fixture, once it is resumed, whether its test has failed."""
    return lambda: request.node.stash.get(_FAILED, False)


@pytest.fixture(scope="module")
async def home_assistant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HassProcess]:
    """A new Home Assistant, shared by the tests of a file."""
    async with HassProcess(tmp_path_factory.mktemp("config"), free_port()) as process:
        yield process
