"""The same scenario without balanz, through it, and through two of them, one behind the other.

What the back office and the charger see is compared frame by frame. It differs only in what is
listed here: ids, the clock and the interval of a boot, keys that would lead the charger away, the
spelling of a code, and what balanz itself asks of the charger.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms.rpc_frames import Call, Verbatim, parse
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.storage.journal import Journal

from .. import client
from ..client import RawCharger, wait_until
from ..conftest import Bench
from .back_office import BackOffice
from .conftest import Between

ID = "$ the transaction"
CHARGER_SEES_OF_BALANZ = {
    "ChangeConfiguration",
    "GetConfiguration",
    "SetChargingProfile",
    "TriggerMessage",
}
"""What it asks for itself, whose answers stay with it."""
DIFFERS_IN: dict[str, frozenset[str]] = {
    "BootNotification": frozenset({"currentTime", "interval"}),
    "Heartbeat": frozenset({"currentTime"}),
    "StartTransaction": frozenset({"transactionId"}),
}
"""Fields of answers to a charger."""
PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9.0}],
    },
}
DEFAULT = PROFILE | {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileId": 2}
ACCEPTED = {"status": "Accepted"}
SCHEDULE = {
    "status": "Accepted",
    "connectorId": 1,
    "scheduleStart": "2026-11-21T10:00:00Z",
    "chargingSchedule": DEFAULT["chargingSchedule"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """What the charger says, as it is written."""

    action: str
    text: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the back office asks, and what the charger answers."""

    action: str
    payload: dict[str, Any] = field(default_factory=dict)
    answer: Any = field(default_factory=lambda: ACCEPTED)
    behind: str | None = None
    """The status that balanz answers in its place; None where the charger is asked."""


type Step = Say | Ask

SCENARIO: tuple[Step, ...] = (
    Say(
        action="BootNotification",
        text='{"chargePointModel":"One",  "chargePointVendor":"Simple","firmwareVersion":"1.2"}',
    ),
    Say(
        action="StatusNotification",
        text='{"connectorId":1,"errorCode":"NoError","status":"Available","info":"\\u00fc"}',
    ),
    Say(action="Heartbeat"),
    Say(action="Authorize", text='{"idTag":"TAG"}'),
    Say(action="Authorize", text='{"idTag":"STRANGER"}'),
    Say(action="DataTransfer", text='{"vendorId":"x","data":"1.0","extra":[1.50,{"b":1,"a":2}]}'),
    Say(action="VendorThing", text='{"depth":{"of":[1e2,1.10]}}'),
    Say(
        action="StartTransaction",
        text='{"timestamp":"2026-11-21T10:00:00Z","meterStart":100,"idTag":"TAG","connectorId":1}',
    ),
    Say(
        action="MeterValues",
        text='{"connectorId":1,"transactionId":'
        + ID
        + ',"meterValue":[{"timestamp":"2026-11-21T10:10:00Z","sampledValue":[{"value":"7.50"}]}]}',
    ),
    Ask(action="SetChargingProfile", payload={"connectorId": 1, "csChargingProfiles": DEFAULT}),
    Ask(
        action="SetChargingProfile",
        payload={"connectorId": 1, "csChargingProfiles": PROFILE | {"transactionId": ID}},
        answer={"status": "Rejected"},
    ),
    Ask(action="GetCompositeSchedule", payload={"connectorId": 1, "duration": 60}, answer=SCHEDULE),
    Ask(action="ClearChargingProfile", payload={"id": 2}),
    Ask(action="RemoteStopTransaction", payload={"transactionId": ID}),
    Say(
        action="StopTransaction",
        text='{"meterStop":2100,"timestamp":"2026-11-21T11:00:00Z","transactionId":'
        + ID
        + ',"reason":"Remote"}',
    ),
    Ask(action="RemoteStartTransaction", payload={"idTag": "TAG", "chargingProfile": PROFILE}),
    Ask(action="GetConfiguration", payload={"key": ["Foo"]}, answer={"unknownKey": ["Foo"]}),
    Ask(action="ChangeConfiguration", payload={"key": "LightIntensity", "value": "50"}),
    Ask(
        action="ChangeConfiguration",
        payload={"key": "CentralSystemURL", "value": "ws://elsewhere"},
        behind="Rejected",
    ),
    Ask(action="SendLocalList", payload={"listVersion": 1, "updateType": "Full"}),
    Ask(action="GetLocalListVersion", answer={"listVersion": 1}),
    Ask(action="ClearCache"),
    Ask(action="ChangeAvailability", payload={"connectorId": 1, "type": "Operative"}),
    Ask(action="UnlockConnector", payload={"connectorId": 1}, answer={"status": "Unlocked"}),
    Ask(
        action="ReserveNow",
        payload={
            "connectorId": 1,
            "expiryDate": "2026-11-21T12:00:00Z",
            "idTag": "TAG",
            "reservationId": 5,
        },
    ),
    Ask(action="CancelReservation", payload={"reservationId": 5}),
    Ask(
        action="UpdateFirmware",
        payload={"location": "ftp://x/y", "retrieveDate": "2026-11-21T12:00:00Z"},
        answer={},
    ),
    Ask(action="GetDiagnostics", payload={"location": "ftp://x"}, answer={"fileName": "log.zip"}),
    Ask(action="TriggerMessage", payload={"requestedMessage": "Heartbeat"}),
    Ask(action="Reset", payload={"type": "Soft"}, answer='[4,"%s","NotSupported","never",{}]'),
    Ask(action="VendorWish", payload={"a": [1]}, answer={"granted": [2]}),
    Say(action="DiagnosticsStatusNotification", text='{"status":"Uploaded"}'),
    Say(action="FirmwareStatusNotification", text='{"status":"Installed"}'),
    Say(
        action="StatusNotification", text='{"connectorId":1,"errorCode":"Oops","status":"Faulted"}'
    ),
)


