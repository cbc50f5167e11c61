"""A charger in front of a back office that can be reached."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.csms.events import MeterValuesReceived, TransactionStarted
from custom_components.balanz.csms.local_controller.controller import LocalController

from .. import client
from ..client import RawCharger, wait_until
from ..conftest import Bench, Dial
from .back_office import BackOffice
from .conftest import Between
from .test_upstream_calls import Desk

START = {
    "connectorId": 1,
    "idTag": "TAG",
    "meterStart": 100,
    "timestamp": "2026-11-21T10:00:00Z",
}


def stop(transaction_id: int) -> dict[str, object]:
    return {
        "transactionId": transaction_id,
        "meterStop": 900,
        "timestamp": "2026-11-21T11:00:00Z",
    }


async def test_the_charger_is_announced_under_its_own_name(
    connected: RawCharger, office: BackOffice
) -> None:
    assert office.paths == ["/ocpp/CP1"]
    assert office.of("BootNotification")[0]["chargePointModel"] == "One"


async def test_a_payload_arrives_to_the_letter(connected: RawCharger, office: BackOffice) -> None:
    payload = '{"vendorId" : "x","data":"1.50 \\u00e4 \\/ 1e2" }'

    await connected.send(f'[2, "m1", "DataTransfer", {payload}]')
    await connected.result("m1")

    assert office.texts[-1].endswith(f',"DataTransfer",{payload}]')


async def test_an_answer_comes_back_to_the_letter(
    connected: RawCharger, office: BackOffice
) -> None:
    answer = await connected.call("DataTransfer", {"vendorId": "x"})

    assert answer == {"status": "Accepted", "data": "from the back office"}


async def test_ids_differ_from_leg_to_leg(connected: RawCharger, office: BackOffice) -> None:
    await connected.call("Heartbeat", {}, message_id="mine")

    message_id = json.loads(office.texts[-1])[1]
    assert message_id != "mine"
    assert len(message_id) == 36


async def test_a_message_that_nobody_knows_is_passed_on_both_ways(
    connected: RawCharger, office: BackOffice
) -> None:
    refusal = await connected.call("VendorMessage", {"a": 1})

    assert office.of("VendorMessage") == [{"a": 1}]
    assert refusal == "NotSupported"


@pytest.mark.parametrize("payload", ["{}", "null", "[]"])
async def test_a_message_that_nobody_knows_may_be_empty(
    connected: RawCharger, office: BackOffice, payload: str
) -> None:
    await connected.send(f'[2,"m1","VendorMessage",{payload}]')
    refusal = await connected.result("m1")

    assert office.of("VendorMessage") == [{}]
    assert refusal == "NotSupported"


async def test_a_wish_that_nobody_knows_may_be_empty(
    connected: RawCharger, office: BackOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def takes_all(_action: str, _payload: object) -> None:
        """Be a charger that knows more than OCPP does."""

    monkeypatch.setattr(client, "check_call", takes_all)
    connected.answers["VendorMessage"] = {"status": "Thanks"}

    assert await office.ask("VendorMessage", {}) == {"status": "Thanks"}


async def test_the_charger_knows_the_ids_of_balanz_and_the_back_office_its_own(
    connected: RawCharger, office: BackOffice, central: Bench
) -> None:
    started = await connected.call("StartTransaction", START)
    await connected.call(
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": started["transactionId"],
            "meterValue": [
                {"timestamp": "2026-11-21T10:30:00Z", "sampledValue": [{"value": "500.0"}]}
            ],
        },
    )
    await connected.call("StopTransaction", stop(started["transactionId"]))

    upstream_id = office.starts[0]["id"]
    assert started["transactionId"] == central.seen(TransactionStarted)[0].transaction_id
    assert started["transactionId"] != upstream_id
    assert office.of("MeterValues")[0]["transactionId"] == upstream_id
    assert office.stops[0]["transactionId"] == upstream_id


async def test_a_remote_stop_reaches_the_right_transaction(
    connected: RawCharger, office: BackOffice
) -> None:
    connected.answers["RemoteStopTransaction"] = {"status": "Accepted"}
    started = await connected.call("StartTransaction", START)

    answer = await office.ask("RemoteStopTransaction", {"transactionId": office.starts[0]["id"]})

    assert answer == {"status": "Accepted"}
    assert connected.received("RemoteStopTransaction") == [
        {"transactionId": started["transactionId"]}
    ]


async def test_an_id_that_only_the_charger_knows_is_none_of_the_back_offices(
    connected: RawCharger, office: BackOffice
) -> None:
    started = await connected.call("StartTransaction", START)

    answer = await office.ask("RemoteStopTransaction", {"transactionId": started["transactionId"]})

    assert answer == {"status": "Rejected"}
    assert connected.received("RemoteStopTransaction") == []


async def test_a_start_that_is_said_again_is_told_once(
    connected: RawCharger, office: BackOffice
) -> None:
    first = await connected.call("StartTransaction", START, message_id="a")
    again = await connected.call("StartTransaction", START, message_id="b")

    assert again["transactionId"] == first["transactionId"]
    assert len(office.of("StartTransaction")) == 1


async def test_a_stop_that_is_said_again_is_told_once(
    connected: RawCharger, office: BackOffice
) -> None:
    started = await connected.call("StartTransaction", START)

    for message_id in ("a", "b"):
        await connected.call("StopTransaction", stop(started["transactionId"]), message_id)

    assert len(office.of("StopTransaction")) == 1


async def test_a_tag_that_the_back_office_refuses_is_refused(
    connected: RawCharger, office: BackOffice
) -> None:
    office.tags["TAG"] = {"status": "Blocked"}

    assert await connected.call("Authorize", {"idTag": "TAG"}) == {
        "idTagInfo": {"status": "Blocked"}
    }


async def test_a_transaction_that_the_back_office_refuses_is_refused(
    connected: RawCharger, office: BackOffice, central: Bench
) -> None:
    office.tags["TAG"] = {"status": "Invalid"}

    started = await connected.call("StartTransaction", START)

    assert started["idTagInfo"] == {"status": "Invalid"}
    transaction = central.transactions.find("CP1", started["transactionId"])
    assert transaction is not None
    assert transaction.refused == "Invalid"


async def test_what_the_charger_measures_is_taken_in_on_the_way(
    connected: RawCharger, central: Bench
) -> None:
    now = datetime.now(UTC).isoformat()
    await connected.call(
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [
                {
                    "timestamp": now,
                    "sampledValue": [{"value": "7.0", "measurand": "Current.Import"}],
                }
            ],
        },
    )

    assert len(central.seen(MeterValuesReceived)) == 1


async def test_a_slow_back_office_does_not_keep_the_charger_waiting_for_long(
    connected: RawCharger, office: BackOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.delay_s = 3.0

    async with asyncio.timeout(2.9):
        answer = await connected.call(
            "StatusNotification",
            {"connectorId": 1, "status": "Available", "errorCode": "NoError"},
        )

    assert answer == {}


async def test_one_call_is_outstanding_at_a_time(connected: RawCharger, office: BackOffice) -> None:
    office.delay_s = 0.02
    for number in range(10):
        await connected.send(json.dumps([2, f"h{number}", "Heartbeat", {}]))
        await connected.send(
            json.dumps([2, f"d{number}", "DataTransfer", {"vendorId": str(number)}])
        )
    await connected.result("d9")

    assert office.most_outstanding == 1


async def test_an_interval_is_kept_within_what_keeps_the_charger_in_sight(
    controller: LocalController, office: BackOffice, dial: Dial
) -> None:
    charger = await dial()

    told = []
    for interval_s in (0, 1, 86400, 120):
        office.interval_s = interval_s
        told.append((await charger.boot())["interval"])

    assert told == [300, 60, 300, 120]


@pytest.mark.parametrize("told", ["2026-01-01T00:00:00Z", "yesterday"])
async def test_a_clock_that_is_a_day_off_does_not_reach_the_charger(
    connected: RawCharger, office: BackOffice, controller: LocalController, told: str
) -> None:
    office.raw["Heartbeat"] = json.dumps({"currentTime": told})

    answer = await connected.call("Heartbeat", {})

    off = datetime.now(UTC) - datetime.fromisoformat(answer["currentTime"])
    assert abs(off) < timedelta(seconds=5)
    assert controller.clock_differs


async def test_a_charger_that_has_to_wait_is_not_given_orders(
    controller: LocalController, office: BackOffice, dial: Dial, central: Bench
) -> None:
    office.boot_status = "Pending"
    charger = await dial()

    assert (await charger.boot())["status"] == "Pending"
    assert not central.stations["CP1"].ready

    office.boot_status = "Accepted"
    await charger.boot()
    await wait_until(lambda: central.stations["CP1"].ready)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"type": "Explosive"}, "PropertyConstraintViolation"),
        ({"type": 7}, "TypeConstraintViolation"),
        ({}, "ProtocolError"),
        ({"type": "Hard", "colour": "red"}, "FormationViolation"),
    ],
)
async def test_a_call_that_breaks_the_schema_does_not_reach_the_charger(
    connected: RawCharger, office: BackOffice, payload: dict[str, Any], code: str
) -> None:
    answer = await office.ask("Reset", payload)

    assert answer == code
    assert connected.received("Reset") == []


async def test_what_the_charger_refuses_is_refused(
    connected: RawCharger, office: BackOffice
) -> None:
    connected.answers["Reset"] = '[4,"%s","NotSupported","never",{}]'

    assert await office.ask("Reset", {"type": "Soft"}) == "NotSupported"


async def test_of_a_hundred_calls_at_once_most_are_told_that_the_line_is_busy(
    connected: RawCharger, office: BackOffice
) -> None:
    connected.answers["Reset"] = {"status": "Accepted"}
    calls = [office.ask("Reset", {"type": "Soft"}) for _ in range(100)]

    answers = await asyncio.gather(*calls)

    assert answers.count("GenericError") >= 80
    assert await connected.alive()


async def test_keys_that_balanz_relies_on_stay_where_it_balances(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    between.pass_on(profiles=Desk)
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: "CP1" in office.lines)
    before = len(charger.received("ChangeConfiguration"))
    charger.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "MeterValueSampleInterval", "readonly": False, "value": "10"}]
    }

    changed = await office.ask(
        "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "900"}
    )
    told = await office.ask("GetConfiguration", {"key": ["MeterValueSampleInterval"]})

    assert changed == {"status": "Accepted"}
    assert len(charger.received("ChangeConfiguration")) == before
    assert told["configurationKey"][0]["value"] == "900"


@pytest.mark.parametrize(
    "key", ["CentralSystemURL", "AuthorizationKey", "OcppServerHost", "BackendUrl"]
)
async def test_a_key_that_leads_the_charger_away_is_held_back(
    connected: RawCharger, office: BackOffice, controller: LocalController, key: str
) -> None:
    answer = await office.ask("ChangeConfiguration", {"key": key, "value": "wss://elsewhere"})

    assert answer == {"status": "Rejected"}
    assert controller.held_keys == {key.lower()}


async def test_no_charger_no_answer(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await connected.close()

    await wait_until(lambda: not controller.connected)
