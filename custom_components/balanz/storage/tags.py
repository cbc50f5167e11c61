"""RFID cards and other id tags: whose they are, and how they outlive a restart."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import orjson

from .journal import Journal, Record, StorageError

MAX_ID_LENGTH = 36
"""What an id token may have in OCPP 2.0.1; in 1.6 it is 20, yet some chargers read out more."""
MAX_NAME_LENGTH = 100
MAX_TAGS = 20_000
RESERVED_ID = "balanz"
"""The id of the starts that balanz itself asks for."""
LOWEST_PRIORITY, HIGHEST_PRIORITY = 0, 10
MOST_SESSIONS = 1000
_PERSON = re.compile(r"person\.[a-z0-9_]{1,200}")


class TagError(ValueError):
    """A tag that cannot be; `code` says why, `value` shows a little of what is wrong."""

    def __init__(self, code: str, value: object = "") -> None:
        shown = value if isinstance(value, str) else str(value)
        shown = "".join(character for character in shown if character.isprintable())
        self.code = code
        self.value = shown if len(shown) <= 40 else f"{shown[:40]}…"
        super().__init__(f"{code}: {self.value}")


class TagStatus(StrEnum):
    """Whether a tag may be used at all."""

    ACCEPTED = "accepted"
    BLOCKED = "blocked"


def tag_key(tag_id: str) -> str:
    """Return what names a tag whatever case it is written in (OCPP 1.6 section 7.29)."""
    return tag_id.strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A card, fob, phone or car that identifies itself. Raises TagError if it cannot be."""

    id: str
    """As it was written; compared without regard to case."""
    name: str = ""
    person: str | None = None
    """Whose it is; the entity id of a person in Home Assistant."""
    status: TagStatus = TagStatus.ACCEPTED
    expires_at: datetime | None = None
    """From then on it is refused; aware."""
    parent: str | None = None
    """The id of the family that it belongs to: whoever is of it may stop what another started."""
    priority: int | None = None
    """Instead of that of the charger, 0 to 10; None for none of its own."""
    places: frozenset[str] = frozenset()
    """Where it is valid: `charger:` and an identity, `group:` and an id. Empty: everywhere."""
    sessions: int | None = None
    """How many may run at once with it, or with any tag whose parent it is. None: any number."""
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check what was told."""
        _check_id(self.id, "tag_id_invalid")
        if tag_key(self.id) == RESERVED_ID:
            raise TagError("tag_id_reserved", self.id)
        if self.parent is not None:
            _check_id(self.parent, "tag_parent_invalid")
            if tag_key(self.parent) == tag_key(self.id):
                raise TagError("tag_parent_invalid", self.parent)
        if len(self.name) > MAX_NAME_LENGTH or not self.name.isprintable():
            raise TagError("tag_name_invalid", self.name)
        if self.person is not None and not _PERSON.fullmatch(self.person):
            raise TagError("tag_person_invalid", self.person)
        if self.expires_at is not None and not _is_told_everywhere(self.expires_at):
            raise TagError("tag_expiry_invalid", self.expires_at)
        if self.priority is not None and not (LOWEST_PRIORITY <= self.priority <= HIGHEST_PRIORITY):
            raise TagError("tag_priority_invalid", self.priority)
        if self.sessions is not None and not 1 <= self.sessions <= MOST_SESSIONS:
            raise TagError("tag_sessions_invalid", self.sessions)
        object.__setattr__(self, "key", tag_key(self.id))

    @property
    def label(self) -> str:
        """What a user calls it."""
        return self.name or self.id


def _is_told_everywhere(moment: datetime) -> bool:
    """Return whether a moment has a zone, and a name in UTC: the first hours of all have none."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return moment.tzinfo is not None


