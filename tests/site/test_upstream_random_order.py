"""Whatever happens in whatever order: no limit is above what the site or the back office allows."""

import json
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from custom_components.balanz.site import BalanzSite
from simulator.car import Car
from simulator.charger import SimulatedCharger
from simulator.frames import Direction
from simulator.virtual_time import VirtualClock, virtual_calendar

from ..csms.local_controller.back_office import BackOffice
from .build import accepted_a, pass_s, settings, until
from .conftest import PACKAGE, Bench
from .test_upstreams import passed_on, profile, upstream

RATING_A = 16.0
LEAVES_WITHIN_S = 1.0
CAPACITIES_A = (6.0, 8.0, 11.0, 16.0, 32.0)
LIMITS_A = (0.0, 4.0, 6.0, 9.0, 12.0, 25.0)
PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
EVENTS = st.one_of(
    st.tuples(st.just("capacity"), st.sampled_from(CAPACITIES_A)),
    st.tuples(st.sampled_from(PURPOSES), st.sampled_from(LIMITS_A)),
    st.tuples(st.just("clear"), st.sampled_from(PURPOSES)),
    st.tuples(
        st.sampled_from(
            (
                "clear all",
                "car",
                "charger is cut off",
                "office vanishes",
                "office returns",
                "office is slow",
                "restart",
            )
        ),
        st.none(),
    ),
    st.tuples(st.just("pause"), st.sampled_from((3.0, 40.0))),
)


class Bound:
    """What was allowed when."""

    def __init__(self, now: float, value_a: float) -> None:
        self._history = [(now, value_a)]

    def is_now(self, now: float, value_a: float) -> None:
        """Note a change."""
        self._history.append((now, value_a))

    @property
    def value_a(self) -> float:
        """What is allowed now."""
        return self._history[-1][1]

    def at_most_a(self, at: float) -> float:
        """Return the most that a limit sent at a moment may be: what held a moment before, too."""
        ended = [*(begun for begun, _ in self._history[1:]), float("inf")]
        return max(
            value_a
            for (begun, value_a), end in zip(self._history, ended, strict=True)
            if begun <= at and end >= at - LEAVES_WITHIN_S
        )


