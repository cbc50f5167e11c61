"""A back office that limits a car sees the same without balanz, through it, and through two.

balanz answers for the profiles in the place of the charger then, and has a profile of its own in
it. What the back office is answered, what it is told of transactions, and what the car draws is the
same.
"""

from collections.abc import AsyncGenerator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from custom_components.balanz.csms.local_controller.upstream_settings import UpstreamSettings
from simulator.car import Car
from simulator.charger import SimulatedCharger

from ..csms.local_controller.back_office import BackOffice
from .build import charger, settings, until
from .conftest import Bench
from .test_upstreams import profile

TOLD = ("Authorize", "BootNotification", "DataTransfer", "StartTransaction", "StopTransaction")
"""What is compared of what the charger says: the rest is of measurements and of time."""
VARIES = ("timestamp", "meterStart", "meterStop", "transactionData")


class Seen:
    """What has been seen of a scenario."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, Any]] = []
        self.currents_a: list[float] = []
        self.told: list[tuple[str, dict[str, Any]]] = []


def of_the_whole_charger(limit_a: float) -> dict[str, Any]:
    """A profile that has been in force for long."""
    most = profile(limit_a, chargingProfilePurpose="ChargePointMaxProfile", chargingProfileId=80)
    fields = most["csChargingProfiles"]
    fields["chargingProfileKind"] = "Absolute"
    fields["chargingSchedule"]["startSchedule"] = "2020-01-01T00:00:00Z"
    return most | {"connectorId": 0}


async def play(office: BackOffice, simulated: SimulatedCharger) -> Seen:
    """Have a back office start, limit and stop a session."""
    seen = Seen()

    async def ask(action: str, **payload: Any) -> None:
        answer = await office.ask(action, payload)
        if action == "GetCompositeSchedule":
            periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
            answer = {it["limit"] for it in periods}
        seen.answers.append((action, answer))

    async def draws(current_a: float) -> None:
        await until(lambda: simulated.currents_a[0] == current_a)
        seen.currents_a.append(current_a)

    def of_session(limit_a: float, number: int) -> dict[str, Any]:
        changes = {"chargingProfilePurpose": "TxProfile", "chargingProfileId": 78}
        return profile(limit_a, **changes, transactionId=number)

    first = profile(12.0, chargingProfilePurpose="TxProfile")["csChargingProfiles"]
    await ask("RemoteStartTransaction", idTag="TAG", connectorId=1, chargingProfile=first)
    await draws(12.0)
    number = office.starts[0]["id"]
    await ask("SetChargingProfile", **of_session(7.0, number))
    await draws(7.0)
    await ask("SetChargingProfile", **of_session(6.0, number + 1))
    await ask("GetCompositeSchedule", connectorId=1, duration=60)
    await ask("ClearChargingProfile", id=78)
    await ask("SetChargingProfile", **profile(9.0, chargingProfileId=79))
    await ask("SetChargingProfile", **of_the_whole_charger(8.0))
    await draws(8.0)
    await ask("ClearChargingProfile", chargingProfilePurpose="ChargePointMaxProfile")
    await draws(9.0)
    await ask("ClearChargingProfile")
    await draws(16.0)
    await ask("ClearChargingProfile", id=79)
    await ask("RemoteStopTransaction", transactionId=number + 1)
    await ask("RemoteStopTransaction", transactionId=number)
    await draws(0.0)
    await until(lambda: office.stops)
    seen.told = [
        (action, {key: it for key, it in payload.items() if key not in VARIES})
        for action, payload in office.received
        if action in TOLD
    ]
    return seen


@pytest.fixture
async def offices(socket_enabled: None) -> AsyncGenerator[list[BackOffice]]:
    offices = [BackOffice() for _ in range(2)]
    for office in offices:
        await office.start()
    yield offices
    for office in offices:
        await office.stop()


@pytest.mark.parametrize("balanzes", [1, 2])
async def test_a_back_office_sees_the_same_with_balanz_in_between(
    bench: Bench, offices: list[BackOffice], balanzes: int
) -> None:
    seen = []
    for office, count in zip(offices, (0, balanzes), strict=True):
        dialled: Any = SimpleNamespace(port=office.port)
        for number in range(count):
            above = UpstreamSettings(url=f"ws://127.0.0.1:{dialled.port}/ocpp")
            folder = bench.folder / str(number)
            dialled = await bench.start(settings(charger("CP1", upstream=above)), folder=folder)
        simulated = await bench.dial_in(dialled, "CP1", car=Car(), charges_freely=False)
        await until(partial(office.of, "BootNotification"))
        await until(partial(office.of, "StatusNotification"))
        seen.append(await play(office, simulated))
        await simulated.stop()

    directly, behind = seen
    assert behind.answers == directly.answers
    assert behind.currents_a == directly.currents_a
    assert behind.told == directly.told
