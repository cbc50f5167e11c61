"""What a back office asks of a charger: passed on, or answered by balanz where it must be."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

import orjson

from ...storage.upstream_ledger import UpstreamQueue
from ..lenient import MAX_INTEGER, integer, text
from ..rpc_errors import CallError
from ..rpc_frames import ErrorCode, Payload, Verbatim
from ..station_errors import CallRefused, StationError, StationOffline
from ..validation import Direction, is_known, violation
from .answers import relayed
from .forwarding import EMULATED_KEYS, ToCharger, is_held, to_charger
from .limit_digits import in_tenths
from .offline_tags import OfflineTags
from .quiet_peer import QuietPeer
from .transaction_ids import TransactionIds, with_transaction

_LONGEST_KEY = 50
_LONGEST_VALUE = 500
_KEY = "key:"
"""How the facts begin that are values of configuration keys."""
_CODES = {
    "enum": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "maxLength": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "multipleOf": ErrorCode.PROPERTY_CONSTRAINT_VIOLATION,
    "required": ErrorCode.PROTOCOL_ERROR,
    "type": ErrorCode.TYPE_CONSTRAINT_VIOLATION,
}
"""What is answered to a call that breaks a rule of its schema (errata 3.38)."""
_REJECTED: Payload = {"status": "Rejected"}

_LOGGER = logging.getLogger(__name__)


class Asked(Protocol):
    """The charger."""

    identity: str
    dialled: str | None
    """The HTTP address at which it has reached balanz; None if unknown."""

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

    @property
    def settings(self) -> Mapping[str, str]:
        """What it takes, as the values of configuration keys, which are in lower case."""
        ...

    def start_with(self, payload: Payload) -> Payload | None:
        """Take the profile out of a RemoteStartTransaction, to use it for the transaction.

        None where the profile is none that could be used. Raises CallError.
        """
        ...

    def start_refused(self, payload: Payload) -> None:
        """Forget the profile of a RemoteStartTransaction that the charger refuses."""
        ...


class ProfilePassage(Protocol):
    """Takes note of the charging profiles that go on to the charger."""

    async def pass_on(
        self, action: str, payload: Payload, own: Payload, ask: Callable[[], Awaitable[Payload]]
    ) -> Payload:
        """Return the charger's answer, once it was asked. Raises StationError.

        `payload` is what the back office asks, `own` the same with ids of balanz.
        """
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
        self.passage: ProfilePassage | None = None
        """Through which profiles go where the charger answers for them itself."""
        self._station = station
        self._queue = queue
        self._ids = TransactionIds(queue.ids)
        self._tags = tags
        self._profiles = profiles
        self._on_held = on_held

    async def handle(self, action: str, payload: Payload) -> Payload:
        """Return the answer to a call. Raises CallError."""
        profiles = self._profiles()
        row = to_charger(action)
        if profiles is not None and row is ToCharger.PROFILE:
            # They are read as leniently as by chargers: a limit that is refused for its digits
            # would not count.
            return await profiles.serve(action, payload)
        if profiles is not None and row is ToCharger.START and "chargingProfile" in payload:
            self._check(action, _without_profile(payload))
            return await self._start(action, payload, profiles)
        if row in (ToCharger.PROFILE, ToCharger.START):
            payload = in_tenths(payload)
        self._check(action, payload)
        match row:
            case ToCharger.CONFIGURATION:
                return await self._configure(action, payload)
            case ToCharger.TRUST if self._is_about_trust(payload):
                self._hold(action)
                return {"status": "Failed"} if action == "DeleteCertificate" else _REJECTED
            case ToCharger.CONFIGURATION_QUERY:
                return self._as_set(await self._ask(action, payload))
            case ToCharger.TAGS:
                answer = await self._ask(action, payload)
                if answer.get("status") == "Accepted":
                    self._take_tags(action, payload)
                return answer
        own = self._with_own_ids(payload)
        if own is None:
            return _REJECTED
        if self.passage is not None and row in (ToCharger.PROFILE, ToCharger.START):
            ask = partial(self._station.request, action, own)
            return await self._answer(self.passage.pass_on(action, payload, own, ask))
        return await self._ask(action, own)

    def _check(self, action: str, payload: Payload) -> None:
        """Raise CallError for what breaks the schema."""
        found = violation(action, Direction.REQUEST, payload) if is_known(action) else None
        if found is not None:
            self.odd_frames += 1
            raise CallError(_CODES.get(found.rule, ErrorCode.FORMATION_VIOLATION), str(found))
        if is_known(action) and not _fits(payload):
            self.odd_frames += 1
            raise CallError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "a number is out of range")

    async def _ask(self, action: str, payload: Payload) -> Payload:
        """Return what the charger answers. Raises CallError."""
        return await self._answer(self._station.request(action, payload))

    async def _answer(self, asked: Awaitable[Payload]) -> Payload:
        try:
            return await asked
        except CallRefused as error:
            raise relayed(error.code, error.description) from None
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
            changed = payload | {"csChargingProfiles": profile | {"transactionId": own}}
            return Verbatim.of(changed, orjson.dumps(changed).decode())
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

    def _is_about_trust(self, payload: Payload) -> bool:
        """Return whether a charger could be lost by what is done to its certificates."""
        is_plain = (self._station.dialled or "").startswith("http:")
        return not is_plain and payload.get("certificateType") != "ManufacturerRootCertificate"

    def _hold(self, what: str) -> None:
        _LOGGER.warning("The back office of %s wanted to change %s", self._station.identity, what)
        self._on_held(what)

    async def _configure(self, action: str, payload: Payload) -> Payload:
        key = text(payload.get("key"), _LONGEST_KEY).lower()
        value = text(payload.get("value"), _LONGEST_VALUE)
        if is_held(key):
            self._hold(key)
            return _REJECTED
        is_possible = EMULATED_KEYS.get(key)
        if is_possible is None:
            return await self._ask(action, payload)
        if self._profiles() is None:
            answer = await self._ask(action, payload)
            if answer.get("status") in ("Accepted", "RebootRequired"):
                # What was kept for it before holds no longer.
                self._queue.forget(f"{_KEY}{key}")
            return answer
        if not is_possible(value):
            return _REJECTED
        self._queue.remember(f"{_KEY}{key}", value)
        return {"status": "Accepted"}

    def _as_set(self, answer: Payload) -> Payload:
        """Return a configuration with the values that the back office believes to be set."""
        entries = answer.get("configurationKey")
        profiles = self._profiles()
        if not isinstance(entries, list) or profiles is None:
            return answer
        kept = {
            name.removeprefix(_KEY): value
            for name, value in self._queue.facts.items()
            if name.startswith(_KEY)
        } | dict(profiles.settings)
        patched = [
            entry | {"value": kept[name]}
            if isinstance(entry, dict)
            and (name := text(entry.get("key"), _LONGEST_KEY).lower()) in kept
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


def _fits(value: object) -> bool:
    """Return whether all whole numbers are of a size that chargers can hold."""
    if isinstance(value, dict):
        return all(_fits(item) for item in value.values())
    if isinstance(value, list):
        return all(_fits(item) for item in value)
    return not isinstance(value, int) or abs(value) <= MAX_INTEGER


def _without_profile(payload: Payload) -> Payload:
    return {name: value for name, value in payload.items() if name != "chargingProfile"}
