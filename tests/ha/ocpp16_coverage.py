"""Which messages of OCPP 1.6 balanz serves and sends, read from the code that does it.

`python -m tests.ha.ocpp16_coverage` writes docs/ocpp16.md.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custom_components.balanz.actions.ocpp import OCPP_ACTIONS
from custom_components.balanz.csms.v16 import InboundMessages
from custom_components.balanz.csms.v16_commands import ACTIONS

PAGE = Path(__file__).parents[2] / "docs" / "ocpp16.md"

SERVED: Mapping[str, str] = {
    "Authorize": "the tags that are set up decide; the user is asked about others",
    "BootNotification": "accepted, with the time in UTC; unknown chargers wait while pairing",
    "DataTransfer": "answered UnknownVendorId, never an error",
    "DiagnosticsStatusNotification": "kept with the charger, and told as an event",
    "FirmwareStatusNotification": "shown by the update",
    "Heartbeat": "answered with the time in UTC",
    "MeterValues": "currents, power and energy; old ones steer nothing",
    "StartTransaction": "on disk before the answer; told twice, it is one",
    "StatusNotification": "the status of each connector",
    "StopTransaction": "answered always, taken once",
}
"""What becomes of what chargers say."""

SENT: Mapping[str, str] = {
    "CancelReservation": "on request",
    "ChangeAvailability": "on request, and against a charger that keeps to no limit",
    "ChangeConfiguration": "on request, with a warning where it spoils the balancing",
    "ClearCache": "on request",
    "ClearChargingProfile": "on request, forced; balanz’s own profile is set again",
    "DataTransfer": "on request",
    "GetCompositeSchedule": "on request, and to prove the fallback",
    "GetConfiguration": "on request, and after a boot",
    "GetDiagnostics": "on request",
    "GetLocalListVersion": "on request",
    "RemoteStartTransaction": "on request, also with a profile of its own",
    "RemoteStopTransaction": "on request, and against a charger that keeps to no limit",
    "ReserveNow": "on request",
    "Reset": "on request, and to prove the fallback",
    "SendLocalList": "on request, full or differential",
    "SetChargingProfile": "each limit; on request, forced, once its rating is booked",
    "TriggerMessage": "on request, for statuses and meter values, and for news of firmware",
    "UnlockConnector": "on request",
    "UpdateFirmware": "by the update; on request",
}
"""When balanz sends what."""

FEATURE_PROFILES: Mapping[str, tuple[str, ...]] = {
    "Core": (
        "Authorize",
        "BootNotification",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "DataTransfer",
        "GetConfiguration",
        "Heartbeat",
        "MeterValues",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "Reset",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "UnlockConnector",
    ),
    "Firmware Management": (
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "GetDiagnostics",
        "UpdateFirmware",
    ),
    "Local Auth List Management": ("GetLocalListVersion", "SendLocalList"),
    "Reservation": ("CancelReservation", "ReserveNow"),
    "Smart Charging": ("ClearChargingProfile", "GetCompositeSchedule", "SetChargingProfile"),
    "Remote Trigger": ("TriggerMessage",),
}
"""The feature profiles of OCPP 1.6 (chapter 3.2) and their messages."""

SECURITY_EXTENSION: Mapping[str, tuple[bool, str, str | None]] = {
    "CertificateSigned": (False, "once it has asked and has been checked", None),
    "DeleteCertificate": (False, "on request", "delete_certificate"),
    "ExtendedTriggerMessage": (
        False,
        "on request, before a certificate ends, and to ask after signed firmware after a restart",
        "request_certificate",
    ),
    "GetInstalledCertificateIds": (False, "on request", "get_installed_certificates"),
    "GetLog": (False, "on request", "get_log"),
    "InstallCertificate": (False, "on request", "install_root_certificate"),
    "LogStatusNotification": (True, "kept with the charger, and told as an event", None),
    "SecurityEventNotification": (True, "told as an event, and in the log", None),
    "SignCertificate": (True, "signed by balanz’s own root, if it has one", None),
    "SignedFirmwareStatusNotification": (True, "shown by the update", None),
    "SignedUpdateFirmware": (
        False,
        "by the update, where it is signed; on request",
        "update_signed_firmware",
    ),
}
"""The messages of the security whitepaper: from the charger or not, what for, and the action."""

BASE_MESSAGES = frozenset(message for all_ in FEATURE_PROFILES.values() for message in all_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message in one direction."""

    message: str
    feature_profile: str
    from_charger: bool
    what: str
    action: str | None
    """The action that sends it; None where users cannot ask for it."""
    admin: bool


