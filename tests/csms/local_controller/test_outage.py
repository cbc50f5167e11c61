"""A charger whose back office is away for a while."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.csms.local_controller.controller import LocalController, Patience
from custom_components.balanz.csms.local_controller.upstream import Trouble
from custom_components.balanz.csms.local_controller.upstream_settings import Unknown
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.upstream_ledger import UpstreamLedger

from ..client import RawCharger, wait_until
from ..conftest import Bench, Dial
from .back_office import BackOffice
from .conftest import QUICK, Between
from .test_forwarding import stop


def start(number: int = 0, tag: str = "TAG") -> dict[str, Any]:
    return {
        "connectorId": 1,
        "idTag": tag,
        "meterStart": 100 + number,
        "timestamp": f"2026-11-21T10:{number:02}:00Z",
    }


async def cut(office: BackOffice, controller: LocalController) -> None:
    """Take the back office away."""
    await office.stop()
    await wait_until(lambda: not controller.connected)


async def test_a_charger_does_not_notice_that_its_back_office_is_gone(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)

    assert await connected.alive()
    assert (await connected.boot())["status"] == "Accepted"
    assert controller.trouble is Trouble.UNREACHABLE


async def test_transactions_of_an_outage_follow_in_order_under_their_own_ids(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await connected.call("Authorize", {"idTag": "TAG"})
    await cut(office, controller)
    for number in range(3):
        started = await connected.call("StartTransaction", start(number))
        assert started["idTagInfo"] == {"status": "Accepted"}
        await connected.call("StopTransaction", stop(started["transactionId"]))
    assert controller.waiting == 6

    office.received.clear()
    await office.start()
    await wait_until(lambda: controller.waiting == 0)

    told = [name for name, _ in office.received if "Transaction" in name]
    assert told == ["StartTransaction", "StopTransaction"] * 3
    assert [one["meterStart"] for one in office.starts] == [100, 101, 102]
    assert [one["transactionId"] for one in office.stops] == [it["id"] for it in office.starts]


async def test_a_transaction_that_began_before_the_outage_ends_after_it(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    started = await connected.call("StartTransaction", start())
    await cut(office, controller)
    await connected.call("StopTransaction", stop(started["transactionId"]))

    await office.start()
    await wait_until(lambda: office.stops)

    assert office.stops[0]["transactionId"] == office.starts[0]["id"]


async def test_the_newest_status_of_each_connector_follows(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)
    office.received.clear()
    for connector, status in ((0, "Available"), (1, "Preparing"), (1, "Faulted"), (1, "Available")):
        await connected.call(
            "StatusNotification",
            {"connectorId": connector, "status": status, "errorCode": "NoError"},
        )

    await office.start()
    await wait_until(lambda: controller.connected and controller.waiting == 0)

    told = [(it["connectorId"], it["status"]) for it in office.of("StatusNotification")]
    # The first one may have been on its way when the line broke.
    assert [one for one in told if one != (1, "Preparing")] == [(0, "Available"), (1, "Available")]


async def test_security_events_follow(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)
    event = {"type": "TamperDetectionActivated", "timestamp": "2026-11-21T10:00:00Z"}
    await connected.call("SecurityEventNotification", event)

    await office.start()

    await wait_until(lambda: office.of("SecurityEventNotification") == [event])


async def test_a_security_event_is_told_again_by_a_back_office_that_gave_no_answer(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    office.raw["SecurityEventNotification"] = "{}"
    office.silent_once.add("SecurityEventNotification")
    event = {"type": "TamperDetectionActivated", "timestamp": "2026-11-21T10:00:00Z"}

    assert await connected.call("SecurityEventNotification", event) == {}

    await wait_until(lambda: office.of("SecurityEventNotification") == [event, event])
    await wait_until(lambda: controller.waiting == 0)


@pytest.mark.parametrize(
    ("status", "tries"), [("Downloading", 1), ("Installing", 1), ("Installed", 2)]
)
async def test_the_end_of_an_update_is_told_again_and_its_progress_is_not(
    connected: RawCharger,
    office: BackOffice,
    controller: LocalController,
    status: str,
    tries: int,
) -> None:
    office.raw["FirmwareStatusNotification"] = "{}"
    office.silent_once.add("FirmwareStatusNotification")

    await connected.call("FirmwareStatusNotification", {"status": status})
    await wait_until(lambda: controller.waiting == 0)

    assert len(office.of("FirmwareStatusNotification")) == tries


async def leaves_with_something_to_tell(
    between: Between, office: BackOffice, dial: Dial, patience: Patience
) -> LocalController:
    """A charger whose back office answers too late, from the time on at which it has left."""
    controller = between.pass_on(patience=patience)
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: controller.connected)
    await cut(office, controller)
    await charger.call("StartTransaction", start())
    await charger.close()
    office.delay_s = 2 * patience.call_timeout_s
    await office.start()
    await wait_until(lambda: controller.connected)
    return controller


async def test_a_charger_that_has_left_is_not_there_for_ever(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    patience = replace(QUICK, linger_s=2.0, away_s=3.0)
    controller = await leaves_with_something_to_tell(between, office, dial, patience)

    await wait_until(lambda: not controller.connected)
    assert controller.waiting == 1

    office.delay_s = 0.0
    await wait_until(lambda: controller.waiting == 0)
    await wait_until(lambda: not controller.connected)


async def test_a_charger_that_has_left_is_there_while_something_is_taken(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    controller = between.pass_on(patience=replace(QUICK, linger_s=0.3, away_s=1e6))
    charger = await dial()
    await charger.boot()
    await wait_until(lambda: controller.connected)
    await cut(office, controller)
    for number in range(10):
        started = await charger.call("StartTransaction", start(number))
        await charger.call("StopTransaction", stop(started["transactionId"]))
    await charger.close()

    office.delay_s = 0.1
    await office.start()

    await wait_until(lambda: len(office.stops) == 10 and controller.waiting == 0)


async def test_a_charger_that_comes_back_is_there_at_once(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    patience = replace(QUICK, linger_s=2.0, away_s=1e6)
    controller = await leaves_with_something_to_tell(between, office, dial, patience)
    await wait_until(lambda: not controller.connected)

    await dial()

    await wait_until(lambda: controller.connected)


async def test_a_boot_of_the_outage_is_told_first(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)
    office.received.clear()
    await connected.boot(firmwareVersion="2.0")
    await connected.call("StartTransaction", start())

    await office.start()
    await wait_until(lambda: controller.connected and controller.waiting == 0)

    assert [name for name, _ in office.received] == ["BootNotification", "StartTransaction"]
    assert office.of("BootNotification")[0]["firmwareVersion"] == "2.0"


async def test_a_lost_link_alone_is_no_boot(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)
    await office.start()
    await wait_until(lambda: controller.connected)
    await connected.call("StartTransaction", start())

    assert len(office.of("BootNotification")) == 1


async def test_a_back_office_that_insists_on_a_boot_gets_it(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)
    office.wants_boot = True
    await office.start()
    await wait_until(lambda: controller.connected)

    await connected.call("StartTransaction", start())
    await wait_until(lambda: controller.waiting == 0)

    assert len(office.starts) == 1


async def test_a_charger_that_was_never_accepted_has_to_wait(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    await office.stop()
    between.pass_on()
    charger = await dial()

    assert (await charger.boot())["status"] == "Pending"


class TestTags:
    """Who may charge while the back office cannot be asked."""

    async def test_what_it_said_before_holds(
        self, connected: RawCharger, office: BackOffice, controller: LocalController
    ) -> None:
        office.tags = {"BAD": {"status": "Blocked"}, "GOOD": {"status": "Accepted"}}
        for tag in ("BAD", "GOOD"):
            await connected.call("Authorize", {"idTag": tag})
        await cut(office, controller)

        told = [await connected.call("Authorize", {"idTag": tag}) for tag in ("BAD", "good")]

        assert [it["idTagInfo"]["status"] for it in told] == ["Blocked", "Accepted"]

    async def test_what_has_expired_meanwhile_does_not(
        self, connected: RawCharger, office: BackOffice, controller: LocalController
    ) -> None:
        office.tags["OLD"] = {"status": "Accepted", "expiry_date": "2020-01-01T00:00:00Z"}
        await connected.call("Authorize", {"idTag": "OLD"})
        await cut(office, controller)

        told = await connected.call("Authorize", {"idTag": "OLD"})

        assert told["idTagInfo"]["status"] == "Expired"

    @pytest.mark.parametrize(
        ("policy", "status"), [(Unknown.REFUSE, "Invalid"), (Unknown.ACCEPT, "Accepted")]
    )
    async def test_the_user_says_what_becomes_of_unknown_ones(
        self, between: Between, office: BackOffice, dial: Dial, policy: Unknown, status: str
    ) -> None:
        controller = between.pass_on(unknown_tags=policy)
        charger = await dial()
        await charger.boot()
        await cut(office, controller)

        told = await charger.call("Authorize", {"idTag": "NEW"})
        started = await charger.call("StartTransaction", start(tag="NEW"))

        assert told["idTagInfo"]["status"] == started["idTagInfo"]["status"] == status

    async def test_those_on_its_local_list_may(
        self, connected: RawCharger, office: BackOffice, controller: LocalController
    ) -> None:
        connected.answers["SendLocalList"] = {"status": "Accepted"}
        entry = {"idTag": "LISTED", "idTagInfo": {"status": "Accepted"}}
        await office.ask(
            "SendLocalList",
            {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]},
        )
        await cut(office, controller)

        told = await connected.call("Authorize", {"idTag": "LISTED"})

        assert told["idTagInfo"]["status"] == "Accepted"

    async def test_a_cleared_cache_is_cleared_here_too(
        self, connected: RawCharger, office: BackOffice, controller: LocalController
    ) -> None:
        connected.answers["ClearCache"] = {"status": "Accepted"}
        await connected.call("Authorize", {"idTag": "TAG"})
        await office.ask("ClearCache", {})
        await cut(office, controller)

        told = await connected.call("Authorize", {"idTag": "TAG"})

        assert told["idTagInfo"]["status"] == "Invalid"


async def test_a_transaction_that_is_refused_afterwards_is_refused(
    connected: RawCharger, office: BackOffice, controller: LocalController, central: Bench
) -> None:
    await connected.call("Authorize", {"idTag": "TAG"})
    await cut(office, controller)
    started = await connected.call("StartTransaction", start())
    office.tags["TAG"] = {"status": "Blocked"}

    await office.start()
    await wait_until(lambda: controller.connected and controller.waiting == 0)

    transaction = central.transactions.find("CP1", started["transactionId"])
    assert transaction is not None
    assert transaction.refused == "Blocked"


async def test_what_waits_survives_a_restart(
    connected: RawCharger,
    office: BackOffice,
    controller: LocalController,
    between: Between,
    tmp_path: Path,
) -> None:
    await connected.call("Authorize", {"idTag": "TAG"})
    await cut(office, controller)
    started = await connected.call("StartTransaction", start())
    await connected.call("StopTransaction", stop(started["transactionId"]))
    await between.close()

    between.ledger = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await between.ledger.open()
    again = between.pass_on()
    assert again.waiting == 2
    await office.start()
    await wait_until(lambda: again.waiting == 0)

    assert [it["meterStart"] for it in office.starts] == [100]
    assert office.stops[0]["transactionId"] == office.starts[0]["id"]


async def test_a_start_that_is_said_again_after_a_restart_is_told_once(
    connected: RawCharger,
    office: BackOffice,
    controller: LocalController,
    between: Between,
    tmp_path: Path,
) -> None:
    await connected.call("StartTransaction", start())
    await between.close()
    between.ledger = UpstreamLedger(Journal(tmp_path / "upstream.jsonl"))
    await between.ledger.open()
    between.pass_on()

    await connected.call("StartTransaction", start(), message_id="again")

    assert len(office.of("StartTransaction")) == 1


async def test_a_start_without_an_answer_is_said_again_with_the_same_id(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    office.drops_after = {"StartTransaction"}

    started = await connected.call("StartTransaction", start())
    await wait_until(lambda: controller.waiting == 0)

    ids = [text.split('"')[1] for text in office.texts if '"StartTransaction"' in text]
    assert len(ids) == 2
    assert ids[0] == ids[1]
    assert len(office.starts) == 1
    assert started["transactionId"] != office.starts[0]["id"]


async def test_a_start_that_is_refused_again_and_again_holds_up_nobody_for_ever(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    office.fails = {"StartTransaction"}
    started = await connected.call("StartTransaction", start())
    await connected.call("StopTransaction", stop(started["transactionId"]))
    await wait_until(lambda: controller.waiting == 0)
    office.fails = set()

    await connected.call("StartTransaction", start(1))
    await wait_until(lambda: controller.waiting == 0)

    assert controller.parked == 2
    assert [it["meterStart"] for it in office.starts] == [101]
    assert office.stops == []


async def test_what_the_charger_said_is_delivered_though_it_has_left(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)
    await connected.call("StartTransaction", start())
    await connected.close()

    await office.start()
    await wait_until(lambda: len(office.starts) == 1 and controller.waiting == 0)
    await wait_until(lambda: not controller.connected)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (401, Trouble.CREDENTIALS),
        (403, Trouble.CREDENTIALS),
        (404, Trouble.UNKNOWN_CHARGER),
        (301, Trouble.PROTOCOL),
        (503, Trouble.UNREACHABLE),
    ],
)
async def test_refusals_are_told_apart(
    between: Between, office: BackOffice, dial: Dial, status: int, trouble: Trouble
) -> None:
    office.refuses_with = status
    controller = between.pass_on()

    charger = await dial()

    await wait_until(lambda: controller.trouble is trouble)
    assert (await charger.boot())["status"] == "Pending"


async def test_a_charger_s_own_credentials_are_passed_on(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    between.pass_on()

    await dial(additional_headers={"Authorization": "Basic Q1AxOnNlY3JldA=="})

    await wait_until(lambda: office.authorizations == ["Basic Q1AxOnNlY3JldA=="])


async def test_credentials_of_its_own_are_shown_instead(
    between: Between, office: BackOffice, dial: Dial
) -> None:
    between.pass_on(identity="ELSE", password="secret")

    await dial(additional_headers={"Authorization": "Basic Q1AxOnNlY3JldA=="})

    await wait_until(lambda: office.authorizations == ["Basic RUxTRTpzZWNyZXQ="])
    assert office.paths == ["/ocpp/ELSE"]


async def test_what_only_the_back_office_can_serve_is_refused_meanwhile(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await cut(office, controller)

    assert await connected.call("DataTransfer", {"vendorId": "x"}) == {"status": "Rejected"}
    assert await connected.call("VendorMessage", {"a": 1}) == "NotImplemented"


async def test_who_may_charge_is_known_without_the_back_office_too(
    connected: RawCharger, controller: LocalController, office: BackOffice
) -> None:
    await connected.call("Authorize", {"idTag": "TAG"})
    await cut(office, controller)

    verdicts = [await controller.desk.authorize("CP1", tag) for tag in ("TAG", "OTHER")]

    assert [it.status.value for it in verdicts] == ["Accepted", "Invalid"]


async def test_a_tag_that_is_in_use_elsewhere_is_not_refused_for_ever(
    connected: RawCharger, office: BackOffice, controller: LocalController
) -> None:
    await connected.call("Authorize", {"idTag": "TAG"})
    office.tags["TAG"] = {"status": "ConcurrentTx"}
    await connected.call("Authorize", {"idTag": "TAG"})
    await cut(office, controller)

    answer = await connected.call("Authorize", {"idTag": "TAG"})

    assert answer == {"idTagInfo": {"status": "Accepted"}}
