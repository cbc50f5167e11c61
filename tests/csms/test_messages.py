"""What a charger says, and what it gets for it."""

import asyncio
import errno
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.csms.events import (
    ConnectorsCounted,
    ConnectorStatus,
    DiagnosticsStatusChanged,
    FirmwareStatusChanged,
    MeterValuesReceived,
    StationReady,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from custom_components.balanz.csms.meter_quirks import MeterQuirks
from custom_components.balanz.csms.quirks import Quirks
from custom_components.balanz.csms.transactions import IMPLICIT, StartContent
from custom_components.balanz.storage.journal import Journal

from .client import RawCharger, check_result, wait_until
from .conftest import Bench, Dial

START = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": "2026-03-01T12:00:00Z"}
STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def now_text(offset: timedelta = timedelta(0)) -> str:
    return (datetime.now(UTC) + offset).isoformat()


def meter_values(*amperes: float, at: str | None = None, **fields: Any) -> dict[str, Any]:
    samples = [
        {"value": str(current_a), "measurand": "Current.Import", "unit": "A", "phase": f"L{line}"}
        for line, current_a in enumerate(amperes, start=1)
    ]
    stamp = {} if at is None else {"timestamp": at}
    energy = {"value": "1000"}
    return {
        "connectorId": 1,
        "meterValue": [{**stamp, "sampledValue": [*samples, energy]}],
    } | fields


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("Authorize", {"idTag": "TAG"}, {"idTagInfo": {"status": "Accepted"}}),
        ("Authorize", {"idTag": "T" * 21}, {"idTagInfo": {"status": "Invalid"}}),
        ("Authorize", {"idTag": "T\0"}, {"idTagInfo": {"status": "Invalid"}}),
        ("Authorize", {}, {"idTagInfo": {"status": "Invalid"}}),
        ("DataTransfer", {"vendorId": "x"}, {"status": "UnknownVendorId"}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}, {}),
        ("FirmwareStatusNotification", {"status": "Idle"}, {}),
        ("LogStatusNotification", {"status": "Idle"}, {}),
        ("SecurityEventNotification", {"type": "x", "timestamp": "2026-03-01T12:00:00Z"}, {}),
        ("SignCertificate", {"csr": "x"}, {"status": "Rejected"}),
        ("SignedFirmwareStatusNotification", {"status": "Idle"}, {}),
        ("MeterValues", {}, {}),
        ("MeterValues", {"connectorId": 1, "meterValue": []}, {}),
        ("StopTransaction", {"transactionId": 4711, "meterStop": 1, "timestamp": "x"}, {}),
        ("StopTransaction", {"transactionId": -1}, {}),
    ],
)
async def test_the_answer_to_a_message(
    charger: RawCharger, action: str, payload: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert await charger.call(action, payload) == answer
    await check_result(action, answer)


async def test_a_heartbeat_tells_the_time_anew_even_under_an_old_message_id(
    charger: RawCharger,
) -> None:
    answer = await charger.call("Heartbeat", {}, "same-id")

    await check_result("Heartbeat", answer)
    assert answer["currentTime"].endswith("Z")
    assert await charger.call("Heartbeat", {}, "same-id")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Available", ConnectorStatus.AVAILABLE),
        ("SuspendedEVSE", ConnectorStatus.SUSPENDED_EVSE),
        ("preparing", ConnectorStatus.PREPARING),
    ],
)
async def test_a_status_becomes_an_event(
    central: Bench, charger: RawCharger, status: str, expected: ConnectorStatus
) -> None:
    payload = {"connectorId": 1, "status": status, "errorCode": "NoError", "timestamp": now_text()}

    assert await charger.call("StatusNotification", payload) == {}

    assert central.seen(StatusChanged) == [
        StatusChanged(identity="CP1", connector=1, status=expected, error_code="NoError")
    ]
    assert central.stations["CP1"].statuses == {1: expected}
    assert central.stations["CP1"].clock_skew_s == pytest.approx(0, abs=2)


