"""Records survive: restarts, torn writes, rotten bits, full disks and kill -9."""

import asyncio
import errno
import fcntl
import json
import os
import shutil
import signal
import stat
import sys
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from custom_components.balanz.storage.journal import Journal, StorageError

REPOSITORY = Path(__file__).parents[2]
ONE, TWO, THREE = ({"number": number, "text": "Ünïcode\n"} for number in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site" / "journal.jsonl"


@pytest.fixture
async def journal(path: Path) -> AsyncGenerator[Journal]:
    journal = Journal(path)
    await journal.open()
    yield journal
    await journal.close()


async def read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return what a journal opened anew reads, and how many lines it could not."""
    journal = Journal(Path(shutil.copy(path, path.with_name("copy.jsonl"))))
    records = await journal.open()
    await journal.close()
    return records, journal.damaged_lines


class FullDisk:
    """Takes the place of the write of the operating system, and fails halfway through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write = os.pwrite
        self.full = True
        monkeypatch.setattr(os, "pwrite", self)

    def __call__(self, descriptor: int, data: bytes, offset: int) -> int:
        if self.full:
            self._write(descriptor, data[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(descriptor, data, offset)


async def test_records_are_there_after_a_restart_in_order(journal: Journal, path: Path) -> None:
    await journal.append(ONE)
    journal.append_soon(TWO)
    await journal.append(THREE)

    assert await read(path) == ([ONE, TWO, THREE], 0)


async def test_a_new_journal_is_empty_and_for_its_owner_alone(journal: Journal, path: Path) -> None:
    assert await read(path) == ([], 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_what_waits_is_written_before_the_journal_closes(path: Path) -> None:
    journal = Journal(path)
    await journal.open()
    journal.append_soon(ONE)
    await journal.close()

    assert await read(path) == ([ONE], 0)


async def test_appends_at_the_same_time_share_an_fsync(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        synced.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)

    await asyncio.gather(*(journal.append({"number": number}) for number in range(100)))

    assert len(synced) < 5
    assert len((await read(path))[0]) == 100


@pytest.mark.parametrize("kept_bytes", [1, 8, 9, 20, -1])
async def test_a_torn_last_line_costs_only_itself(
    journal: Journal, path: Path, kept_bytes: int
) -> None:
    await journal.append(ONE)
    whole = path.read_bytes()
    await journal.append(TWO)
    await journal.close()
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:kept_bytes].removesuffix(b"}"))

    reopened = Journal(path)
    assert await reopened.open() == [ONE]
    assert reopened.damaged_lines == 1
    await reopened.append(THREE)
    await reopened.close()

    assert await read(path) == ([ONE, THREE], 1)


async def test_a_torn_file_opens_on_a_full_disk_and_takes_records_once_there_is_room(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append(ONE)
    await journal.append(TWO)
    await journal.close()
    path.write_bytes(path.read_bytes()[:-5])
    disk = FullDisk(monkeypatch)

    reopened = Journal(path)
    assert await reopened.open() == [ONE]
    with pytest.raises(StorageError):
        await reopened.append(TWO)
    disk.full = False
    await reopened.append(THREE)
    await reopened.close()

    assert await read(path) == ([ONE, THREE], 1)


async def test_a_last_line_that_lacks_only_its_end_is_kept(journal: Journal, path: Path) -> None:
    await journal.append(ONE)
    await journal.close()
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))

    assert await read(path) == ([ONE], 0)


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(b"\xff\xfe\r\x0b", id="bytes"),
        pytest.param(b'00000000 {"number":1}', id="wrong-checksum"),
        pytest.param(b"00000000 ", id="nothing"),
        pytest.param(b"4c2f32b8 [1]", id="no-object"),
    ],
)
async def test_a_damaged_line_is_skipped_and_counted(
    journal: Journal, path: Path, garbage: bytes
) -> None:
    await journal.append(ONE)
    await journal.append(TWO)
    await journal.close()
    begins, first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(begins + first + garbage + b"\n" + second)

    assert await read(path) == ([ONE, TWO], 1)


