"""What a user asks of a charger, and the refusals."""

from dataclasses import replace

import pytest

from custom_components.balanz.balancing.model import ConnectorKey
from custom_components.balanz.csms.command_values import CommandStatus, MessageTrigger
from custom_components.balanz.csms.guarded_keys import KeyWarning
from custom_components.balanz.csms.station_errors import CommandRejected, StationUnreachable
from simulator.car import Car
from simulator.configuration import Access

from .build import accepted_a, charger, connector, settings, until
from .conftest import Bench

A = ConnectorKey("A", 1)


async def test_a_session_is_started_and_stopped_from_afar(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A", car=Car(), charges_freely=False)
    await until(lambda: accepted_a(site, "A") == 16.0)
    await site.remote.start(A)
    await until(lambda: simulated.currents_a[0] == 16.0)
    await until(lambda: connector(site, "A").session_started_at is not None)
    await site.remote.stop(A)
    await until(lambda: simulated.transaction_id is None)
    await until(lambda: connector(site, "A").charging is False)


async def test_what_cannot_be_done_is_told(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    with pytest.raises(StationUnreachable):
        await site.remote.start(A)
    with pytest.raises(StationUnreachable):
        await site.remote.reset("A")
    with pytest.raises(StationUnreachable):
        await site.remote.reset("nobody")
    await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    with pytest.raises(CommandRejected):
        await site.remote.stop(A)
    with pytest.raises(CommandRejected):
        await site.remote.start(ConnectorKey("A", 7))


async def test_a_configuration_is_changed_and_what_that_spoils_is_told(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)

    change = await site.remote.change_configuration("A", "HeartbeatInterval", "3600")
    refused = await site.remote.change_configuration("A", "NumberOfConnectors", "0")

    assert (change.status, change.warning) == (
        CommandStatus.ACCEPTED,
        KeyWarning.HEARTBEAT_TOO_SELDOM,
    )
    assert simulated.station.configuration.text("HeartbeatInterval") == "3600"
    assert (refused.status, refused.warning) == (CommandStatus.REJECTED, None)


async def test_what_limits_a_charger_takes_is_asked_again_once_that_was_changed(
    bench: Bench,
) -> None:
    site = await bench.start(settings(charger("A")))
    simulated = await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    key = "ChargingScheduleMaxPeriods"
    entries = simulated.station.configuration._entries
    entries[key] = replace(
        entries[key], access=Access.READ_WRITE, accepts=lambda text: text.isdigit()
    )

    await site.remote.change_configuration("A", key, "1")

    assert site.remote.station("A").capabilities.max_periods == 1


async def test_a_session_is_known_by_its_number(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    assert site.remote.transaction_id(ConnectorKey("nobody", 1)) is None
    simulated = await bench.dial_in(site, "A", car=Car())
    await until(lambda: simulated.transaction_id is not None)

    assert site.remote.transaction_id(A) == simulated.transaction_id
    assert await site.remote.start_transaction("A", "TAG", 1) is CommandStatus.REJECTED


async def test_how_a_firmware_update_goes_is_shown(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await bench.dial_in(site, "A")
    await until(lambda: accepted_a(site, "A") == 0.0)
    assert site.snapshot.chargers["A"].firmware_status is None

    for message in MessageTrigger:
        if "status" in message and message is not MessageTrigger.STATUS_NOTIFICATION:
            await site.remote.commands("A").trigger_message(message)

    await until(lambda: site.snapshot.chargers["A"].firmware_status == "Idle")
    assert site.snapshot.chargers["A"].diagnostics_status == "Idle"
