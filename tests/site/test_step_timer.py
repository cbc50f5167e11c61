"""Steps are taken soon after news, together, and again where one has failed.

At large sites a glance comes first, and a whole step later.
"""

import asyncio
from collections.abc import Coroutine

import pytest

from custom_components.balanz.site.step_timer import (
    COALESCE_S,
    GLANCES,
    RETRY_STEP_S,
    StepTimer,
)
from custom_components.balanz.site.tasks import Tasks

pytestmark = pytest.mark.usefixtures("own_time")


class Steps:
    """Notes when steps are taken; some of them fail, and some take their time.

    Glances find nothing to cut, unless `cuts`; the first may know of another time to look.
    """

    def __init__(
        self,
        *,
        connectors: int = 1,
        failing: int = 0,
        rest_s: float = 0.0,
        cuts: bool = False,
        look_again_at: float | None = None,
    ) -> None:
        self.taken_at: list[float] = []
        self.glances_at: list[float] = []
        self.over_at: list[float] = []
        self._failing = failing
        self._rest_s = rest_s
        self._cuts = cuts
        self._look_again_at = look_again_at
        self.tasks = Tasks()
        self.timer = StepTimer(
            connectors=range(connectors), step=self._step, spawn=self.tasks.spawn
        )

    def _step(self, now: float, is_whole: bool) -> Coroutine[object, object, None] | None:
        if not is_whole:
            self.glances_at.append(now)
            if not self._cuts:
                look_again_at, self._look_again_at = self._look_again_at, None
                self.timer.all_fits(look_again_at)
            return None
        self.taken_at.append(now)
        fails = len(self.taken_at) <= self._failing
        if self._rest_s:
            return self._rest(fails=fails)
        if fails:
            raise RuntimeError("out of order")
        return None

    async def _rest(self, *, fails: bool) -> None:
        await asyncio.sleep(self._rest_s)
        if fails:
            raise RuntimeError("out of order")
        self.over_at.append(self.timer.now())


async def test_before_the_site_runs_no_step_is_taken() -> None:
    steps = Steps()
    steps.timer.soon()
    steps.timer.step()
    await asyncio.sleep(1.0)
    assert steps.taken_at == []


async def test_news_that_come_together_share_a_step() -> None:
    steps = Steps(connectors=250)
    steps.timer.running = True
    begin = steps.timer.now()
    for _ in range(5):
        steps.timer.soon()
        await asyncio.sleep(0.01)
    await asyncio.sleep(1.0)
    assert steps.taken_at == [pytest.approx(begin + 0.2)]


async def test_what_is_urgent_does_not_wait_for_what_is_not() -> None:
    steps = Steps()
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.within(10.0)
    steps.timer.within(0.5)
    await asyncio.sleep(20.0)
    assert steps.taken_at == [pytest.approx(begin + 0.5)]


async def test_what_time_alone_changes_is_gathered_at_a_large_site() -> None:
    steps = Steps(connectors=250)
    steps.timer.running = True
    begin = steps.timer.now()
    for due_in_s in (0.15, 0.0, 0.1):
        steps.timer.by(begin + due_in_s)
    await asyncio.sleep(1.0)
    assert steps.taken_at == [pytest.approx(begin + 0.2)]


async def test_at_usual_sites_each_step_is_a_whole_one() -> None:
    steps = Steps()
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.glance_within(0.5)
    await asyncio.sleep(1.0)
    steps.timer.glance_by(begin + 1.5)
    await asyncio.sleep(1.0)
    assert steps.glances_at == []
    assert steps.taken_at == [pytest.approx(begin + 0.5), pytest.approx(begin + 1.5)]


async def test_news_that_never_end_get_glances_and_now_and_then_a_whole_step() -> None:
    steps = Steps(connectors=250)
    steps.timer.running = True
    begin = steps.timer.now()
    while steps.timer.now() < begin + 2 * GLANCES * 0.2 - 0.01:
        steps.timer.glance_soon()
        await asyncio.sleep(0.01)
    await asyncio.sleep(5.0)
    looked_at = sorted([*steps.glances_at, *steps.taken_at])
    assert looked_at == [pytest.approx(begin + 0.2 * n) for n in range(1, 2 * GLANCES + 1)]
    assert steps.taken_at == [looked_at[GLANCES - 1], looked_at[2 * GLANCES - 1]]