@pytest.mark.parametrize(
    "odd",
    [
        {"connectorId": 1, "status": "Dreaming"},
        {"connectorId": 17, "status": "Available"},
        {"connectorId": -5, "status": "Available"},
    ],
)
async def test_a_status_that_makes_no_sense_is_answered_and_ignored(
    central: Bench, charger: RawCharger, odd: dict[str, Any]
) -> None:
    assert await charger.call("StatusNotification", {"errorCode": "NoError"} | odd) == {}

    assert not central.seen(StatusChanged)


async def test_a_status_that_comes_too_late_is_not_taken_for_what_is_so_now(
    central: Bench, charger: RawCharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.balanz.csms.status_order.ASKED_AFTER_S", 0.1)
    payload = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
    await charger.call("StatusNotification", payload | {"timestamp": now_text()})
    asked = {"requestedMessage": "StatusNotification", "connectorId": 1}
    await wait_until(lambda: asked in charger.received("TriggerMessage"))
    charger.calls.clear()

    kept = {"status": "Available", "timestamp": "2026-01-01T12:00:00Z"}
    assert await charger.call("StatusNotification", payload | kept) == {}

    assert central.stations["CP1"].statuses == {1: ConnectorStatus.CHARGING}
    await wait_until(lambda: asked in charger.received("TriggerMessage"))


async def test_a_higher_connector_is_counted(central: Bench, charger: RawCharger) -> None:
    for connector in (0, 2, 1):
        payload = {"connectorId": connector, "status": "Available", "errorCode": "NoError"}
        await charger.call("StatusNotification", payload)

    assert [event.count for event in central.seen(ConnectorsCounted)] == [2]


async def test_fresh_meter_values_become_an_event(central: Bench, charger: RawCharger) -> None:
    await charger.call("MeterValues", meter_values(10, 11, 12, at=now_text()))

    (event,) = central.seen(MeterValuesReceived)
    assert event.connector == 1
    assert event.values.currents_a == (10.0, 11.0, 12.0)
    assert event.values.energy_wh == 1000.0


async def test_meter_values_mean_what_is_known_of_the_charger(
    central: Bench, charger: RawCharger
) -> None:
    central.stations["CP1"].behave(Quirks(meter=MeterQuirks(spreads_one_line=True)))

    await charger.call("MeterValues", meter_values(3.0, 3.0, 4.0, at=now_text()))

    assert central.seen(MeterValuesReceived)[0].values.currents_a == (10.0,)


async def test_meter_values_without_a_time_are_of_now(central: Bench, charger: RawCharger) -> None:
    await charger.call("MeterValues", meter_values(10))

    (event,) = central.seen(MeterValuesReceived)
    assert abs(event.values.measured_at - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(meter_values(10, at="2024-01-01T00:00:00Z"), id="D23-old"),
        pytest.param(meter_values(10, at="2099-01-01T00:00:00Z"), id="D23-future"),
        pytest.param(meter_values(10, connectorId=0), id="F29-whole-station"),
        pytest.param(meter_values(10, connectorId=17), id="D06-connector"),
        pytest.param(meter_values(10, connectorId=None), id="no-connector"),
    ],
)
async def test_meter_values_that_do_not_tell_of_now_steer_nothing(
    central: Bench, charger: RawCharger, payload: dict[str, Any]
) -> None:
    assert await charger.call("MeterValues", payload) == {}

    assert not central.seen(MeterValuesReceived)


async def test_meter_values_without_connector_belong_to_their_transaction(
    central: Bench, charger: RawCharger
) -> None:
    transaction_id = (await charger.call("StartTransaction", START))["transactionId"]
    payload = meter_values(10, connectorId=None, transactionId=transaction_id)

    await charger.call("MeterValues", payload)

    assert [event.connector for event in central.seen(MeterValuesReceived)] == [1]


