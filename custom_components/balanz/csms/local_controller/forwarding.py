"""What becomes of each message between a charger and its back office, as data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ..lenient import MAX_INTEGER, integer

PATIENCE_S = 10.0
"""How long a charger is kept waiting for what only the back office can say."""
SHORT_PATIENCE_S = 2.0
"""The same where all that it can say is that the message came."""


class Way(Enum):
    """How a message of a charger gets to the back office."""

    DIRECT = auto()
    """At once or not at all: it is over once the charger has its answer."""
    IN_ORDER = auto()
    """After all that was said before, later if need be."""
    STAYS = auto()
    """Not at all."""


class Offline(Enum):
    """What a charger is told while there is no back office."""

    ACKNOWLEDGED = auto()
    """What balanz itself says to such a message."""
    BOOTED = auto()
    """To go on, if it was accepted before."""
    AUTHORIZED = auto()
    """What is known of its tag."""
    REJECTED = auto()
    UNSERVED = auto()
    """That nobody knows the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromCharger:
    """What becomes of a message of a charger."""

    way: Way = Way.DIRECT
    tapped: bool = True
    """Whether balanz takes in what it says, for itself."""
    patience_s: float = PATIENCE_S
    offline: Offline = Offline.ACKNOWLEDGED


class ToCharger(Enum):
    """What becomes of a call of the back office."""

    FORWARDED = auto()
    PROFILE = auto()
    """The charging profiles of the back office are a matter of balanz, where it balances."""
    START = auto()
    """A profile that comes along is taken out, where balanz balances."""
    CONFIGURATION = auto()
    """Keys that balanz relies on keep their values."""
    CONFIGURATION_QUERY = auto()
    """Such keys are told with the values that the back office has set."""
    TAGS = auto()
    """Also changes what balanz knows of tags."""
    TRUST = auto()
    """Held where the charger comes encrypted: without balanz's certificates it comes no more."""


_NOTICE = FromCharger(way=Way.IN_ORDER, patience_s=SHORT_PATIENCE_S)

FROM_CHARGER = {
    "Authorize": FromCharger(tapped=False, offline=Offline.AUTHORIZED),
    "BootNotification": FromCharger(offline=Offline.BOOTED),
    "DataTransfer": FromCharger(tapped=False, offline=Offline.REJECTED),
    "DiagnosticsStatusNotification": _NOTICE,
    "FirmwareStatusNotification": _NOTICE,
    "Heartbeat": FromCharger(patience_s=SHORT_PATIENCE_S),
    "LogStatusNotification": _NOTICE,
    "MeterValues": _NOTICE,
    "SecurityEventNotification": _NOTICE,
    "SignCertificate": FromCharger(tapped=False, offline=Offline.REJECTED),
    "SignedFirmwareStatusNotification": _NOTICE,
    "StartTransaction": FromCharger(way=Way.IN_ORDER),
    "StatusNotification": _NOTICE,
    "StopTransaction": FromCharger(way=Way.IN_ORDER),
}
_UNKNOWN = FromCharger(tapped=False, offline=Offline.UNSERVED)

TO_CHARGER = {
    "CertificateSigned": ToCharger.TRUST,
    "ChangeConfiguration": ToCharger.CONFIGURATION,
    "ClearCache": ToCharger.TAGS,
    "ClearChargingProfile": ToCharger.PROFILE,
    "DeleteCertificate": ToCharger.TRUST,
    "GetCompositeSchedule": ToCharger.PROFILE,
    "GetConfiguration": ToCharger.CONFIGURATION_QUERY,
    "InstallCertificate": ToCharger.TRUST,
    "RemoteStartTransaction": ToCharger.START,
    "SendLocalList": ToCharger.TAGS,
    "SetChargingProfile": ToCharger.PROFILE,
}
"""All others are forwarded."""


def _is_interval(value: str) -> bool:
    seconds = integer(value)
    return seconds is not None and 0 <= seconds <= MAX_INTEGER


def _are_measurands(value: str) -> bool:
    """Return whether a charger could measure all that is listed, each perhaps on one line."""
    names = [_LINE.sub("", name.strip()).lower() for name in value.split(",")]
    return names == [""] or all(name in _MEASURANDS for name in names)


_LINE = re.compile(r"\.(N|L[123](-N|-L[123])?)$", re.IGNORECASE)
_MEASURANDS = frozenset(
    {"frequency", "power.factor", "power.offered", "rpm", "soc", "temperature", "voltage"}
    | {f"current.{it}" for it in ("export", "import", "offered")}
    | {f"power.{kind}.{way}" for kind in ("active", "reactive") for way in ("export", "import")}
    | {
        f"energy.{kind}.{way}.{what}"
        for kind in ("active", "reactive")
        for way in ("export", "import")
        for what in ("register", "interval")
    }
)
"""All of OCPP 1.6 (section 7.31), in lower case."""
EMULATED_KEYS: Mapping[str, Callable[[str], bool]] = {
    "metervaluesampleinterval": _is_interval,
    "metervaluessampleddata": _are_measurands,
    "clockaligneddatainterval": _is_interval,
    "heartbeatinterval": _is_interval,
    "websocketpinginterval": _is_interval,
}
"""Keys, in lower case, that balanz keeps and tells as the back office has set them.

Each with what a charger could take for its value.
"""
_OF_THE_DOOR = frozenset({"authorizationkey", "securityprofile"})
_LEADS_AWAY = re.compile(
    r"url|uri|endpoint|backend|backoffice|centralsystem|csms|cpms|ocpp.*(server|host|port)|apn"
)
_HARMLESS = re.compile(r"security|maturity|support|report|transport|capnumber|during|hour")
"""Words of keys that have one of those within them. Case tells no words apart, for a charger."""


def from_charger(action: str) -> FromCharger:
    """Return what becomes of a message of a charger, known or not."""
    return FROM_CHARGER.get(action, _UNKNOWN)


def to_charger(action: str) -> ToCharger:
    """Return what becomes of a call of the back office, known or not."""
    return TO_CHARGER.get(action, ToCharger.FORWARDED)


def is_held(key: str) -> bool:
    """Return whether a change of a key would take the charger away from balanz."""
    name = key.strip().lower()
    return name in _OF_THE_DOOR or _LEADS_AWAY.search(_HARMLESS.sub(" ", name)) is not None
