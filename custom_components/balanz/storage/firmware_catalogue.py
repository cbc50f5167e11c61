"""The firmwares that a site knows of, durable in a journal of their own."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from .firmware_entry import (
    FirmwareEntry,
    FirmwareError,
    InstalledFirmware,
    firmware_key,
    version_order,
)
from .journal import Journal, Record, StorageError

MAX_ENTRIES = 500


class FirmwareCatalogue:
    """All firmwares of a site, in memory by their key."""

    def __init__(self, journal: Journal) -> None:
        """Know none before it is opened."""
        self._journal = journal
        self._entries: dict[str, FirmwareEntry] = {}
        self._lock = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[FirmwareEntry]:
        return iter(self._entries.values())

    def get(self, firmware_id: str) -> FirmwareEntry | None:
        """Return the firmware with this id, in whatever case."""
        return self._entries.get(firmware_key(firmware_id))

    def latest_for(self, installed: InstalledFirmware) -> FirmwareEntry | None:
        """Return the newest firmware that is an update for a charger; None if there is none."""
        suitable = [entry for entry in self if entry.fits(installed)]
        return max(suitable, key=lambda entry: version_order(entry.version), default=None)

    async def open(self) -> None:
        """Read the firmwares back. Raises StorageError."""
        records = await self._journal.open()
        self._entries.update(_restored(records))
        if len(records) > len(self._entries):
            try:
                await self._journal.rewrite(_records(self._entries))
            except StorageError:
                # A full disk costs changes of the catalogue, but not the catalogue.
                return

    async def close(self) -> None:
        """Close the file."""
        await self._journal.close()

    async def put(self, entry: FirmwareEntry) -> None:
        """Add a firmware or replace the one with its id.

        Raises StorageError, or FirmwareError if there are too many, and changes nothing.
        """
        async with self._lock:
            if entry.key not in self._entries and len(self._entries) >= MAX_ENTRIES:
                raise FirmwareError("firmware_too_many", MAX_ENTRIES)
            await self._journal.append(firmware_record(entry))
            self._entries[entry.key] = entry

    async def remove(self, ids: Iterable[str]) -> None:
        """Remove firmwares. Raises StorageError or, for an unknown id, FirmwareError: none goes."""
        async with self._lock:
            keys = tuple(dict.fromkeys(map(firmware_key, ids)))
            for key in keys:
                if key not in self._entries:
                    raise FirmwareError("firmware_unknown", key)
            await self._journal.append({"kind": "firmwares_removed", "keys": list(keys)})
            for key in keys:
                del self._entries[key]

    async def put_all(self, entries: Iterable[FirmwareEntry], *, replace: bool) -> None:
        """Add or replace many firmwares at once, or make them all that there are.

        Raises StorageError or FirmwareError, and changes nothing.
        """
        async with self._lock:
            added = {entry.key: entry for entry in entries}
            merged = added if replace else {**self._entries, **added}
            if len(merged) > MAX_ENTRIES:
                raise FirmwareError("firmware_too_many", MAX_ENTRIES)
            await self._journal.rewrite(_records(merged))
            self._entries.clear()
            self._entries.update(merged)


def firmware_record(entry: FirmwareEntry) -> Record:
    """Return a firmware as plain values; what it does not have is left out."""
    told = {name: getattr(entry, name) for name in FIELDS}
    return {"kind": "firmware", **{name: value for name, value in told.items() if value}}


FIELDS = tuple(field.name for field in fields(FirmwareEntry) if field.init)


def _records(entries: Mapping[str, FirmwareEntry]) -> list[Record]:
    return [firmware_record(entry) for entry in entries.values()]


def _restored(records: Iterable[Mapping[str, Any]]) -> dict[str, FirmwareEntry]:
    """Return the firmwares behind records; one that does not read changes nothing."""
    entries: dict[str, FirmwareEntry] = {}
    for record in records:
        try:
            match record["kind"]:
                case "firmware":
                    told = {name: str(record[name]) for name in FIELDS if name in record}
                    entry = FirmwareEntry(**told)
                    entries[entry.key] = entry
                case "firmwares_removed":
                    for key in record["keys"]:
                        entries.pop(str(key), None)
        except KeyError, TypeError, ValueError:
            continue
    return entries
