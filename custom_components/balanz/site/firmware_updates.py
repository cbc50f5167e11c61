"""New firmware for chargers: what there is for each, and one change at a time over the site."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import randbelow

from ..csms.command_values import MessageTrigger
from ..csms.events import BootInfo, FirmwareStatusChanged
from ..csms.server import CentralSystem
from ..csms.station import Station
from ..csms.station_errors import (
    CallRefused,
    CommandInvalid,
    CommandRejected,
    StationError,
    StationOffline,
    StationUnreachable,
)
from ..csms.v16_security import ExtendedTrigger, SecurityCommands, SignedFirmware
from ..storage.firmware_catalogue import FirmwareCatalogue
from ..storage.firmware_entry import FirmwareEntry, InstalledFirmware
from ..storage.journal import Journal
from ..storage.kept_updates import UpdateStage
from ..storage.ledger import Ledger
from .firmware_update import (
    RETRY_AFTER_S,
    TRIES,
    FirmwareUpdate,
    UpdateFailure,
    UpdateOutcome,
)
from .recorder import Recorder
from .snapshot import FirmwareSnapshot

_MAX_REQUEST_ID = 2**31 - 1
_NOT_KNOWN = ("NotImplemented", "NotSupported")
"""How a charger says that it has no security extension."""

type OutcomeListener = Callable[[UpdateOutcome], None]


class NoUpdate(ValueError):
    """There is nothing to install on a charger."""


class FirmwareUpdates:
    """Keeps the catalogue, and works off the changes that users ask for.

    A change waits until its charger is connected and idle, and until no other one runs. It
    outlives a restart: who waits goes on waiting, and whoever was at it is asked how it went.
    """

    def __init__(
        self,
        *,
        folder: Path,
        files: Path,
        central: CentralSystem,
        ledger: Ledger,
        recorder: Recorder,
        is_idle: Callable[[str], bool],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
        on_change: Callable[[], None],
    ) -> None:
        """Know nothing yet; the catalogue is kept in the folder.

        `files` is where the firmwares are that balanz serves itself; `is_idle` tells by identity;
        `on_change` is called when there is something else to show.
        """
        self._catalogue = FirmwareCatalogue(Journal(folder / "firmware.jsonl"))
        self._files = files
        self._central = central
        self._ledger = ledger
        self._recorder = recorder
        self._is_idle = is_idle
        self._spawn = spawn
        self._on_change = on_change
        self._served: dict[str, str] = {}
        """The URLs of files that balanz serves, by identity."""
        self._updates: dict[str, FirmwareUpdate] = {}
        """All that have not ended, by identity, in the order in which they were asked for."""
        self._ended: dict[str, UpdateOutcome] = {}
        """How the last one of each charger ended."""
        self._waiting: dict[str, list[asyncio.Future[UpdateOutcome | None]]] = {}
        self._listeners: dict[str, set[OutcomeListener]] = {}
        self._shown: dict[str, FirmwareSnapshot] = {}
        """What has not changed since it was made, by identity."""

    @property
    def catalogue(self) -> FirmwareCatalogue:
        """The firmwares that are known of."""
        return self._catalogue

    # Life

    async def open(self) -> None:
        """Read back the catalogue and what had not ended. Raises StorageError."""
        await self._catalogue.open()
        now = self._now()
        for identity, kept in self._ledger.updates.items():
            entry = self._catalogue.get(kept.firmware)
            if entry is not None and entry.version == kept.version:
                self._updates[identity] = FirmwareUpdate.kept(identity, entry, kept, now)
        for identity in self._ledger.updates.keys() - self._updates.keys():
            self._recorder.note(self._ledger.note_update(identity, None))
        for identity, update in list(self._updates.items()):
            update.booted(self._installed(identity).version)
            self._settle(update)

    async def close(self) -> None:
        """Leave to the next start what has not ended, and close the file."""
        for waiting in self._waiting.values():
            for one in waiting:
                if not one.done():
                    one.set_result(None)
        await self._catalogue.close()

    def configure(self, identities: Collection[str]) -> None:
        """Learn which chargers there are."""
        gone = [identity for identity in self._updates if identity not in identities]
        self._drop(gone, UpdateFailure.WITHDRAWN)
        self._shown.clear()

    # The catalogue

    async def put(self, entry: FirmwareEntry) -> None:
        """Add a firmware or replace the one with its id. Raises StorageError or FirmwareError."""
        await self._catalogue.put(entry)
        self._catalogue_changed()

    async def remove(self, ids: Iterable[str]) -> None:
        """Remove firmwares, all or none. Raises StorageError or FirmwareError."""
        await self._catalogue.remove(ids)
        self._catalogue_changed()

    async def put_all(self, entries: Iterable[FirmwareEntry], *, replace: bool) -> None:
        """Add or replace firmwares, or make them all that there are.

        Raises StorageError or FirmwareError.
        """
        await self._catalogue.put_all(entries, replace=replace)
        self._catalogue_changed()

    def _catalogue_changed(self) -> None:
        """Have nobody install what is not offered any more."""
        gone = [
            identity
            for identity, update in self._updates.items()
            if update.stage is UpdateStage.QUEUED
            and self._catalogue.get(update.entry.id) != update.entry
        ]
        self._drop(gone, UpdateFailure.WITHDRAWN)
        self._shown.clear()
        self._on_change()

    # What users ask

    def latest(self, identity: str) -> FirmwareEntry | None:
        """Return what is or would be installed on a charger; None if there is nothing newer."""
        if (update := self._updates.get(identity)) is not None:
            return update.entry
        return self._catalogue.latest_for(self._installed(identity))

    async def install(self, identity: str) -> UpdateOutcome | None:
        """Have a charger install the newest firmware that there is for it.

        Return how that ended; None if it has to wait, until its charger is connected and idle and
        those before it have ended, or for the next start. Raises NoUpdate if there is none.
        """
        entry = self.latest(identity)
        if entry is None:
            raise NoUpdate(identity)
        if identity not in self._updates:
            self._ended.pop(identity, None)
            self._updates[identity] = FirmwareUpdate(
                identity=identity,
                entry=entry,
                version_before=self._installed(identity).version,
            )
            self._begin_next()
            self._changed(identity)
        if (update := self._updates.get(identity)) is None:
            return self._ended.get(identity)
        if update.stage is UpdateStage.QUEUED:
            return None
        ended: asyncio.Future[UpdateOutcome | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(identity, []).append(ended)
        return await ended

    def subscribe(self, identity: str, listener: OutcomeListener) -> Callable[[], None]:
        """Call the listener when a change of a charger has ended, until the result is called."""
        listeners = self._listeners.setdefault(identity, set())
        listeners.add(listener)
        return lambda: listeners.discard(listener)

    # What chargers tell

    def told(self, event: FirmwareStatusChanged) -> None:
        """Take in how a change of firmware goes."""
        if (update := self._updates.get(event.identity)) is not None:
            update.told(event.status, event.request_id, self._now())
            self._settle(update)
            self._changed(event.identity)

    def booted(self, identity: str, boot: BootInfo) -> None:
        """Take in which firmware a charger has started with."""
        if (update := self._updates.get(identity)) is not None:
            update.booted(boot.firmware)
            self._settle(update)
        self._changed(identity)

    def ready(self, identity: str) -> None:
        """Have a charger that was at it before a restart tell how it went."""
        update, station = self._updates.get(identity), self._central.stations.get(identity)
        if update is not None and station is not None and update.in_doubt:
            self._spawn(_have_it_tell(station, update))

    # Steps

    def look(self, now: float) -> None:
        """End what has taken too long, and begin what can."""
        for update in list(self._updates.values()):
            retry_at = update.retry_at
            update.look(now)
            self._settle(update)
            if update.retry_at != retry_at:
                self._changed(update.identity)
        self._begin_next()

    def next_change(self) -> float | None:
        """Return when time alone may end or begin something; None if it does not."""
        times = (update.due_at for update in self._updates.values())
        return min((at for at in times if at is not None), default=None)

    def snapshot(self, identity: str) -> FirmwareSnapshot:
        """Return what is known of a charger's firmware; the same object while nothing is new."""
        if (shown := self._shown.get(identity)) is None:
            shown = self._shown[identity] = self._snapshot(identity)
        return shown

    # Details

    def _changed(self, identity: str) -> None:
        """Keep and show how far a charger's change is."""
        update = self._updates.get(identity)
        kept = None if update is None else update.as_kept()
        if kept != self._ledger.updates.get(identity):
            self._recorder.note(self._ledger.note_update(identity, kept))
        self._shown.pop(identity, None)
        self._on_change()

    def _snapshot(self, identity: str) -> FirmwareSnapshot:
        update, latest = self._updates.get(identity), self.latest(identity)
        ended = self._ended.get(identity)
        return FirmwareSnapshot(
            installed=self._installed(identity).version or None,
            latest=None if latest is None else latest.version,
            release_notes="" if latest is None else latest.release_notes,
            stage=None if update is None else update.stage,
            percentage=None if update is None else update.percentage,
            retry_at=None if update is None else self._calendar(update.retry_at),
            failure=None if ended is None else ended.failure,
        )

    def _begin_next(self) -> None:
        if self._running is not None:
            return
        for identity, update in self._updates.items():
            station = self._central.stations.get(identity)
            is_there = station is not None and station.ready and self._is_idle(identity)
            if station is not None and is_there and update.waits:
                update.begin(self._now(), 1 + randbelow(_MAX_REQUEST_ID))
                self._changed(identity)
                self._spawn(self._ask(station, update))
                return

    @property
    def _running(self) -> FirmwareUpdate | None:
        queued = UpdateStage.QUEUED
        return next((one for one in self._updates.values() if one.stage is not queued), None)

    async def _ask(self, station: Station, update: FirmwareUpdate) -> None:
        try:
            await self._request(station, update)
        except StationOffline:
            update.requeue()
        except CommandInvalid as error:
            update.fail(UpdateFailure.REFUSED, str(error))
        except StationUnreachable:
            # It may have understood all the same; if so, it tells.
            return
        except CommandRejected as error:
            update.told(str(error), None, self._now())
            update.fail(UpdateFailure.REFUSED, str(error))
        self._settle(update)
        self._changed(update.identity)

    async def _request(self, station: Station, update: FirmwareUpdate) -> None:
        """Ask a charger to install a firmware. Raises StationError."""
        entry, location = update.entry, self._location(station, update.entry)
        if location is None:
            update.fail(UpdateFailure.DOWNLOAD_FAILED)
            return
        # By its own clock it is to begin at once.
        retrieve_at = datetime.now(UTC) + timedelta(seconds=station.clock_skew_s or 0.0)
        if entry.signed:
            firmware = SignedFirmware(
                location=location,
                retrieve_at=retrieve_at,
                certificate=entry.certificate,
                signature=entry.signature,
            )
            commands = SecurityCommands(station.request)
            # There is nothing in the message by which it could be told to try again by itself.
            update.retries_itself = False
            try:
                await commands.update_firmware(firmware, request_id=update.request_id)
            except CallRefused as error:
                if error.code not in _NOT_KNOWN:
                    raise
            else:
                return
        update.retries_itself = True
        await station.commands.update_firmware(
            location,
            retrieve_at=retrieve_at,
            retries=TRIES,
            retry_interval_s=int(RETRY_AFTER_S),
        )

    def _location(self, station: Station, entry: FirmwareEntry) -> str | None:
        """Return where a charger is to load from; None if it cannot be told how it gets there."""
        if (name := entry.local_name) is None:
            return entry.url
        if station.dialled is None:
            return None
        path = self._central.transfers.grant_download(station.identity, self._files / name)
        self._served[station.identity] = station.dialled + path
        return self._served[station.identity]

    def _settle(self, update: FirmwareUpdate) -> None:
        """Tell of a change that has ended."""
        outcome, identity = update.outcome, update.identity
        if outcome is None or self._updates.get(identity) is not update:
            return
        del self._updates[identity]
        if (served := self._served.pop(identity, None)) is not None:
            self._central.transfers.revoke(served)
        self._ended[identity] = outcome
        for waiting in self._waiting.pop(identity, ()):
            if not waiting.done():
                waiting.set_result(outcome)
        for listener in tuple(self._listeners.get(identity, ())):
            listener(outcome)
        self._changed(identity)

    def _drop(self, identities: Iterable[str], failure: UpdateFailure) -> None:
        for identity in list(identities):
            self._updates[identity].fail(failure)
            self._settle(self._updates[identity])

    def _installed(self, identity: str) -> InstalledFirmware:
        station = self._central.stations.get(identity)
        boot = None if station is None else station.boot
        if boot is not None:
            return InstalledFirmware(
                vendor=boot.vendor,
                model=boot.model,
                version=boot.firmware,
                meter_type=boot.meter_type,
            )
        known = self._ledger.firmwares.get(identity)
        if known is None:
            return InstalledFirmware(vendor="", model="", version="")
        return InstalledFirmware(vendor=known.vendor, model=known.model, version=known.version)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _calendar(self, at: float | None) -> datetime | None:
        return None if at is None else datetime.now(UTC) + timedelta(seconds=at - self._now())


async def _have_it_tell(station: Station, update: FirmwareUpdate) -> None:
    """Ask a charger how a change of its firmware goes; where it does not tell, time ends it."""
    with suppress(StationError):
        if update.retries_itself:
            await station.trigger(MessageTrigger.FIRMWARE_STATUS_NOTIFICATION)
        else:
            await SecurityCommands(station.request).trigger(ExtendedTrigger.FIRMWARE_STATUS)
