"""What happens at the door, and what chargers report of their own security."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .events import StationEvent
from .security_profile import SecurityProfile


class RefusalCause(StrEnum):
    """Why a known charger, or who says to be one, was not let in."""

    NO_CREDENTIALS = "no_credentials"
    WRONG_PASSWORD = "wrong_password"
    NOT_ENCRYPTED = "not_encrypted"
    """It gave the right password, over a connection that anybody can read."""
    NO_CERTIFICATE = "no_certificate"
    """It gave the right password, where a certificate is asked for."""
    OTHER_ADDRESS = "other_address"
    """It has no password, and does not come from where it came from before."""
    FROM_THE_INTERNET = "from_the_internet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityEvent(StationEvent):
    """Something that concerns who gets in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRefused(SecurityEvent):
    """Somebody who says to be this charger was refused; told once per address and cause."""

    address: str
    cause: RefusalCause


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPinned(SecurityEvent):
    """A charger without a password came; from now on it has to come from there."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRaised(SecurityEvent):
    """A charger came with more security than was asked for; it never gets in with less again."""

    profile: SecurityProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordTaken(SecurityEvent):
    """A charger used its new password for the first time; the one before has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityShared(SecurityEvent):
    """Connections under one identity keep replacing one another: two devices, or a bad link."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityReported(SecurityEvent):
    """A charger reported something about its own security (SecurityEventNotification)."""

    type: str
    info: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateShown(StationEvent):
    """A charger came with a certificate of its own; told each time."""

    ends: datetime
