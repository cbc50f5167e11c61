"""Waiting for what is about to come true, in real seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(come_true: Callable[[], object], what: str, limit_s: float = 60) -> None:
    """Wait for something to come true."""

    async def ask() -> bool:
        return bool(come_true())

    await until_asked(ask, what, limit_s)


async def until_asked(
    come_true: Callable[[], Awaitable[bool]], what: str, limit_s: float = 60
) -> None:
    """Wait for something to come true that somebody else has to be asked about."""
    deadline = time.monotonic() + limit_s
    while not await come_true():
        assert time.monotonic() < deadline, f"not within {limit_s} s: {what}"
        await asyncio.sleep(0.05)
