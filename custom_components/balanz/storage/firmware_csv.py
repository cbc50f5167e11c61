"""Firmwares as CSV: what balanz exports, and upstream's firmware.csv. Pure; in a thread."""

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from .csv_cells import CsvError, columns_of, decoded, delimiter_of, neutral, plain
from .firmware_entry import FirmwareEntry, FirmwareError

MAX_BYTES = 5_000_000
MAX_ERRORS = 20
"""A file that is wrong throughout is told once, not for each line."""
COLUMNS = (
    "id",
    "vendor",
    "model",
    "meter_type",
    "from_versions",
    "version",
    "url",
    "release_notes",
    "certificate",
    "signature",
)
_UPSTREAM = {
    "firmware_id": "id",
    "charge_point_vendor": "vendor",
    "charge_point_model": "model",
    "firmware_version": "version",
    "upgrade_from_versions": "from_versions",
}
"""What upstream calls the columns."""
_PATTERNS = ("vendor", "model", "meter_type", "from_versions")


class FirmwareRowError(NamedTuple):
    """What is wrong with a line of a file; the first one has the number 1."""

    line: int
    code: str
    value: str


class FirmwareFileError(ValueError):
    """A file that cannot be taken over; nothing of it is."""

    def __init__(self, code: str, rows: tuple[FirmwareRowError, ...] = (), value: str = "") -> None:
        self.code = code
        self.rows = rows
        """The wrong lines, at most `MAX_ERRORS` of them."""
        self.value = value
        super().__init__(code)


def read_firmwares(content: bytes | str) -> list[FirmwareEntry]:
    """Return the firmwares of a CSV file with a header. Raises FirmwareFileError.

    Commas or semicolons separate the columns; those that are not known are passed over. In a file
    with upstream's columns a pattern has to fit only the beginning of a text, as there.
    """
    try:
        return _read(decoded(content, most_bytes=MAX_BYTES))
    except CsvError as error:
        raise FirmwareFileError(error.code, value=error.value) from None


def write_firmwares(entries: Iterable[FirmwareEntry]) -> str:
    """Return firmwares as CSV that `read_firmwares` reads; no cell of it is a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in sorted(entries, key=lambda entry: entry.key):
        writer.writerow([neutral(getattr(entry, column)) for column in COLUMNS])
    return file.getvalue()


def _read(text: str) -> list[FirmwareEntry]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    entries: dict[str, FirmwareEntry] = {}
    errors: list[FirmwareRowError] = []
    try:
        header = next(reader, [])
        columns = columns_of(header, known=COLUMNS, other_names=_UPSTREAM)
        if not {"version", "url"} <= set(columns):
            raise FirmwareFileError("firmware_file_columns")
        is_upstream = "id" in columns and "id" not in (cell.strip().lower() for cell in header)
        begins = reader.line_num + 1
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            try:
                entry = _entry(columns, cells, is_upstream=is_upstream)
                if entry.key in entries:
                    raise FirmwareError("firmware_twice", entry.id)
                entries[entry.key] = entry
            except FirmwareError as error:
                errors.append(FirmwareRowError(line, error.code, error.value))
                if len(errors) == MAX_ERRORS:
                    break
    except csv.Error:
        errors.append(FirmwareRowError(reader.line_num, "csv_row_unreadable", ""))
    if errors:
        raise FirmwareFileError("csv_rows_wrong", tuple(errors))
    if not entries:
        raise FirmwareFileError("firmware_file_empty")
    return list(entries.values())


def _entry(columns: list[str], cells: list[str], *, is_upstream: bool) -> FirmwareEntry:
    if len(cells) > len(columns):
        raise FirmwareError("csv_row_too_long", len(cells))
    # Spreadsheets leave out the last cells of a line where they are empty.
    told = dict(zip(columns, (plain(cell.strip()) for cell in cells), strict=False))
    fields = {name: told.get(name, "") for name in COLUMNS}
    if is_upstream:
        fields |= {name: _beginning(fields[name]) for name in _PATTERNS}
    return FirmwareEntry(**fields)


def _beginning(pattern: str) -> str:
    """Return a pattern for whole texts that begin as another one says."""
    if "|" in pattern:
        return f"(?:{pattern}).*"
    return pattern if not pattern or pattern.endswith((".*", "$")) else f"{pattern}.*"
