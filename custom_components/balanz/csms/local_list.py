"""What chargers are to know of tags while nobody can be asked. Pure; nothing is sent here.

A charger tells only the version of its list. So that one number says what it holds, also when a
list came in parts and not all of them arrived, a version of the tags is `STEP` versions of lists:
the last of them is a whole list, those before it are parts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import batched
from typing import Any

from ..storage.tags import Tag, TagHistory, tag_key
from .authorization import (
    MAX_UNKNOWN_ID_LENGTH,
    AuthorizationRules,
    AuthorizationStatus,
    family_of,
    standing,
)

STEP = 1000
MAX_VERSION = 2**31 - 1
DEFAULT_PER_MESSAGE = 20
"""Where a charger does not tell its SendLocalListMaxLength; a message stays below 4 kB."""

type Entry = dict[str, Any]
"""An AuthorizationData (OCPP 1.6 section 7.1); without idTagInfo it takes the tag off the list."""


class UpdateType(StrEnum):
    """How a list is changed (OCPP 1.6 section 7.48)."""

    FULL = "Full"
    DIFFERENTIAL = "Differential"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUpdate:
    """One SendLocalList."""

    version: int
    type: UpdateType
    entries: tuple[Entry, ...]

    @property
    def payload(self) -> dict[str, Any]:
        """The message, as OCPP 1.6 section 6.41 has it."""
        payload: dict[str, Any] = {"listVersion": self.version, "updateType": self.type.value}
        if self.entries or self.type is UpdateType.FULL:
            payload["localAuthorizationList"] = list(self.entries)
        return payload


def whole_version(version: int) -> int:
    """Return the version of a whole list of a version of the tags."""
    return version * STEP


def list_updates(
    held: int,
    history: TagHistory,
    *,
    identity: str,
    rules: AuthorizationRules,
    now: datetime,
    per_message: int = DEFAULT_PER_MESSAGE,
    most: int | None = None,
) -> tuple[ListUpdate, ...]:
    """Return what to send, in order, to a charger whose list has this version.

    Nothing where the list is up to date, where the charger has none (a negative version), or where
    no tag was ever set up. `most` is how many entries it can keep: of more, those that are refused
    are left out first, and the others are asked about.
    """
    goal = whole_version(history.version)
    if held < 0 or held == goal or not history.version or goal > MAX_VERSION:
        return ()
    wanted = _wanted(history.tags, identity, rules, now)
    fitting = _fitting(wanted, most)
    since, rest = divmod(held, STEP)
    changed = {key for key, version in history.changed_in.items() if version > since}
    changed |= {
        key
        for key, tag in history.tags.items()
        if tag.parent is not None and tag_key(tag.parent) in changed
    }
    is_known = not rest and history.log_begins <= since < history.version and held > 0
    # So many there may have been before, of which the charger then does not hold them all.
    all_fitted = most is None or len(wanted) + len(changed) <= most
    if not is_known or not all_fitted:
        return _parts(UpdateType.FULL, fitting.values(), history.version, per_message)
    entries = (
        fitting.get(key) or {"idTag": key}
        for key in sorted(changed)
        if len(key) <= MAX_UNKNOWN_ID_LENGTH
    )
    return _parts(UpdateType.DIFFERENTIAL, entries, history.version, per_message)


def _wanted(
    tags: Mapping[str, Tag], identity: str, rules: AuthorizationRules, now: datetime
) -> dict[str, Entry]:
    """Return what a charger's list is to hold, by the key of each tag."""
    entries = {}
    for key, tag in tags.items():
        status = standing(tag, identity=identity, tags=tags, rules=rules, now=now)
        # Where a tag is not valid, the list says nothing of it: it is as unknown there.
        if status is not AuthorizationStatus.INVALID and len(tag.id) <= MAX_UNKNOWN_ID_LENGTH:
            entries[key] = {"idTag": key, "idTagInfo": _info(tag, status, tags)}
    return entries


def _info(tag: Tag, status: AuthorizationStatus, tags: Mapping[str, Tag]) -> dict[str, str]:
    info = {"status": status.value}
    ends = [one.expires_at for one in family_of(tag, tags) if one.expires_at is not None]
    if ends:
        info["expiryDate"] = min(ends).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if tag.parent is not None and len(tag.parent) <= MAX_UNKNOWN_ID_LENGTH:
        info["parentIdTag"] = tag.parent
    return info


def _fitting(entries: dict[str, Entry], most: int | None) -> dict[str, Entry]:
    if most is None or len(entries) <= most:
        return entries

    def is_refused(key: str) -> bool:
        return bool(entries[key]["idTagInfo"]["status"] != AuthorizationStatus.ACCEPTED)

    kept = sorted(entries, key=lambda key: (is_refused(key), key))[:most]
    return {key: entries[key] for key in kept}


def _parts(
    update_type: UpdateType, entries: Iterable[Entry], version: int, per_message: int
) -> tuple[ListUpdate, ...]:
    """Return an update in as many messages as it takes; too many for one version are none."""
    parts = list(batched(entries, max(per_message, 1), strict=False)) or [()]
    if len(parts) >= STEP:
        return ()
    return tuple(_numbered(update_type, parts, version))


def _numbered(
    update_type: UpdateType, parts: list[tuple[Entry, ...]], version: int
) -> Iterator[ListUpdate]:
    before = whole_version(version - 1)
    for number, entries in enumerate(parts, start=1):
        is_last = number == len(parts)
        yield ListUpdate(
            version=whole_version(version) if is_last else before + number,
            type=update_type if number == 1 else UpdateType.DIFFERENTIAL,
            entries=entries,
        )
