"""What can be asked of a charger and what it answers, in words that know no OCPP version."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CommandStatus(StrEnum):
    """What a charger answers to a command."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    """It will be done once the transaction that runs has ended."""
    REBOOT_REQUIRED = "reboot_required"
    """It is done, and works once the charger has restarted."""
    NOT_SUPPORTED = "not_supported"
    NOT_IMPLEMENTED = "not_implemented"
    UNLOCKED = "unlocked"
    UNLOCK_FAILED = "unlock_failed"
    FAULTED = "faulted"
    OCCUPIED = "occupied"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    VERSION_MISMATCH = "version_mismatch"
    UNKNOWN = "unknown"
    """Nothing that was told to be removed was there."""
    UNKNOWN_MESSAGE_ID = "unknown_message_id"
    UNKNOWN_VENDOR_ID = "unknown_vendor_id"


class ResetType(StrEnum):
    """How to restart: after an orderly end of what runs, or at once."""

    SOFT = "soft"
    HARD = "hard"


class AvailabilityType(StrEnum):
    """Whether a connector is in service."""

    OPERATIVE = "operative"
    INOPERATIVE = "inoperative"


class MessageTrigger(StrEnum):
    """A message that a charger can be asked to send."""

    BOOT_NOTIFICATION = "boot_notification"
    DIAGNOSTICS_STATUS_NOTIFICATION = "diagnostics_status_notification"
    FIRMWARE_STATUS_NOTIFICATION = "firmware_status_notification"
    HEARTBEAT = "heartbeat"
    METER_VALUES = "meter_values"
    STATUS_NOTIFICATION = "status_notification"


class UpdateType(StrEnum):
    """Whether a list of tags takes the place of the one before, or changes it."""

    FULL = "full"
    DIFFERENTIAL = "differential"


class TagStatus(StrEnum):
    """Whether a tag may charge."""

    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    INVALID = "invalid"
    CONCURRENT_TX = "concurrent_tx"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalListEntry:
    """A tag of the list that a charger keeps itself."""

    id_tag: str
    status: TagStatus | None = None
    """None takes the tag off the list; only for changes of a list."""
    parent_id_tag: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationEntry:
    """A configuration key; the value is None where the charger does not tell it."""

    key: str
    value: str | None
    readonly: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a charger told of its configuration."""

    entries: tuple[ConfigurationEntry, ...]
    unknown_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTransferAnswer:
    """What a charger answered to a vendor's own message."""

    status: CommandStatus
    data: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePeriod:
    """A part of a schedule: from when on, s after its start, and the limit in its unit."""

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeAnswer:
    """What a charger would offer, as it tells it; the schedule's parts are empty without one."""

    status: CommandStatus
    connector: int | None = None
    starts_at: datetime | None = None
    duration_s: int | None = None
    unit: str | None = None
    periods: tuple[SchedulePeriod, ...] = ()


class ProfilePurpose(StrEnum):
    """What a charging profile is for (OCPP 1.6, section 7.11)."""

    CHARGE_POINT_MAX = "charge_point_max_profile"
    TX_DEFAULT = "tx_default_profile"
    TX = "tx_profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCriteria:
    """Which charging profiles to remove: those that match all that is given, else all."""

    profile_id: int | None = None
    """Makes the others void (OCPP 1.6, section 5.4)."""
    connector: int | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None