async def test_a_damaged_file_is_put_aside_before_it_is_written_anew(
    journal: Journal, path: Path
) -> None:
    await journal.append(ONE)
    await journal.close()
    path.write_bytes(path.read_bytes() + b"rubbish\n")
    damaged = path.read_bytes()
    again = Journal(path)
    await again.rewrite(await again.open())
    await again.close()

    aside = path.with_name(f"{path.name}.damaged")
    assert aside.read_bytes() == damaged
    assert aside.stat().st_mode & 0o777 == 0o600
    assert await read(path) == ([ONE], 0)


async def test_a_full_disk_is_told_and_harms_nothing_before_or_after(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append(ONE)
    disk = FullDisk(monkeypatch)

    with pytest.raises(StorageError, match="No space left"):
        await journal.append(TWO)
    journal.append_soon(TWO)
    with pytest.raises(StorageError):
        await journal.append(TWO)
    assert journal.failing
    disk.full = False
    await journal.append(THREE)

    assert not journal.failing
    assert await read(path) == ([ONE, THREE], 0)


async def test_a_write_that_nobody_waits_for_is_remembered_as_failed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch)

    journal.append_soon(ONE)
    await journal.close()

    assert journal.failing


async def test_a_rewrite_replaces_all_records(journal: Journal, path: Path) -> None:
    await journal.append(ONE)

    await journal.rewrite([TWO])
    await journal.append(THREE)

    assert await read(path) == ([TWO, THREE], 0)


async def test_a_rewrite_keeps_its_place_among_appends(journal: Journal, path: Path) -> None:
    await asyncio.gather(journal.append(ONE), journal.rewrite([TWO]), journal.append(THREE))

    assert await read(path) == ([TWO, THREE], 0)


async def test_a_rewrite_that_fails_leaves_the_old_records(
    journal: Journal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append(ONE)
    disk = FullDisk(monkeypatch)

    with pytest.raises(StorageError):
        await journal.rewrite([TWO])
    disk.full = False
    await journal.append(THREE)

    assert await read(path) == ([ONE, THREE], 0)


async def test_a_journal_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    threads = threading.active_count()
    journal = Journal(tmp_path / "file" / "journal.jsonl")

    with pytest.raises(StorageError):
        await journal.open()

    assert threading.active_count() == threads


async def test_a_closed_journal_takes_nothing(journal: Journal, path: Path) -> None:
    await journal.close()

    with pytest.raises(StorageError, match="closed"):
        await journal.append(ONE)
    journal.append_soon(ONE)

    assert journal.failing
    assert await read(path) == ([], 0)


async def test_an_append_that_nobody_awaits_any_more_is_written(
    journal: Journal, path: Path
) -> None:
    append = asyncio.create_task(journal.append(ONE))
    await asyncio.sleep(0)
    append.cancel()
    await asyncio.gather(append, return_exceptions=True)

    await journal.append(TWO)

    assert await read(path) == ([ONE, TWO], 0)


WRITER = """
import asyncio, sys
from pathlib import Path
from custom_components.balanz.storage.journal import Journal

async def write():
    journal = Journal(Path(sys.argv[1]))
    await journal.open()
    for number in range(1_000_000):
        await journal.append({"number": number})
        print(number, flush=True)

asyncio.run(write())
"""


async def test_what_was_confirmed_survives_kill_9(path: Path) -> None:
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY
    )
    assert writer.stdout is not None
    confirmed = [int(await writer.stdout.readline()) for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    confirmed += [int(line) for line in (await writer.stdout.read()).split()]
    await writer.wait()

    records, _ = await read(path)

    assert [record["number"] for record in records[: len(confirmed)]] == confirmed
    assert json.dumps(records)


async def test_a_journal_in_use_is_not_opened_twice(journal: Journal, path: Path) -> None:
    second = Journal(path)

    with pytest.raises(StorageError, match="in use"):
        await second.open()

    await journal.append(ONE)
    await journal.close()
    assert await read(path) == ([ONE], 0)


async def test_a_file_system_without_locks_is_good_enough(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    journal = Journal(path)
    await journal.open()
    await journal.append(ONE)
    await journal.close()

    assert await read(path) == ([ONE], 0)
