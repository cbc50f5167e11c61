"""Charging profiles that are not balanz's own: booked before they are sent, and while they last.

A TxProfile outranks the default profile that carries balanz's limit, and others may do so too. So
the most that such a profile allows stays booked until it is cleared or its transaction has ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..balancing.model import ConnectorKey
from ..csms.charging_profile import ChargingProfile
from ..csms.command_values import CommandStatus, ProfileCriteria, ProfilePurpose
from ..csms.events import TransactionStarted, TransactionStopped
from ..csms.profiles import own_profile_ids
from ..csms.server import CentralSystem
from ..csms.station import Station
from ..csms.station_errors import CommandInvalid, CommandRejected, StationOffline
from ..storage.ledger import Ledger
from .live import LiveConnector
from .recorder import Recorder
from .snapshot import Problem, ProblemKind

FIT_WITHIN_S = 60.0
"""How long others may take to make room: a cut is followed within seconds, or after its lag."""
LOOK_EVERY_S = 0.5
MOST_KEPT = 32
"""Profiles that are remembered of one charger; no charger takes as many."""


class ProfileRefusal(StrEnum):
    """Why balanz does not pass on a profile."""

    NEEDS_FORCE = "profile_needs_force"
    """The charger is under smart charging."""
    ID_TAKEN = "profile_id_taken"
    """The profile would take the place of balanz's own."""
    NO_ROOM = "profile_no_room"
    """The charger's rating does not fit, whatever others give up, or the supply is not known."""
    BUSY = "profile_busy"
    """Another profile is on its way, or the charger's fallback is being proven."""
    TOO_MANY = "profile_too_many"


