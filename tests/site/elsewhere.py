"""Steps that are decided beside the event loop, however small the site is."""

import asyncio
from collections.abc import Callable

import pytest

from custom_components.balanz.balancing.control import AllFits, Result
from custom_components.balanz.site import step_worker
from custom_components.balanz.site.step_worker import StepWorker

type Deciding = Callable[[], Result | AllFits]


def decide_elsewhere(monkeypatch: pytest.MonkeyPatch, *, taking_s: float) -> None:
    """From now on each step is decided elsewhere, and pauses wherever it may."""
    decide = StepWorker.decide

    async def slowly(self: StepWorker, deciding: Deciding) -> tuple[Result | AllFits, float]:
        await asyncio.sleep(taking_s)
        return await decide(self, deciding)

    monkeypatch.setattr(StepWorker, "away", True)
    monkeypatch.setattr(StepWorker, "decide", slowly)
    monkeypatch.setattr(step_worker, "PORTION_S", 0.0)
