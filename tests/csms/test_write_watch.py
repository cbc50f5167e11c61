"""A peer that reads nothing more is given up, and one that is slow is not."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from custom_components.balanz.csms.write_watch import WriteWatch
from simulator.virtual_time import VirtualLoop

type Story = Callable[[WriteWatch], Coroutine[Any, Any, None]]


def given_up_after_s(story: Story) -> float | None:
    """Return when a watch of ten seconds has given up; None if it has not within a minute."""

    async def tell() -> float | None:
        loop = asyncio.get_running_loop()
        begun, given_up = loop.time(), asyncio.Event()
        watch = WriteWatch(given_up.set, timeout_s=10.0)
        telling = loop.create_task(story(watch))
        try:
            async with asyncio.timeout(60.0):
                await given_up.wait()
        except TimeoutError:
            return None
        finally:
            telling.cancel()
            watch.stop()
        return loop.time() - begun

    return asyncio.run(tell(), loop_factory=VirtualLoop)


def test_a_write_that_does_not_end_is_waited_for_so_long_and_no_longer() -> None:
    async def story(watch: WriteWatch) -> None:
        watch.begin()
        watch.done()
        await asyncio.sleep(4.0)
        watch.begin()

    assert given_up_after_s(story) == 14.0


def test_writes_that_end_one_after_the_other_are_waited_for() -> None:
    async def story(watch: WriteWatch) -> None:
        for _ in range(10):
            watch.begin()
        for _ in range(9):
            await asyncio.sleep(9.0)
            watch.done()

    assert given_up_after_s(story) is None


def test_of_many_writes_the_last_one_is_missed_too() -> None:
    async def story(watch: WriteWatch) -> None:
        watch.begin()
        watch.begin()
        await asyncio.sleep(3.0)
        watch.done()

    assert given_up_after_s(story) == 13.0


def test_without_writes_nothing_is_given_up() -> None:
    async def story(watch: WriteWatch) -> None:
        watch.begin()
        watch.done()

    assert given_up_after_s(story) is None


def test_a_watch_that_was_stopped_gives_nothing_up() -> None:
    async def story(watch: WriteWatch) -> None:
        watch.begin()
        watch.stop()

    assert given_up_after_s(story) is None