def _check_id(tag_id: str, code: str) -> None:
    is_text = tag_id.isascii() and tag_id.isprintable() and tag_id == tag_id.strip()
    if not is_text or not 1 <= len(tag_id) <= MAX_ID_LENGTH:
        raise TagError(code, tag_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagHistory:
    """The tags of now, and what has changed when."""

    tags: Mapping[str, Tag]
    """By key."""
    version: int
    """The number of the last change; 0 before the first one."""
    changed_in: Mapping[str, int]
    """The version in which each tag was last changed or removed, by key."""
    log_begins: int
    """The version after which `changed_in` tells all changes."""


class TagRegistry:
    """All tags of a site, in memory by their key and durable in a journal of their own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tags: dict[str, Tag] = {}
        self._version = 0
        self._changed_in: dict[str, int] = {}
        self._log_begins = 0
        self._lock = asyncio.Lock()

    @property
    def tags(self) -> Mapping[str, Tag]:
        """The tags by key; always those of now."""
        return MappingProxyType(self._tags)

    @property
    def history(self) -> TagHistory:
        """The tags of now and what has changed when, as they will stay."""
        return TagHistory(
            tags=dict(self._tags),
            version=self._version,
            changed_in=dict(self._changed_in),
            log_begins=self._log_begins,
        )

    @property
    def version(self) -> int:
        """The number of the last change; 0 before the first one."""
        return self._version

    def __len__(self) -> int:
        return len(self._tags)

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._tags.values())

    def get(self, tag_id: str) -> Tag | None:
        """Return the tag with this id, in whatever case."""
        return self._tags.get(tag_key(tag_id))

    async def open(self) -> None:
        """Read the tags back. Raises StorageError."""
        records = await self._journal.open()
        tags, version = await asyncio.to_thread(_restored, records)
        self._tags.update(tags)
        self._version = self._log_begins = version
        if len(records) > 1:
            try:
                await self._journal.rewrite([await self._snapshot(tags, version)])
            except StorageError:
                # A full disk costs changes of tags, but not the tags.
                return

    async def close(self) -> None:
        """Close the file."""
        await self._journal.close()

    async def put(self, tag: Tag) -> None:
        """Add a tag or replace the one with its id. Raises StorageError, and changes nothing.

        Raises TagError if there are too many.
        """
        async with self._lock:
            if tag.key not in self._tags and len(self._tags) >= MAX_TAGS:
                raise TagError("tag_too_many", MAX_TAGS)
            version = self._version + 1
            await self._journal.append({"kind": "tag", "version": version, **tag_record(tag)})
            self._tags[tag.key] = tag
            self._note(version, (tag.key,))

    async def remove(self, ids: Iterable[str]) -> None:
        """Remove tags. Raises StorageError or, for an unknown id, TagError: none is removed."""
        async with self._lock:
            keys = tuple(dict.fromkeys(map(tag_key, ids)))
            for key in keys:
                if key not in self._tags:
                    raise TagError("tag_unknown", key)
            version = self._version + 1
            await self._journal.append(
                {"kind": "tags_removed", "version": version, "keys": list(keys)}
            )
            for key in keys:
                del self._tags[key]
            self._note(version, keys)

    async def put_all(self, tags: Iterable[Tag], *, replace: bool) -> None:
        """Add or replace many tags at once, or make them all that there are.

        Raises StorageError or TagError, and changes nothing.
        """
        async with self._lock:
            added = {tag.key: tag for tag in tags}
            merged = added if replace else {**self._tags, **added}
            if len(merged) > MAX_TAGS:
                raise TagError("tag_too_many", MAX_TAGS)
            version = self._version + 1
            await self._journal.rewrite([await self._snapshot(merged, version)])
            self._tags.clear()
            self._tags.update(merged)
            self._version = self._log_begins = version
            self._changed_in.clear()

    async def forget_log(self) -> None:
        """Note that what the chargers' lists hold has changed for another reason than a tag's."""
        async with self._lock:
            version = self._version + 1
            await self._journal.append({"kind": "tags_version", "version": version})
            self._version = self._log_begins = version
            self._changed_in.clear()

    def _note(self, version: int, keys: Iterable[str]) -> None:
        self._version = version
        self._changed_in.update(dict.fromkeys(keys, version))

    async def _snapshot(self, tags: Mapping[str, Tag], version: int) -> Record:
        """Return one record of all tags; many of them are written in a thread."""
        text = await asyncio.to_thread(_text, tuple(tags.values()))
        return {"kind": "tags", "version": version, "tags": text}


def tag_record(tag: Tag) -> Record:
    """Return a tag as plain values; what it does not have is left out."""
    record: Record = {"id": tag.id, "name": tag.name, "status": tag.status.value}
    if tag.person is not None:
        record["person"] = tag.person
    if tag.expires_at is not None:
        record["expires"] = tag.expires_at.isoformat()
    if tag.parent is not None:
        record["parent"] = tag.parent
    if tag.priority is not None:
        record["priority"] = tag.priority
    if tag.places:
        record["places"] = sorted(tag.places)
    if tag.sessions is not None:
        record["sessions"] = tag.sessions
    return record


def _text(tags: tuple[Tag, ...]) -> str:
    return orjson.dumps([tag_record(tag) for tag in tags]).decode()


def _restored(records: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Tag], int]:
    """Return the tags and the version behind records; one that does not read changes nothing."""
    tags: dict[str, Tag] = {}
    version = 0
    for record in records:
        try:
            match record["kind"]:
                case "tags":
                    read = [_tag(one) for one in orjson.loads(record["tags"])]
                    tags = {tag.key: tag for tag in read}
                case "tag":
                    tag = _tag(record)
                    tags[tag.key] = tag
                case "tags_removed":
                    for key in record["keys"]:
                        tags.pop(str(key), None)
            version = max(version, int(record["version"]))
        except KeyError, TypeError, ValueError:
            continue
    return tags, version


def _tag(record: Mapping[str, Any]) -> Tag:
    expires = record.get("expires")
    return Tag(
        id=str(record["id"]),
        name=str(record["name"]),
        person=record.get("person"),
        status=TagStatus(record["status"]),
        expires_at=None if expires is None else datetime.fromisoformat(expires),
        parent=record.get("parent"),
        priority=record.get("priority"),
        places=frozenset(record.get("places", ())),
        sessions=record.get("sessions"),
    )
