"""Whose turn it is on a charger's line: a cut waits for nobody who always has another call."""

import asyncio
from contextlib import suppress

import pytest

from custom_components.balanz.csms.outbox import RESERVED_FOR_S, LineQueue
from custom_components.balanz.csms.rpc_errors import ConnectionLost


async def waiting(line: LineQueue, *, urgent: bool = False) -> asyncio.Task[None]:
    """Return a call that waits for the line, if it has to."""
    task = asyncio.create_task(line.acquire(urgent=urgent, timeout_s=60.0))
    await asyncio.sleep(0)
    return task


async def test_a_line_that_is_reserved_is_left_free_for_an_urgent_call() -> None:
    line = LineQueue()
    await line.acquire(urgent=False, timeout_s=1.0)
    next_one = await waiting(line)

    line.reserve()
    line.release()
    late_comer = await waiting(line)
    assert not line.busy
    urgent = await waiting(line, urgent=True)

    assert urgent.done()
    assert not next_one.done()
    line.release()
    await next_one
    line.release()
    await late_comer


async def test_without_an_urgent_call_it_goes_on_after_a_moment() -> None:
    line = LineQueue()
    loop = asyncio.get_running_loop()
    await line.acquire(urgent=False, timeout_s=1.0)
    next_one = await waiting(line)

    line.reserve()
    line.release()
    line.reserve()
    began_at = loop.time()
    await next_one

    assert loop.time() - began_at == pytest.approx(RESERVED_FOR_S)


async def test_an_urgent_call_that_waits_already_has_it_at_once() -> None:
    line = LineQueue()
    await line.acquire(urgent=False, timeout_s=1.0)
    next_one, urgent = await waiting(line), await waiting(line, urgent=True)

    line.reserve()
    line.release()
    await urgent
    line.release()
    await next_one

    assert line.busy


async def test_a_free_line_needs_no_reservation() -> None:
    line = LineQueue()

    line.reserve()

    assert (await waiting(line)).done()


async def test_a_line_that_is_lost_keeps_nobody_waiting() -> None:
    line = LineQueue()
    await line.acquire(urgent=False, timeout_s=1.0)
    next_one = await waiting(line)
    line.reserve()
    line.release()

    line.fail()

    with suppress(ConnectionLost):
        await next_one
        pytest.fail("the line is lost")
    await asyncio.sleep(2 * RESERVED_FOR_S)
    assert not line.busy
