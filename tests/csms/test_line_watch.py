"""Peers that vanish without a word, and peers that only seem to have."""

import asyncio

import pytest

from custom_components.balanz.csms import line_watch
from custom_components.balanz.csms.line_watch import watch_line
from custom_components.balanz.csms.rpc_errors import ConnectionLost


class SilentLine:
    """A line on which nothing comes, with pongs as planned."""

    def __init__(self, *pongs: bool | type[ConnectionLost]) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        self.speaks_instead = False
        self.pings = 0
        self.aborted = False
        self._pongs = list(pongs)

    async def ping(self, timeout_s: float) -> bool:
        """Answer as planned, else never."""
        self.pings += 1
        pong = self._pongs.pop(0) if self._pongs else False
        if pong is ConnectionLost:
            raise ConnectionLost(sent=True)
        if pong or self.speaks_instead:
            self.heard_at = asyncio.get_running_loop().time()
        else:
            await asyncio.sleep(timeout_s)
        return bool(pong)

    def abort(self) -> None:
        """Note it."""
        self.aborted = True


@pytest.fixture(autouse=True)
def quick_pongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_watch, "PONG_TIMEOUT_S", 0.01)


async def watch(line: SilentLine, *, for_s: float, silence_limit_s: float) -> None:
    """Watch a line for so long."""
    watching = asyncio.create_task(
        watch_line(line, silence_limit_s=silence_limit_s, ping_after_s=0.01)
    )
    await asyncio.wait([watching], timeout=for_s)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_who_never_answers_a_ping_is_asked_twice_and_kept() -> None:
    line = SilentLine()

    await watch(line, for_s=0.2, silence_limit_s=60.0)

    assert line.pings == 2
    assert not line.aborted


async def test_who_never_answers_a_ping_is_dropped_for_its_silence() -> None:
    line = SilentLine()

    await watch(line, for_s=5.0, silence_limit_s=0.1)

    assert line.aborted


async def test_who_has_answered_and_answers_no_more_has_vanished() -> None:
    line = SilentLine(True, True)

    await watch(line, for_s=5.0, silence_limit_s=60.0)

    assert line.pings == 4
    assert line.aborted


async def test_who_speaks_instead_of_answering_lives() -> None:
    line = SilentLine(True)
    line.speaks_instead = True

    await watch(line, for_s=0.2, silence_limit_s=60.0)

    assert line.pings > 3
    assert not line.aborted


async def test_a_line_that_is_lost_needs_no_watch() -> None:
    line = SilentLine(ConnectionLost)

    await watch(line, for_s=5.0, silence_limit_s=60.0)

    assert line.pings == 1
    assert not line.aborted
