"""What the CSV files of balanz have in common: their encoding, their columns and their cells."""

from collections.abc import Collection, Iterable, Mapping

FORMULA = ("=", "+", "-", "@", "\t", "\r")
NEUTRAL = "'"


class CsvError(ValueError):
    """A file that is no table; `code` says why."""

    def __init__(self, code: str, value: str = "") -> None:
        self.code = code
        self.value = value
        super().__init__(code)


def decoded(content: bytes | str, *, most_bytes: int) -> str:
    """Return the text of a file in UTF-8. Raises CsvError."""
    if len(content) > most_bytes:
        raise CsvError("csv_too_large", str(most_bytes // 1_000_000))
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise CsvError("csv_encoding", str(line)) from None
    content = content.removeprefix("\ufeff")
    if "\0" in content:
        raise CsvError("csv_encoding", str(content.partition("\0")[0].count("\n") + 1))
    return content


def delimiter_of(text: str) -> str:
    """Return what separates the cells of the first line: semicolons where they are more."""
    header, _, _ = text.partition("\n")
    return ";" if header.count(";") > header.count(",") else ","


def columns_of(
    header: Iterable[str], *, known: Collection[str], other_names: Mapping[str, str]
) -> list[str]:
    """Return what the cells of each line are, in balanz's own words. Raises CsvError."""
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    columns = [other_names.get(name, name) for name in names]
    used = [column for column in columns if column in known]
    if len(set(used)) < len(used):
        raise CsvError("csv_column_twice")
    return columns


def neutral(cell: str) -> str:
    """Return a cell that a spreadsheet shows as it is; a quote in front makes it text."""
    return NEUTRAL + cell if cell.startswith((*FORMULA, NEUTRAL)) else cell


def plain(cell: str) -> str:
    """Return what `neutral` was given."""
    rest = cell.removeprefix(NEUTRAL)
    return rest if rest != cell and rest.startswith((*FORMULA, NEUTRAL)) else cell
