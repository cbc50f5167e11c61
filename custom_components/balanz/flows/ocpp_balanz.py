"""Groups and chargers of ocpp-balanz, as its groups.csv and chargers.csv tell of them.

    group_id,description,max_allocation
    charger_id,alias,group_id,no_connectors,priority,description,conn_max,auth_sha

The first line names the columns, in any order; those that are not needed may be missing, and those
that are not known are passed over. `max_allocation` is a schedule, the same every day; a group
without one has no limit of its own. `conn_max` is the most that a connector is offered, A. The
hashes of passwords, `auth_sha`, are of another kind than balanz's and are left where they are.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import floor, isfinite
from typing import NamedTuple

from ..balancing.model import MINIMUM_CURRENT_A
from ..balancing.schedule import MINUTES_PER_DAY, Schedule
from ..balancing.schedule_text import ScheduleTextError, parse_schedule
from ..const import MAXIMUM_CONNECTORS
from ..csms.websocket import is_identity
from ..names import is_name
from ..schedule_input import place_of, shortened
from ..selectors import HIGHEST_PRIORITY, HIGHEST_RATING_A, LOWEST_PRIORITY
from .forms import HIGHEST_CHARGER_RATING_A

MOST_CHARACTERS = 200_000
MOST_ERRORS = 20
"""A file that is wrong throughout is told once, not for each line."""


class LineError(NamedTuple):
    """What is wrong with a line of a file; the first one has the number 1."""

    line: int
    code: str
    values: Mapping[str, str]


class FileError(ValueError):
    """A file that cannot be taken over; nothing of it is."""

    def __init__(self, lines: tuple[LineError, ...]) -> None:
        """Tell of at least one line."""
        super().__init__(lines[0].code)
        self.lines = lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGroup:
    """A group of groups.csv."""

    name: str
    rating_a: float | None
    """The most that its schedule ever allows; None for a group without a limit."""
    schedule: str | None
    """None also where it allows the same to everybody at any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCharger:
    """A charger of chargers.csv."""

    line: int
    identity: str
    name: str
    group: str | None
    """The name of its group; None where there is none."""
    connectors: int
    priority: int
    maximum_a: float | None
    """None where the file does not say."""


class _WrongCellError(ValueError):
    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(slots=True)
class _Row:
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        return self.cells.get(column, "")

    def number(self, column: str, lowest: float, highest: float) -> float | None:
        """Return a number, None where the cell is empty."""
        text = self.text(column)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number) or not lowest <= number <= highest:
            raise _WrongCellError(
                "import_number",
                column=column,
                value=shortened(text),
                lowest=f"{lowest:g}",
                highest=f"{highest:g}",
            )
        return number

    def whole(self, column: str, lowest: int, highest: int, default: int) -> int:
        number = self.number(column, lowest, highest)
        if number is None:
            return default
        if number != int(number):
            raise _WrongCellError("import_not_whole", column=column, value=self.text(column))
        return int(number)


def read_groups(text: str) -> list[ImportedGroup]:
    """Return the groups of a groups.csv. Raises FileError."""
    names: set[str] = set()

    def group(row: _Row) -> ImportedGroup:
        name = row.text("group_id")
        if not is_name(name):
            raise _WrongCellError("import_name", column="group_id", value=shortened(name))
        if name.casefold() in names:
            raise _WrongCellError("import_twice", value=name)
        names.add(name.casefold())
        rating_a, schedule = _limit(row.text("max_allocation"))
        return ImportedGroup(name=name, rating_a=rating_a, schedule=schedule)

    return _read(text, ("group_id", "max_allocation"), group)


def read_chargers(text: str) -> list[ImportedCharger]:
    """Return the chargers of a chargers.csv. Raises FileError."""
    identities: set[str] = set()

    def charger(row: _Row) -> ImportedCharger:
        identity = row.text("charger_id")
        if not is_identity(identity):
            raise _WrongCellError("import_identity", value=shortened(identity))
        if identity in identities:
            raise _WrongCellError("import_twice", value=identity)
        identities.add(identity)
        name = row.text("alias") or identity
        if not is_name(name):
            raise _WrongCellError("import_name", column="alias", value=shortened(name))
        maximum_a = row.number("conn_max", MINIMUM_CURRENT_A, HIGHEST_CHARGER_RATING_A)
        return ImportedCharger(
            line=row.line,
            identity=identity,
            name=name,
            group=row.text("group_id") or None,
            connectors=row.whole("no_connectors", 1, MAXIMUM_CONNECTORS, 1),
            priority=row.whole("priority", LOWEST_PRIORITY, HIGHEST_PRIORITY, 1),
            maximum_a=None if maximum_a is None else floor(maximum_a * 10) / 10,
        )

    return _read(text, ("charger_id", "group_id"), charger)


def _limit(text: str) -> tuple[float | None, str | None]:
    """Return what a group may ever carry, and when it may carry less."""
    try:
        schedule = parse_schedule(text)
    except ScheduleTextError as error:
        place = place_of(error)
        raise _WrongCellError(
            "import_schedule", wrong=place["wrong"], column=place["column"]
        ) from None
    if not schedule.bands:
        return None, None
    rating_a = max(band.state.capacity_a for band in schedule.bands)
    if not 1 <= rating_a <= HIGHEST_RATING_A:
        raise _WrongCellError("import_rating", value=f"{rating_a:g}", highest=str(HIGHEST_RATING_A))
    return rating_a, None if _is_constant(schedule) else text.strip()


def _is_constant(schedule: Schedule) -> bool:
    [first, *others] = schedule.bands
    return not others and first.minutes == MINUTES_PER_DAY and not first.state.priority_caps


def _read[ItemT](text: str, needed: tuple[str, ...], item: Callable[[_Row], ItemT]) -> list[ItemT]:
    """Return what the lines of a file say, those that are empty passed over."""
    if len(text) > MOST_CHARACTERS:
        raise FileError((LineError(1, "import_too_long", {"most": f"{MOST_CHARACTERS:,}"}),))
    items: list[ItemT] = []
    errors: list[LineError] = []
    for row in _rows(text, needed):
        try:
            items.append(item(row))
        except _WrongCellError as error:
            errors.append(LineError(row.line, error.code, error.values))
            if len(errors) == MOST_ERRORS:
                break
    if errors:
        raise FileError(tuple(errors))
    return items


def _rows(text: str, needed: tuple[str, ...]) -> Iterator[_Row]:
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [cell.strip().casefold() for cell in next(reader, [])]
        missing = [name for name in needed if columns.count(name) != 1]
        if missing:
            raise FileError((LineError(1, "import_columns", {"columns": ", ".join(missing)}),))
        begins = reader.line_num + 1
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if any(cell.strip() for cell in cells):
                stripped = (cell.strip() for cell in cells)
                yield _Row(line, dict(zip(columns, stripped, strict=False)))
    except csv.Error:
        raise FileError((LineError(reader.line_num, "import_unreadable", {}),)) from None
