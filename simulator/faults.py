"""What may be wrong with a simulated charger, or with the meter of the house, as data."""

from dataclasses import dataclass
from enum import StrEnum

from .house import Amperes


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
    drop_later_periods: bool = False
    """Answers Accepted and keeps only the first period of a schedule, for ever."""
    tells_no_status: bool = False
    """Sends no StatusNotification, and cannot be asked for one."""
    broken: bool = False
    """Its connectors are faulted: they offer nothing, and say so."""
    full_power_after_zero: bool = False
    """Accepts the first limit after 0, and offers its rating until it is told another one."""
    never_expires: bool = False
    """Answers Accepted and keeps a profile in force beyond its duration and its end."""
    takes_one_default: bool = False
    """Holds one TxDefaultProfile for each connector: the next one takes its place."""
    reject_stack_levels_above: int | None = None
    """Answers Rejected to profiles above this stack level, whatever its configuration says."""
    drop_profiles_on_reboot: bool = False
    """Forgets its profiles whenever it restarts, whatever its options say."""
    answer_delay_s: float = 0.0
    """Answers each CALL this much later, in seconds of the event loop."""
    answers_late: bool = False
    """Keeps each answer back until it has given the next one."""
    silent: bool = False
    """Never answers a CALL."""
    one_thing_at_a_time: bool = False
    """Takes no CALL before what it has said itself is answered."""
    stuck_in_finishing: bool = False
    """Says Finishing for ever once a transaction has ended, whatever happens then."""
    offline: bool = False
    """Has lost its network: the connection breaks without a word, and none can be made."""
    clock_skew_s: float = 0.0
    """How far its wall clock is ahead, besides what its options say."""
    meter_style: MeterStyle = MeterStyle.FULL
    kilo_units: bool = False
    """Measures in kW and kWh."""
    meter_factor: float = 1.0
    """Tells this many times the current and power that flow."""


class MeterFault(StrEnum):
    """What is wrong with a house's meter."""

    NONE = "none"
    SILENT = "silent"
    """Tells that it knows nothing, as an unavailable sensor does."""
    FROZEN = "frozen"
    """Tells its last value again and again."""
    MILLIAMPERES = "milliamperes"
    """Has begun to tell thousandths without saying so."""
    LYING = "lying"
    """Tells half of what flows."""
    MISSES_CHARGERS = "misses_chargers"
    """Sits where it sees only the rest of the house."""
    REVERSED = "reversed"
    """Takes what is drawn for what is fed in."""


class HouseMeter:
    """What a house's meter tells; its fault may be replaced at any time."""

    def __init__(self) -> None:
        self.fault = MeterFault.NONE
        self._last: Amperes | None = None

    def tell(self, currents_a: Amperes, of_chargers_a: Amperes = (0.0, 0.0, 0.0)) -> Amperes | None:
        """Return the currents told where these flow, some of them to chargers.

        None where nothing is known.
        """
        if self.fault is MeterFault.FROZEN and self._last is not None:
            return self._last
        self._last = currents_a
        one, two, three = currents_a
        match self.fault:
            case MeterFault.SILENT:
                return None
            case MeterFault.MILLIAMPERES:
                return 1000 * one, 1000 * two, 1000 * three
            case MeterFault.LYING:
                return one / 2, two / 2, three / 2
            case MeterFault.MISSES_CHARGERS:
                return (
                    one - of_chargers_a[0],
                    two - of_chargers_a[1],
                    three - of_chargers_a[2],
                )
            case MeterFault.REVERSED:
                return -one, -two, -three
            case _:
                return currents_a