class Story:
    """One charger between its site and its back office, and what has happened so far."""

    def __init__(
        self, bench: Bench, office: BackOffice, site: BalanzSite, simulated: SimulatedCharger
    ) -> None:
        self.bench = bench
        self.office = office
        self.site = site
        self.simulated = simulated
        self.settings = replace(settings(passed_on("CP1", office)), port=site.port)
        self.capacity = Bound(0.0, 32.0)
        self.allowed = Bound(0.0, 99.0)
        self.profiles: dict[str, float] = {}
        """The limit of each purpose that the back office has set."""
        self.is_up = True
        self.has_car = True
        self.cut_off_at: list[float] = []

    @classmethod
    @asynccontextmanager
    async def begin(cls) -> AsyncGenerator[Story]:
        async with AsyncExitStack() as stack:
            stack.enter_context(virtual_calendar(PACKAGE))
            folder = Path(stack.enter_context(TemporaryDirectory()))
            office = BackOffice()
            await office.start()
            stack.push_async_callback(office.stop)
            bench = Bench(folder, stack, VirtualClock())
            site = await bench.start(settings(passed_on("CP1", office)))
            simulated = await bench.dial_in(site, "CP1", car=Car())
            await until(lambda: accepted_a(site, "CP1") == RATING_A and office.starts)
            yield cls(bench, office, site, simulated)

    @property
    def now(self) -> float:
        return VirtualClock().seconds()

    async def happen(self, event: str, value: Any) -> None:
        office = self.office
        match event:
            case "capacity":
                self.capacity.is_now(self.now, value)
                await self.site.set_capacity("root", value)
            case "TxProfile" | "TxDefaultProfile" | "ChargePointMaxProfile" if self.can_ask:
                await self._set(event, value)
            case "clear" if self.can_ask:
                self.profiles.pop(value, None)
                self._note()
                await office.ask("ClearChargingProfile", {"chargingProfilePurpose": value})
            case "clear all" if self.can_ask:
                self.profiles.clear()
                self._note()
                await office.ask("ClearChargingProfile", {})
            case "car":
                self._plug()
            case "charger is cut off":
                self.cut_off_at.append(self.now)
                self.simulated.drop_link()
            case "office vanishes" if self.is_up:
                self.is_up = False
                await office.stop()
            case "office returns" if not self.is_up:
                self.is_up = True
                await office.start()
            case "office is slow":
                office.delay_s = 0.0 if office.delay_s else 0.3
            case "restart":
                await self.site.stop()
                self.cut_off_at.append(self.now)
                self.site = await self.bench.start(self.settings)
                self.capacity.is_now(self.now, self.capacity.value_a)
            case "pause":
                await pass_s(value)
        await pass_s(0.2)

    @property
    def can_ask(self) -> bool:
        return (
            self.is_up
            and upstream(self.site).connected
            and self.site.snapshot.chargers["CP1"].connected
        )

    async def end(self) -> None:
        """Bring everything back, and wait until it has come to rest."""
        if not self.is_up:
            await self.happen("office returns", None)
        await until(lambda: self.can_ask and upstream(self.site).waiting == 0)
        least_a = min(self.capacity.value_a, self.allowed.value_a, RATING_A)
        wanted_a = least_a if self.has_car and least_a >= 6.0 else 0.0
        await until(lambda: accepted_a(self.site, "CP1") == wanted_a)

    async def _set(self, purpose: str, limit_a: float) -> None:
        number = PURPOSES.index(purpose) + 1
        asked = profile(limit_a, chargingProfilePurpose=purpose, chargingProfileId=number)
        if purpose == "ChargePointMaxProfile":
            asked["connectorId"] = 0
        if await self.office.ask("SetChargingProfile", asked) == {"status": "Accepted"}:
            self.profiles[purpose] = limit_a
            self._note()

    def _plug(self) -> None:
        if self.has_car:
            self.profiles.pop("TxProfile", None)
            self._note()
            self.simulated.unplug()
        else:
            self.simulated.plug_in(Car())
        self.has_car = not self.has_car

    def _note(self) -> None:
        of_session = self.profiles.get("TxProfile", self.profiles.get("TxDefaultProfile", 99.0))
        most_a = self.profiles.get("ChargePointMaxProfile", 99.0)
        self.allowed.is_now(self.now, min(of_session, most_a))


@pytest.mark.usefixtures("socket_enabled", "own_time")
@examples(
    max_examples=15,
    deadline=None,
    # To make an example smaller would take minutes; it is told as it is.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(EVENTS, min_size=4, max_size=14))
async def test_no_limit_is_above_either_bound(events: list[tuple[str, Any]]) -> None:
    async with Story.begin() as story:
        for event, value in events:
            await story.happen(event, value)
        await story.end()

        for at, limit_a in limits_sent(story):
            assert limit_a <= story.capacity.at_most_a(at)
            assert limit_a <= story.allowed.at_most_a(at)
        assert most_outstanding(story, Direction.RECEIVED) <= 1
        assert most_outstanding(story, Direction.SENT) <= 1
        assert story.office.most_outstanding <= 1
        told = [it["transactionId"] for it in story.office.stops]
        assert told == [it["id"] for it in story.office.starts][: len(told)]


def limits_sent(story: Story) -> list[tuple[float, float]]:
    """Return when the charger was sent which limit."""
    sent = []
    for frame in story.simulated.frames:
        call = json.loads(frame.text)
        if frame.direction is Direction.RECEIVED and call[2:3] == ["SetChargingProfile"]:
            schedule = call[3]["csChargingProfiles"]["chargingSchedule"]
            sent.append((frame.at_s, schedule["chargingSchedulePeriod"][0]["limit"]))
    return sent


def most_outstanding(story: Story, direction: Direction) -> int:
    """Return how many calls of one side waited for an answer at once, at the most."""
    waiting, most, cuts = set[str](), 0, deque(story.cut_off_at)
    for frame in story.simulated.frames:
        kind, message_id, *_ = json.loads(frame.text)
        if cuts and frame.at_s > cuts[0]:
            # What had no answer by then gets none.
            cuts.popleft()
            waiting.clear()
        if kind == 2 and frame.direction is direction:
            waiting.add(message_id)
        elif kind != 2:
            waiting.discard(message_id)
        most = max(most, len(waiting))
    return most
