"""Section D: well-formed calls with something wrong in them, or too many of them."""

from typing import Any

from .rows import MessageRow, Outcome, Refused, Served

OURS = "$the transaction that runs"
THEIRS = "$the transaction of another charger"
START = {"connectorId": 1, "idTag": "A", "meterStart": 100, "timestamp": "2026-01-01T00:00:00Z"}
STOP = {"transactionId": OURS, "meterStop": 200, "timestamp": "2026-01-01T01:00:00Z"}
BOOT = {"chargePointVendor": "Simple", "chargePointModel": "One"}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
RUNNING = (("StartTransaction", START),)
SERVED = Served()
ACCEPTED = Served(has={"status": "Accepted"})
STARTED = Served(has={"transactionId": ..., "idTagInfo": ...})
WRONG_TYPE = Refused(code="TypeConstraintViolation")
STARTS, STOPS = ("TransactionStarted",), ("TransactionStopped",)
METERED = ("MeterValuesReceived",)


def row(
    row_id: str, case: str, then: Outcome, action: str, payload: Any, *emits: str, **options: Any
) -> MessageRow:
    """Return a row of this section."""
    return MessageRow(
        id=row_id, case=case, action=action, payload=payload, then=then, emits=emits, **options
    )


def status(**fields: Any) -> dict[str, Any]:
    """Return a status that differs from a good one."""
    return STATUS | fields


def sample(value: Any = "6", *, timestamp: Any = "$now", **fields: Any) -> dict[str, Any]:
    """Return meter values with one sample, of now."""
    sampled = {"value": value, "measurand": "Current.Import", "unit": "A"} | fields
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": timestamp, "sampledValue": [sampled]}],
    }


def energy(value: str, unit: str = "Wh") -> dict[str, Any]:
    """Return the energy register as one sample of now."""
    return sample(value, measurand="Energy.Active.Import.Register", unit=unit)


EMPTY = ({"connectorId": 1, "meterValue": []},
         {"connectorId": 1, "meterValue": [{"timestamp": "$now", "sampledValue": []}]})  # fmt: skip
FAST = {"messages_per_s": 5000.0}
"""How fast a charger may talk is not what floods are about, but whether all of it is served."""
FLOOD: dict[str, Any] = {"times": 10_000, "settings": FAST}
INJECTIONS = ("{{ 7*7 }}", "<script>", "a\n[ERROR] b", "=cmd()")