async def test_a_transaction_starts_and_stops(central: Bench, charger: RawCharger) -> None:
    answer = await charger.call("StartTransaction", START)
    await check_result("StartTransaction", answer)
    stop = {
        "transactionId": answer["transactionId"],
        "meterStop": 500,
        "timestamp": "2026-03-01T13:00:00Z",
        "reason": "EVDisconnected",
        "transactionData": [{"timestamp": now_text(), "sampledValue": [{"value": "x"}]}],
    }
    assert await charger.call("StopTransaction", stop) == {}
    assert await charger.call("StopTransaction", stop) == {}

    assert central.seen(TransactionStarted) == [
        TransactionStarted(
            identity="CP1",
            connector=1,
            transaction_id=answer["transactionId"],
            id_tag="TAG",
            meter_start_wh=5.0,
            started_at=STARTED_AT,
        )
    ]
    assert central.seen(TransactionStopped) == [
        TransactionStopped(
            identity="CP1",
            connector=1,
            transaction_id=answer["transactionId"],
            meter_stop_wh=500.0,
            stopped_at=STARTED_AT + timedelta(hours=1),
            reason="EVDisconnected",
        )
    ]


async def test_a_start_sent_again_under_a_new_message_id_is_the_same(
    central: Bench, charger: RawCharger
) -> None:
    first = await charger.call("StartTransaction", START)
    second = await charger.call("StartTransaction", START)

    assert first == second
    assert len(central.seen(TransactionStarted)) == 1


async def test_a_new_start_ends_the_one_before(central: Bench, charger: RawCharger) -> None:
    first = await charger.call("StartTransaction", START)
    await charger.call("StartTransaction", START | {"timestamp": "2026-03-01T14:00:00Z"})

    (stopped,) = central.seen(TransactionStopped)
    assert (stopped.transaction_id, stopped.reason) == (first["transactionId"], IMPLICIT)
    assert stopped.meter_stop_wh is None


@pytest.mark.parametrize("connector", [-5, 99])
async def test_a_start_on_a_connector_that_cannot_be_has_an_id_but_no_event(
    central: Bench, charger: RawCharger, connector: int
) -> None:
    answer = await charger.call("StartTransaction", START | {"connectorId": connector})

    assert answer["transactionId"] > 0
    assert not central.seen(TransactionStarted)


async def test_connector_0_of_a_charger_with_one_connector_is_that_one(
    central: Bench, charger: RawCharger
) -> None:
    await charger.call("StartTransaction", START | {"connectorId": 0})

    assert [event.connector for event in central.seen(TransactionStarted)] == [1]


async def test_a_transaction_known_to_the_charger_alone_is_adopted(
    central: Bench, charger: RawCharger
) -> None:
    for _ in range(2):
        await charger.call("MeterValues", meter_values(10, transactionId=77, at=now_text()))

    (started,) = central.seen(TransactionStarted)
    assert (started.transaction_id, started.connector) == (77, 1)
    assert started.meter_start_wh == 1000.0


@pytest.mark.parametrize("measurand", ["Power.Active.Import", "Temperature", "Current.Import"])
async def test_a_session_is_adopted_without_an_energy_register(
    central: Bench, charger: RawCharger, measurand: str
) -> None:
    sampled = [{"value": "25", "measurand": measurand}]
    values = [{"timestamp": now_text(), "sampledValue": sampled}]

    await charger.call("MeterValues", {"connectorId": 1, "transactionId": 77, "meterValue": values})

    (started,) = central.seen(TransactionStarted)
    assert (started.transaction_id, started.meter_start_wh) == (77, None)


@pytest.mark.parametrize("status", ["Available", "Finishing", "Reserved"])
async def test_values_of_a_session_that_cannot_run_there_start_none(
    central: Bench, charger: RawCharger, status: str
) -> None:
    payload = {"connectorId": 1, "status": status, "errorCode": "NoError"}
    await charger.call("StatusNotification", payload)

    await charger.call("MeterValues", meter_values(10, transactionId=77, at=now_text()))

    assert not central.seen(TransactionStarted)
    assert central.seen(MeterValuesReceived)


async def test_a_session_is_adopted_without_a_new_boot(central: Bench, dial: Dial) -> None:
    charger = await dial("CP1")
    payload = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
    await charger.call("StatusNotification", payload)

    await charger.call("MeterValues", meter_values(10, transactionId=77, at=now_text()))

    assert [event.transaction_id for event in central.seen(TransactionStarted)] == [77]


