"""Tags as CSV: what balanz exports, and what others export. Pure; for large files in a thread."""

import csv
import io
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from .csv_cells import CsvError, columns_of, decoded, delimiter_of, neutral, plain
from .tags import Tag, TagError, TagStatus, tag_key

MAX_BYTES = 5_000_000
MAX_ERRORS = 20
"""A file that is wrong throughout is told once, not for each line."""
COLUMNS = (
    "id",
    "name",
    "person",
    "status",
    "expires",
    "parent",
    "priority",
    "valid_in",
    "sessions",
)
_OTHER_NAMES = {
    "id_tag": "id",
    "idtag": "id",
    "tag": "id",
    "user_name": "name",
    "parent_id_tag": "parent",
    "parentidtag": "parent",
    "expiry": "expires",
    "expiry_date": "expires",
    "expirydate": "expires",
}
"""What others call the columns; `id_tag`, `user_name` and `parent_id_tag` are upstream's."""
_STATUSES = {
    "": TagStatus.ACCEPTED,
    "accepted": TagStatus.ACCEPTED,
    "activated": TagStatus.ACCEPTED,
    "blocked": TagStatus.BLOCKED,
}
_SEPARATOR = " "


class RowError(NamedTuple):
    """What is wrong with a line of a file; the first one has the number 1."""

    line: int
    code: str
    value: str


class TagFileError(ValueError):
    """A file that cannot be taken over; nothing of it is."""

    def __init__(self, code: str, rows: tuple[RowError, ...] = (), value: str = "") -> None:
        self.code = code
        self.rows = rows
        """The wrong lines, at most `MAX_ERRORS` of them."""
        self.value = value
        super().__init__(code)


@dataclass(slots=True)
class _Row:
    """The cells of one line by the name of their column."""

    cells: Mapping[str, str]

    def optional(self, column: str) -> str | None:
        return self.cells.get(column) or None

    def number(self, column: str, code: str) -> int | None:
        text = self.optional(column)
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise TagError(code, text)
        return int(text)


def read_tags(content: bytes | str, *, places: Container[str] | None = None) -> list[Tag]:
    """Return the tags of a CSV file with a header. Raises TagFileError.

    Commas or semicolons separate the columns; those that are not known are passed over. `places`
    are those where a tag can be valid; None does not check.
    """
    try:
        return _read(decoded(content, most_bytes=MAX_BYTES), places)
    except CsvError as error:
        raise TagFileError(error.code, value=error.value) from None


def write_tags(tags: Iterable[Tag]) -> str:
    """Return tags as CSV that `read_tags` reads, and that no spreadsheet takes for formulas."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for tag in sorted(tags, key=lambda tag: (tag.name.casefold(), tag.key)):
        cells: tuple[object, ...] = (
            tag.id,
            tag.name,
            tag.person or "",
            tag.status.value,
            "" if tag.expires_at is None else tag.expires_at.isoformat(),
            tag.parent or "",
            "" if tag.priority is None else tag.priority,
            _SEPARATOR.join(sorted(tag.places)),
            "" if tag.sessions is None else tag.sessions,
        )
        writer.writerow([neutral(str(cell)) for cell in cells])
    return file.getvalue()


def _read(text: str, places: Container[str] | None) -> list[Tag]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    tags: dict[str, Tag] = {}
    errors: list[RowError] = []
    try:
        columns = columns_of(next(reader, []), known=COLUMNS, other_names=_OTHER_NAMES)
        if "id" not in columns:
            raise TagFileError("tag_file_no_id")
        begins = reader.line_num + 1
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            try:
                tag = _tag(_row(columns, cells))
                for place in sorted(tag.places):
                    if places is not None and place not in places:
                        raise TagError("tag_place_unknown", place)
                if tag.key in tags:
                    raise TagError("tag_twice", tag.id)
                tags[tag.key] = tag
            except TagError as error:
                errors.append(RowError(line, error.code, error.value))
                if len(errors) == MAX_ERRORS:
                    break
    except csv.Error:
        errors.append(RowError(reader.line_num, "csv_row_unreadable", ""))
    if errors:
        raise TagFileError("csv_rows_wrong", tuple(errors))
    if not tags:
        raise TagFileError("tag_file_empty")
    return list(tags.values())


def _row(columns: list[str], cells: list[str]) -> _Row:
    if len(cells) > len(columns):
        raise TagError("csv_row_too_long", len(cells))
    # Spreadsheets leave out the last cells of a line where they are empty.
    return _Row(dict(zip(columns, (plain(cell.strip()) for cell in cells), strict=False)))


def _tag(row: _Row) -> Tag:
    status = row.cells.get("status", "")
    if status.lower() not in _STATUSES:
        raise TagError("tag_status_invalid", status)
    parent = row.optional("parent")
    if parent is not None and tag_key(parent) == tag_key(row.cells.get("id", "")):
        # Some lists name a tag that has no family as its own parent.
        parent = None
    return Tag(
        id=row.cells.get("id", ""),
        name=row.cells.get("name", ""),
        person=row.optional("person"),
        status=_STATUSES[status.lower()],
        expires_at=_moment(row.optional("expires")),
        parent=parent,
        priority=row.number("priority", "tag_priority_invalid"),
        places=frozenset(row.cells.get("valid_in", "").split()),
        sessions=row.number("sessions", "tag_sessions_invalid"),
    )


def _moment(text: str | None) -> datetime | None:
    """Return a moment; without a zone it is in UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TagError("tag_expiry_invalid", text) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
