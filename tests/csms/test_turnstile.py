"""However many chargers speak at once, all else in the event loop comes in between."""

import asyncio

from custom_components.balanz.csms.turnstile import Turnstile


async def rounds_of(crowd: int, turnstile: Turnstile) -> list[int]:
    """Return in which round of the event loop each of a crowd was let in."""
    entered: list[int] = []
    now = 0

    async def enter() -> None:
        await turnstile.enter()
        entered.append(now)

    tasks = [asyncio.create_task(enter()) for _ in range(crowd)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        now += 1
    return entered


async def test_a_few_enter_at_once() -> None:
    assert len(set(await rounds_of(4, Turnstile(at_once=4)))) == 1


async def test_of_a_crowd_only_so_many_enter_in_each_round() -> None:
    rounds = await rounds_of(100, Turnstile(at_once=4))
    assert len(rounds) == 100
    assert max(rounds.count(one) for one in set(rounds)) == 4
    assert max(rounds) - min(rounds) <= 100 / 4 + 1


async def test_who_came_first_enters_first_whoever_comes_meanwhile() -> None:
    turnstile = Turnstile(at_once=2)
    entered: list[int] = []

    async def enter(number: int) -> None:
        await turnstile.enter()
        entered.append(number)

    tasks = []
    for number in range(12):
        tasks.append(asyncio.create_task(enter(number)))
        if number % 6 == 5:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert entered == list(range(12))


async def test_who_hangs_up_while_waiting_holds_nobody_up() -> None:
    turnstile = Turnstile(at_once=1)
    tasks = [asyncio.create_task(turnstile.enter()) for _ in range(4)]
    await asyncio.sleep(0)
    for task in tasks[1:3]:
        task.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [False, True, True, False]


async def test_after_a_crowd_a_few_enter_at_once_again() -> None:
    turnstile = Turnstile(at_once=4)
    await rounds_of(50, turnstile)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(set(await rounds_of(4, turnstile))) == 1