async def test_a_session_that_starts_with_the_first_word_of_a_charger_is_told_once(
    central: Bench, dial: Dial
) -> None:
    charger = await dial("CP1")

    await charger.call("StartTransaction", START)
    await charger.call("Heartbeat", {})

    assert len(central.seen(TransactionStarted)) == 1


async def test_a_session_under_an_id_of_the_charger_is_stopped_under_that_id(
    central: Bench, charger: RawCharger
) -> None:
    charger.answers["RemoteStopTransaction"] = {"status": "Accepted"}
    await charger.call("MeterValues", meter_values(10, transactionId=-77, at=now_text()))

    await central.stations["CP1"].remote_stop(1)

    assert charger.received("RemoteStopTransaction") == [{"transactionId": -77}]
    await charger.call(
        "StopTransaction", {"transactionId": -77, "meterStop": 2000, "timestamp": now_text()}
    )
    (stopped,) = central.seen(TransactionStopped)
    assert stopped.meter_stop_wh == 2000.0


async def test_a_late_start_of_an_old_session_is_answered_and_ends_nothing(
    central: Bench, charger: RawCharger
) -> None:
    await charger.call("StartTransaction", START)

    late = await charger.call("StartTransaction", START | {"timestamp": "2026-02-28T12:00:00Z"})

    await check_result("StartTransaction", late)
    assert len(central.seen(TransactionStarted)) == 1
    assert not central.seen(TransactionStopped)


@pytest.mark.parametrize("written", ["1970-01-01T00:00:01Z", "2000-01-01T01:00:00Z", "", "soon"])
async def test_a_start_by_a_clock_that_was_never_set_is_of_now(
    central: Bench, charger: RawCharger, written: str
) -> None:
    await charger.call("StartTransaction", START)

    await charger.call("StartTransaction", START | {"timestamp": written})

    started = central.seen(TransactionStarted)[-1]
    assert datetime.now(UTC) - started.started_at < timedelta(minutes=1)
    assert len(central.seen(TransactionStopped)) == 1


@pytest.mark.parametrize("fields", [{}, {"meterStart": None}])
async def test_a_start_without_a_meter_is_a_start(
    central: Bench, charger: RawCharger, fields: dict[str, Any]
) -> None:
    content = {name: value for name, value in START.items() if name != "meterStart"}

    await charger.call("StartTransaction", content | fields)

    assert [event.meter_start_wh for event in central.seen(TransactionStarted)] == [None]


@pytest.mark.parametrize(
    ("fields", "meter_stop_wh"),
    [
        pytest.param({"meterStop": 900}, 900.0, id="as-told"),
        pytest.param({}, 700.0, id="by-the-data-where-it-is-not-told"),
        pytest.param({"meterStop": 0}, 700.0, id="by-the-data-where-it-cannot-be"),
        pytest.param({"meterStop": 0, "transactionData": []}, 0.0, id="as-told-without-data"),
        pytest.param({"transactionData": None}, None, id="not-at-all"),
    ],
)
async def test_the_energy_at_the_end_of_a_session(
    central: Bench, charger: RawCharger, fields: dict[str, Any], meter_stop_wh: float | None
) -> None:
    answer = await charger.call("StartTransaction", START)
    data = [
        {"timestamp": "2026-03-01T12:30:00Z", "sampledValue": [{"value": "300"}]},
        {
            "timestamp": "2026-03-01T13:00:00Z",
            "sampledValue": [
                {"value": "0.7", "unit": "kWh", "context": "Transaction.End"},
                {"value": "5", "context": "Transaction.Begin"},
            ],
        },
    ]
    stop = {"timestamp": "2026-03-01T13:00:00Z", "transactionData": data} | fields

    assert await charger.call("StopTransaction", answer | stop) == {}

    assert [it.meter_stop_wh for it in central.seen(TransactionStopped)] == [meter_stop_wh]


