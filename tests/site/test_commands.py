"""What a user asks of a charger, and the refusals."""

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.csms.station_errors import CommandRejected, StationUnreachable
from simulator.car import Car

from .build import accepted_a, charger, connector, settings, until
from .conftest import Bench

A = ConnectorKey("A", 1)


async def test_a_session_is_started_and_stopped_from_afar(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car(), charges_freely=False)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await site.remote_start(A)
    await until(lambda: simulated.currents_a[0] == 16.0)
    await until(lambda: connector(site, "A").session_started_at is not None)
    await site.remote_stop(A)
    await until(lambda: simulated.transaction_id is None)
    await until(lambda: connector(site, "A").charging is False)


async def test_what_cannot_be_done_is_told(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    with pytest.raises(StationUnreachable):
        await site.remote_start(A)
    with pytest.raises(StationUnreachable):
        await site.reset("A")
    with pytest.raises(StationUnreachable):
        await site.reset("nobody")
    await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    with pytest.raises(CommandRejected):
        await site.remote_stop(A)
    with pytest.raises(CommandRejected):
        await site.remote_start(ConnectorKey("A", 7))
