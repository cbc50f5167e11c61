"""What a back office asks of a charger: passed on, or answered by balanz where it must be."""

import logging
from collections.abc import Callable
from typing import Protocol

from ...storage.upstream_ledger import UpstreamQueue
from ..lenient import integer, text
from ..rpc_errors import CallError
from ..rpc_frames import ErrorCode, Payload
from ..station_errors import CallRefused, StationError, StationOffline
from ..validation import Direction, check, is_known
from .forwarding import EMULATED_KEYS, ToCharger, is_held, to_charger
from .offline_tags import OfflineTags
from .quiet_peer import QuietPeer
from .transaction_ids import TransactionIds, with_transaction

_LONGEST_KEY = 50
_LONGEST_VALUE = 500
_REJECTED: Payload = {"status": "Rejected"}

_LOGGER = logging.getLogger(__name__)


class Asked(Protocol):
    """The charger."""

    identity: str

    @property
    def connected(self) -> bool:
        """Whether there is an open socket."""
        ...

    async def request(self, action: str, payload: Payload) -> Payload:
        """Send a call and return its answer. Raises StationError."""
        ...


class ProfileDesk(Protocol):
    """Answers for the charging profiles of a back office in place of the charger."""

    async def serve(self, action: str, payload: Payload) -> Payload:
        """Return the answer to a call about profiles. Raises CallError."""
        ...

    def start_with(self, payload: Payload) -> Payload | None:
        """Take the profile out of a RemoteStartTransaction, to use it for the transaction.

        None where the profile is none that could be used. Raises CallError.
        """
        ...

    def start_refused(self, payload: Payload) -> None:
        """Forget the profile of a RemoteStartTransaction that the charger refuses."""
        ...


class UpstreamCalls(QuietPeer):
    """Serves the calls of one charger's back office; it is the peer of that connection."""

    def __init__(
        self,
        station: Asked,
        *,
        queue: UpstreamQueue,
        tags: OfflineTags,
        profiles: Callable[[], ProfileDesk | None],
        on_held: Callable[[str], None],
    ) -> None:
        """Serve; `profiles` tells who answers for profiles now, None where the charger does itself.

        `on_held` is told the name of a key that the back office wanted to change and must not.
        """
        self.odd_frames = 0
        """Frames that had to be mended or ignored."""
        self._station = station
        self._queue = queue
        self._ids = TransactionIds(queue.ids)
        self._tags = tags
        self._profiles = profiles
        self._on_held = on_held

    async def handle(self, action: str, payload: Payload) -> Payload:
        """Return the answer to a call. Raises CallError."""
        if is_known(action):
            violation = check(action, Direction.REQUEST, payload)
            if violation is not None:
                self.odd_frames += 1
                raise CallError(ErrorCode.FORMATION_VIOLATION, violation)
        profiles = self._profiles()
        match to_charger(action):
            case ToCharger.PROFILE if profiles is not None:
                return await profiles.serve(action, payload)
            case ToCharger.START if profiles is not None and "chargingProfile" in payload:
                return await self._start(action, payload, profiles)
            case ToCharger.CONFIGURATION:
                return await self._configure(action, payload)
            case ToCharger.CONFIGURATION_QUERY:
                return self._as_set(await self._ask(action, payload))
            case ToCharger.TAGS:
                answer = await self._ask(action, payload)
                if answer.get("status") == "Accepted":
                    self._take_tags(action, payload)
                return answer
        own = self._with_own_ids(payload)
        return _REJECTED if own is None else await self._ask(action, own)

    async def _ask(self, action: str, payload: Payload) -> Payload:
        """Return what the charger answers. Raises CallError."""
        try:
            return await self._station.request(action, payload)
        except CallRefused as error:
            try:
                code = ErrorCode(error.code)
            except ValueError:
                code = ErrorCode.GENERIC_ERROR
            raise CallError(code, error.description) from None
        except StationOffline:
            raise CallError(ErrorCode.GENERIC_ERROR, "the charger is not connected") from None
        except StationError as error:
            raise CallError(ErrorCode.GENERIC_ERROR, str(error)) from None

    def _with_own_ids(self, payload: Payload) -> Payload | None:
        """Return a payload about a transaction as the charger knows it; None if it knows none."""
        profile = payload.get("csChargingProfiles")
        told = profile.get("transactionId") if isinstance(profile, dict) else None
        told = integer(payload.get("transactionId", told))
        if told is None:
            return payload
        own = self._ids.own(told)
        if own is None:
            return None
        if own == told:
            return payload
        if isinstance(profile, dict):
            return payload | {"csChargingProfiles": profile | {"transactionId": own}}
        return with_transaction(payload, own)

    async def _start(self, action: str, payload: Payload, profiles: ProfileDesk) -> Payload:
        without = profiles.start_with(payload)
        if without is None:
            return _REJECTED
        accepted = False
        try:
            answer = await self._ask(action, without)
            accepted = answer.get("status") == "Accepted"
        finally:
            if not accepted:
                profiles.start_refused(payload)
        return answer

    async def _configure(self, action: str, payload: Payload) -> Payload:
        key = text(payload.get("key"), _LONGEST_KEY).lower()
        value = text(payload.get("value"), _LONGEST_VALUE)
        if is_held(key):
            _LOGGER.warning(
                "The back office of %s wanted to change %s", self._station.identity, key
            )
            self._on_held(key)
            return _REJECTED
        kind = EMULATED_KEYS.get(key)
        if kind is None or self._profiles() is None:
            return await self._ask(action, payload)
        number = integer(value)
        if kind is int and (number is None or number < 0):
            return _REJECTED
        self._queue.remember(f"key:{key}", value)
        return {"status": "Accepted"}

    def _as_set(self, answer: Payload) -> Payload:
        """Return a configuration with the values that the back office believes to be set."""
        entries = answer.get("configurationKey")
        if not isinstance(entries, list):
            return answer
        patched = [
            entry | {"value": self._queue.facts[name]}
            if isinstance(entry, dict)
            and (name := f"key:{text(entry.get('key'), _LONGEST_KEY).lower()}") in self._queue.facts
            else entry
            for entry in entries
        ]
        return answer if patched == entries else answer | {"configurationKey": patched}

    def _take_tags(self, action: str, payload: Payload) -> None:
        if action == "SendLocalList":
            self._tags.take_list(payload)
        else:
            self._tags.clear_cache()

    def odd_frame(self, _text: str, /) -> None:
        """Count a frame that is served all the same."""
        self.odd_frames += 1
