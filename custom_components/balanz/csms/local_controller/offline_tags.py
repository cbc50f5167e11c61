"""Who may charge while the back office cannot be asked."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...storage.tags import tag_key
from ...storage.upstream_ledger import UpstreamQueue
from ..authorization import AuthorizationStatus, Verdict
from ..lenient import text, timestamp
from ..rpc_frames import Payload
from ..tag_desk import TagDesk
from ..transactions import Transaction
from .upstream_settings import Unknown

_LONGEST_TAG = 36


class OfflineTags:
    """What the back office has said of tags, and after that the tags of the site."""

    def __init__(
        self, queue: UpstreamQueue, charger: str, tag_desk: TagDesk, unknown: Unknown
    ) -> None:
        """Remember in the queue of a charger."""
        self._queue = queue
        self._charger = charger
        self._tag_desk = tag_desk
        self._unknown = unknown

    def learn(self, id_tag: object, info: object, *, listed: bool = False) -> None:
        """Take in what the back office said of a tag; a list holds until it is replaced."""
        shown = text(id_tag, _LONGEST_TAG)
        if shown and isinstance(info, dict) and isinstance(info.get("status"), str):
            if info["status"] == AuthorizationStatus.CONCURRENT_TX:
                # That holds for now, and says nothing of tomorrow.
                return
            told = json.dumps({"info": info, "listed": listed or self._is_listed(shown)})
            self._queue.remember_tag(tag_key(shown), told)

    def take_list(self, payload: Mapping[str, Any]) -> None:
        """Take in a local list that the charger has accepted."""
        if payload.get("updateType") == "Full":
            self._keep_only(listed=False)
        entries = payload.get("localAuthorizationList")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                gone = {"status": "Invalid"}
                self.learn(entry.get("idTag"), entry.get("idTagInfo", gone), listed=True)

    def clear_cache(self) -> None:
        """Forget what the back office said of tags one by one."""
        self._keep_only(listed=True)

    def authorize(self, id_tag: object) -> Payload:
        """Return what to tell of a card that is shown."""
        info = self._told(id_tag)
        if info is not None:
            return {"idTagInfo": info}
        return {"idTagInfo": {"status": self._judged(id_tag, None).value}}

    def started(self, transaction: Transaction, id_tag: object) -> Verdict:
        """Return what to tell of a transaction that has started; one that is refused is noted."""
        info = self._told(id_tag)
        told = self._judged(id_tag, transaction) if info is None else _status(info["status"])
        if told is not AuthorizationStatus.ACCEPTED:
            self.refuse(transaction, told.value)
        return Verdict(status=told)

    def refuse(self, transaction: Transaction, status: str) -> None:
        """See to it that a transaction ends that the back office refuses."""
        self._tag_desk.refuse(transaction, _status(status))

    def _judged(self, id_tag: object, own: Transaction | None) -> AuthorizationStatus:
        verdict = self._tag_desk.judge(self._charger, id_tag, own)
        is_unknown = verdict.tag is None and verdict.status is AuthorizationStatus.INVALID
        if is_unknown and self._unknown is Unknown.ACCEPT:
            return AuthorizationStatus.ACCEPTED
        return verdict.status

    def _told(self, id_tag: object) -> dict[str, Any] | None:
        """Return what the back office has said of a tag, if that counts now."""
        told = self._queue.tags.get(tag_key(text(id_tag, _LONGEST_TAG)))
        if told is None:
            return None
        info: dict[str, Any] = json.loads(told)["info"]
        expires_at = timestamp(info.get("expiryDate"))
        if expires_at is not None and expires_at <= datetime.now(UTC):
            return {"status": AuthorizationStatus.EXPIRED.value}
        return info

    def _is_listed(self, id_tag: str) -> bool:
        told = self._queue.tags.get(tag_key(id_tag))
        return told is not None and bool(json.loads(told)["listed"])

    def _keep_only(self, *, listed: bool) -> None:
        kept = {
            key: told
            for key, told in self._queue.tags.items()
            if bool(json.loads(told)["listed"]) is listed
        }
        self._queue.forget_tags()
        for key, told in kept.items():
            self._queue.remember_tag(key, told)


def _status(told: object) -> AuthorizationStatus:
    try:
        return AuthorizationStatus(str(told))
    except ValueError:
        return AuthorizationStatus.INVALID
