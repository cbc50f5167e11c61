"""Rows of CSV files, plain or gzipped, with errors that say where."""

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TextIO

from .errors import InputError


class Row:
    """One row, and where it stands."""

    def __init__(self, values: Mapping[str, str | None], where: str) -> None:
        """Wrap what the reader gave."""
        self._values = values
        self._where = where

    def text(self, *columns: str) -> str:
        """Return the first of these columns that the file has. Raises InputError if it is empty."""
        for column in columns:
            if column in self._values:
                value = self._values[column]
                if value is None or not value.strip():
                    raise InputError(f"{self._where}: {column} is empty")
                return value.strip()
        raise InputError(f"{self._where}: no column {' or '.join(columns)}")

    def number(self, column: str) -> float:
        """Return a number. Raises InputError if it is none, or below zero."""
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            raise InputError(f"{self._where}: {column} is {text!r}, not a number") from None
        if not isfinite(value) or value < 0:
            raise InputError(f"{self._where}: {column} is {text}, which cannot be")
        return value

    def time(self, column: str) -> datetime:
        """Return a local time. Raises InputError if it is none."""
        text = self.text(column)
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"{self._where}: {column} is {text!r}, not a time") from None
        return time.replace(tzinfo=None)


def rows(path: Path, columns: Collection[str]) -> Iterator[Row]:
    """Yield the rows of a file that has these columns. Raises InputError for one that has not."""
    try:
        with _open(path) as lines:
            reader = csv.DictReader(lines)
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise InputError(f"{path}: no column {', '.join(missing)}")
            for values in reader:
                yield Row(values, f"{path}, line {reader.line_num}")
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(f"{path}: {reason or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file ({error})") from None


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