async def test_a_transaction_from_before_the_restart_is_told_once(
    central: Bench, dial: Dial
) -> None:
    content = StartContent("CP1", 1, "TAG", "t", 5.0)
    before = (await central.transactions.start(content, STARTED_AT)).transaction
    await central.transactions.start(content._replace(identity="CP2"), STARTED_AT)

    for _ in range(2):
        charger = await dial("CP1")
        await charger.boot()
    await wait_until(lambda: len(central.seen(StationReady)) == 2)

    assert [event.transaction_id for event in central.seen(TransactionStarted)] == [before.id]


async def test_a_start_is_on_disk_before_it_is_answered(
    central: Bench, charger: RawCharger, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = asyncio.Event()
    loop = asyncio.get_running_loop()
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        loop.call_soon_threadsafe(synced.set)

    monkeypatch.setattr(os, "fsync", watched)

    answer = await charger.call("StartTransaction", START)

    assert synced.is_set()
    assert f'"id":{answer["transactionId"]}'.encode() in journal._path.read_bytes()


async def test_while_the_disk_fails_a_start_is_not_answered_until_the_third_try(
    central: Bench, charger: RawCharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_durable: list[str] = []
    central.transactions.on_not_durable = not_durable.append

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", fail)
    for message_id in ("try-1", "try-2"):
        await charger.send(f'[2,"{message_id}","StartTransaction",{START}]'.replace("'", '"'))
        assert await charger.alive()
        assert message_id not in charger.results

    answer = await charger.call("StartTransaction", START, "try-3")

    assert answer["transactionId"] > 0
    assert not_durable == ["CP1"]


async def test_a_boot_during_a_transaction_leaves_it_open(
    central: Bench, charger: RawCharger
) -> None:
    await charger.call("StartTransaction", START)

    await charger.boot()

    assert len(central.transactions.open_transactions) == 1
    assert [event.booted for event in central.seen(StationReady)] == [True, True]


async def test_a_fault_of_ours_is_an_internal_error_and_no_more(
    central: Bench, charger: RawCharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(central.transactions, "adopt", fail)

    code = await charger.call("MeterValues", meter_values(1, transactionId=5))

    assert code == "InternalError"
    assert await charger.alive()


async def test_starts_on_connectors_that_cannot_be_do_not_pile_up(
    central: Bench, charger: RawCharger
) -> None:
    for connector in (17, 99, 2**31 - 1, -1):
        await charger.call("StartTransaction", START | {"connectorId": connector})

    assert len(central.transactions.open_transactions) == 1


async def test_a_charger_with_one_message_id_for_all_is_heard_each_time(
    central: Bench, charger: RawCharger
) -> None:
    for status in ("Charging", "Available", "Charging"):
        payload = {"connectorId": 1, "status": status, "errorCode": "NoError"}
        await charger.call("StatusNotification", payload, "always")

    assert central.stations["CP1"].statuses[1] is ConnectorStatus.CHARGING


@pytest.mark.parametrize(
    ("action", "payload", "request_id"),
    [
        ("FirmwareStatusNotification", {"status": "Downloading"}, None),
        ("SignedFirmwareStatusNotification", {"status": "Downloading", "requestId": 7}, 7),
        ("DiagnosticsStatusNotification", {"status": "Uploading"}, None),
        ("LogStatusNotification", {"status": "Uploading", "requestId": 7}, 7),
    ],
)
async def test_a_status_of_a_file_names_the_request_that_it_is_about(
    central: Bench,
    charger: RawCharger,
    action: str,
    payload: dict[str, Any],
    request_id: int | None,
) -> None:
    assert await charger.call(action, payload) == {}

    kinds = (FirmwareStatusChanged, DiagnosticsStatusChanged)
    (event,) = [one for one in central.events if isinstance(one, kinds)]
    assert isinstance(event, FirmwareStatusChanged) is ("Firmware" in action)
    assert (event.status, event.request_id) == (payload["status"], request_id)
    station = central.stations["CP1"]
    shown = station.firmware_status if "Firmware" in action else station.diagnostics_status
    assert shown == payload["status"]


async def test_a_charger_tells_what_meter_it_has(central: Bench, charger: RawCharger) -> None:
    await charger.boot(meterType="Inepro")

    boot = central.stations["CP1"].boot
    assert boot is not None
    assert boot.meter_type == "Inepro"
