"""What happens at the chargers, in words that know no OCPP version."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from .capabilities import Capabilities
from .firmware_memory import FirmwareMemory

type PerLine = tuple[float | None, float | None, float | None]
"""One value for each line of a charger; None where it is not told."""
UNKNOWN_LINES: PerLine = (None, None, None)


class ConnectorStatus(StrEnum):
    """The state of a connector, as OCPP 1.6 names it (section 7.7)."""

    # An enumeration's own hash is worked out anew each time.
    __hash__ = str.__hash__

    AVAILABLE = "available"
    PREPARING = "preparing"
    CHARGING = "charging"
    SUSPENDED_EVSE = "suspended_evse"
    SUSPENDED_EV = "suspended_ev"
    FINISHING = "finishing"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"

    @property
    def plugged(self) -> bool | None:
        """Whether a car is plugged in; None where the status does not tell."""
        match self:
            case (
                ConnectorStatus.PREPARING
                | ConnectorStatus.CHARGING
                | ConnectorStatus.SUSPENDED_EVSE
                | ConnectorStatus.SUSPENDED_EV
                | ConnectorStatus.FINISHING
            ):
                return True
            case ConnectorStatus.AVAILABLE | ConnectorStatus.RESERVED:
                return False
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BootInfo:
    """How a charger introduces itself; empty strings where it does not say."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    meter_type: str = ""


class MeterValues(NamedTuple):
    """One sample of a connector's meter. None where the charger did not send it.

    A tuple, since it is made more often than all else, and no frozen dataclass is made as quickly.
    """

    currents_a: tuple[float, ...] | None
    """Import per line of the charger, A. One value: the charger gave no phases."""
    per_phase: bool
    power_w: float | None
    """Import of all lines together."""
    energy_wh: float | None
    """The import register: of its lifetime at most chargers, of the session at some."""
    offered_a: float | None
    measured_at: datetime
    """By the charger's clock, in UTC; the time of receipt where it sent none."""
    neutral_a: float | None = None
    """What flows back: as much as in the line, where there is but one."""
    voltages_v: PerLine = UNKNOWN_LINES
    """Of each line to neutral."""
    powers_w: PerLine = UNKNOWN_LINES
    """Import of each line."""
    power_factor: float | None = None
    frequency_hz: float | None = None
    state_of_charge_pct: float | None = None
    """How full the car's battery is."""
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEvent:
    """Something that happened at a charger."""

    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConnected(StationEvent):
    """A known charger's socket is open. Its limit is not in force before it is set again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationDisconnected(StationEvent):
    """The charger's socket is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationReady(StationEvent):
    """The charger is accepted and takes commands (boot accepted, or known from before).

    Said again when it turns out that its limits may not be in force.
    """

    booted: bool
    """Whether it has just booted, so that what it had in memory may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilitiesLearnt(StationEvent):
    """A charger told what it can do, and it was not known before."""

    capabilities: Capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class StationDescribed(StationEvent):
    """A charger said who it is."""

    boot: BootInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class StationLearnt(StationEvent):
    """A charger told what it can do, or took a limit in a form that was not known to work."""

    memory: FirmwareMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPending(StationEvent):
    """An unknown charger introduced itself while pairing was open; it is told to wait."""

    boot: BootInfo
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRefused(StationEvent):
    """A charger that nobody knows, or that was removed, dialled in and was refused."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(StationEvent):
    """A connector has a status; connector 0 is the charger itself."""

    connector: int
    status: ConnectorStatus
    error_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterValuesReceived(StationEvent):
    """A connector's meter was read; only samples fit to steer by, never old ones."""

    connector: int
    values: MeterValues


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStarted(StationEvent):
    """A transaction runs. Also said once for each that is adopted after a restart."""

    connector: int
    transaction_id: int
    id_tag: str
    meter_start_wh: float | None
    """What the register showed; None where nobody knows."""
    started_at: datetime
    refused: bool = False
    """Whether its tag may not charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionStopped(StationEvent):
    """A transaction has ended."""

    connector: int
    transaction_id: int
    meter_stop_wh: float | None
    stopped_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosticsStatusChanged(StationEvent):
    """A charger told how the upload of its log goes, as OCPP names it."""

    status: str
    request_id: int | None = None
    """Of the request that it is about; None where the charger does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareStatusChanged(StationEvent):
    """A charger told how a change of its firmware goes, as OCPP names it."""

    status: str
    request_id: int | None = None
    """Of the request that it is about; None where the charger does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRefused(StationEvent):
    """The tag of a transaction that runs may not charge; the charger was told, and may go on."""

    connector: int
    transaction_id: int


class TagOutcome(StrEnum):
    """What came of a tag that a charger told of."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ASKED = "asked"
    """Nobody knows it; the user can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagShown(StationEvent):
    """A tag was shown at a charger, or a transaction began with it."""

    connector: int | None
    """None where it was only shown: the charger does not tell where."""
    id_tag: str
    outcome: TagOutcome
    status: str
    """What the charger is told, as OCPP 1.6 section 7.2 names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorsCounted(StationEvent):
    """A charger turned out to have this many connectors."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFreed(StationEvent):
    """The charger answered, or failed to answer, a call: it can take the next one."""