def served() -> set[str]:
    """The messages of chargers that have a handler."""
    nobody: Any = None
    return set(InboundMessages(nobody, nobody, nobody)._handlers)


def rows() -> Iterator[Row]:
    """Yield each message that the code serves or sends, by feature profile."""
    actions = {action.name: action for action in OCPP_ACTIONS}
    inbound, outbound = served(), set(ACTIONS)
    for feature_profile, messages in FEATURE_PROFILES.items():
        for message in messages:
            if message in inbound:
                yield Row(
                    message=message,
                    feature_profile=feature_profile,
                    from_charger=True,
                    what=SERVED[message],
                    action=None,
                    admin=False,
                )
            if message in outbound:
                action = actions.get(snake_case(message))
                yield Row(
                    message=message,
                    feature_profile=feature_profile,
                    from_charger=False,
                    what=SENT[message],
                    action=None if action is None else action.name,
                    admin=action is not None and action.admin,
                )


def snake_case(message: str) -> str:
    """Return a message's name as actions have it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", message).lower()


def page() -> str:
    """Return docs/ocpp16.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# OCPP 1.6"
    yield ""
    yield (
        f"All {len(BASE_MESSAGES)} messages of OCPP 1.6, edition 2, the {len(SECURITY_EXTENSION)}"
        " of its security extension, and what balanz as central system does with them. What it"
        " sends is checked against the official schema before it leaves; what it receives is"
        " served as far as it can be understood. `python -m tests.ha.ocpp16_coverage` writes this"
        " page from the code."
    )
    for feature_profile in FEATURE_PROFILES:
        yield ""
        yield f"## {feature_profile}"
        yield ""
        yield "| message | | what balanz does | action |"
        yield "|---|---|---|---|"
        for row in rows():
            if row.feature_profile == feature_profile:
                way = "from the charger" if row.from_charger else "to the charger"
                action = "" if row.action is None else f"`balanz.{row.action}`"
                admin = " (administrators)" if row.admin else ""
                yield f"| {row.message} | {way} | {row.what} | {action}{admin} |"
    yield ""
    yield "## Security extension"
    yield ""
    yield "| message | | what balanz does | action |"
    yield "|---|---|---|---|"
    for message, (from_charger, what, name) in SECURITY_EXTENSION.items():
        way = "from the charger" if from_charger else "to the charger"
        action = "" if name is None else f"`balanz.{name}` (administrators)"
        yield f"| {message} | {way} | {what} | {action} |"
    yield ""
    yield "## Actions"
    yield ""
    yield (
        "An action is meant for the device of a charger, or of one of its connectors. It returns"
        " what the charger answered, in OCPP’s words in snake case: a `status` of `rejected` or"
        " `not_supported` is an answer, not an error. It fails where there is no answer: the"
        " charger is not connected, is silent, refuses the message itself, or says what means"
        " nothing."
    )
    yield ""
    yield (
        "A charging profile of your own could break the sharing. `set_charging_profile`,"
        " `clear_charging_profile` and a `charging_profile` of `remote_start_transaction` are"
        " refused unless you set `force`. Then the charger is booked at its rating; others make"
        " room, for a minute at the most; the profile is sent; balanz sets its own limit again;"
        " and the most that the profile allows stays booked until it is cleared or its session"
        " ends. A TxProfile without transactionId gets that of the session that runs."
    )
    yield ""
    yield (
        "`change_configuration` writes what you tell it. Its response has a `warning` where the"
        " value spoils the balancing: `readings_too_seldom`, `measurands_missing` or"
        " `heartbeat_too_seldom`. After its next boot a charger is told again how often to meter."
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
