"""Tags are found in any case, survive restarts, and are never half changed."""

import os
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.storage.journal import Journal, StorageError
from custom_components.balanz.storage.tags import (
    MAX_TAGS,
    Tag,
    TagError,
    TagRegistry,
    TagStatus,
    tag_key,
    tag_record,
)

ANNE = Tag(
    id="04A1B2C3",
    name="Änne",
    person="person.anne",
    status=TagStatus.BLOCKED,
    expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    parent="Family",
    priority=5,
    places=frozenset({"charger:CP1", "group:garage"}),
    sessions=2,
)
BOB = Tag(id="B0B")


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncGenerator[Callable[[], Any]]:
    registries: list[TagRegistry] = []

    async def opened() -> TagRegistry:
        for registry in registries:
            await registry.close()
        registries.append(TagRegistry(Journal(tmp_path / "tags.jsonl")))
        await registries[-1].open()
        return registries[-1]

    yield opened
    for registry in registries:
        await registry.close()


async def test_tags_are_the_same_after_a_restart(opened: Callable[[], Any]) -> None:
    registry = await opened()
    await registry.put(BOB)
    await registry.put(ANNE)
    await registry.put(Tag(id="gone"))
    await registry.remove(["GONE"])

    again = await opened()

    assert set(again) == {ANNE, BOB}
    assert again.version == registry.version == 4
    assert list(await opened()) == list(again)


async def test_a_tag_has_one_entry_in_whatever_case_it_is_written(
    opened: Callable[[], Any],
) -> None:
    registry = await opened()
    await registry.put(ANNE)
    await registry.put(Tag(id="04a1b2c3", name="New"))

    assert len(registry) == 1
    assert registry.get(" 04A1b2C3 ").name == "New"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=36))
def test_case_never_tells_two_tags_apart(tag_id: str) -> None:
    assert tag_key(tag_id) == tag_key(tag_id.upper()) == tag_key(tag_id.lower())


async def test_many_tags_come_at_once_or_not_at_all(opened: Callable[[], Any]) -> None:
    registry = await opened()
    await registry.put(BOB)
    await registry.put_all([ANNE], replace=False)
    assert set(registry) == {ANNE, BOB}

    with pytest.raises(TagError, match="tag_too_many"):
        await registry.put_all((Tag(id=str(n)) for n in range(MAX_TAGS)), replace=False)
    assert set(registry) == {ANNE, BOB}

    await registry.put_all([BOB], replace=True)
    assert list(await opened()) == [BOB]


async def test_what_the_disk_does_not_take_is_not_changed(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = await opened()
    await registry.put(BOB)

    def full(*_: object) -> int:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "pwrite", full)
    for change in (
        registry.put(ANNE),
        registry.remove(["B0B"]),
        registry.put_all([ANNE], replace=True),
        registry.forget_log(),
    ):
        with pytest.raises(StorageError):
            await change

    assert list(registry) == [BOB]
    assert registry.version == 1


async def test_a_full_disk_does_not_keep_tags_from_being_read(
    opened: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = await opened()
    await registry.put(BOB)
    await registry.put(ANNE)

    def full(*_: object) -> int:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "pwrite", full)

    assert set(await opened()) == {ANNE, BOB}


async def test_of_several_tags_with_an_unknown_one_none_is_removed(
    opened: Callable[[], Any],
) -> None:
    registry = await opened()
    await registry.put(BOB)

    with pytest.raises(TagError, match="tag_unknown: nobody"):
        await registry.remove(["B0B", "nobody"])

    assert list(registry) == [BOB]


async def test_records_that_do_not_read_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "tags.jsonl")
    await journal.open()
    for record in (
        {"kind": "tag", "version": 1, **tag_record(BOB)},
        {"kind": "tag", "version": 2, "id": "x" * 99, "name": "", "status": "accepted"},
        {"kind": "tag", "version": "many", "id": "X", "name": "", "status": "lost"},
        {"kind": "tags", "version": 3, "tags": "no JSON"},
        {"other": "record"},
    ):
        await journal.append(record)
    await journal.close()
    registry = TagRegistry(Journal(tmp_path / "tags.jsonl"))
    await registry.open()

    assert list(registry) == [BOB]
    await registry.close()


async def test_the_log_tells_what_has_changed_since_when(opened: Callable[[], Any]) -> None:
    registry = await opened()
    await registry.put(ANNE)
    await registry.put(BOB)
    await registry.remove(["04a1b2c3"])
    history = registry.history
    assert (history.changed_in, history.log_begins) == ({"04a1b2c3": 3, "b0b": 2}, 0)

    await registry.forget_log()
    later = registry.history
    assert (later.version, later.changed_in, later.log_begins) == (4, {}, 4)
    assert (history.version, history.changed_in) == (3, {"04a1b2c3": 3, "b0b": 2})


EAST = timezone(timedelta(hours=14))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"id": ""}, "tag_id_invalid"),
        ({"id": "x" * 37}, "tag_id_invalid"),
        ({"id": "x" * 10_000}, "tag_id_invalid"),
        ({"id": " A"}, "tag_id_invalid"),
        ({"id": "Ä"}, "tag_id_invalid"),
        ({"id": "A\nB"}, "tag_id_invalid"),
        ({"id": "Balanz"}, "tag_id_reserved"),
        ({"parent": "\u202e"}, "tag_parent_invalid"),
        ({"parent": "a"}, "tag_parent_invalid"),
        ({"name": "x" * 101}, "tag_name_invalid"),
        ({"name": "a\x1b[31m"}, "tag_name_invalid"),
        ({"person": "light.kitchen"}, "tag_person_invalid"),
        ({"expires_at": datetime(2027, 1, 1)}, "tag_expiry_invalid"),  # noqa: DTZ001
        ({"expires_at": datetime.min.replace(tzinfo=EAST)}, "tag_expiry_invalid"),
        ({"priority": -1}, "tag_priority_invalid"),
        ({"priority": 11}, "tag_priority_invalid"),
        ({"sessions": 0}, "tag_sessions_invalid"),
        ({"sessions": 1001}, "tag_sessions_invalid"),
    ],
)
def test_a_tag_that_cannot_be_is_named(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(TagError) as error:
        Tag(**{"id": "A", **fields})

    assert error.value.code == code
    assert len(error.value.value) <= 41
    assert error.value.value.isprintable()
