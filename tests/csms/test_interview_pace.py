"""However many chargers come at once, their interviews begin one after the other."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from typing import Any

import pytest

from custom_components.balanz.csms import interview_pace
from custom_components.balanz.csms.interview_pace import AT_ONCE, INTERVAL_S, LULL_S, InterviewPace
from custom_components.balanz.csms.profiles import Limit
from custom_components.balanz.csms.station import LimitAnswer
from simulator.virtual_time import VirtualLoop

from .client import wait_until
from .conftest import Bench, Dial

type Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def run(socket_enabled: None) -> Iterator[Run]:
    """Run something where waiting takes no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner.run


async def beginnings(pace: InterviewPace, count: int) -> list[float]:
    """Return when so many that come now begin, in s from now."""
    loop = asyncio.get_running_loop()
    came_at = loop.time()
    began: list[float] = []

    async def begin() -> None:
        await pace.take()
        began.append(loop.time() - came_at)

    await asyncio.gather(*(begin() for _ in range(count)))
    return began


def test_those_of_a_usual_site_begin_at_once(run: Run) -> None:
    assert run(beginnings(InterviewPace(), AT_ONCE)) == [0.0] * AT_ONCE


def test_a_thousand_chargers_at_once_begin_within_20_s_one_after_the_other(run: Run) -> None:
    began = run(beginnings(InterviewPace(), 1000))

    crowd = began[AT_ONCE - 1 :]
    assert [after - before for before, after in pairwise(crowd)] == pytest.approx(
        [INTERVAL_S] * (len(crowd) - 1)
    )
    assert began[-1] < 20.0


def test_after_a_lull_as_many_begin_at_once_again(run: Run) -> None:
    async def two_crowds() -> list[float]:
        pace = InterviewPace()
        await beginnings(pace, 2 * AT_ONCE)
        await asyncio.sleep(LULL_S)
        return await beginnings(pace, AT_ONCE)

    assert run(two_crowds()) == [0.0] * AT_ONCE


def test_who_leaves_while_waiting_holds_up_nobody(run: Run) -> None:
    async def some_leave() -> list[float]:
        pace = InterviewPace()
        await beginnings(pace, AT_ONCE)
        leaving = [asyncio.create_task(pace.take()) for _ in range(10)]
        await asyncio.sleep(INTERVAL_S / 2)
        for task in leaving:
            task.cancel()
        return await beginnings(pace, 1)

    assert run(some_leave()) == pytest.approx([INTERVAL_S])


def test_what_a_busy_loop_has_missed_does_not_begin_all_at_once(run: Run) -> None:
    async def busy_for_a_second() -> list[float]:
        pace, loop = InterviewPace(), asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        line = asyncio.create_task(beginnings(pace, AT_ONCE + 100))
        await asyncio.sleep(INTERVAL_S / 2)
        loop.now_s += 1.0
        return (await line)[AT_ONCE:]

    late = run(busy_for_a_second())

    assert late[0] == pytest.approx(1.0 + INTERVAL_S / 2)
    assert [after - before for before, after in pairwise(late)] == pytest.approx(
        [INTERVAL_S] * (len(late) - 1)
    )


async def test_who_waits_for_an_interview_is_limited_meanwhile(
    central: Bench, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interview_pace, "INTERVAL_S", 3600.0)
    monkeypatch.setattr(interview_pace, "LULL_S", 3600.0)
    monkeypatch.setattr(interview_pace, "AT_ONCE", 1)
    central.set_known(["CP1", "CP2"])
    first, second = await dial("CP1"), await dial("CP2")
    await first.boot()
    await second.boot()
    await wait_until(lambda: first.received("GetConfiguration"))

    answer = await central.stations["CP2"].set_limit(
        1, Limit(limit_a=6.0, fallback_a=6.0), urgent=True
    )

    assert answer is LimitAnswer.ACCEPTED
    assert not second.received("GetConfiguration")
