"""Answers a back office for charging profiles in place of the charger, which keeps none."""

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from ...storage.upstream_ledger import UpstreamQueue
from ..command_values import CommandStatus, ProfilePurpose
from ..events import TransactionStarted, TransactionStopped
from ..rpc_errors import CallError
from ..rpc_frames import Payload
from .bound import Place, UpperBound, upper_bounds
from .composite_answer import InForce
from .composition import InstalledProfile, RunningTransaction
from .modes import Mode
from .profile_records import StoreDamaged
from .profile_store import Answer, ProfileLimits, ProfileStore
from .transaction_ids import TransactionIds

KEEP_EVERY_S = 2.0
"""How often profiles that change again and again are recorded: there may be much of them."""

_FACT = "profiles"
_LOST = "profiles_lost"
_MODE = "profiles_mode"

_LOGGER = logging.getLogger(__name__)


class StoredProfiles:
    """The profiles of one charger's back office, kept over restarts."""

    def __init__(
        self,
        queue: UpstreamQueue,
        *,
        limits: ProfileLimits,
        connectors: int,
        in_force: Callable[[], Mapping[int, InForce]],
        on_change: Callable[[], None],
    ) -> None:
        """Take over what is in the queue's facts; `in_force` is what balanz allows by connector."""
        self._queue = queue
        self._in_force = in_force
        self._on_change = on_change
        self._own_ids: dict[int, int] = {}
        """The ids of balanz of those that began since the start, by connector."""
        self._ids = TransactionIds(queue.ids)
        self._store = ProfileStore(limits=limits, connectors=connectors)
        self._rest: asyncio.TimerHandle | None = None
        """Runs while nothing is recorded, since something just was."""
        self._is_recorded = True
        kept = queue.facts.get(_FACT)
        if kept is not None:
            try:
                self._store.restore(json.loads(kept))
            except StoreDamaged, ValueError:
                _LOGGER.warning("The charging profiles of a back office could not be read back")
                queue.remember(_LOST, "yes")

    @property
    def limits(self) -> ProfileLimits:
        """What is taken of the back office."""
        return self._store.limits

    @limits.setter
    def limits(self, limits: ProfileLimits) -> None:
        self._store.limits = limits

    @property
    def settings(self) -> dict[str, str]:
        """The same as the values of configuration keys, which are in lower case."""
        return {key.value.lower(): value for key, value in self.limits.as_settings().items()}

    @property
    def mode(self) -> Mode:
        """Who holds them: the charger beside balanz's cap, or balanz alone."""
        return Mode.CAP if self._queue.facts.get(_MODE) == Mode.CAP else Mode.MERGE

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._queue.remember(_MODE, mode.value)

    @property
    def lost(self) -> bool:
        """Whether those from before a restart are not known, and no others were set since."""
        return _LOST in self._queue.facts

    @property
    def any(self) -> bool:
        """Whether there are profiles at all."""
        return bool(self._store.profiles)

    @property
    def ids(self) -> frozenset[int]:
        """The ids that the back office gave to its profiles."""
        return frozenset(_ids(self._store.profiles))

    @property
    def kept_here(self) -> frozenset[int]:
        """The ids of those that the charger has in no mode.

        Of two caps of a whole charger only the one of the highest stack level would count.
        """
        caps = (
            it
            for it in self._store.profiles
            if it.profile.purpose is ProfilePurpose.CHARGE_POINT_MAX
        )
        return frozenset(_ids(caps))

    def others(self, than: Collection[int]) -> tuple[InstalledProfile, ...]:
        """Return all but some, by their ids, with the ids of transactions as the charger has them.

        Those of a transaction that the charger does not know are left out.
        """
        found = []
        for one in self._store.profiles:
            told = one.profile.transaction_id
            own = None if told is None else self._ids.own(told)
            if one.profile.id not in than and (told is None) == (own is None):
                found.append(replace(one, profile=replace(one.profile, transaction_id=own)))
        return tuple(found)

    def bounds(self, places: Mapping[int, Place], now: datetime) -> dict[int, UpperBound]:
        """Return what each connector may have."""
        return upper_bounds(self._store.profiles, self._store.transactions, places, now)

    # What the back office asks

    async def serve(self, action: str, payload: Payload) -> Payload:
        """Return the answer to a call about profiles. Raises CallError."""
        now = datetime.now(UTC)
        match action:
            case "SetChargingProfile":
                return self._changed(self._store.set_profile(payload, now))
            case "ClearChargingProfile":
                return self._changed(self._store.clear(payload))
        return self._store.composite(payload, now, self._in_force())

    def start_with(self, payload: Payload) -> Payload | None:
        """Take the profile out of a RemoteStartTransaction, and keep it for the transaction.

        None where it is none that could be used. Raises CallError.
        """
        answer = self._store.remote_start(payload, datetime.now(UTC))
        if answer.status is not CommandStatus.ACCEPTED:
            return None
        self._keep()
        return {name: value for name, value in payload.items() if name != "chargingProfile"}

    def start_refused(self, payload: Payload) -> None:
        """Forget the profile of a RemoteStartTransaction that the charger refuses."""
        self._store.remote_start_refused(payload)
        self._keep()

    def mirror(self, action: str, payload: Payload) -> None:
        """Take in what the charger itself has accepted, for when its profiles are kept here."""
        now = datetime.now(UTC)
        with suppress(CallError):
            match action:
                case "SetChargingProfile":
                    self._changed(self._store.set_profile(payload, now))
                case "ClearChargingProfile":
                    self._changed(self._store.clear(payload))
                case "RemoteStartTransaction":
                    self.start_with(payload)

    # What happens at the charger

    def take(self, event: TransactionStarted | TransactionStopped) -> None:
        """Learn that a transaction has started, or ended."""
        if isinstance(event, TransactionStopped):
            own_id = self._own_ids.get(event.connector, event.transaction_id)
            if own_id != event.transaction_id:
                # It was told late; the profiles are those of its successor.
                return
            self._store.transaction_ended(event.connector)
        else:
            self._own_ids[event.connector] = event.transaction_id
            self._take_start(event)
        self._keep()

    def _take_start(self, event: TransactionStarted) -> None:
        running = self._store.transactions.get(event.connector)
        known = self._queue.ids.get(event.transaction_id)
        if running is None or running.started_at != event.started_at:
            self._store.transaction_started(
                event.connector,
                RunningTransaction(id=known, started_at=event.started_at),
                id_tag=event.id_tag,
                now=datetime.now(UTC),
            )
        elif known is not None:
            # It is told again after a restart; its profiles are still those.
            self._store.transaction_identified(event.connector, known)

    def identified(self, own_id: int, upstream_id: int) -> None:
        """Learn what the back office calls a transaction."""
        for connector, known in self._own_ids.items():
            if known == own_id:
                self._store.transaction_identified(connector, upstream_id)
                self._keep()

    def close(self) -> None:
        """Record what is not recorded yet."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        if not self._is_recorded:
            self._write()

    def _changed(self, answer: Answer) -> Payload:
        if answer.status is CommandStatus.ACCEPTED:
            self._queue.forget(_LOST)
            self._keep()
        else:
            _LOGGER.debug("A charging profile was answered %s: %s", answer.status, answer.reason)
        return answer.as_v16()

    def _keep(self) -> None:
        self._is_recorded = False
        if self._rest is None:
            self._record()
        self._on_change()

    def _record(self) -> None:
        self._write()
        self._rest = asyncio.get_running_loop().call_later(KEEP_EVERY_S, self._rested)

    def _write(self) -> None:
        self._is_recorded = True
        self._queue.remember(_FACT, json.dumps(self._store.as_record()))

    def _rested(self) -> None:
        self._rest = None
        if not self._is_recorded:
            self._record()


def _ids(profiles: Iterable[InstalledProfile]) -> Iterable[int]:
    return (it.profile.id for it in profiles)
