"""What one running site shows to whoever looks: plain values, made anew at each change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ..balancing.dark_budget import DarkBudget
from ..balancing.meter_watch import MeterStage
from ..balancing.model import ConnectorKey
from ..balancing.phases import Phase, PhaseCurrents
from ..balancing.policies import Policy
from ..balancing.reasons import Rule
from ..balancing.surplus import SurplusMode
from ..csms.events import UNKNOWN_LINES, BootInfo, ConnectorStatus, PerLine
from ..csms.local_controller.modes import Mode
from ..csms.local_controller.upstream import Trouble
from ..csms.reported_codes import ErrorCode, StopReason
from ..storage.kept_updates import UpdateStage
from ..storage.overrides import CapacityOverride
from ..storage.plans import BOOST_LASTS, Plan
from ..storage.proofs import Fact, FirmwareProof
from .bound import Bound
from .drill_report import DrillReport
from .firmware_update import UpdateFailure


class ProblemKind(StrEnum):
    """What is wrong and needs the user; each ends by itself once it is mended."""

    OVERLOAD = "overload"
    """Everything that can be cut is cut, and a group's limit still does not hold."""
    METER_SILENT = "meter_silent"
    """The meter of a group does not tell what flows now; `stage` says what is assumed."""
    METER_MISSES_CHARGERS = "meter_misses_chargers"
    """The meter of a group does not show what the group's chargers draw."""
    METER_REVERSED = "meter_reversed"
    """It shows less where they draw more."""
    STORAGE_FAILING = "storage_failing"
    """The disk does not take what must be recorded."""
    STORAGE_DAMAGED = "storage_damaged"
    """Some of what was recorded could not be read back."""
    STORAGE_MISSING = "storage_missing"
    """Files with what was recorded had gone at a start; the user can say that it was seen."""
    STILL_BOOKED = "still_booked"
    """A removed or moved charger may still draw; the user can release its booking."""
    LIMIT_REFUSED = "limit_refused"
    """A charger refuses limits, so that its rating is booked."""
    LIMIT_IGNORED = "limit_ignored"
    """A charger draws more than the limit that it has accepted."""
    LIMIT_IGNORED_PAUSED = "limit_ignored_paused"
    """The same; it is paused for that."""
    LIMIT_IGNORED_STOPPED = "limit_ignored_stopped"
    """The same; its session was stopped."""
    LIMIT_IGNORED_OUT_OF_SERVICE = "limit_ignored_out_of_service"
    """The same; its connector was taken out of service."""
    LIMIT_IGNORED_SWITCHED_OFF = "limit_ignored_switched_off"
    """The same; its power was switched off."""
    ADDRESS_CHANGED = "address_changed"
    """A charger without a password comes from another address; the user can accept it."""
    PASSWORD_REFUSED = "password_refused"
    """A charger comes without its password, or with a wrong one."""
    SECURITY_TOO_LOW = "security_too_low"
    """A charger has its password, but comes unencrypted or without the certificate asked for."""
    INTERNET_REFUSED = "internet_refused"
    """A charger comes from the internet, and must not, or not unencrypted."""
    IDENTITY_SHARED = "identity_shared"
    """Connections under one identity keep replacing one another."""
    CHARGER_CERTIFICATE_EXPIRES = "charger_certificate_expires"
    """A charger's own certificate ends soon, or has ended; without it, it does not get in."""
    CERTIFICATE_EXPIRES = "certificate_expires"
    """The server's certificate ends soon, and then chargers stay away."""
    CERTIFICATE_UNUSABLE = "certificate_unusable"
    """The files of the server's certificate have changed into something that cannot be used."""
    FOREIGN_PROFILE = "foreign_profile"
    """A charger has a charging profile that is not balanz's, and that nothing ends by itself."""
    UNKNOWN_CHARGERS = "unknown_chargers"
    """Chargers that are not set up dial in, and are refused while pairing is closed."""
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    """The back office of a charger has not been reached for a while."""
    UPSTREAM_CREDENTIALS = "upstream_credentials"
    """It refuses identity and password."""
    UPSTREAM_UNKNOWN_CHARGER = "upstream_unknown_charger"
    """It knows no such charger."""
    UPSTREAM_CERTIFICATE = "upstream_certificate"
    """Its certificate cannot be trusted."""
    UPSTREAM_PROTOCOL = "upstream_protocol"
    """What answers at its address speaks no OCPP 1.6."""
    UPSTREAM_MISBEHAVES = "upstream_misbehaves"
    """Its connection was closed for what it had sent."""
    UPSTREAM_PARKED = "upstream_parked"
    """It refuses for good to take the start or stop of a transaction."""
    UPSTREAM_LEADS_AWAY = "upstream_leads_away"
    """It wanted to change a setting that would take the charger away from balanz."""
    UPSTREAM_PROFILES_LOST = "upstream_profiles_lost"
    """What it had limited the charger to could not be read back from disk."""
    UNSAFE_ALONE = "unsafe_alone"
    """Without control the chargers could draw more than a group carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong."""

    kind: ProblemKind
    subject: str
    """The group's id, the charger's identity or the booking's id; empty for the whole site."""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """What a text about it can name: `group`, `charger`, `phase`, `current`, `stage`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonSnapshot:
    """Why a connector has its limit."""

    rule: Rule
    group_id: str | None
    group_name: str | None
    phase: Phase | None
    until: datetime | None
    other_loads_a: float | None = None
    """What other loads are reckoned with, A; None where that is not the cause."""
    within_a: float | None = None
    """What these and the chargers together have to stay within, A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCardSnapshot:
    """How well a connector has kept its limits since it was set up."""

    cuts_seen: int
    """How many of the last cuts were seen to be followed."""
    lag_p50_s: float | None
    """Within what time half of them were; None without any."""
    lag_p95_s: float | None
    resolution_a: float | None
    """The step in which its current moves, A; None while that is not known."""
    refusals: int
    time_outs: int
    disobediences: int
    highest_step: str | None
    """The hardest step that was taken against it; None if it always obeyed."""
    highest_step_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSnapshot:
    """The tag that a transaction began with."""

    id_tag: str
    name: str | None
    """None where it is not known by name."""
    person: str | None
    """The entity id of whom it belongs to."""
    refused: bool
    """Whether it may not charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSnapshot:
    """One connector. None is what is not known."""

    key: ConnectorKey
    status: ConnectorStatus | None
    plugged: bool | None
    charging: bool | None
    currents_a: tuple[float | None, float | None, float | None]
    """Measured per line of the charger; None for lines that are not wired or not measured."""
    power_w: float | None
    energy_wh: float | None
    """All that it has ever delivered; it never falls."""
    session_energy_wh: float | None
    session_started_at: datetime | None
    commanded_a: float | None
    """The last limit that was sent."""
    accepted_a: float | None
    """The last limit that the charger accepted and may have in force."""
    booked_a: float
    """The most that it may be drawing, A per line."""
    offered_by: ReasonSnapshot
    """Why the limit is what it is."""
    enabled: bool
    """Whether the user lets it charge."""
    maximum_a: float
    """The upper bound that the user set as a number."""
    rating_a: float
    writes: int
    """Limits sent since the start."""
    bounds: tuple[Bound, ...] = ()
    """Other upper bounds that hold now, for a while or until they are ended."""
    plan: Plan = field(default_factory=Plan)
    boost_lasts: timedelta = BOOST_LASTS
    """How long a boost lasts that begins now."""
    report_card: ReportCardSnapshot | None = None
    voltages_v: PerLine = UNKNOWN_LINES
    powers_w: PerLine = UNKNOWN_LINES
    power_factor: float | None = None
    frequency_hz: float | None = None
    state_of_charge_pct: float | None = None
    temperature_c: float | None = None
    offered_a: float | None = None
    """What the charger says that it offers its car, A."""
    error_code: ErrorCode | None = None
    transaction_id: int | None = None
    """None where no transaction runs."""
    session_ended_at: datetime | None = None
    """When the last session ended; None while one runs."""
    stop_reason: StopReason | None = None
    """Why the last transaction ended; None while one runs."""
    tag: TagSnapshot | None = None
    """None where no transaction runs, or nobody told whose it is."""
    priority: int | None = None
    """What the running transaction has instead of the charger's priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofSnapshot:
    """What was seen of what a charger does with a limit that nobody renews."""

    proof: FirmwareProof | None
    """For the firmware that it last booted with; None where nothing was seen of that."""
    running: Fact | None
    """What is being tried now."""
    failed: Fact | None
    """What could not be seen at the last try, or was seen not to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareSnapshot:
    """What is known of a charger's firmware."""

    installed: str | None = None
    """As it told when it last booted."""
    latest: str | None = None
    """What the catalogue has for it; None where that is nothing newer."""
    release_notes: str = ""
    stage: UpdateStage | None = None
    """How far its change is; None where none is asked for."""
    percentage: int | None = None
    retry_at: datetime | None = None
    """When it is tried again (UTC); None where it does not wait for that."""
    failure: UpdateFailure | None = None
    """Why the last change failed; None where it did not, or there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSnapshot:
    """The back office of a charger."""

    connected: bool
    waiting: int
    """How many messages it has to be told later."""
    trouble: Trouble | None
    """Why it cannot be reached; None while it is, or before the first try."""
    failures: int
    """How many tries in a row have failed."""
    parked: int
    """Starts and stops that it refuses for good."""
    thinned: int
    """Messages that were given up for lack of room."""
    odd_frames: int
    """Frames of it that had to be mended or refused."""
    clock_differs: bool
    """Whether it has another time than here."""
    mode: Mode
    """Who holds its charging profiles: the charger under balanz's cap, or balanz alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerSnapshot:
    """One charger."""

    identity: str
    name: str
    connected: bool
    boot: BootInfo | None
    connectors: tuple[ConnectorSnapshot, ...]
    proof: ProofSnapshot
    priority: int = 1
    """What its connectors have unless a tag or a session says otherwise."""
    diagnostics_status: str | None = None
    """How the last upload of its log goes, as OCPP names it; None before one was told of."""
    firmware_status: str | None = None
    """The same for the last change of its firmware."""
    firmware: FirmwareSnapshot = field(default_factory=FirmwareSnapshot)
    upstream: UpstreamSnapshot | None = None
    """None where balanz is its only central system."""
    connected_at: datetime | None = None
    """When its link began; None without one."""
    connections: int = 0
    """How often it has connected since the start."""
    heard_at: datetime | None = None
    """In which minute it said something last; None where it has not since the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSnapshot:
    """A group's meter."""

    stage: MeterStage
    since: datetime
    """When the stage began."""
    assumed: PhaseCurrents | None
    """The base load that is reckoned with though nobody sees it; None while the meter is fresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSnapshot:
    """One group; currents in A per phase of the grid."""

    id: str
    name: str
    rating_a: float
    phases: tuple[Phase, ...]
    capacity_a: float
    """As the user has set it to last."""
    available: PhaseCurrents | None
    """Capacity less base load less margin: what the chargers may share. None while unknown."""
    allocated: PhaseCurrents
    """The limits commanded to the chargers of the group and below."""
    booked: PhaseCurrents
    """The most that they may be drawing."""
    measured: PhaseCurrents | None
    """What the group's own meter says, if it has one that works; export is negative."""
    base_load: PhaseCurrents | None
    within_limit: bool
    """Whether booked currents and base load fit the capacity."""
    limiting: bool
    """Whether it is what bounds a connector."""
    drill: DrillReport | None = None
    """The last overload drill; None where there was none."""
    drilling: bool = False
    """Whether one runs now."""
    smart_charging: bool = True
    """Whether the user lets it be balanced; a group above it may forbid it all the same."""
    charging: int = 0
    """How many cars charge in it and in the groups below."""
    meter: MeterSnapshot | None = None
    """None where nothing measures the group."""
    capacity_now_a: float = 0.0
    """What is left of the capacity, or of what stands in for it, by schedules and drills."""
    policy: Policy | None = None
    """None where it shares as the group above it does."""
    surplus: SurplusMode = SurplusMode.IGNORE
    override: CapacityOverride | None = None
    """What it may carry for a while instead of its capacity; None if nothing else."""

    @property
    def headroom(self) -> PhaseCurrents | None:
        """What more could flow: what is available less what is booked; below 0 where it is less."""
        return None if self.available is None else self.available - self.booked


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCharger:
    """An unknown charger that introduced itself while pairing was open."""

    identity: str
    boot: BootInfo
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSnapshot:
    """The whole site at one moment."""

    groups: Mapping[str, GroupSnapshot]
    chargers: Mapping[str, ChargerSnapshot]
    problems: tuple[Problem, ...]
    pending: tuple[PendingCharger, ...]
    refused: tuple[str, ...]
    """Identities that dialled in and were refused."""
    pairing_until: datetime | None
    """None while pairing is closed."""
    dark_budget: DarkBudget | None = None
    """Whether the site would be safe without control; None before that is known."""
