"""Peers that vanish without a word, and peers that only seem to have."""

import asyncio

import pytest

from custom_components.balanz.csms import line_watch
from custom_components.balanz.csms.line_watch import Pings, watch_line
from custom_components.balanz.csms.rpc_errors import ConnectionLost


class SilentLine:
    """A line on which nothing comes, with pongs as planned."""

    def __init__(self, *pongs: bool | type[ConnectionLost]) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        self.speaks_instead = False
        self.pings = 0
        self.aborted = False
        self.is_lost = False
        self._pongs = list(pongs)

    async def ping(self, timeout_s: float) -> bool:
        """Answer as planned, else never."""
        self.pings += 1
        pong = self._pongs.pop(0) if self._pongs else False
        if pong is ConnectionLost:
            self.is_lost = True
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


async def watch(
    line: SilentLine, pings: Pings | None = None, *, for_s: float, silence_limit_s: float
) -> None:
    """Watch a line for so long."""
    watching = asyncio.create_task(
        watch_line(line, pings or Pings(), silence_limit_s=silence_limit_s, ping_after_s=0.01)
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


async def test_who_hangs_up_twice_when_it_is_pinged_is_asked_no_more() -> None:
    pings = Pings()
    asked = []

    for _ in range(4):
        line = SilentLine(ConnectionLost)
        await watch(line, pings, for_s=0.1, silence_limit_s=60.0)
        asked.append(line.pings)

    assert asked == [1, 1, 0, 0]


async def test_an_answer_in_between_tells_that_the_line_was_lost_by_chance() -> None:
    pings = Pings()

    for answers in ((ConnectionLost,), (True, ConnectionLost)):
        await watch(SilentLine(*answers), pings, for_s=0.1, silence_limit_s=60.0)

    assert pings.allowed


async def test_a_line_that_is_given_up_meanwhile_is_not_the_charger_s_doing() -> None:
    pings = Pings()

    for _ in range(3):
        await watch(SilentLine(), pings, for_s=0.015, silence_limit_s=60.0)

    assert pings.allowed


async def test_who_is_known_to_hang_up_is_judged_by_its_silence() -> None:
    line = SilentLine()

    await watch(line, Pings(are_taken=False), for_s=5.0, silence_limit_s=0.1)

    assert line.pings == 0
    assert line.aborted
