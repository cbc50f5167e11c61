"""One change of a charger's firmware: how far it is, and how it ended. Times are handed in."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from ..storage.firmware_entry import FirmwareEntry
from ..storage.kept_updates import KeptUpdate, UpdateStage

TRIES = 3
"""How often it is tried to load a firmware."""
RETRY_AFTER_S = 60.0
"""How long it takes from one try to the next."""
START_S = 1800.0
"""A charger that has told nothing of a request for so long may not have understood it."""
SILENCE_S = 3600.0
"""One that has begun and tells nothing more for so long has given up."""
REBOOT_S = 900.0
"""So long after the installation a charger may take to come back with what it has installed."""
LONGEST_S = 6 * 3600.0
"""However much a charger tells, it is not waited for any longer."""


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
    stage: UpdateStage = UpdateStage.QUEUED
    request_id: int = 0
    """By which the charger tells of it, where it is signed."""
    tries: int = 0
    """How often the charger was asked."""
    retries_itself: bool = True
    """Whether the charger tries again by itself where it cannot load it."""
    in_doubt: bool = field(default=False, init=False)
    """Whether the charger may have told something that nobody was there to hear."""
    retry_at: float | None = field(default=None, init=False)
    """When it is tried again; None where nothing but its turn is waited for."""
    percentage: int | None = field(default=None, init=False)
    """How much of it is done; None where nobody knows."""
    outcome: UpdateOutcome | None = field(default=None, init=False)
    _asked_at: float = field(default=0.0, init=False)
    _heard_at: float = field(default=0.0, init=False)

    @classmethod
    def kept(cls, identity: str, entry: FirmwareEntry, kept: KeptUpdate, now: float) -> Self:
        """Return a change as it was before a restart, for which its charger has not waited."""
        update = cls(
            identity=identity,
            entry=entry,
            version_before=kept.version_before,
            stage=kept.stage,
            request_id=kept.request_id,
            tries=kept.tries,
            retries_itself=kept.retries_itself,
        )
        update._asked_at = update._heard_at = now
        if update.stage in (UpdateStage.REQUESTED, UpdateStage.DOWNLOADING) and entry.local_name:
            # What balanz served itself cannot be loaded any further.
            update.requeue()
        update.in_doubt = update.stage is not UpdateStage.QUEUED
        return update

    def as_kept(self) -> KeptUpdate:
        """Return what has to outlive a restart."""
        return KeptUpdate(
            firmware=self.entry.key,
            version=self.entry.version,
            version_before=self.version_before,
            stage=self.stage,
            request_id=self.request_id,
            tries=self.tries,
            retries_itself=self.retries_itself,
        )

    @property
    def waits(self) -> bool:
        """Whether it has its turn once its charger is idle."""
        return self.stage is UpdateStage.QUEUED and self.retry_at is None

    def begin(self, now: float, request_id: int) -> None:
        """Learn that the charger is asked now."""
        self.stage = UpdateStage.REQUESTED
        self.request_id = request_id
        self.tries += 1
        self._asked_at = self._heard_at = now

    def requeue(self) -> None:
        """Learn that it could not be asked after all."""
        self.tries -= 1
        self._wait_again()

    def told(self, status: str, request_id: int | None, now: float) -> None:
        """Take in what the charger tells of it; what is about another request is passed over."""
        if self.stage is UpdateStage.QUEUED or request_id not in (None, self.request_id):
            return
        word = status.replace("_", "").lower()
        was_in_doubt, self.in_doubt = self.in_doubt, False
        if (failure := _FAILURES.get(word)) is not None:
            may_retry = failure is UpdateFailure.DOWNLOAD_FAILED and not self.retries_itself
            if may_retry and self.tries < TRIES:
                self._wait_again()
                self.retry_at = now + RETRY_AFTER_S
            else:
                self.fail(failure, status)
        elif (known := _STAGES.get(word)) is not None:
            stage, percentage = known
            self._heard_at = now
            # A charger that tries again tells the same once more.
            self.stage = max(self.stage, stage, key=_ORDER.index)
            self.percentage = max(self.percentage or 0, percentage)
        elif word == "idle" and was_in_doubt and self.stage is not UpdateStage.RESTARTING:
            # It has ended, and nobody was there to hear how.
            if self.tries < TRIES:
                self._wait_again()
            else:
                self.fail(UpdateFailure.SILENT, status)

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
        """End what has taken too long, and what was waited for before another try."""
        if self.retry_at is not None and now >= self.retry_at:
            self.retry_at = None
        if self.stage is UpdateStage.QUEUED or now < self._patient_until:
            return
        if self.stage is UpdateStage.RESTARTING:
            self.fail(UpdateFailure.VERSION_UNCHANGED)
        else:
            self.fail(UpdateFailure.SILENT)

    @property
    def due_at(self) -> float | None:
        """When time alone changes something; None where it does not."""
        return self.retry_at if self.stage is UpdateStage.QUEUED else self._patient_until

    @property
    def _patient_until(self) -> float:
        patience_s = _PATIENCE_S.get(self.stage, SILENCE_S)
        return min(self._heard_at + patience_s, self._asked_at + LONGEST_S)

    def _wait_again(self) -> None:
        self.stage = UpdateStage.QUEUED
        self.percentage = None

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
