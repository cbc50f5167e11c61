"""What may be wrong with a simulated charger."""

from dataclasses import dataclass
from enum import StrEnum


class MeterStyle(StrEnum):
    """What a charger's meter tells."""

    FULL = "full"
    """Current and voltage per phase, power, energy and the current offered."""
    NO_PHASES = "no_phases"
    """One current, that of the busiest line, without saying so."""
    POWER_ONLY = "power_only"
    ENERGY_ONLY = "energy_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Misbehaviour to switch on; without any, the charger does as OCPP 1.6 says."""

    reject_profiles: bool = False
    """Answers Rejected to every SetChargingProfile."""
    ignore_profiles: bool = False
    """Answers Accepted and goes on as if there were none."""
    ignore_remote_stop: bool = False
    """Answers Accepted to RemoteStopTransaction and goes on."""
    drop_profiles_on_reconnect: bool = False
    """Forgets its profiles whenever the connection is made anew."""
    answer_delay_s: float = 0.0
    """Answers each CALL this much later, in real seconds."""
    silent: bool = False
    """Never answers a CALL."""
    meter_style: MeterStyle = MeterStyle.FULL
    kilo_units: bool = False
    """Measures in kW and kWh."""
