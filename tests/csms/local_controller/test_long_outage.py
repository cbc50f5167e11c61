"""A day without a back office, at twenty chargers with a hundred sessions."""

import asyncio

from ..client import wait_until
from ..conftest import Bench, Dial
from .back_office import BackOffice
from .conftest import Between
from .test_forwarding import stop

CHARGERS = [f"CP{number}" for number in range(1, 21)]
SESSIONS = range(5)


async def test_a_hundred_sessions_are_all_told_in_order_afterwards(
    central: Bench, between: Between, office: BackOffice, dial: Dial
) -> None:
    central.set_known(CHARGERS)
    for identity in CHARGERS:
        between.pass_on(identity)
    chargers = [await dial(identity) for identity in CHARGERS]
    await asyncio.gather(*(charger.boot() for charger in chargers))
    await wait_until(lambda: all(it.connected for it in between.controllers.values()))
    await asyncio.gather(*(charger.call("Authorize", {"idTag": "TAG"}) for charger in chargers))
    await office.stop()
    await wait_until(lambda: not any(it.connected for it in between.controllers.values()))

    for session in SESSIONS:
        for charger in chargers:
            start = {
                "connectorId": 1,
                "idTag": "TAG",
                "meterStart": 1000 * session,
                "timestamp": f"2026-11-21T{session:02}:00:00Z",
            }
            started = await charger.call("StartTransaction", start)
            assert started["idTagInfo"] == {"status": "Accepted"}
            await charger.call("StopTransaction", stop(started["transactionId"]))
    await office.start()
    await wait_until(lambda: not any(it.waiting for it in between.controllers.values()))

    assert len(office.starts) == len(office.stops) == 100
    stopped = {it["transactionId"] for it in office.stops}
    for identity in CHARGERS:
        own = [it for it in office.starts if it["charger"] == identity]
        assert [it["meterStart"] for it in own] == [1000 * session for session in SESSIONS]
        assert {it["id"] for it in own} <= stopped
