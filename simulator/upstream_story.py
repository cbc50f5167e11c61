"""The story of a back office that the demo can tell: what it allows, and how it is cut off."""

import asyncio
from collections.abc import Callable, Sequence

from .back_office import BackOffice
from .car import Car
from .charger import SimulatedCharger

STORY_MINUTES = 4.0
"""After a cut of a minute it may take a minute and a half until balanz dials again."""
ARRIVAL_GAP_S = 15.0
"""So few cars share at first that the limit of the operator is the one that binds."""
LIMITED = (35.0, 65.0)
"""When, in seconds, the operator allows the first charger less."""
LIMIT_A = 8.0
CUT = (75.0, 135.0)
LEAVES_S = 85.0
COMES_S = 100.0
NEXT_CAR = Car(name="comes unseen", phases=3, maximum_a=16.0, needed_wh=20_000.0)


def passed_on(chargers: Sequence[SimulatedCharger]) -> list[SimulatedCharger]:
    """Return the chargers that belong to the back office: all but the last, or the only one."""
    return list(chargers[: max(1, len(chargers) - 1)])


class UpstreamStory:
    """An operator limits a charger for a while; then nobody can reach it for a minute."""

    def __init__(
        self,
        office: BackOffice,
        chargers: Sequence[SimulatedCharger],
        seconds: Callable[[], float],
    ) -> None:
        """Tell of these chargers of the back office; `seconds` have passed since the beginning."""
        self._office = office
        self._limited = chargers[0].identity
        self._visited = chargers[1 % len(chargers)]
        self._seconds = seconds

    async def tell(self) -> None:
        """Let it happen."""
        await self._at(LIMITED[0], f"the operator wants {self._limited} at {LIMIT_A:g} A")
        await self._office.allow(self._limited, LIMIT_A)
        await self._at(LIMITED[1], f"the operator has enough for {self._limited} again")
        await self._office.allow(self._limited, None)
        await self._at(CUT[0], "the link to the back office is cut; balanz shares on")
        await self._office.cut()
        await self._at(LEAVES_S, f"the car at {self._visited.identity} leaves, unseen from there")
        self._visited.unplug()
        await self._at(COMES_S, f"another car comes to {self._visited.identity}")
        self._visited.plug_in(NEXT_CAR)
        await self._at(CUT[1], "the link is mended; balanz dials again in its own time")
        await self._office.start()

    async def _at(self, at_s: float, text: str) -> None:
        await asyncio.sleep(max(0.0, at_s - self._seconds()))
        print(f"--- {self._seconds():.0f} s: {text}", flush=True)