async def test_what_asks_for_a_whole_step_does_not_wait_for_one_that_was_put_off() -> None:
    steps = Steps(connectors=250)
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.glance_soon()
    await asyncio.sleep(0.3)
    steps.timer.within(0.1)
    await asyncio.sleep(2.0)
    assert steps.glances_at == [pytest.approx(begin + 0.2)]
    assert steps.taken_at == [pytest.approx(begin + 0.4)]


async def test_a_glance_that_finds_something_to_cut_is_the_step_that_was_due() -> None:
    steps = Steps(connectors=250, cuts=True)
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.glance_soon()
    await asyncio.sleep(5.0)
    assert steps.glances_at == [pytest.approx(begin + 0.2)]
    assert steps.taken_at == []


async def test_no_time_that_changes_something_is_lost_to_a_glance_before_it() -> None:
    begin = asyncio.get_running_loop().time()
    steps = Steps(connectors=250, look_again_at=begin + 0.6)
    steps.timer.running = True
    steps.timer.glance_by(begin + 0.4)
    steps.timer.glance_soon()
    await asyncio.sleep(5.0)
    expected = [pytest.approx(begin + after_s) for after_s in (0.2, 0.4, 0.6)]
    assert steps.glances_at == expected
    assert steps.taken_at == [pytest.approx(begin + GLANCES * 0.2)]


async def test_a_time_that_has_come_or_comes_later_is_kept() -> None:
    steps = Steps()
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.by(begin - 1.0)
    await asyncio.sleep(1.0)
    steps.timer.by(begin + 3.0)
    await asyncio.sleep(9.0)
    assert steps.taken_at == [pytest.approx(begin + COALESCE_S), pytest.approx(begin + 3.0)]


async def test_a_step_that_fails_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = Steps(failing=1)
    steps.timer.running = True
    steps.timer.step()
    await asyncio.sleep(5.0)
    first_at, *later_at = steps.taken_at
    assert later_at == [pytest.approx(first_at + RETRY_STEP_S)]
    assert "A step failed; it is tried again" in caplog.text


async def test_a_site_that_stops_takes_no_more_steps() -> None:
    steps = Steps()
    steps.timer.running = True
    steps.timer.within(0.5)
    steps.timer.stop()
    await asyncio.sleep(2.0)
    assert steps.taken_at == []


async def test_what_comes_while_a_step_is_under_way_shares_the_one_that_follows() -> None:
    steps = Steps(rest_s=1.0)
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.step()
    for _ in range(5):
        steps.timer.within(0.1)
        await asyncio.sleep(0.15)
    await asyncio.sleep(5.0)
    assert steps.taken_at == [pytest.approx(begin), pytest.approx(begin + 1.0)]
    assert steps.over_at == [pytest.approx(begin + 1.0), pytest.approx(begin + 2.0)]


async def test_what_comes_at_the_very_end_of_a_step_is_gathered_all_the_same() -> None:
    steps = Steps(rest_s=1.0)
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.step()
    assert not steps.timer.is_next_one_due
    await asyncio.sleep(0.99)
    steps.timer.step()
    assert steps.timer.is_next_one_due
    await asyncio.sleep(5.0)
    assert steps.taken_at == [pytest.approx(begin), pytest.approx(begin + 0.99 + COALESCE_S)]


async def test_a_step_that_fails_on_its_way_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = Steps(failing=1, rest_s=1.0)
    steps.timer.running = True
    steps.timer.step()
    await asyncio.sleep(10.0)
    first_at, *later_at = steps.taken_at
    assert later_at == [pytest.approx(first_at + 1.0 + RETRY_STEP_S)]
    assert "A step failed; it is tried again" in caplog.text


async def test_a_step_that_is_overtaken_comes_to_nothing() -> None:
    steps = Steps(rest_s=1.0)
    steps.timer.running = True
    begin = steps.timer.now()
    steps.timer.step()
    await asyncio.sleep(0.5)
    steps.timer.overtake()
    await asyncio.sleep(5.0)
    assert steps.taken_at == [pytest.approx(begin), pytest.approx(begin + 0.5)]
    assert steps.over_at == [pytest.approx(begin + 1.5)]


async def test_a_site_that_stops_ends_the_step_that_is_under_way() -> None:
    steps = Steps(rest_s=1.0)
    steps.timer.running = True
    steps.timer.step()
    steps.timer.step()
    steps.timer.stop()
    await asyncio.sleep(5.0)
    assert len(steps.taken_at) == 1
    assert steps.over_at == []
