"""Cards are shown at real sockets: answers in time, questions to the user, refused starts."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.balanz.csms import tag_desk
from custom_components.balanz.csms.authorization import AuthorizationRules, UnknownTags
from custom_components.balanz.csms.command_values import MessageTrigger
from custom_components.balanz.csms.events import TagOutcome, TagShown, TransactionRefused
from custom_components.balanz.csms.server import CentralSystem, ServerSettings
from custom_components.balanz.csms.tag_desk import TagDesk
from custom_components.balanz.csms.transactions import StartContent, Transaction, TransactionBook
from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.tags import Tag, TagError, TagStatus

from .client import RawCharger, check_result, wait_until

START = {"connectorId": 1, "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


class Door:
    """A central system with a desk for tags, and a charger that is booted."""

    def __init__(self, journal: Journal) -> None:
        self.events: list[Any] = []
        self.tags: dict[str, Tag] = {}
        self.book = TransactionBook(journal)
        self.desk = TagDesk(tags=self.tags, transactions=self.book, listener=self.events.append)
        self.central = CentralSystem(
            ServerSettings(host="127.0.0.1", port=0, call_timeout_s=0.3),
            self.events.append,
            self.book,
            self.desk,
        )
        self.charger: RawCharger

    def know(self, *tags: Tag, unknown: UnknownTags = UnknownTags.AUTOMATIC) -> None:
        self.tags.update({tag.key: tag for tag in tags})
        self.desk.rules = AuthorizationRules(unknown=unknown, answer_within_s=0.3)

    async def authorize(self, id_tag: Any, charger: RawCharger | None = None) -> Any:
        answer = await (charger or self.charger).call("Authorize", {"idTag": id_tag})
        await check_result("Authorize", answer)
        return answer["idTagInfo"]

    async def start(self, id_tag: str, charger: RawCharger | None = None, **fields: Any) -> Any:
        payload = {**START, "idTag": id_tag, **fields}
        answer = await (charger or self.charger).call("StartTransaction", payload)
        await check_result("StartTransaction", answer)
        return answer

    def told(self) -> list[tuple[TagOutcome, str, int | None]]:
        """What became known of tags: the outcome, the tag, the connector."""
        return [
            (event.outcome, event.id_tag, event.connector)
            for event in self.events
            if isinstance(event, TagShown)
        ]

    def refused(self) -> list[int]:
        """The ids of refused transactions."""
        return [
            event.transaction_id for event in self.events if isinstance(event, TransactionRefused)
        ]


@pytest.fixture
async def door(socket_enabled: None, journal: Journal) -> AsyncGenerator[Door]:
    door = Door(journal)
    door.central.set_known(["CP1", "CP2"])
    await door.central.start()
    door.charger = await RawCharger.dial(door.central.port, "CP1")
    await door.charger.boot()
    yield door
    door.desk.close()
    await door.charger.close()
    await door.central.stop()


@pytest.fixture
async def other(door: Door) -> AsyncGenerator[RawCharger]:
    """A second charger."""
    other = await RawCharger.dial(door.central.port, "CP2")
    await other.boot()
    yield other
    await other.close()


async def test_an_answer_tells_what_is_known_of_the_tag(door: Door) -> None:
    door.know(
        Tag(id="Full", parent="FAM", expires_at=UNTIL),
        Tag(id="blocked", status=TagStatus.BLOCKED),
        Tag(id="old", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
        Tag(id="long", parent="F" * 30),
    )

    assert await door.authorize("FULL") == {
        "status": "Accepted",
        "parentIdTag": "FAM",
        "expiryDate": UNTIL.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert await door.authorize("Blocked") == {"status": "Blocked"}
    assert (await door.authorize("OLD"))["status"] == "Expired"
    assert await door.authorize("long") == {"status": "Accepted"}


async def test_a_card_is_looked_at_anew_though_the_charger_uses_one_message_id(door: Door) -> None:
    first = await door.charger.call("Authorize", {"idTag": "A"}, "same-id")
    door.know(Tag(id="A", status=TagStatus.BLOCKED))
    second = await door.charger.call("Authorize", {"idTag": "A"}, "same-id")

    assert (first["idTagInfo"]["status"], second["idTagInfo"]["status"]) == ("Accepted", "Blocked")


async def test_without_tags_everybody_charges_and_with_one_strangers_do_not(door: Door) -> None:
    assert await door.authorize("STRANGER") == {"status": "Accepted"}

    door.know(Tag(id="MINE"))

    assert await door.authorize("STRANGER") == {"status": "Invalid"}


async def test_tc_023_a_refused_card_starts_nothing_and_is_told(door: Door) -> None:
    door.know(Tag(id="blocked", status=TagStatus.BLOCKED))

    assert await door.authorize("blocked") == {"status": "Blocked"}
    assert door.told() == [(TagOutcome.REFUSED, "blocked", None)]


async def test_tc_037_3_a_refused_start_gets_an_id_and_is_marked(door: Door) -> None:
    door.know(unknown=UnknownTags.REFUSE)

    answer = await door.start("STRANGER")

    assert answer["idTagInfo"] == {"status": "Invalid"}
    assert door.refused() == [answer["transactionId"]]
    transaction = door.book.find("CP1", answer["transactionId"])
    assert transaction is not None
    assert transaction.refused == "Invalid"
    stop = {"transactionId": answer["transactionId"], "meterStop": 1, "reason": "DeAuthorized"}
    stop["timestamp"] = START["timestamp"]
    assert await door.charger.call("StopTransaction", stop) == {}
    assert door.book.open_at("CP1", 1) is None


async def test_a_refused_start_that_is_said_again_is_refused_again(door: Door) -> None:
    door.know(unknown=UnknownTags.REFUSE)
    first = await door.start("STRANGER")
    door.know(unknown=UnknownTags.ACCEPT)

    assert await door.start("STRANGER") == first
    assert len(door.refused()) == 1


async def test_a_refusal_outlives_a_restart(door: Door, journal: Journal) -> None:
    door.know(unknown=UnknownTags.REFUSE)
    transaction_id = (await door.start("STRANGER"))["transactionId"]
    again = TransactionBook(journal)
    again.restore(door.book.records())
    restored = again.find("CP1", transaction_id)

    assert restored is not None
    assert restored.refused == "Invalid"


async def test_tc_007_a_start_needs_no_authorize_before_it(door: Door) -> None:
    door.know(Tag(id="MINE"))

    assert (await door.start("mine"))["idTagInfo"] == {"status": "Accepted"}
    assert door.told() == [(TagOutcome.ACCEPTED, "mine", 1)]


@pytest.mark.parametrize("id_tag", ["T\0", "T" * 40, ""])
async def test_a_start_with_what_can_be_no_tag_is_refused_with_an_id(
    door: Door, id_tag: str
) -> None:
    door.know(Tag(id="T"), Tag(id="T" * 36))

    answer = await door.charger.call("StartTransaction", {**START, "idTag": id_tag})

    assert answer["idTagInfo"] == {"status": "Invalid"}
    assert door.refused() == [answer["transactionId"]]


async def test_one_of_two_starts_at_once_is_one_too_many(door: Door, other: RawCharger) -> None:
    door.know(Tag(id="A", sessions=1))

    answers = await asyncio.gather(door.start("A"), door.start("a", other))

    statuses = sorted(answer["idTagInfo"]["status"] for answer in answers)
    assert statuses == ["Accepted", "ConcurrentTx"]


async def test_a_refused_transaction_takes_nobodys_place(door: Door, other: RawCharger) -> None:
    door.know(Tag(id="A", sessions=1, places=frozenset({"charger:CP2"})))
    door.desk.rules = AuthorizationRules(places={"CP2": frozenset({"charger:CP2"})})

    assert (await door.start("A"))["idTagInfo"]["status"] == "Invalid"
    assert (await door.start("A", other))["idTagInfo"]["status"] == "Accepted"


async def test_what_balanz_starts_is_accepted_and_not_talked_about(door: Door) -> None:
    door.know(Tag(id="MINE"), unknown=UnknownTags.REFUSE)

    assert (await door.start("balanz"))["idTagInfo"] == {"status": "Accepted"}
    assert door.told() == []


async def ask(door: Door, id_tag: str = "NEW") -> None:
    """Show an unknown card, and return once the user is asked."""
    await door.charger.send(json.dumps([2, "asking", "Authorize", {"idTag": id_tag}]))
    await wait_until(lambda: door.desk.asked)


async def test_a_card_that_the_user_allows_is_accepted_while_the_charger_waits(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    assert door.told() == [(TagOutcome.ASKED, "NEW", None)]

    door.desk.answer("new", allow=True)

    assert await door.charger.result("asking") == {"idTagInfo": {"status": "Accepted"}}
    assert (await door.start("New"))["idTagInfo"] == {"status": "Accepted"}
    assert door.told()[1:] == [(TagOutcome.ACCEPTED, "New", 1)]


async def test_a_card_that_the_user_refuses_is_refused_for_a_while(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    door.desk.answer("NEW", allow=False)

    assert await door.charger.result("asking") == {"idTagInfo": {"status": "Invalid"}}
    assert await door.authorize("NEW") == {"status": "Invalid"}
    assert [outcome for outcome, *_ in door.told()].count(TagOutcome.ASKED) == 1


async def test_an_answer_that_comes_too_late_counts_for_the_next_time(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    assert await door.authorize("NEW") == {"status": "Invalid"}

    door.desk.answer("NEW", allow=True)

    assert await door.authorize("NEW") == {"status": "Accepted"}


async def test_a_card_that_is_shown_twice_is_asked_about_once(
    door: Door, other: RawCharger
) -> None:
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    again = await RawCharger.dial(door.central.port, "CP1")
    await again.boot()
    answer = asyncio.create_task(door.authorize("new", again))
    elsewhere = asyncio.create_task(door.authorize("NEW", other))
    await wait_until(lambda: len(door.told()) == 2)

    door.desk.answer("NEW", allow=True)

    assert await answer == await elsewhere == {"status": "Accepted"}
    assert door.told() == [(TagOutcome.ASKED, "NEW", None)] * 2
    await again.close()


async def test_the_user_can_think_again(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    door.desk.answer("NEW", allow=False)
    door.desk.answer("NEW", allow=True)

    await door.charger.result("asking")
    assert await door.authorize("NEW") == {"status": "Accepted"}


async def test_answers_are_forgotten_after_their_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_desk, "ANSWER_COUNTS_S", 0.05)
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    door.desk.answer("NEW", allow=True)
    await door.charger.result("asking")
    await asyncio.sleep(0.1)

    assert await door.authorize("NEW") == {"status": "Invalid"}
    with pytest.raises(TagError, match="tag_not_asked"):
        door.desk.answer("OTHER", allow=True)


async def test_the_line_of_a_charger_that_waits_stays_free_for_commands(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    await door.central.stations["CP1"].trigger(MessageTrigger.HEARTBEAT)

    assert "asking" not in door.charger.results


async def test_a_start_is_answered_at_once_and_refused_without_an_answer(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)

    answer = await door.start("NEW")

    assert answer["idTagInfo"] == {"status": "Accepted"}
    assert door.told() == [(TagOutcome.ASKED, "NEW", 1)]
    await wait_until(door.refused)
    assert door.told()[1:] == [(TagOutcome.REFUSED, "NEW", 1)]


async def test_nobody_is_asked_about_what_has_ended_already(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    content = StartContent("CP1", 1, "NEW", "", 0.0)
    ended = Transaction(id=1, content=content, started_at=UNTIL, stopped_at=UNTIL)

    assert not door.desk.started(ended, "NEW").accepted
    assert door.desk.asked == ()
    assert door.told() == [(TagOutcome.REFUSED, "NEW", 1)]


@pytest.mark.parametrize("allow", [True, False])
async def test_the_user_decides_of_a_transaction_that_runs(door: Door, allow: bool) -> None:
    door.know(unknown=UnknownTags.ASK)
    await door.start("NEW")
    door.desk.answer("NEW", allow=allow)
    await asyncio.sleep(0.4)

    assert bool(door.refused()) is not allow
    assert (await door.authorize("NEW"))["status"] == ("Accepted" if allow else "Invalid")


async def test_a_tag_that_was_refused_a_moment_ago_cannot_start(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    await ask(door)
    door.desk.answer("NEW", allow=False)

    assert (await door.start("NEW"))["idTagInfo"] == {"status": "Invalid"}


async def test_what_nobody_has_answered_at_the_end_is_refused(door: Door) -> None:
    door.know(unknown=UnknownTags.ASK)
    await door.start("NEW")
    door.desk.close()

    await wait_until(door.refused)


async def test_strangers_with_many_cards_fill_neither_memory_nor_ears(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_desk, "MAX_ASKED", 3)
    door.know(unknown=UnknownTags.ASK)
    door.desk.rules = AuthorizationRules(unknown=UnknownTags.ASK, answer_within_s=0.0)
    for number in range(20):
        assert await door.authorize(f"CARD{number}") == {"status": "Invalid"}

    assert door.desk.asked == ("CARD17", "CARD18", "CARD19")
    assert [outcome for outcome, *_ in door.told()].count(TagOutcome.REFUSED) == 1


async def test_of_ten_thousand_tags_none_is_looked_at_but_those_concerned(door: Door) -> None:
    class Counting(dict[str, Tag]):
        looked_up = 0

        def get(self, key: str, default: Any = None) -> Any:
            self.looked_up += 1
            return super().get(key, default)

        def __iter__(self) -> Any:
            raise AssertionError("all tags were gone through")

        values = items = keys = __iter__

    tags = Counting({f"t{number}": Tag(id=f"T{number}", sessions=1) for number in range(10_000)})
    door.desk.tags = tags

    assert await door.authorize("T9999") == {"status": "Accepted"}
    assert (await door.start("T5000"))["idTagInfo"] == {"status": "Accepted"}
    assert tags.looked_up <= 4
