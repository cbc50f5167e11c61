"""Chargers are told of tags in lists: whole ones, changes, and parts that never look whole."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.csms.authorization import AuthorizationRules
from custom_components.balanz.csms.local_list import (
    STEP,
    Entry,
    ListUpdate,
    UpdateType,
    list_updates,
)
from custom_components.balanz.storage.tags import Tag, TagHistory, TagStatus

from .client import check_call

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RULES = AuthorizationRules(places={"CP1": frozenset({"charger:CP1"})})


class Site:
    """Tags that change one by one, as the registry numbers them."""

    def __init__(self, *tags: Tag) -> None:
        self.tags: dict[str, Tag] = {}
        self.version = 0
        self.changed_in: dict[str, int] = {}
        self.log_begins = 0
        for tag in tags:
            self.put(tag)

    def put(self, tag: Tag) -> None:
        self.tags[tag.key] = tag
        self._changed(tag.key)

    def remove(self, key: str) -> None:
        del self.tags[key]
        self._changed(key)

    def _changed(self, key: str) -> None:
        self.version += 1
        self.changed_in[key] = self.version

    def updates(self, held: int, **limits: int) -> tuple[ListUpdate, ...]:
        history = TagHistory(
            tags=self.tags,
            version=self.version,
            changed_in=self.changed_in,
            log_begins=self.log_begins,
        )
        return list_updates(held, history, identity="CP1", rules=RULES, now=NOW, **limits)


class Charger:
    """A charger that keeps a list as OCPP 1.6 section 5.15 says."""

    def __init__(self) -> None:
        self.version = 0
        self.list: dict[str, Entry] = {}

    def take(self, updates: Iterable[ListUpdate]) -> None:
        for update in updates:
            if update.type is UpdateType.FULL:
                self.list.clear()
            else:
                assert update.version > self.version, "VersionMismatch"
            for entry in update.entries:
                if "idTagInfo" in entry:
                    self.list[entry["idTag"]] = entry["idTagInfo"]
                else:
                    self.list.pop(entry["idTag"], None)
            self.version = update.version


async def test_tc_043_a_whole_list_says_of_each_tag_what_holds() -> None:
    site = Site(
        Tag(id="A", parent="FAM", expires_at=NOW + timedelta(days=2)),
        Tag(id="B", status=TagStatus.BLOCKED),
        Tag(id="C", expires_at=NOW),
        Tag(id="D", places=frozenset({"charger:CP1"})),
        Tag(id="E", places=frozenset({"charger:CP2"})),
        Tag(id="F" * 21),
        Tag(id="FAM", expires_at=NOW + timedelta(days=1)),
    )
    (update,) = site.updates(0)

    assert (update.version, update.type) == (7 * STEP, UpdateType.FULL)
    assert {entry["idTag"]: entry["idTagInfo"] for entry in update.entries} == {
        "a": {"status": "Accepted", "parentIdTag": "FAM", "expiryDate": "2026-06-02T12:00:00Z"},
        "b": {"status": "Blocked"},
        "c": {"status": "Expired", "expiryDate": "2026-06-01T12:00:00Z"},
        "d": {"status": "Accepted"},
        "fam": {"status": "Accepted", "expiryDate": "2026-06-02T12:00:00Z"},
    }
    await check_call("SendLocalList", update.payload)


async def test_tc_043_a_change_says_only_what_has_changed() -> None:
    site = Site(Tag(id="A"), Tag(id="B"), Tag(id="C"))
    charger = Charger()
    charger.take(site.updates(0))
    site.put(Tag(id="B", status=TagStatus.BLOCKED))
    site.remove("c")
    (update,) = site.updates(charger.version)

    assert (update.version, update.type) == (5 * STEP, UpdateType.DIFFERENTIAL)
    assert update.entries == (
        {"idTag": "b", "idTagInfo": {"status": "Blocked"}},
        {"idTag": "c"},
    )
    await check_call("SendLocalList", update.payload)


def test_what_changes_of_a_family_changes_all_its_tags() -> None:
    site = Site(Tag(id="A", parent="FAM"), Tag(id="FAM"), Tag(id="B"))
    charger = Charger()
    charger.take(site.updates(0))
    site.put(Tag(id="FAM", status=TagStatus.BLOCKED))
    charger.take(site.updates(charger.version))

    assert charger.list["a"]["status"] == charger.list["fam"]["status"] == "Blocked"
    assert charger.list["b"]["status"] == "Accepted"


@pytest.mark.parametrize("held", [-1, 3 * STEP])
def test_a_list_that_is_up_to_date_or_is_none_gets_nothing(held: int) -> None:
    assert Site(Tag(id="A"), Tag(id="B"), Tag(id="C")).updates(held) == ()


def test_the_list_of_another_system_stays_while_there_are_no_tags() -> None:
    assert Site().updates(7) == ()


@pytest.mark.parametrize(
    "held", [0, 7, STEP + 1, 9 * STEP], ids=["none", "foreign", "a part", "of the future"]
)
def test_a_list_that_cannot_be_trusted_is_replaced(held: int) -> None:
    updates = Site(Tag(id="A"), Tag(id="B"), Tag(id="C")).updates(held)

    assert [update.type for update in updates] == [UpdateType.FULL]


def test_a_list_from_before_the_log_is_replaced() -> None:
    site = Site(Tag(id="A"), Tag(id="B"), Tag(id="C"))
    site.log_begins, site.changed_in = 2, {"c": 3}

    assert site.updates(STEP)[0].type is UpdateType.FULL
    assert site.updates(2 * STEP)[0].type is UpdateType.DIFFERENTIAL


async def test_a_list_comes_in_parts_that_a_charger_can_take() -> None:
    site = Site(*(Tag(id=f"T{n}") for n in range(45)))
    updates = site.updates(0, per_message=20)

    assert [(update.type, len(update.entries)) for update in updates] == [
        (UpdateType.FULL, 20),
        (UpdateType.DIFFERENTIAL, 20),
        (UpdateType.DIFFERENTIAL, 5),
    ]
    assert [update.version for update in updates] == [44 * STEP + 1, 44 * STEP + 2, 45 * STEP]
    for update in updates:
        await check_call("SendLocalList", update.payload)


def test_of_more_than_a_charger_can_keep_those_that_may_charge_are_kept() -> None:
    site = Site(Tag(id="A", status=TagStatus.BLOCKED), *(Tag(id=one) for one in "BCD"))
    charger = Charger()
    charger.take(site.updates(0, most=3))
    assert set(charger.list) == {"b", "c", "d"}

    site.remove("b")
    charger.take(site.updates(charger.version, most=3))
    assert set(charger.list) == {"a", "c", "d"}


def test_a_list_of_more_parts_than_there_are_numbers_is_not_sent() -> None:
    site = Site(*(Tag(id=f"T{n}") for n in range(STEP)))

    assert site.updates(0, per_message=1) == ()


async def test_the_last_tag_leaves_an_empty_list() -> None:
    site = Site(Tag(id="A"))
    site.remove("a")
    (update,) = site.updates(0)

    assert update.payload["localAuthorizationList"] == []
    await check_call("SendLocalList", update.payload)


CHANGES: Any = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "C", "D", "FF"]),
        st.sampled_from([None, *TagStatus]),
        st.sampled_from([None, "X", "A"]),
        st.sampled_from([frozenset(), frozenset({"charger:CP1"}), frozenset({"group:x"})]),
        st.integers(0, 9),
    ),
    max_size=20,
)


@given(changes=CHANGES, per_message=st.integers(1, 3))
def test_however_it_came_a_list_that_calls_itself_whole_is_what_a_new_one_would_be(
    changes: list[tuple[str, TagStatus | None, str | None, frozenset[str], int]], per_message: int
) -> None:
    site, charger = Site(), Charger()
    for tag_id, status, parent, places, arriving in changes:
        if status is None:
            if tag_id.lower() in site.tags:
                site.remove(tag_id.lower())
        else:
            other = None if parent == tag_id else parent
            site.put(Tag(id=tag_id, status=status, parent=other, places=places))
        # Some of the parts get lost with the line.
        charger.take(site.updates(charger.version, per_message=per_message)[:arriving])
        if charger.version == site.version * STEP:
            anew = Charger()
            anew.take(site.updates(0))
            assert charger.list == anew.list
    charger.take(site.updates(charger.version, per_message=per_message))
    assert charger.version == site.version * STEP
