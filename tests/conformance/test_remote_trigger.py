"""The published cases of the remote trigger profile for central systems (OCPP 1.6)."""

from typing import Any

import pytest

from .rig import CONNECTORS, Rig, stamp

SAMPLED = {
    "timestamp": stamp(),
    "sampledValue": [{"value": "1500", "measurand": "Energy.Active.Import.Register"}],
}


@pytest.mark.parametrize("status", ["Accepted", "NotImplemented"])
@pytest.mark.parametrize(
    ("message", "payload"),
    [
        ("MeterValues", {"connectorId": 1, "meterValue": [SAMPLED]}),
        ("Heartbeat", {}),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
    ],
)
async def test_tc_054_trigger_message(
    rig: Rig, message: str, payload: dict[str, Any], status: str
) -> None:
    await rig.booted()
    await rig.quiet()
    rig.charger.answers["TriggerMessage"] = {"status": status}
    snake_case = "".join(f"_{c.lower()}" if c.isupper() else c for c in message).lstrip("_")
    answer = await rig.ask("trigger_message", requested_message=snake_case, connector_id=1)
    assert answer["status"] == ("accepted" if status == "Accepted" else "not_implemented")
    assert rig.last("TriggerMessage")["requestedMessage"] == message
    if status == "Accepted":
        await rig.says(message, **payload)


async def test_tc_055_trigger_message_of_a_connector_that_is_not_there(rig: Rig) -> None:
    """It is the charger that refuses: balanz may not know of all its connectors."""
    await rig.booted()
    await rig.quiet()
    rig.charger.answers["TriggerMessage"] = {"status": "Rejected"}
    answer = await rig.ask(
        "trigger_message", requested_message="meter_values", connector_id=CONNECTORS + 1
    )
    assert answer["status"] == "rejected"
    assert rig.last("TriggerMessage")["connectorId"] == CONNECTORS + 1
