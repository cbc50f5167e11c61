"""An append-only file of records that survives kill -9 and power cuts.

Each line is the CRC32 of its JSON text in eight hexadecimal digits, a blank, and the text. A line
that does not fit its checksum is skipped, so that a torn write costs only itself. The first line
is the journal's own: without it, a file that has lost all that was in it would look like a new one.
"""

import asyncio
import fcntl
import logging
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

_LOGGER = logging.getLogger(__name__)

type Record = dict[str, Any]

_BEGINS: Record = {"kind": "journal"}


class StorageError(OSError):
    """The disk did not take, or not give back, what it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Something to put on disk; the waiter is None where nobody waits for it."""

    data: bytes
    replaces_all: bool
    waiter: asyncio.Future[None] | None


class Journal:
    """Records in a file, in the order in which they were appended.

    All disk work happens in one thread of its own. Appends that arrive while the disk is busy share
    the next fsync.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="balanz-journal")
        self._queue: deque[_Work] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._descriptor = -1
        self._lock = -1
        self._size = 0
        self._tail_in_doubt = False
        self._ends_torn = False
        """Whether the file ends within a line, which a power cut or a full disk has torn."""
        self.damaged_lines = 0
        """Lines that could not be read back when the journal was opened."""
        self.failing = False
        """Whether the last attempt to write failed."""

    async def open(self) -> list[Record]:
        """Open or make the file and return its records.

        Raises StorageError, after which the journal is closed; also if another one has it open.
        """
        try:
            return await self._in_thread(self._open)
        except StorageError:
            await self.close()
            raise

    async def append(self, record: Record) -> None:
        """Return once the record is safe on disk. Raises StorageError if it is not."""
        await self._wait_for(_encode(record), replaces_all=False)

    def append_soon(self, record: Record) -> None:
        """Put the record on disk without waiting for it; `failing` tells if that did not work."""
        if self._closed:
            self.failing = True
            return
        self._enqueue(_Work(data=_encode(record), replaces_all=False, waiter=None))

    async def rewrite(self, records: Iterable[Record]) -> None:
        """Replace all records at once: either the old or the new ones survive.

        What was appended before is replaced, too. Raises StorageError.
        """
        await self._wait_for(b"".join(map(_encode, (_BEGINS, *records))), replaces_all=True)

    async def close(self) -> None:
        """Write what is still queued, then close the file and end the thread."""
        if self._closed:
            return
        self._closed = True
        if self._worker is not None:
            await self._worker
        with suppress(StorageError):
            await self._in_thread(self._close)
        self._executor.shutdown()

    async def _in_thread[T](self, function: Callable[[], T]) -> T:
        """Run a function in the journal's thread; its OSError becomes a StorageError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function)
        except OSError as error:
            raise StorageError(str(error)) from error

    async def _wait_for(self, data: bytes, *, replaces_all: bool) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._enqueue(_Work(data=data, replaces_all=replaces_all, waiter=waiter))
        await waiter

    def _enqueue(self, work: _Work) -> None:
        if self._closed:
            raise StorageError("the journal is closed")
        self._queue.append(work)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work_off_queue())

    async def _work_off_queue(self) -> None:
        while self._queue:
            batch = [self._queue.popleft()]
            while self._queue and not batch[0].replaces_all and not self._queue[0].replaces_all:
                batch.append(self._queue.popleft())
            data = b"".join(work.data for work in batch)
            write = self._replace if batch[0].replaces_all else self._append
            failure: StorageError | None = None
            try:
                await self._in_thread(partial(write, data))
            except StorageError as error:
                failure = error
            if failure is not None and not self.failing:
                _LOGGER.error("Cannot write to %s: %s", self._path, failure)
            self.failing = failure is not None
            for work in batch:
                if work.waiter is None or work.waiter.done():
                    continue
                if failure is None:
                    work.waiter.set_result(None)
                else:
                    work.waiter.set_exception(StorageError(str(failure)))

    def _open(self) -> list[Record]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _locked(self._path.with_name(self._path.name + ".lock"))
        is_new = not self._path.exists()
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if is_new:
            _sync_folder(self._path.parent)
        content = self._path.read_bytes()
        records: list[Record] = []
        self.damaged_lines = 0
        for line in filter(None, content.split(b"\n")):
            record = _decode(line)
            if record is None:
                self.damaged_lines += 1
            elif record != _BEGINS:
                records.append(record)
        self._size = len(content)
        self._ends_torn = bool(content) and not content.endswith(b"\n")
        if self.damaged_lines:
            self._put_aside(content)
        if not content:
            # A full disk costs no more than this: the next record is cut off behind nothing.
            with suppress(OSError):
                self._append(_encode(_BEGINS))
        return records

    def _put_aside(self, content: bytes) -> None:
        """Keep what cannot be read, for whoever wants to know: the next rewrite leaves it out."""
        aside = self._path.with_name(self._path.name + ".damaged")
        with suppress(OSError):
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                _write_all(descriptor, content, 0)
            finally:
                os.close(descriptor)

    def _append(self, data: bytes) -> None:
        if self._tail_in_doubt:
            os.ftruncate(self._descriptor, self._size)
        self._tail_in_doubt = True
        if self._ends_torn:
            # The next record starts on a line of its own, whatever became of the torn one.
            data = b"\n" + data
        _write_all(self._descriptor, data, self._size)
        os.fsync(self._descriptor)
        self._size += len(data)
        self._tail_in_doubt = self._ends_torn = False

    def _replace(self, data: bytes) -> None:
        new_path = self._path.with_name(self._path.name + ".new")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        descriptor = os.open(new_path, flags, 0o600)
        try:
            _write_all(descriptor, data, 0)
            os.fsync(descriptor)
            new_path.replace(self._path)
        except OSError:
            os.close(descriptor)
            raise
        os.close(self._descriptor)
        self._descriptor = descriptor
        self._size = len(data)
        self._tail_in_doubt = self._ends_torn = False
        _sync_folder(self._path.parent)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _encode(record: Record) -> bytes:
    text = orjson.dumps(record)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _decode(line: bytes) -> Record | None:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    remaining = memoryview(data)
    while remaining:
        written = os.pwrite(descriptor, remaining, offset)
        remaining = remaining[written:]
        offset += written


def _locked(path: Path) -> int:
    """Return the descriptor that keeps others out; two writers would tear each other's records."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OSError(f"{path.parent} is in use already") from None
    except OSError as error:
        _LOGGER.debug("Cannot lock %s: %s", path, error)
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
