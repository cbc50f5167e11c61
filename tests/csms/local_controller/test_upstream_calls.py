"""What becomes of what a back office asks, one call at a time."""

from collections.abc import AsyncGenerator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ocpp.v16.enums import Measurand

from custom_components.balanz.csms.local_controller.forwarding import is_held
from custom_components.balanz.csms.local_controller.offline_tags import OfflineTags
from custom_components.balanz.csms.local_controller.upstream_calls import UpstreamCalls
from custom_components.balanz.csms.local_controller.upstream_settings import (
    Unknown,
    UpstreamSettings,
    is_upstream_url,
)
from custom_components.balanz.csms.rpc_errors import CallError
from custom_components.balanz.csms.station_errors import (
    CallRefused,
    StationError,
    StationOffline,
    StationUnreachable,
)
from custom_components.balanz.csms.tag_desk import TagDesk
from custom_components.balanz.csms.transactions import TransactionBook
from custom_components.balanz.csms.validation import load
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import UpstreamLedger, UpstreamQueue

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
START = {"idTag": "TAG", "connectorId": 1, "chargingProfile": PROFILE}


def of_limit(limit: Any) -> dict[str, Any]:
    """The same profile with another limit, also as the least."""
    schedule = {
        "chargingRateUnit": "A",
        "minChargingRate": limit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return PROFILE | {"chargingSchedule": schedule}


class Charger:
    """One that answers as it is told to."""

    identity = "CP1"
    dialled: str | None = "http://10.0.0.1:9300"
    connected = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answer: dict[str, Any] | StationError = {"status": "Accepted"}

    async def request(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((action, payload))
        if isinstance(self.answer, StationError):
            raise self.answer
        return self.answer


class Desk:
    """One that takes every profile, or none."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.refused: list[Any] = []

    settings = MappingProxyType({"chargeprofilemaxstacklevel": "8"})

    async def serve(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted" if self.takes else "Rejected"}

    def start_with(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        without = {name: it for name, it in payload.items() if name != "chargingProfile"}
        return without if self.takes else None

    def start_refused(self, payload: dict[str, Any]) -> None:
        self.refused.append(payload)


class Rig:
    """The calls of one back office, with a charger, a queue and perhaps a desk."""

    def __init__(self, queue: UpstreamQueue, journal: Journal) -> None:
        self.charger = Charger()
        self.desk: Desk | None = None
        self.held: list[str] = []
        self.queue = queue
        book = TransactionBook(journal)
        desk = TagDesk(tags={}, transactions=book, listener=lambda _event: None)
        self.calls = UpstreamCalls(
            self.charger,
            queue=queue,
            tags=OfflineTags(queue, "CP1", desk, Unknown.REFUSE),
            profiles=lambda: self.desk,
            on_held=self.held.append,
        )

    async def ask(self, action: str, payload: dict[str, Any]) -> Any:
        """The answer, or the code of the error."""
        try:
            return await self.calls.handle(action, payload)
        except CallError as error:
            return error.code.value


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    await load()
    journal = Journal(tmp_path / "upstream.jsonl")
    ledger = UpstreamLedger(journal)
    await ledger.open()
    yield Rig(ledger.queue("CP1 ws://office/CP1"), journal)
    await ledger.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CallRefused("NotSupported", ""), "NotSupported"),
        (CallRefused("OfItsOwn", ""), "GenericError"),
        (StationOffline("not connected"), "GenericError"),
        (StationUnreachable("no answer"), "GenericError"),
    ],
)
async def test_what_becomes_of_a_call_that_fails(rig: Rig, error: StationError, code: str) -> None:
    rig.charger.answer = error

    assert await rig.ask("Reset", {"type": "Soft"}) == code


async def test_a_start_reaches_the_charger_without_its_profile(rig: Rig) -> None:
    rig.desk = Desk()

    assert await rig.ask("RemoteStartTransaction", START) == {"status": "Accepted"}

    assert rig.charger.asked == [("RemoteStartTransaction", {"idTag": "TAG", "connectorId": 1})]
    assert rig.desk.refused == []


async def test_a_start_with_a_profile_that_cannot_be_used_is_rejected(rig: Rig) -> None:
    rig.desk = Desk(takes=False)

    assert await rig.ask("RemoteStartTransaction", START) == {"status": "Rejected"}

    assert rig.charger.asked == []


@pytest.mark.parametrize(
    ("limit", "sent"),
    [(13.33, 13.3), (12.299999999999999, 12.3), (12.3, 12.3), (16, 16), (6.99, 6.9)],
)
async def test_without_smart_charging_a_limit_reaches_the_charger_in_tenths(
    rig: Rig, limit: float, sent: float
) -> None:
    set_it = {"connectorId": 1, "csChargingProfiles": of_limit(limit)}

    assert await rig.ask("SetChargingProfile", set_it) == {"status": "Accepted"}
    assert await rig.ask("RemoteStartTransaction", START | {"chargingProfile": of_limit(limit)})

    [(_, first), (_, second)] = rig.charger.asked
    assert first == {"connectorId": 1, "csChargingProfiles": of_limit(sent)}
    assert second == START | {"chargingProfile": of_limit(sent)}


@pytest.mark.parametrize("limit", [1e308, True, "13.33", None])
async def test_what_is_no_limit_is_not_made_one(rig: Rig, limit: Any) -> None:
    set_it = {"connectorId": 1, "csChargingProfiles": of_limit(limit)}

    await rig.ask("SetChargingProfile", set_it)

    assert all(payload == set_it for _, payload in rig.charger.asked)


@pytest.mark.parametrize("limit", [13.33, 12.299999999999999])
async def test_a_limit_counts_whatever_its_digits(rig: Rig, limit: float) -> None:
    rig.desk = Desk()
    profile = of_limit(limit)
    set_it = {"connectorId": 1, "csChargingProfiles": profile}

    assert await rig.ask("SetChargingProfile", set_it) == {"status": "Accepted"}
    assert await rig.ask("RemoteStartTransaction", START | {"chargingProfile": profile}) == {
        "status": "Accepted"
    }

    assert rig.calls.odd_frames == 0


async def test_a_start_that_breaks_the_schema_reaches_no_charger(rig: Rig) -> None:
    rig.desk = Desk()

    assert (
        await rig.ask("RemoteStartTransaction", START | {"idTag": 7}) == "TypeConstraintViolation"
    )

    assert rig.charger.asked == []
    assert rig.calls.odd_frames == 1


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, StationUnreachable("no answer")])
async def test_the_profile_of_a_start_that_comes_to_nothing_is_forgotten(
    rig: Rig, answer: Any
) -> None:
    rig.desk = Desk()
    rig.charger.answer = answer

    await rig.ask("RemoteStartTransaction", START)

    assert rig.desk.refused == [START]


async def test_without_smart_charging_a_profile_goes_on_with_the_charger_s_id(rig: Rig) -> None:
    rig.queue.ids[7] = 4711
    payload = {"connectorId": 1, "csChargingProfiles": PROFILE | {"transactionId": 4711}}

    assert await rig.ask("SetChargingProfile", payload) == {"status": "Accepted"}

    [(_, told)] = rig.charger.asked
    assert told["csChargingProfiles"] == PROFILE | {"transactionId": 7}


async def test_an_id_that_is_the_same_on_both_sides_stays(rig: Rig) -> None:
    await rig.ask("RemoteStopTransaction", {"transactionId": 5})

    assert rig.charger.asked == [("RemoteStopTransaction", {"transactionId": 5})]


@pytest.mark.parametrize("value", ["-1", "often"])
async def test_a_key_keeps_no_value_that_cannot_be(rig: Rig, value: str) -> None:
    rig.desk = Desk()
    change = {"key": "HeartbeatInterval", "value": value}

    assert await rig.ask("ChangeConfiguration", change) == {"status": "Rejected"}

    assert rig.queue.facts == {}


async def test_a_list_of_measurands_is_taken_where_a_charger_could_take_it(rig: Rig) -> None:
    rig.desk = Desk()

    async def changed_to(value: str) -> Any:
        change = {"key": "MeterValuesSampledData", "value": value}
        return (await rig.ask("ChangeConfiguration", change))["status"]

    assert [await changed_to(it) for it in ("SoC, Current.Import.L1", "")] == ["Accepted"] * 2
    assert [await changed_to(it) for it in ("Foo", "SoC,,")] == ["Rejected"] * 2


@pytest.mark.parametrize("measurand", Measurand)
async def test_each_measurand_can_be_asked_for(rig: Rig, measurand: Measurand) -> None:
    rig.desk = Desk()
    change = {"key": "MeterValuesSampledData", "value": measurand.value}

    assert await rig.ask("ChangeConfiguration", change) == {"status": "Accepted"}


async def test_a_value_that_the_charger_took_itself_is_told_from_then_on(rig: Rig) -> None:
    def change(value: str) -> dict[str, str]:
        return {"key": "HeartbeatInterval", "value": value}

    async def told() -> Any:
        entry = {"key": "HeartbeatInterval", "readonly": False, "value": "of the charger"}
        rig.charger.answer = {"configurationKey": [entry]}
        return (await rig.ask("GetConfiguration", {}))["configurationKey"][0]["value"]

    desk = rig.desk = Desk()
    await rig.ask("ChangeConfiguration", change("900"))
    assert await told() == "900"

    rig.desk = None
    assert await told() == "of the charger"
    rig.charger.answer = {"status": "Rejected"}
    await rig.ask("ChangeConfiguration", change("60"))
    rig.desk = desk
    assert await told() == "900"

    rig.desk = None
    rig.charger.answer = {"status": "Accepted"}
    await rig.ask("ChangeConfiguration", change("60"))
    rig.desk = desk
    assert await told() == "of the charger"


async def test_without_smart_charging_keys_go_on_but_for_those_that_lead_away(rig: Rig) -> None:
    await rig.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "900"})
    await rig.ask("ChangeConfiguration", {"key": "BackendURL", "value": "wss://elsewhere"})

    assert [payload["key"] for _, payload in rig.charger.asked] == ["HeartbeatInterval"]
    assert rig.held == ["backendurl"]


ROOT = {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"}
MAKERS_ROOT = ROOT | {"certificateType": "ManufacturerRootCertificate"}
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b"}
DELETION = {"certificateHashData": HASHES | {"serialNumber": "c"}}


@pytest.mark.parametrize("dialled", ["https://10.0.0.1:9301", None])
@pytest.mark.parametrize(
    ("action", "payload", "status"),
    [
        ("InstallCertificate", ROOT, "Rejected"),
        ("DeleteCertificate", DELETION, "Failed"),
        ("CertificateSigned", {"certificateChain": "PEM"}, "Rejected"),
    ],
)
async def test_a_charger_that_comes_encrypted_keeps_the_certificates_by_which_it_does(
    rig: Rig, dialled: str | None, action: str, payload: dict[str, Any], status: str
) -> None:
    rig.charger.dialled = dialled

    assert await rig.ask(action, payload) == {"status": status}
    assert rig.charger.asked == []
    assert rig.held == [action]


async def test_other_certificates_are_a_matter_of_the_back_office(rig: Rig) -> None:
    await rig.ask("InstallCertificate", ROOT)
    rig.charger.dialled = "https://10.0.0.1:9301"
    await rig.ask("InstallCertificate", MAKERS_ROOT)

    assert [payload for _, payload in rig.charger.asked] == [ROOT, MAKERS_ROOT]
    assert rig.held == []


async def test_a_configuration_without_entries_is_passed_on(rig: Rig) -> None:
    rig.charger.answer = {"unknownKey": ["Nothing"]}

    assert await rig.ask("GetConfiguration", {}) == {"unknownKey": ["Nothing"]}


async def test_frames_that_had_to_be_mended_are_counted(rig: Rig) -> None:
    rig.calls.odd_frame("the message id is too long")

    assert rig.calls.odd_frames == 1


@pytest.mark.parametrize(
    ("url", "good"),
    [("wss://office.example/ocpp", True), ("ws://[", False), ("ws://a:0", False), ("", False)],
)
def test_what_a_url_may_be(url: str, good: bool) -> None:
    assert is_upstream_url(url) is good


def test_an_identity_is_escaped_in_the_url() -> None:
    settings = UpstreamSettings(url="ws://office/", identity="a+b@c")

    assert settings.address("CP1") == "ws://office/a%2Bb%40c"


@pytest.mark.parametrize(
    ("key", "leads_away"),
    [
        ("centralsystemurl", True),
        ("OCPP-Server-Port", True),
        ("SecurityServerURL", True),
        ("APN", True),
        ("OcppSupportedVersions", False),
        ("ocpp-report-interval", False),
        ("SecurityEventsEnabled", False),
        ("MaturityLevel", False),
        ("ConnectorCapNumber", False),
        ("MeterValuesDuringPause", False),
        ("EnergyPerHourLimit", False),
        ("ocppTransportTrace", False),
        ("DuringServerUrlChange", True),
        ("ocppTransportUrl", True),
    ],
)
def test_only_keys_that_lead_away_are_held(key: str, leads_away: bool) -> None:
    assert is_held(key) is leads_away


@pytest.mark.parametrize(("balances", "told"), [(True, "8"), (False, "99")])
async def test_what_profiles_are_taken_is_told_by_who_keeps_them(
    rig: Rig, balances: bool, told: str
) -> None:
    rig.desk = Desk() if balances else None
    entry = {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "99"}
    rig.charger.answer = {"configurationKey": [entry]}

    answer = await rig.ask("GetConfiguration", {"key": ["ChargeProfileMaxStackLevel"]})

    assert [it["value"] for it in answer["configurationKey"]] == [told]
