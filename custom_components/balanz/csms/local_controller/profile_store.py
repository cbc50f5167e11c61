"""What another central system has installed at a charger, and what a charger would answer to it.

The profiles are kept by balanz, which enforces them; to the central system it is as if the charger
held them (OCPP 1.6, sections 5.4, 5.7, 5.11 and 5.16). Nothing of balanz's own is in here, so that
nothing that the central system asks for can touch it. Transaction ids are the central system's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..capabilities import MAX_CONNECTORS, Capabilities, Key
from ..charging_profile import MAX_PERIODS, ChargingProfile, ProfileError
from ..command_values import CommandStatus, ProfileCriteria, ProfilePurpose
from ..lenient import integer, require_integer
from ..rpc_errors import CallError
from ..rpc_frames import ErrorCode, Payload
from ..wording import ocpp_name
from .composite_answer import InForce, composite_answer
from .composition import InstalledProfile, RunningTransaction
from .profile_reading import PURPOSES, read_profile
from .profile_records import MOST_PROFILES, AwaitingProfile, read_record, write_record

REMOTE_START_LASTS_S = 3_600.0
"""How long a profile waits for the transaction that it was sent along with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLimits:
    """What a charger takes, as it says in its configuration keys."""

    max_stack_level: int = 8
    max_periods: int = 24
    max_profiles: int = 16
    """0 where it does no smart charging at all."""

    @classmethod
    def of(cls, capabilities: Capabilities) -> ProfileLimits:
        """Return what a charger has told, within what balanz keeps."""
        usual = cls()
        level, periods, profiles = (
            capabilities.max_stack_level,
            capabilities.max_periods,
            capabilities.max_profiles,
        )
        return cls(
            max_stack_level=usual.max_stack_level if level is None else level,
            max_periods=min(max(periods or usual.max_periods, 1), MAX_PERIODS),
            max_profiles=min(max(profiles or usual.max_profiles, 1), MOST_PROFILES),
        )

    def as_settings(self) -> dict[Key, str]:
        """Return the configuration keys that tell the same."""
        return {
            Key.MAX_STACK_LEVEL: str(self.max_stack_level),
            Key.MAX_PERIODS: str(self.max_periods),
            Key.MAX_PROFILES: str(self.max_profiles),
            Key.RATE_UNIT: "Current,Power",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered, and for the log why."""

    status: CommandStatus
    reason: str = ""

    def as_v16(self) -> Payload:
        """Return it as OCPP 1.6 has it."""
        return {"status": ocpp_name(self.status)}


class ProfileStore:
    """The profiles of one charger. Raises CallError where a charger answers with a CALLERROR."""

    def __init__(
        self, *, limits: ProfileLimits | None = None, connectors: int | None = None
    ) -> None:
        """Begin without profiles; `connectors` is how many there are, None where not known."""
        self.limits = limits or ProfileLimits()
        self.connectors = connectors
        self._installed: tuple[InstalledProfile, ...] = ()
        self._awaiting: tuple[AwaitingProfile, ...] = ()
        self._transactions: dict[int, RunningTransaction] = {}

    @property
    def profiles(self) -> tuple[InstalledProfile, ...]:
        """What is installed, the oldest first."""
        return self._installed

    @property
    def transactions(self) -> Mapping[int, RunningTransaction]:
        """What runs, by connector."""
        return self._transactions

    # What happens at the charger

    def transaction_started(
        self, connector: int, transaction: RunningTransaction, *, id_tag: str, now: datetime
    ) -> None:
        """Learn of a transaction; another one before it, if any, has ended.

        A profile that was sent along with its remote start comes into force. To be told of the
        same again, as after a restart, changes nothing.
        """
        known = self._transactions.get(connector)
        if known is not None and known.id == transaction.id and known.id is not None:
            return
        self.transaction_ended(connector)
        self._transactions[connector] = transaction
        self._forget_stale(now)
        for awaiting in self._awaiting:
            if awaiting.is_for(connector, id_tag):
                self._awaiting = tuple(it for it in self._awaiting if it is not awaiting)
                self._install(connector, awaiting.profile, now)
                return

    def transaction_identified(self, connector: int, transaction_id: int) -> None:
        """Learn which id the central system gave to the transaction that runs."""
        if (transaction := self._transactions.get(connector)) is not None:
            self._transactions[connector] = replace(transaction, id=transaction_id)

    def transaction_ended(self, connector: int, transaction_id: int | None = None) -> None:
        """Forget a connector's transaction, and its profiles with it.

        The end of another one than runs, which may be told late, changes nothing. Without an id it
        is the one that runs.
        """
        running = self._transactions.get(connector)
        if (
            running is not None
            and None not in (running.id, transaction_id)
            and running.id != transaction_id
        ):
            return
        self._transactions.pop(connector, None)
        self._installed = tuple(
            it
            for it in self._installed
            if it.profile.purpose is not ProfilePurpose.TX or it.connector != connector
        )

    # What the central system asks for

    def set_profile(self, payload: Payload, now: datetime) -> Answer:
        """Answer a SetChargingProfile, and install what is accepted."""
        connector = self._connector(payload)
        if self.limits.max_profiles == 0:
            return Answer(status=CommandStatus.NOT_SUPPORTED, reason="no smart charging")
        try:
            profile = read_profile(payload.get("csChargingProfiles"))
            self._check(connector, profile)
        except ProfileError as error:
            return Answer(status=CommandStatus.REJECTED, reason=str(error))
        self._install(connector, profile, now)
        return Answer(status=CommandStatus.ACCEPTED)

    def remote_start(self, payload: Payload, now: datetime) -> Answer:
        """Answer for the profile of a RemoteStartTransaction, and keep it for the transaction.

        Accepted as well where it brings none. Call it before the charger is asked to start, and
        `remote_start_refused` if it does not.
        """
        if payload.get("chargingProfile") is None:
            return Answer(status=CommandStatus.ACCEPTED)
        connector = None if payload.get("connectorId") is None else self._connector(payload)
        id_tag = payload.get("idTag")
        if not isinstance(id_tag, str):
            raise CallError(ErrorCode.PROTOCOL_ERROR, "idTag is missing")
        if self.limits.max_profiles == 0:
            return Answer(status=CommandStatus.REJECTED, reason="no smart charging")
        self._forget_stale(now)
        self.remote_start_refused(payload)
        try:
            profile = read_profile(payload["chargingProfile"])
            if profile.purpose is not ProfilePurpose.TX:
                raise ProfileError("only a TxProfile can be sent along")
            if connector == 0:
                raise ProfileError("no transaction starts at connector 0")
            # It cannot be known yet (section 5.11).
            profile = replace(profile, transaction_id=None)
            self._check_bounds(profile, len(self._installed))
        except ProfileError as error:
            return Answer(status=CommandStatus.REJECTED, reason=str(error))
        awaiting = AwaitingProfile(
            connector=connector, id_tag=id_tag, profile=profile, asked_at=now
        )
        self._awaiting = (*self._awaiting, awaiting)
        return Answer(status=CommandStatus.ACCEPTED)

    def remote_start_refused(self, payload: Payload) -> None:
        """Forget the profile of a remote start that comes to nothing."""
        connector, id_tag = integer(payload.get("connectorId")), str(payload.get("idTag"))
        self._awaiting = tuple(
            it
            for it in self._awaiting
            if it.connector != connector or it.id_tag.casefold() != id_tag.casefold()
        )

    def clear(self, payload: Payload) -> Answer:
        """Answer a ClearChargingProfile, and remove what matches."""
        criteria = _criteria(payload)
        kept = tuple(
            it for it in self._installed if not _matches(it.connector, it.profile, criteria)
        )
        awaiting = tuple(
            it for it in self._awaiting if not _matches(it.connector, it.profile, criteria)
        )
        nothing = len(kept) == len(self._installed) and len(awaiting) == len(self._awaiting)
        self._installed, self._awaiting = kept, awaiting
        return Answer(status=CommandStatus.UNKNOWN if nothing else CommandStatus.ACCEPTED)

    def composite(
        self, payload: Payload, now: datetime, in_force: Mapping[int, InForce]
    ) -> Payload:
        """Answer a GetCompositeSchedule with what a car really gets from now on.

        That is the smaller of these profiles and of what balanz has in force at each connector,
        which is assumed to stay. Rejected where the latter is not known.
        """
        return composite_answer(
            payload,
            self._connector(payload),
            begin=now,
            profiles=self._installed,
            transactions=self._transactions,
            in_force=in_force,
            most_periods=self.limits.max_periods,
        )

    # Restarts

    def as_record(self) -> dict[str, Any]:
        """Return all of it as what JSON knows."""
        return write_record(self._installed, self._awaiting, self._transactions)

    def restore(self, record: object) -> None:
        """Read back what was recorded, in place of all there is.

        Raises StoreDamaged, and changes nothing: it is not known then what the central system
        allows, and it has to be told that its profiles are gone.
        """
        self._installed, self._awaiting, self._transactions = read_record(record)

    # Details

    def _connector(self, payload: Payload) -> int:
        connector = require_integer(payload, "connectorId")
        if not 0 <= connector <= (self.connectors or MAX_CONNECTORS):
            raise CallError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "there is no such connector")
        return connector

    def _check(self, connector: int, profile: ChargingProfile) -> None:
        """Raise ProfileError for what a charger refuses here and now."""
        if profile.purpose is ProfilePurpose.CHARGE_POINT_MAX and connector != 0:
            raise ProfileError("a ChargePointMaxProfile belongs to connector 0")
        if profile.purpose is ProfilePurpose.TX:
            if connector == 0:
                raise ProfileError("a TxProfile belongs to a connector")
            transaction = self._transactions.get(connector)
            if transaction is None:
                raise ProfileError("a TxProfile needs a transaction")
            if profile.transaction_id not in (None, transaction.id):
                raise ProfileError("the TxProfile is for another transaction")
        staying = [it for it in self._installed if not _replaces(connector, profile, it)]
        self._check_bounds(profile, len(staying))

    def _check_bounds(self, profile: ChargingProfile, staying: int) -> None:
        if profile.stack_level > self.limits.max_stack_level:
            raise ProfileError(f"stackLevel is above {self.limits.max_stack_level}")
        if len(profile.periods) > self.limits.max_periods:
            raise ProfileError(f"there are more than {self.limits.max_periods} periods")
        if staying + len(self._awaiting) >= self.limits.max_profiles:
            raise ProfileError(f"there are {self.limits.max_profiles} profiles already")

    def _install(self, connector: int, profile: ChargingProfile, now: datetime) -> None:
        new = InstalledProfile(
            connector=connector, profile=profile, installed_at=now.replace(microsecond=0)
        )
        self._installed = (
            *(it for it in self._installed if not _replaces(connector, profile, it)),
            new,
        )

    def _forget_stale(self, now: datetime) -> None:
        oldest = now - timedelta(seconds=REMOTE_START_LASTS_S)
        self._awaiting = tuple(it for it in self._awaiting if it.asked_at >= oldest)


def _replaces(connector: int, profile: ChargingProfile, old: InstalledProfile) -> bool:
    """Return whether a profile takes the place of another (section 5.16)."""
    if profile.id == old.profile.id:
        return True
    return (connector, profile.purpose, profile.stack_level) == (
        old.connector,
        old.profile.purpose,
        old.profile.stack_level,
    )


def _criteria(payload: Payload) -> ProfileCriteria:
    """Read which profiles to clear. Raises CallError."""
    numbers = {
        field: require_integer(payload, field)
        for field in ("id", "connectorId", "stackLevel")
        if payload.get(field) is not None
    }
    purpose = payload.get("chargingProfilePurpose")
    if purpose is not None and purpose not in tuple(PURPOSES):
        raise CallError(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, "there is no such purpose")
    return ProfileCriteria(
        profile_id=numbers.get("id"),
        connector=numbers.get("connectorId"),
        purpose=None if purpose is None else PURPOSES[purpose],
        stack_level=numbers.get("stackLevel"),
    )


def _matches(connector: int | None, profile: ChargingProfile, criteria: ProfileCriteria) -> bool:
    """Return whether a profile is to be cleared (section 5.4)."""
    if criteria.profile_id is not None:
        return profile.id == criteria.profile_id
    return (
        criteria.connector in (None, connector)
        and criteria.purpose in (None, profile.purpose)
        and criteria.stack_level in (None, profile.stack_level)
    )
