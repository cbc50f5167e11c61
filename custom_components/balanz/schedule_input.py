"""Schedules and holidays as users write them."""

import re
from datetime import date

from .balancing.schedule_text import ScheduleTextError

LONGEST_TOLD = 60
_BETWEEN_DATES = re.compile(r"[\s,;]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def shortened(text: str) -> str:
    """Return a text short enough to be told in an error."""
    return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}…"


def dates_in(text: str) -> tuple[frozenset[date], tuple[str, ...]]:
    """Return the dates in a text, such as 2026-12-25, and the words that are none."""
    dates: set[date] = set()
    wrong: list[str] = []
    for word in filter(None, _BETWEEN_DATES.split(text)):
        try:
            # Dates have other forms too, which nobody has in mind who writes one.
            dates.add(date.fromisoformat(word if _DATE.fullmatch(word) else ""))
        except ValueError:
            wrong.append(word)
    return frozenset(dates), tuple(wrong)


def place_of(error: ScheduleTextError) -> dict[str, str]:
    """Return the wrong words of a schedule and where they are, for a text that tells of them."""
    before = error.text[: error.position]
    return {
        "wrong": shortened(error.marked),
        "line": str(before.count("\n") + 1),
        "column": str(len(before) - (before.rfind("\n") + 1) + 1),
    }
