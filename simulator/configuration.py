"""The configuration keys of a simulated charger (OCPP 1.6, section 9)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from .options import ChargerOptions
from .profiles import Unit

MEASURANDS = (
    "Current.Import",
    "Power.Active.Import",
    "Energy.Active.Import.Register",
    "Voltage",
    "Current.Offered",
)


class Access(StrEnum):
    """What writing a key does."""

    READ_ONLY = "read-only"
    READ_WRITE = "read-write"
    NEEDS_REBOOT = "needs a reboot"
    WRITE_ONLY = "write-only"


class ChangeResult(StrEnum):
    """The answer to a ChangeConfiguration."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"
    NOT_SUPPORTED = "NotSupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key's value and what may be written to it."""

    value: str
    access: Access
    accepts: Callable[[str], bool]


class Configuration:
    """The keys and their values, as the peer sees them."""

    def __init__(self, options: ChargerOptions, *, phases: int) -> None:
        capabilities = options.profile_capabilities
        units = {Unit.A: "Current", Unit.W: "Power"}
        self._entries = {
            "AllowOfflineTxForUnknownId": _flag("true"),
            "AuthorizeRemoteTxRequests": _flag("false"),
            "ClockAlignedDataInterval": _fixed("0"),
            "ConnectionTimeOut": _number("60"),
            "GetConfigurationMaxKeys": _fixed("50"),
            "HeartbeatInterval": _number(str(options.heartbeat_interval_s)),
            "LocalAuthorizeOffline": _flag("true"),
            "LocalPreAuthorize": _flag("false"),
            "MeterValueSampleInterval": _number(str(options.sample_interval_s)),
            "MeterValuesSampledData": Entry(
                value=",".join(MEASURANDS), access=Access.READ_WRITE, accepts=_are_measurands
            ),
            "NumberOfConnectors": _fixed(str(options.connectors)),
            "StopTransactionOnInvalidId": _flag("true"),
            "SupportedFeatureProfiles": _fixed("Core,SmartCharging,RemoteTrigger"),
            "TransactionMessageAttempts": _number("3"),
            "TransactionMessageRetryInterval": _number("5"),
            "WebSocketPingInterval": replace(_number("30"), access=Access.NEEDS_REBOOT),
            "ChargeProfileMaxStackLevel": _fixed(str(capabilities.maximum_stack_level)),
            "ChargingScheduleAllowedChargingRateUnit": _fixed(
                ",".join(units[unit] for unit in capabilities.units)
            ),
            "ChargingScheduleMaxPeriods": _fixed(str(capabilities.maximum_periods)),
            "MaxChargingProfilesInstalled": _fixed(str(capabilities.maximum_installed)),
            "ConnectorSwitch3to1PhaseSupported": _fixed(
                "true" if options.switches_phases and phases == 3 else "false"
            ),
        }
        for key, value in options.behaviour.tells.items():
            self.set(key, value)
        if options.behaviour.offline_key:
            self.add(
                options.behaviour.offline_key, _number(f"{options.behaviour.offline_a or 0.0:g}")
            )
        if options.local_list_length:
            self._entries |= {
                "LocalAuthListEnabled": _flag("true"),
                "LocalAuthListMaxLength": _fixed(str(options.local_list_length)),
                "SendLocalListMaxLength": _fixed("10"),
            }

    def needs_reboot(self, key: str) -> None:
        """Have changes of a key take effect with the next restart only."""
        self._entries[key] = replace(self._entries[key], access=Access.NEEDS_REBOOT)

    def add(self, key: str, entry: Entry) -> None:
        """Have one more key."""
        self._entries[key] = entry

    def text(self, key: str) -> str:
        """Return a key's value. Raises KeyError if it is unknown."""
        return self._entries[key].value

    def has(self, key: str, value: str) -> bool:
        """Return whether a key is there and has this value."""
        return key in self._entries and self._entries[key].value == value

    def number(self, key: str) -> int:
        """Return a key's value as a whole number."""
        return int(self.text(key))

    def flag(self, key: str) -> bool:
        """Return a key's value as a truth."""
        return self.text(key) == "true"

    def set(self, key: str, value: str) -> None:
        """Set a value from inside the charger, whatever its access."""
        self._entries[key] = replace(self._entries[key], value=value)

    def change(self, key: str, value: str) -> ChangeResult:
        """Set a value on behalf of the peer."""
        entry = self._entries.get(key)
        if entry is None:
            return ChangeResult.NOT_SUPPORTED
        if entry.access is Access.READ_ONLY or not entry.accepts(value):
            return ChangeResult.REJECTED
        self.set(key, value)
        if entry.access is Access.NEEDS_REBOOT:
            return ChangeResult.REBOOT_REQUIRED
        return ChangeResult.ACCEPTED

    def read(self, keys: Iterable[str] = ()) -> tuple[dict[str, Entry], list[str]]:
        """Return the entries of these keys, or all, and the keys that are unknown.

        The value of a key that can only be written is left out.
        """
        wanted = list(keys) or list(self._entries)
        known = {key: _told(self._entries[key]) for key in wanted if key in self._entries}
        return known, [key for key in wanted if key not in self._entries]


def _told(entry: Entry) -> Entry:
    return replace(entry, value="") if entry.access is Access.WRITE_ONLY else entry


def _fixed(value: str) -> Entry:
    return Entry(value=value, access=Access.READ_ONLY, accepts=lambda _: False)


def _flag(value: str) -> Entry:
    return Entry(
        value=value, access=Access.READ_WRITE, accepts=lambda text: text in ("true", "false")
    )


def _number(value: str) -> Entry:
    return Entry(value=value, access=Access.READ_WRITE, accepts=_is_number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _are_measurands(text: str) -> bool:
    return all(name.strip() in MEASURANDS for name in text.split(","))
