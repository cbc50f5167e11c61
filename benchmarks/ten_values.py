"""A MeterValues as a usual three-phase charger sends it while a car charges: ten values."""

import json
from datetime import UTC, datetime

VOLTAGE_V = 230.0


def ten_values(
    message_id: str, *, current_a: float, energy_wh: float, transaction_id: int | None = None
) -> str:
    """Return the text of the call, measured now, with the current on each of the three lines."""
    stamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    lines = ("L1", "L2", "L3")
    per_line = (
        ("Current.Import", "A", lines, current_a),
        ("Power.Active.Import", "W", lines, current_a * VOLTAGE_V),
        ("Voltage", "V", ("L1-N", "L2-N", "L3-N"), VOLTAGE_V),
    )
    sampled_values = [
        {"measurand": "Energy.Active.Import.Register", "unit": "Wh", "value": f"{energy_wh:.0f}"},
        *(
            {"measurand": measurand, "unit": unit, "phase": line, "value": f"{value:.1f}"}
            for measurand, unit, named, value in per_line
            for line in named
        ),
    ]
    for sampled_value in sampled_values:
        sampled_value |= {"context": "Sample.Periodic", "format": "Raw", "location": "Outlet"}
    payload: dict[str, object] = {"connectorId": 1}
    if transaction_id is not None:
        payload["transactionId"] = transaction_id
    payload["meterValue"] = [{"timestamp": stamp, "sampledValue": sampled_values}]
    return json.dumps([2, message_id, "MeterValues", payload], separators=(",", ":"))
