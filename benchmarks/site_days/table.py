"""The result as a table for the terminal."""

from collections.abc import Iterable, Sequence

from .rows import ResultRow

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("site", "site", ""),
    ("day", "day", ""),
    ("policy", "policy", ""),
    ("kWh", "energy_kwh", ".1f"),
    ("% ideal", "energy_pct_of_ideal", ".1f"),
    ("% optimum", "energy_pct_of_optimum", ".1f"),
    ("worst %", "worst_served_pct", ".1f"),
    ("Jain", "jain", ".3f"),
    ("first A s", "first_current_s_max", ""),
    ("over s", "over_limit_s", ""),
    ("preventable", "preventable_over_limit_s", ""),
    ("over As", "over_limit_as", ".0f"),
    ("switches", "switches_per_car", ".2f"),
    ("writes/h", "writes_per_charger_hour", ".1f"),
    ("step us", "step_us", ".0f"),
)
LEGEND = """\
kWh: delivered; % ideal: of what no delay and no need to measure would give (held_ideal: that with
balanz's margin, and each peak of the house kept for as long); % optimum: of what somebody could
deliver who knew the whole day beforehand; worst %: the worst-served car that stays
an hour or more, of what the ideal gives it; Jain: of delivered over asked; first A: the longest
wait for the first current; over: seconds, and ampere-seconds, above any limit; preventable: those
that no change of the house's load explains; switches: on and off, per car; writes/h: limits sent
per hour in which a car charges; step us: mean time of a control step."""


def table(rows: Sequence[ResultRow]) -> str:
    """Return the rows in aligned columns, the days of a site set apart."""
    lines = [[title for title, _, _ in _COLUMNS]]
    groups: list[tuple[str, int] | None] = [None]
    for row in rows:
        lines.append([_cell(getattr(row, name), form) for _, name, form in _COLUMNS])
        groups.append((row.site, row.day))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text: list[str] = []
    for number, line in enumerate(lines):
        if number and groups[number] != groups[number - 1]:
            text.append("")
        text.append(_aligned(line, widths))
    return "\n".join(text)


def _cell(value: object, form: str) -> str:
    return "-" if value is None else format(value, form)


def _aligned(cells: Iterable[str], widths: Iterable[int]) -> str:
    names = 3
    padded = [
        cell.ljust(width) if number < names else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()