class Seen:
    """What both sides have seen, with one name for a transaction wherever it has a number."""

    def __init__(self) -> None:
        self.by_office: list[tuple[str, str]] = []
        """The calls of the charger, to the letter."""
        self.office_heard: list[Any] = []
        """What came of what it asked."""
        self.by_charger: list[tuple[str, Any]] = []
        """The calls of the back office."""
        self.charger_heard: list[tuple[str, Any]] = []
        self.of_balanz: set[str] = set()
        """Actions that the back office did not ask for."""


async def play(charger: RawCharger, office: BackOffice, *, behind: bool) -> Seen:
    """Play the scenario."""
    seen = Seen()
    office.tags["STRANGER"] = {"status": "Invalid"}
    own_id, asked = 0, list[tuple[str, Any]]()
    for number, step in enumerate(SCENARIO):
        if isinstance(step, Say):
            message_id = f"say-{number}"
            text = step.text.replace(ID, str(own_id))
            await charger.send(f'[2,"{message_id}","{step.action}",{text}]')
            told = await charger.result(message_id)
            if step.action == "StartTransaction":
                own_id = told["transactionId"]
            differs = DIFFERS_IN.get(step.action, frozenset())
            if told == "FormatViolation":
                told = "FormationViolation"
            if isinstance(told, dict):
                told = {name: ... if name in differs else it for name, it in told.items()}
            seen.charger_heard.append((step.action, told))
            continue
        charger.answers[step.action] = step.answer
        payload = named(step.payload, office.starts[0]["id"])
        if not behind or step.behind is None:
            asked.append((step.action, named(step.payload, own_id)))
        seen.office_heard.append(await office.ask(step.action, payload))
    known = list(asked)
    for call in charger.calls:
        if call in known:
            known.remove(call)
            seen.by_charger.append((call[0], unnamed(call[1], own_id)))
        else:
            seen.of_balanz.add(call[0])
    seen.by_office = [told_in(text, office.starts[0]["id"]) for text in office.texts]
    return seen


def named(payload: Any, number: int) -> Any:
    """Return a payload with the number of the transaction where its name stands."""
    if isinstance(payload, dict):
        return {key: named(value, number) for key, value in payload.items()}
    return number if payload == ID else payload


def unnamed(payload: Any, number: int) -> Any:
    """Return a payload with the name of the transaction where its number stands."""
    if isinstance(payload, dict):
        return {
            key: ID if key == "transactionId" and value == number else unnamed(value, number)
            for key, value in payload.items()
        }
    return payload


def told_in(text: str, number: int) -> tuple[str, str]:
    """Return the action and the text of the payload of a call."""
    call = parse(text)
    assert isinstance(call, Call)
    assert isinstance(call.payload, Verbatim)
    return call.action, call.payload.text.replace(str(number), ID)


type Play = Callable[[int], Awaitable[Seen]]


@pytest.fixture
async def through(
    tmp_path: Path, socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Play]:
    """Play it through so many balanzes."""

    async def takes_all(_action: str, _payload: object) -> None:
        """Be a charger that knows more than OCPP does."""

    monkeypatch.setattr(client, "check_call", takes_all)
    async with AsyncExitStack() as stack:

        async def balanz(url: str, folder: Path) -> tuple[int, Between]:
            """Return the port of one in front of somebody."""
            folder.mkdir(parents=True)
            journal = Journal(folder / "journal.jsonl")
            await journal.open()
            stack.push_async_callback(journal.close)
            central = Bench(TransactionBook(journal))
            central.set_known(["CP1"])
            await central.start()
            stack.push_async_callback(central.stop)
            between = Between(central, BackOffice(), folder)
            await between.ledger.open()
            stack.push_async_callback(between.close)
            between.pass_on(url=url)
            return central.port, between

        async def played(balanzes: int) -> Seen:
            office = BackOffice()
            await office.start()
            stack.push_async_callback(office.stop)
            port, chain = office.port, list[Between]()
            for number in range(balanzes):
                url = f"ws://127.0.0.1:{port}/ocpp"
                port, between = await balanz(url, tmp_path / f"{balanzes}-{number}")
                chain.append(between)
            charger = await RawCharger.dial(port, "CP1")
            stack.push_async_callback(charger.close)
            await wait_until(lambda: "CP1" in office.lines)
            await wait_until(lambda: all(it.controllers["CP1"].connected for it in chain))
            return await play(charger, office, behind=balanzes > 0)

        yield played


@pytest.mark.parametrize("balanzes", [1, 2])
async def test_the_same_is_seen_but_for_what_the_table_allows(through: Play, balanzes: int) -> None:
    directly, behind = await through(0), await through(balanzes)

    assert behind.by_office == directly.by_office
    assert behind.charger_heard == directly.charger_heard
    held = [number for number, it in enumerate(asks()) if it.behind is not None]
    for number, (told, plainly) in enumerate(
        zip(behind.office_heard, directly.office_heard, strict=True)
    ):
        assert told == ({"status": asks()[number].behind} if number in held else plainly)
    kept_back = [(asks()[number].action, asks()[number].payload) for number in held]
    assert behind.by_charger == [it for it in directly.by_charger if it not in kept_back]
    assert directly.of_balanz == set()
    assert behind.of_balanz <= CHARGER_SEES_OF_BALANZ


def asks() -> list[Ask]:
    """All that the back office asks."""
    return [step for step in SCENARIO if isinstance(step, Ask)]