class ProfileRefused(Exception):
    """A profile was not passed on; nothing was sent."""

    def __init__(self, refusal: ProfileRefusal) -> None:
        """Tell why."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignProfile:
    """A profile that a charger may have. The largest limit is in A per line."""

    id: int
    connector: int | None
    """0 for the whole charger; None for whichever connector it comes into force at."""
    purpose: ProfilePurpose
    stack_level: int
    largest_a: float
    transaction_id: int | None = None
    """The one that it ends with; None where that is not known yet."""

    @classmethod
    def of(cls, profile: ChargingProfile, connector: int | None) -> ForeignProfile:
        """Return what has to be known of a profile that is about to be sent."""
        return cls(
            id=profile.id,
            connector=connector,
            purpose=profile.purpose,
            stack_level=profile.stack_level,
            largest_a=profile.largest_a,
            transaction_id=profile.transaction_id,
        )

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            "id": self.id,
            "connector": self.connector,
            "purpose": self.purpose.value,
            "stack_level": self.stack_level,
            "largest_a": self.largest_a,
            "transaction_id": self.transaction_id,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ForeignProfile:
        """Read it back. Raises KeyError, TypeError or ValueError."""
        connector, transaction_id = record["connector"], record["transaction_id"]
        return cls(
            id=int(record["id"]),
            connector=None if connector is None else int(connector),
            purpose=ProfilePurpose(record["purpose"]),
            stack_level=int(record["stack_level"]),
            largest_a=float(record["largest_a"]),
            transaction_id=None if transaction_id is None else int(transaction_id),
        )

    def concerns(self, connector: int) -> bool:
        """Return whether it may rule at a connector."""
        return self.connector in (None, 0, connector)

    def replaces(self, other: ForeignProfile) -> bool:
        """Return whether the other one is gone once this one is accepted (section 5.16)."""
        same_place = (self.connector, self.purpose, self.stack_level) == (
            other.connector,
            other.purpose,
            other.stack_level,
        )
        return self.connector is not None and (self.id == other.id or same_place)

    def matches(self, criteria: ProfileCriteria) -> bool:
        """Return whether it is surely among the profiles that are cleared."""
        if criteria.profile_id is not None:
            return self.id == criteria.profile_id
        return (
            criteria.connector in (None, self.connector)
            and criteria.purpose in (None, self.purpose)
            and criteria.stack_level in (None, self.stack_level)
        )


class ForeignProfiles:
    """Passes on profiles of users, once the most that could come of it is booked and fits."""

    def __init__(
        self,
        *,
        central: CentralSystem,
        live: Mapping[ConnectorKey, LiveConnector],
        ledger: Ledger,
        recorder: Recorder,
        is_free: Callable[[ConnectorKey], bool],
        rating_fits: Callable[[str], bool],
        on_change: Callable[[], None],
    ) -> None:
        """Pass on nothing yet; `on_change` is called when what is booked has changed."""
        self._central = central
        self._live = live
        self._ledger = ledger
        self._recorder = recorder
        self._is_free = is_free
        self._rating_fits = rating_fits
        self._on_change = on_change
        self._passing: set[str] = set()
        self._capped: set[str] = set()

    def restore(self, key: ConnectorKey) -> None:
        """Book what the ledger has for a connector that was just set up."""
        self._book(key.charger)

    def take(self, event: TransactionStarted | TransactionStopped) -> None:
        """Learn which transaction a profile belongs to, or that its transaction has ended."""
        kept = []
        for profile in self._of(event.identity):
            is_its_own = profile.purpose is ProfilePurpose.TX and profile.concerns(event.connector)
            if isinstance(event, TransactionStarted):
                if is_its_own and profile.transaction_id is None:
                    kept.append(replace(profile, transaction_id=event.transaction_id))
                    continue
            elif is_its_own and profile.transaction_id == event.transaction_id:
                continue
            kept.append(profile)
        self._keep(event.identity, kept)

    async def install(
        self, identity: str, connector: int, profile: ChargingProfile, *, force: bool
    ) -> CommandStatus:
        """Set a profile of a user's. Raises ProfileRefused, StationError or StorageError."""
        station = self._check(identity, profile, force=force)
        if profile.purpose is ProfilePurpose.TX and profile.transaction_id is None:
            profile = replace(profile, transaction_id=station.transaction_id(connector))
        return await self._pass_on(
            station,
            ForeignProfile.of(profile, connector),
            lambda: station.commands.set_charging_profile(connector, profile),
        )

    async def start_with(
        self,
        identity: str,
        id_tag: str,
        connector: int | None,
        profile: ChargingProfile,
        *,
        force: bool,
    ) -> CommandStatus:
        """Start a transaction that brings a profile. Raises as `install` does."""
        station = self._check(identity, profile, force=force)
        return await self._pass_on(
            station,
            ForeignProfile.of(profile, connector),
            lambda: station.commands.remote_start_transaction(id_tag, connector, profile),
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The chargers under smart charging with a profile that no session's end will clear."""
        return tuple(self._problems())

    async def clear_foreign(self, identity: str) -> CommandStatus:
        """Clear all profiles of a charger that are not balanz's; return what it says of the last.

        It ends with the first one that the charger does not clear. Raises as `install` does.
        """
        status = CommandStatus.ACCEPTED
        for profile_id in dict.fromkeys(profile.id for profile in self._of(identity)):
            status = await self.clear(identity, ProfileCriteria(profile_id=profile_id), force=True)
            if status is not CommandStatus.ACCEPTED:
                break
        return status

    async def clear(
        self, identity: str, criteria: ProfileCriteria, *, force: bool
    ) -> CommandStatus:
        """Clear profiles, and set balanz's own again if it may be among them.

        Raises as `install` does.
        """
        station = self._check(identity, None, force=force)
        if not self._may_be_ours(identity, criteria):
            status = await station.commands.clear_charging_profile(criteria)
        else:
            async with self._rating_booked(station):
                try:
                    status = await station.commands.clear_charging_profile(criteria)
                finally:
                    self._set_again(identity)
        if status is CommandStatus.ACCEPTED:
            kept = [one for one in self._of(identity) if not one.matches(criteria)]
            self._keep(identity, kept)
        return status

    # Profiles of another central system, at a charger that is left to itself

    async def expect(self, identity: str, profile: ForeignProfile) -> None:
        """Remember a profile that is about to be sent by somebody else.

        Raises ProfileRefused where there are too many, or StorageError.
        """
        before = self._of(identity)
        if len(before) >= MOST_KEPT:
            raise ProfileRefused(ProfileRefusal.TOO_MANY)
        await self._keep_durably(identity, (*before, profile))
        self._book(identity)

    def settled(self, identity: str, profile: ForeignProfile, *, accepted: bool) -> None:
        """Learn whether a charger has taken a profile that it was expected to have."""
        if accepted:
            others = self._without(identity, [profile])
            gone = [one for one in others if profile.replaces(one)]
        else:
            gone = [profile]
        self._keep(identity, self._without(identity, gone))

    def cleared(self, identity: str, criteria: ProfileCriteria) -> None:
        """Learn that a charger has none of these profiles any more."""
        self._keep(identity, [it for it in self._of(identity) if not it.matches(criteria)])

    def own_limits_set(self, identity: str) -> None:
        """Learn that balanz's own limits are in force, each in place of what had its id there."""
        numbers = {it.connector.key.connector for it in self._connectors(identity)}
        replaced = {(number, own_profile_ids(number).standing) for number in numbers}
        kept = [it for it in self._of(identity) if (it.connector, it.id) not in replaced]
        self._keep(identity, kept)

    def cap(self, identity: str, *, capped: bool) -> None:
        """Learn whether balanz's own limit caps whatever other profiles allow.

        Then they are known, and nothing of them is booked, but for what may replace the cap.
        """
        (self._capped.add if capped else self._capped.discard)(identity)
        self._book(identity)

    def ids(self, identity: str) -> frozenset[int]:
        """Return the ids of the profiles that a charger may have."""
        return frozenset(one.id for one in self._of(identity))

    # Details

    def _problems(self) -> Iterator[Problem]:
        for identity in self._ledger.foreign_profiles:
            lasting_a = [
                profile.largest_a
                for profile in self._ruling(identity)
                if profile.purpose is not ProfilePurpose.TX
            ]
            if lasting_a and not self._is_left_alone(identity):
                ratings_a = [one.connector.rating_a for one in self._connectors(identity)]
                most_a = min(max(lasting_a), max(ratings_a))
                yield Problem(
                    kind=ProblemKind.FOREIGN_PROFILE,
                    subject=identity,
                    placeholders={"current": f"{most_a:g}"},
                )

    def _check(self, identity: str, profile: ChargingProfile | None, *, force: bool) -> Station:
        station = self._central.stations.get(identity)
        if station is None or not station.ready:
            raise StationOffline(identity)
        if self._is_left_alone(identity):
            return station
        if not force:
            raise ProfileRefused(ProfileRefusal.NEEDS_FORCE)
        if profile is not None and profile.id in self._own_ids(identity):
            raise ProfileRefused(ProfileRefusal.ID_TAKEN)
        return station

    async def _pass_on(
        self,
        station: Station,
        profile: ForeignProfile,
        send: Callable[[], Awaitable[CommandStatus]],
    ) -> CommandStatus:
        identity, before = station.identity, self._of(station.identity)
        if len(before) >= MOST_KEPT:
            raise ProfileRefused(ProfileRefusal.TOO_MANY)
        async with self._rating_booked(station):
            await self._keep_durably(identity, (*before, profile))
            try:
                status = await send()
            except CommandInvalid, CommandRejected, StationOffline:
                self._keep(identity, self._without(identity, [profile]))
                raise
            finally:
                self._set_again(identity, profile)
            if status is CommandStatus.ACCEPTED:
                gone = [one for one in before if profile.replaces(one)]
            else:
                gone = [profile]
            self._keep(identity, self._without(identity, gone))
        return status

    def _is_left_alone(self, identity: str) -> bool:
        return all(self._is_free(one.connector.key) for one in self._connectors(identity))

    def _rating_booked(self, station: Station) -> AbstractAsyncContextManager[object]:
        """Book the rating meanwhile; without smart charging it is reckoned with in any case."""
        if self._is_left_alone(station.identity):
            return nullcontext()
        return _Passing(self, station)

    def _without(self, identity: str, gone: Iterable[ForeignProfile]) -> list[ForeignProfile]:
        """Return what is known of a charger but some, each of them once."""
        kept = list(self._of(identity))
        for one in gone:
            if one in kept:
                kept.remove(one)
        return kept

    async def book_rating(self, station: Station) -> None:
        """Book what the charger could draw at all, and wait until others have made room."""
        identity = station.identity
        if identity in self._passing or any(one.held for one in self._connectors(identity)):
            raise ProfileRefused(ProfileRefusal.BUSY)
        self._passing.add(identity)
        self._book(identity)
        try:
            await self._recorder.write(
                *(
                    self._ledger.note_limit(one.connector.key, one.connector.rating_a)
                    for one in self._connectors(identity)
                )
            )
            await self._room_for(identity)
            if not station.ready:
                raise StationOffline(identity)
        except BaseException:
            self.release_rating(identity)
            raise

    async def _room_for(self, identity: str) -> None:
        """Wait until the rating fits. Raises ProfileRefused if it does not in time."""
        for _ in range(int(FIT_WITHIN_S / LOOK_EVERY_S)):
            if self._rating_fits(identity):
                return
            await asyncio.sleep(LOOK_EVERY_S)
        raise ProfileRefused(ProfileRefusal.NO_ROOM)

    def release_rating(self, identity: str) -> None:
        """Book what is really known again."""
        self._passing.discard(identity)
        self._book(identity)

    def _set_again(self, identity: str, profile: ForeignProfile | None = None) -> None:
        """Have balanz's own limits set again: a profile may have replaced them, or all are gone."""
        now = asyncio.get_running_loop().time()
        if (station := self._central.stations.get(identity)) is not None:
            station.doubt_fallbacks()
        for one in self._connectors(identity):
            if one.balanced and (profile is None or profile.concerns(one.connector.key.connector)):
                one.limit_lost(now)
        self._on_change()

    def _may_be_ours(self, identity: str, criteria: ProfileCriteria) -> bool:
        if criteria.profile_id is not None:
            return criteria.profile_id in self._own_ids(identity)
        if criteria.purpose is not ProfilePurpose.TX:
            return True
        return self._central.stations[identity].may_limit_transactions

    def _own_ids(self, identity: str) -> set[int]:
        """Return the ids of balanz's own profiles."""
        return {
            profile_id
            for one in self._connectors(identity)
            for profile_id in own_profile_ids(one.connector.key.connector)
        }

    def _of(self, identity: str) -> tuple[ForeignProfile, ...]:
        """Return what a charger may have; what cannot be read is taken for no limit at all."""
        return tuple(map(_read, self._ledger.foreign_profiles.get(identity, ())))

    def _ruling(self, identity: str) -> Iterator[ForeignProfile]:
        """Yield what a charger may have that may rule in place of balanz's limit."""
        for profile in self._of(identity):
            may_replace = profile.purpose is ProfilePurpose.CHARGE_POINT_MAX
            if may_replace or identity not in self._capped:
                yield profile

    def _connectors(self, identity: str) -> Iterator[LiveConnector]:
        return (one for key, one in self._live.items() if key.charger == identity)

    async def _keep_durably(self, identity: str, profiles: tuple[ForeignProfile, ...]) -> None:
        """Record what is about to be sent. Raises StorageError, and changes nothing."""
        records = [profile.as_record() for profile in profiles]
        await self._recorder.write(self._ledger.note_foreign_profiles(identity, records))

    def _keep(self, identity: str, profiles: Iterable[ForeignProfile]) -> None:
        """Take over what is known of a charger's profiles, and record it if it has changed."""
        kept = tuple(profiles)
        if kept == self._of(identity):
            return
        records = [profile.as_record() for profile in kept]
        self._recorder.note(self._ledger.note_foreign_profiles(identity, records))
        self._book(identity)

    def _book(self, identity: str) -> None:
        now = asyncio.get_running_loop().time()
        for one in self._connectors(identity):
            number = one.connector.key.connector
            allowed_a = [it.largest_a for it in self._ruling(identity) if it.concerns(number)]
            if identity in self._passing:
                allowed_a.append(one.connector.rating_a)
            one.overruled(max(allowed_a, default=None), now)
        self._on_change()


class _Passing:
    """The time in which a charger's whole rating is booked."""

    def __init__(self, profiles: ForeignProfiles, station: Station) -> None:
        self._profiles = profiles
        self._station = station

    async def __aenter__(self) -> None:
        await self._profiles.book_rating(self._station)

    async def __aexit__(self, *_: object) -> None:
        self._profiles.release_rating(self._station.identity)


def _read(record: Mapping[str, Any]) -> ForeignProfile:
    try:
        return ForeignProfile.from_record(record)
    except KeyError, TypeError, ValueError:
        return ForeignProfile(
            id=0,
            connector=0,
            purpose=ProfilePurpose.TX_DEFAULT,
            stack_level=0,
            largest_a=float("inf"),
        )
