"""A disk that may be full, and files that were cut short or damaged."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

JOURNAL = "journal.jsonl"


class Disk:
    """The disk that all sites of this process write to, while it is in use."""

    def __init__(self) -> None:
        self.full = False
        self._pwrite = os.pwrite

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let writes fail while the disk is full."""
        with patch.object(os, "pwrite", self._write):
            yield

    def _write(self, descriptor: int, data: Any, offset: int) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._pwrite(descriptor, data, offset)


def cut_short(folder: Path, *, by_bytes: int) -> None:
    """Take the last bytes of a journal away, as a power cut may."""
    journal = folder / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-by_bytes])


def damage(folder: Path, *, share: float) -> None:
    """Turn one byte of a journal over, this far into the file (from 0 to 1)."""
    journal = folder / JOURNAL
    content = bytearray(journal.read_bytes())
    if content:
        content[min(int(len(content) * share), len(content) - 1)] ^= 0xFF
        journal.write_bytes(content)
