"""Writes docs/chargers.md from the table of quirks: `python -m tests.quirks.page`."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from custom_components.balanz.csms.quirk_table import QUIRK_ROWS
from custom_components.balanz.csms.quirks import Quirks

from .field import FIELD

PAGE = Path(__file__).parents[2] / "docs" / "chargers.md"
INTRODUCTION = """\
# Chargers

Any charger that speaks OCPP 1.6 should do: balanz finds out by itself what a charger can do, and \
tells its limits in another form where it refuses one, or accepts one and is not seen to keep it. \
What is known of some makes beforehand is applied as soon as a charger says who it is. Each row is \
tested against a simulated charger that behaves as the row says. `python -m tests.quirks.page` \
writes this page.

Where what is known does not hold for a charger, the advanced section of its settings overrules it.
"""
HEAD = """\
## Makes

| charger | what it does | what balanz does about it | without being known | known from |
|---|---|---|---|---|
"""


def page() -> str:
    """Return docs/chargers.md."""
    return f"{INTRODUCTION}\n{HEAD}" + "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    for row in QUIRK_ROWS:
        found = FIELD[row.id].found
        without = "it is found out" if found else "it charges less than it could, or is booked"
        cells = (row.name, row.behaviour, _deeds(row.quirks), without, row.source)
        yield f"| {' | '.join(cells)} |"


def _deeds(quirks: Quirks) -> str:
    return "; ".join(_DEEDS[name](value) for name, value in quirks.told().items())


_DEEDS: dict[str, Callable[[Any], str]] = {
    "rate_unit": lambda unit: f"limits in {'watts' if unit == 'W' else 'amperes'}",
    "max_stack_level": lambda level: f"stack level {level} at the most",
    "purpose": lambda purpose: f"{purpose} first",
    "kind": lambda kind: f"{kind} profiles first",
    "tells_phases": lambda _: "each limit says for how many phases it is",
    "steps_a": lambda steps_a: f"limits of {', '.join(f'{it:g}' for it in steps_a)} A only",
    "step_a": lambda step_a: f"limits in steps of {step_a:g} A",
    "minimum_a": lambda minimum_a: f"never less than {minimum_a:g} A",
    "pauses_at_zero": lambda _: "held at its minimum, which stays booked, instead of a pause",
    "repeats_after_pause": lambda _: "the first limit after a pause is sent twice",
    "clears_others": lambda _: "profiles of others are cleared once its own is set",
    "keeps_in_ram": lambda _: "leases of 90 s, whose renewals are not counted",
    "questions": lambda how: {
        "by_key": "asked for one setting at a time",
        "none": "not asked for its settings",
    }[how],
    "tunes_meter": lambda _: "its meter is left as it is set up",
    "meter_interval_s": lambda interval_s: f"its meter is read every {interval_s} s",
    "takes_pings": lambda _: "not pinged",
    "triggers": lambda _: "not triggered",
    "polls_meter": lambda _: "triggered for each meter value",
    "meter": lambda meter: "; ".join(
        _METER[it.name] for it in fields(meter) if getattr(meter, it.name)
    ),
}
"""What balanz does about each quirk, given its value."""
_METER: dict[str, str] = {
    "spreads_one_line": "with one line, its three currents are added up",
    "export_is_import": "its Current.Export is read as Current.Import",
}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
