"""What chargers name by a code: what is wrong with them, and why a transaction ended."""

import re
from enum import StrEnum
from typing import Self


class ReportedCode(StrEnum):
    """A code of OCPP's, in snake case."""

    @classmethod
    def of(cls, text: str | None) -> Self | None:
        """Return what a charger means; None where it says nothing.

        What OCPP does not know, and chargers say all the same, is the last one of the list.
        """
        if not text:
            return None
        plain = re.sub(r"[^a-z]", "", text.casefold())
        codes = list(cls)
        return next((code for code in codes if code.replace("_", "") == plain), codes[-1])


class ErrorCode(ReportedCode):
    """What is wrong with a connector (OCPP 1.6 section 7.6)."""

    NO_ERROR = "no_error"
    CONNECTOR_LOCK_FAILURE = "connector_lock_failure"
    EV_COMMUNICATION_ERROR = "ev_communication_error"
    GROUND_FAILURE = "ground_failure"
    HIGH_TEMPERATURE = "high_temperature"
    INTERNAL_ERROR = "internal_error"
    LOCAL_LIST_CONFLICT = "local_list_conflict"
    OVER_CURRENT_FAILURE = "over_current_failure"
    OVER_VOLTAGE = "over_voltage"
    POWER_METER_FAILURE = "power_meter_failure"
    POWER_SWITCH_FAILURE = "power_switch_failure"
    READER_FAILURE = "reader_failure"
    RESET_FAILURE = "reset_failure"
    UNDER_VOLTAGE = "under_voltage"
    WEAK_SIGNAL = "weak_signal"
    OTHER_ERROR = "other_error"


class StopReason(ReportedCode):
    """Why a transaction ended (OCPP 1.6 section 7.36)."""

    LOCAL = "local"
    REMOTE = "remote"
    EV_DISCONNECTED = "ev_disconnected"
    DE_AUTHORIZED = "de_authorized"
    UNLOCK_COMMAND = "unlock_command"
    POWER_LOSS = "power_loss"
    REBOOT = "reboot"
    SOFT_RESET = "soft_reset"
    HARD_RESET = "hard_reset"
    EMERGENCY_STOP = "emergency_stop"
    OTHER = "other"
