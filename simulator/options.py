"""What a simulated charger is like, besides its rating and phases."""

from dataclasses import dataclass, field

from .behaviours import Behaviour
from .profiles import ProfileCapabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityOptions:
    """What a charger that knows the security extension of OCPP 1.6 comes with."""

    profile: int = 0
    """The security profile that it connects with at first."""
    secure_url: str | None = None
    """Where it dials from profile 2 on; None: it cannot connect encrypted."""
    trusts: tuple[str, ...] = ()
    """The roots that it trusts, as PEM."""
    sends_key_as_text: bool = False
    """Sends an AuthorizationKey as it was written, not the bytes that its hex digits mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerOptions:
    """Properties that most users leave as they are. Seconds are simulated ones."""

    connectors: int = 1
    vendor: str = "Simulated"
    model: str = "AC 11-3"
    serial: str = "SIM-0001"
    firmware: str = "1.0.0"
    """What it runs at first; a change of its firmware changes what it tells."""
    install_s: float = 3.0
    """How long it takes to install a firmware."""
    checks_signatures: bool = False
    """Knows SignedUpdateFirmware and GetLog of the security extension."""
    id_tag: str = "SIMULATED"
    password: str | None = None
    """For HTTP basic authentication; None sends none."""
    security: SecurityOptions | None = None
    """None: it knows nothing of the security extension."""
    charges_freely: bool = True
    """Starts a transaction by itself when a car is plugged in."""
    plug_in_after_s: float = 0.0
    """When the car given to the charger arrives."""
    switches_phases: bool = False
    """Obeys numberPhases, so that one phase may be used of three."""
    profiles_persist: bool = True
    """Keeps profiles over a reboot, as errata 3.37 asks."""
    boots_on_reconnect: bool = False
    """Sends a BootNotification on each connection, not only after a reboot."""
    clock_skew_s: float = 0.0
    """How far its wall clock is ahead."""
    meter_start_wh: float = 0.0
    sample_interval_s: int = 10
    heartbeat_interval_s: int = 60
    tick_s: float = 1.0
    reboot_s: float = 5.0
    reconnect_s: float = 2.0
    """Before the first try to connect again; doubled for each further one."""
    reconnect_at_most_s: float = 60.0
    call_timeout_s: float = 30.0
    """How long it waits for an answer, in real seconds."""
    local_list_length: int = 0
    """How many tags its local list holds; 0 where it has none."""
    profile_capabilities: ProfileCapabilities = field(default_factory=ProfileCapabilities)
    behaviour: Behaviour = field(default_factory=Behaviour)
