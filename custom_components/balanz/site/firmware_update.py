"""One change of a charger's firmware: how far it is, and how it ended. Times are handed in."""

from dataclasses import dataclass, field
from enum import StrEnum

from ..storage.firmware_entry import FirmwareEntry

START_S = 1800.0
"""A charger that has told nothing of a request for so long may not have understood it."""
SILENCE_S = 3600.0
"""One that has begun and tells nothing more for so long has given up."""
REBOOT_S = 900.0
"""So long after the installation a charger may take to come back with what it has installed."""
LONGEST_S = 6 * 3600.0
"""However much a charger tells, it is not waited for any longer."""


class UpdateStage(StrEnum):
    """How far a change of firmware is."""

    QUEUED = "queued"
    """It waits for its charger to be idle, or for another charger's change to end."""
    REQUESTED = "requested"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    INSTALLING = "installing"
    RESTARTING = "restarting"
    """It is installed; the charger has to come back with it."""


class UpdateFailure(StrEnum):
    """Why a firmware is not there."""

    REFUSED = "refused"
    """The charger does not take the request."""
    DOWNLOAD_FAILED = "download_failed"
    SIGNATURE_INVALID = "signature_invalid"
    """The charger does not trust the signature or the certificate of who signed."""
    INSTALLATION_FAILED = "installation_failed"
    SILENT = "silent"
    """The charger has told nothing any more."""
    VERSION_UNCHANGED = "version_unchanged"
    """The charger told that it is installed, and runs the old one all the same."""
    WITHDRAWN = "withdrawn"
    """The user has removed the firmware from the catalogue, or the charger from the site."""


_STAGES = {
    "downloadscheduled": (UpdateStage.REQUESTED, 5),
    "downloading": (UpdateStage.DOWNLOADING, 10),
    "downloadpaused": (UpdateStage.DOWNLOADING, 10),
    "downloaded": (UpdateStage.DOWNLOADED, 40),
    "signatureverified": (UpdateStage.DOWNLOADED, 45),
    "installscheduled": (UpdateStage.DOWNLOADED, 50),
    "installing": (UpdateStage.INSTALLING, 60),
    "installrebooting": (UpdateStage.INSTALLING, 80),
    "installed": (UpdateStage.RESTARTING, 95),
}
"""What a charger tells (OCPP 1.6 section 7.25, and the security whitepaper), and in per cent."""
_FAILURES = {
    "downloadfailed": UpdateFailure.DOWNLOAD_FAILED,
    "installationfailed": UpdateFailure.INSTALLATION_FAILED,
    "installverificationfailed": UpdateFailure.INSTALLATION_FAILED,
    "invalidsignature": UpdateFailure.SIGNATURE_INVALID,
    "invalidcertificate": UpdateFailure.SIGNATURE_INVALID,
    "revokedcertificate": UpdateFailure.SIGNATURE_INVALID,
}
_ORDER = tuple(UpdateStage)
_PATIENCE_S = {UpdateStage.REQUESTED: START_S, UpdateStage.RESTARTING: REBOOT_S}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOutcome:
    """How a change of firmware has ended."""

    identity: str
    version: str
    """The one that was asked for."""
    installed: str
    """The one that the charger runs, as far as it has told."""
    failure: UpdateFailure | None = None
    detail: str = ""
    """What the charger said of it, in its own words."""


@dataclass(slots=True, kw_only=True)
class FirmwareUpdate:
    """A change that is asked for, until it has ended."""

    identity: str
    entry: FirmwareEntry
    version_before: str
    request_id: int
    stage: UpdateStage = UpdateStage.QUEUED
    percentage: int | None = None
    """How much of it is done; None where nobody knows."""
    outcome: UpdateOutcome | None = field(default=None, init=False)
    _asked_at: float = field(default=0.0, init=False)
    _heard_at: float = field(default=0.0, init=False)

    def begin(self, now: float) -> None:
        """Learn that the charger is asked now."""
        self.stage = UpdateStage.REQUESTED
        self._asked_at = self._heard_at = now

    def requeue(self) -> None:
        """Learn that it could not be asked after all."""
        self.stage = UpdateStage.QUEUED
        self.percentage = None

    def told(self, status: str, request_id: int | None, now: float) -> None:
        """Take in what the charger tells of it; what is about another request is passed over."""
        if self.stage is UpdateStage.QUEUED or request_id not in (None, self.request_id):
            return
        word = status.replace("_", "").lower()
        if (failure := _FAILURES.get(word)) is not None:
            self.fail(failure, status)
        elif (known := _STAGES.get(word)) is not None:
            stage, percentage = known
            self._heard_at = now
            # A charger that tries again tells the same once more.
            self.stage = max(self.stage, stage, key=_ORDER.index)
            self.percentage = max(self.percentage or 0, percentage)

    def booted(self, version: str) -> None:
        """Take in with which version the charger has started.

        The same as before says nothing: some restart to begin with the installation.
        """
        if version == self.entry.version or (
            self.stage is not UpdateStage.QUEUED and version not in ("", self.version_before)
        ):
            self._end(installed=version)

    def fail(self, failure: UpdateFailure, detail: str = "") -> None:
        """End without the firmware."""
        self._end(installed=self.version_before, failure=failure, detail=detail)

    def look(self, now: float) -> None:
        """End what has taken too long."""
        if now < self.due_at:
            return
        if self.stage is UpdateStage.RESTARTING:
            self.fail(UpdateFailure.VERSION_UNCHANGED)
        else:
            self.fail(UpdateFailure.SILENT)

    @property
    def due_at(self) -> float:
        """Until when something has to happen."""
        patience_s = _PATIENCE_S.get(self.stage, SILENCE_S)
        return min(self._heard_at + patience_s, self._asked_at + LONGEST_S)

    def _end(
        self, *, installed: str, failure: UpdateFailure | None = None, detail: str = ""
    ) -> None:
        if self.outcome is None:
            self.outcome = UpdateOutcome(
                identity=self.identity,
                version=self.entry.version,
                installed=installed,
                failure=failure,
                detail=detail,
            )
