"""Who may charge: decisions about id tags. Pure; times are handed in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ..storage.tags import RESERVED_ID, Tag, TagStatus, tag_key

MAX_UNKNOWN_ID_LENGTH = 20
"""That of OCPP 1.6 (section 7.28); a longer id is only that of a tag that is known."""
DEFAULT_ANSWER_WITHIN_S = 15.0
"""Chargers wait for an answer for 30 s at the least that was seen, and the card's owner too."""


class AuthorizationStatus(StrEnum):
    """What a charger is told of a tag (OCPP 1.6 section 7.2)."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class UnknownTags(StrEnum):
    """What becomes of tags that nobody has set up."""

    AUTOMATIC = "automatic"
    """Accepted as long as no tag at all is set up, then the user is asked."""
    REFUSE = "refuse"
    ACCEPT = "accept"
    ASK = "ask"


class Use(NamedTuple):
    """A transaction that runs: at which charger, and the key of its tag."""

    identity: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRules:
    """What the user has set up besides the tags."""

    unknown: UnknownTags = UnknownTags.AUTOMATIC
    answer_within_s: float = DEFAULT_ANSWER_WITHIN_S
    """For how long a charger is kept waiting while the user is asked."""
    free: frozenset[str] = frozenset()
    """The identities of chargers where every tag may charge."""
    places: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Where each charger is, by its identity, in the words of `Tag.places`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be told of a tag."""

    status: AuthorizationStatus
    tag: Tag | None = None
    """The tag itself, if it is known."""
    ask: bool = False
    """Nobody knows it, and the user shall say; until then the status holds."""
    limited: bool = False
    """Whether the expiry of the tag counts here."""

    @property
    def accepted(self) -> bool:
        """Whether it may charge."""
        return self.status is AuthorizationStatus.ACCEPTED

    @property
    def expires_at(self) -> datetime | None:
        """Until when the charger may rely on the answer; None for ever."""
        return self.tag.expires_at if self.tag is not None and self.limited else None

    @property
    def parent(self) -> str | None:
        """The family of the tag."""
        return None if self.tag is None else self.tag.parent


def decide(
    id_tag: object,
    *,
    identity: str,
    starting: bool,
    tags: Mapping[str, Tag],
    uses: Callable[[], Iterable[Use]],
    rules: AuthorizationRules,
    now: datetime,
) -> Verdict:
    """Return whether a tag that a charger tells of may be used there now.

    `starting`: a transaction has begun with it; else it was only shown, perhaps in order to stop
    one. `tags` are by key. `uses` tells the other accepted transactions that run; it is only asked
    where they matter.
    """
    shown = id_tag.strip() if isinstance(id_tag, str) else ""
    key = tag_key(shown)
    tag = tags.get(key)
    if key == RESERVED_ID or identity in rules.free:
        return Verdict(status=AuthorizationStatus.ACCEPTED, tag=tag)
    if tag is not None:
        status = standing(tag, identity=identity, tags=tags, rules=rules, now=now)
        if status is AuthorizationStatus.ACCEPTED and _in_full_use(
            tag, identity, starting, tags, uses
        ):
            status = AuthorizationStatus.CONCURRENT_TX
        return Verdict(status=status, tag=tag, limited=True)
    unknown = rules.unknown
    if unknown is UnknownTags.AUTOMATIC:
        unknown = UnknownTags.ASK if tags else UnknownTags.ACCEPT
    if not isinstance(id_tag, str) or not _is_readable(id_tag):
        return Verdict(status=AuthorizationStatus.INVALID)
    if unknown is UnknownTags.ACCEPT:
        return Verdict(status=AuthorizationStatus.ACCEPTED)
    if not starting and Use(identity, key) in uses():
        # It was let in before, and is shown to stop what it has started.
        return Verdict(status=AuthorizationStatus.ACCEPTED)
    asks = unknown is UnknownTags.ASK and shown != "" and shown.isascii()
    return Verdict(status=AuthorizationStatus.INVALID, ask=asks)


def _is_readable(id_tag: str) -> bool:
    return len(id_tag) <= MAX_UNKNOWN_ID_LENGTH and id_tag.isprintable()


def family_of(tag: Tag, tags: Mapping[str, Tag]) -> tuple[Tag, ...]:
    """Return a tag, and its parent if that is a tag of its own."""
    parent = None if tag.parent is None else tags.get(tag_key(tag.parent))
    return (tag,) if parent is None else (tag, parent)


def standing(
    tag: Tag,
    *,
    identity: str,
    tags: Mapping[str, Tag],
    rules: AuthorizationRules,
    now: datetime,
) -> AuthorizationStatus:
    """Return whether a tag may charge at a charger now, whatever else is charging."""
    family = family_of(tag, tags)
    if any(one.status is TagStatus.BLOCKED for one in family):
        return AuthorizationStatus.BLOCKED
    if any(one.expires_at is not None and one.expires_at <= now for one in family):
        return AuthorizationStatus.EXPIRED
    if tag.places and tag.places.isdisjoint(rules.places.get(identity, frozenset())):
        return AuthorizationStatus.INVALID
    return AuthorizationStatus.ACCEPTED


def _in_full_use(
    tag: Tag,
    identity: str,
    starting: bool,
    tags: Mapping[str, Tag],
    uses: Callable[[], Iterable[Use]],
) -> bool:
    """Return whether as many sessions run as the tag, or its family, may have."""
    limits = [one for one in family_of(tag, tags) if one.sessions is not None]
    if not limits:
        return False
    running = list(uses())
    for one in limits:
        same = [use for use in running if _belongs(use.key, one, tags)]
        if not starting and any(use.identity == identity for use in same):
            # It may be shown to stop what runs there; a start is looked at again.
            continue
        if len(same) >= (one.sessions or 0):
            return True
    return False


def _belongs(key: str, tag: Tag, tags: Mapping[str, Tag]) -> bool:
    """Return whether a tag, by its key, is this one or of its family."""
    if key == tag.key:
        return True
    known = tags.get(key)
    return known is not None and known.parent is not None and tag_key(known.parent) == tag.key