PAYLOADS = (
    row("C53", "a burst after hours offline", Served(has={"currentTime": ...}), "Heartbeat", {},
        times=5000, settings=FAST),
    row("D01", "no model", ACCEPTED, "BootNotification", {"chargePointVendor": "x"}),
    row("D02", "a field that nobody knows", Served(has={"currentTime": ...}), "Heartbeat",
        {"extra": 1}),
    row("D03", "a vendor of 60 characters", ACCEPTED, "BootNotification",
        BOOT | {"chargePointVendor": "v" * 60}),
    row("D03", "a tag of 21 characters", Served(has={"idTagInfo": {"status": "Invalid"}}),
        "Authorize", {"idTag": "t" * 21}),
    *(row("D04", f"connector {value!r}", SERVED, "StatusNotification", status(connectorId=value),
          "StatusChanged") for value in ("1", " 1 ", 1.0)),
    *(row("D05", f"connector {value!r}", WRONG_TYPE, "StatusNotification",
          status(connectorId=value)) for value in (True, None, 1.5)),
    *(row("D06", f"the status of connector {value}", SERVED, "StatusNotification",
          status(connectorId=value)) for value in (-5, 99, 10**6)),
    *(row("D06", f"a start at connector {value}", STARTED, "StartTransaction",
          START | {"connectorId": value}) for value in (-5, 99, 10**6)),
    row("D07", "a start at connector 0", STARTED, "StartTransaction", START | {"connectorId": 0},
        *STARTS),
    row("D08", "an error that is none", SERVED, "StatusNotification", status(errorCode="Error"),
        "StatusChanged"),
    row("D08", "a status without capitals", SERVED, "StatusNotification",
        status(status="preparing"), "StatusChanged"),
    row("D08", "a status that is none", SERVED, "StatusNotification", status(status="Dancing")),
    *(row("D09", f"{name} {value}", SERVED, "MeterValues", sample(**{name: value}))
      for name, value in (("unit", "Hz"), ("unit", "Celcius"), ("measurand", "Mood"),
                          ("phase", "L1-L2-L3"))),
    *(row("D10", f"the value {value!r}", SERVED, "MeterValues", sample(value))
      for value in ("", "NaN", "inf", "1e400", "--")),
    row("D10", "the value is a number", SERVED, "MeterValues", sample(5), *METERED),
    row("D11", "a million amperes", SERVED, "MeterValues", sample("1e6")),
    row("D11", "amperes below zero", SERVED, "MeterValues", sample("-40")),
    row("D11", "three megawatts", SERVED, "MeterValues",
        sample("3e6", measurand="Power.Active.Import", unit="W")),
    row("D12", "a register that falls", SERVED, "MeterValues", energy("5"), *METERED,
        before=(("MeterValues", energy("5000")),)),
    row("D12", "a register in another unit than before", SERVED, "MeterValues",
        energy("5", "kWh"), *METERED, before=(("MeterValues", energy("5000")),)),
    *(row("D13", "an empty list", SERVED, "MeterValues", payload) for payload in EMPTY),
    *(row("D14", f"the time {value!r}", SERVED, "MeterValues", sample(timestamp=value), *METERED)
      for value in (None, "", "yesterday")),
    *(row("D14", f"a start at {value!r}", STARTED, "StartTransaction",
          START | {"timestamp": value}, *STARTS)
      for value in ("", "yesterday", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z",
                    "2026-01-01T00:00:00", "2026-01-01T00:00:00+02:00",
                    "2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:60Z")),
    row("D15", "a start with a tag that nobody knows", STARTED, "StartTransaction",
        START | {"idTag": "stranger"}, *STARTS),
    row("D15", "a start with a tag that cannot be", STARTED, "StartTransaction",
        START | {"idTag": "t" * 40}, *STARTS),
    row("D16", "a start where one runs", STARTED, "StartTransaction", START | {"meterStart": 150},
        *STOPS, *STARTS, before=RUNNING),
    row("D17", "the same start again", Served(has={"transactionId": OURS}), "StartTransaction",
        START, before=RUNNING),
    *(row("D18", f"the stop of {value}", SERVED, "StopTransaction", STOP | {"transactionId": value},
          before=RUNNING) for value in (4711, 0, -1, THEIRS)),
    row("D18", "the stop of -1, with the tag that charges", SERVED, "StopTransaction",
        STOP | {"transactionId": -1, "idTag": "A"}, *STOPS, before=RUNNING),
    row("D19", "a stop without a tag", SERVED, "StopTransaction", STOP, *STOPS, before=RUNNING),
    row("D20", "a stop twice", SERVED, "StopTransaction", STOP,
        before=(*RUNNING, ("StopTransaction", STOP))),
    row("D21", "a meter that ends below its start", SERVED, "StopTransaction",
        STOP | {"meterStop": 50}, *STOPS, before=RUNNING),
    *(row("D22", f"values of transaction {value}", SERVED, "MeterValues",
          sample() | {"transactionId": value}, *METERED, before=RUNNING)
      for value in (4711, -1, THEIRS)),
    row("D22", "values after the stop", SERVED, "MeterValues", sample() | {"transactionId": OURS},
        *METERED, before=(*RUNNING, ("StopTransaction", STOP))),
    row("D23", "values of two years ago", SERVED, "MeterValues",
        sample(timestamp="2024-01-01T00:00:00Z")),
    row("D23", "values of times to come", SERVED, "MeterValues",
        sample(timestamp="2098-01-01T00:00:00Z")),
    row("D24", "connector 0 charges", SERVED, "StatusNotification", status(connectorId=0),
        "StatusChanged"),
    row("D25", "a boot in the middle of a transaction", ACCEPTED, "BootNotification", BOOT,
        before=RUNNING),
    row("D26", "a call before it is accepted", Refused(code="SecurityError"), "MeterValues",
        sample(), pending=True),
    row("D27", "values without a boot", SERVED, "MeterValues", sample(), *METERED, boots=False),
    row("D28", "a start without a boot, as the first word", STARTED, "StartTransaction", START,
        *STARTS, boots=False),
    row("D29", "data of a vendor that nobody knows", Served(has={"status": "UnknownVendorId"}),
        "DataTransfer", {"vendorId": "x"}),
    row("D29", "data as an object", Served(has={"status": "UnknownVendorId"}), "DataTransfer",
        {"vendorId": "x", "data": {"a": 1}}),
    row("D29", "200 KB of data", Served(has={"status": "UnknownVendorId"}), "DataTransfer",
        {"vendorId": "x", "data": "x" * 200_000}),
    row("D30", "ten thousand security events", SERVED, "SecurityEventNotification",
        {"type": "x" * 500, "timestamp": "$now"}, **FLOOD),
    row("D31", "a request that is none", Served(has={"status": "Rejected"}), "SignCertificate",
        {"csr": "junk"}),
    row("D31", "a request of 200 KB", Served(has={"status": "Rejected"}), "SignCertificate",
        {"csr": "x" * 200_000}),
    row("D32", "twelve hundred heartbeats", Served(has={"currentTime": ...}), "Heartbeat", {},
        times=1200),
    row("D36", "ten thousand tags", Served(has={"idTagInfo": ...}), "Authorize",
        {"idTag": "$number"}, **FLOOD),
    *(row("D37", f"a vendor called {value!r}", ACCEPTED, "BootNotification",
          BOOT | {"chargePointVendor": value}) for value in INJECTIONS),
    row("D41", "ten thousand connectors", SERVED, "StatusNotification",
        status(connectorId="$number"), *["StatusChanged"] * 16, **FLOOD),
    row("D42", "a clock that is two hours ahead", SERVED, "MeterValues",
        sample(timestamp="$in two hours")),
)  # fmt: skip
