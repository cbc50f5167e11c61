"""What the command line asks for."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NoReturn

from .days import SiteDay, make_day
from .errors import InputError
from .house import read_house
from .layouts import Layout, parse_layout
from .policies import DEFAULT, KNOWN, parse_policies
from .runner import Conditions
from .scenario import read_scenario
from .visits import read_visits
from .world import MeterTiming

DATA = Path(__file__).resolve().parent.parent / "data"
HOUSE = DATA / "house_uci_1min_12days.csv.gz"
SESSIONS = {
    "home": DATA / "sessions_trondheim.csv.gz",
    "garage": DATA / "sessions_trondheim.csv.gz",
    "work": DATA / "sessions_acn_caltech_2019.csv.gz",
}
SITES = ("home:25", "garage:63", "garage:40", "work:125", "work:80")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """All that is to be done."""

    days: Sequence[SiteDay]
    policies: Sequence[str]
    conditions: Conditions
    jobs: int
    as_json: bool
    chart: Path | None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message)


def parse(arguments: Sequence[str], description: str) -> Request:
    """Return what the arguments ask for, with all files read. Raises InputError."""
    options = _parser(description).parse_args(arguments)
    if options.chart is not None and not options.chart.parent.is_dir():
        raise InputError(f"{options.chart}: no such folder")
    return Request(
        days=_days(options),
        policies=parse_policies(options.policies),
        conditions=Conditions(
            timing=MeterTiming(
                period_s=_whole("--meter-period-s", options.meter_period_s, least=1),
                delay_s=_whole("--meter-delay-s", options.meter_delay_s, least=0),
            ),
            margin_a=_amperes("--margin-a", options.margin_a),
        ),
        jobs=_whole("--jobs", options.jobs, least=1),
        as_json=options.json,
        chart=options.chart,
    )


def _parser(description: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="script/benchmark site_day",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--sessions", type=Path, metavar="FILE", help="charging sessions, CSV, perhaps gzipped")
    add("--house", type=Path, metavar="FILE", help="a house's load by the minute, likewise")
    add(
        "--site",
        action="append",
        metavar="KIND:AMPERES",
        help=f"home, garage or work, and its fuse; may be repeated (default: {', '.join(SITES)})",
    )
    add("--days", help="which days, as 0,1,2 (default: 0, that with the most energy to charge)")
    add("--scenario", type=Path, metavar="FILE", help="a made-up day instead, JSON")
    add("--policies", default=",".join(DEFAULT), help=f"of {', '.join(KNOWN)}")
    add("--meter-period-s", default="5", help="how often the main meter is read")
    add("--meter-delay-s", default="1", help="how late its reading arrives")
    add("--margin-a", default="1", help="what the main fuse's margin is")
    add("--jobs", default=str(os.cpu_count() or 1), help="how many days to run at once")
    add("--json", action="store_true", help="print one object instead of a table")
    add("--chart", type=Path, metavar="FILE", help="draw the scarcest day, as SVG")
    return parser


def _days(options: argparse.Namespace) -> list[SiteDay]:
    if options.scenario is not None:
        for name in ("sessions", "house", "site", "days"):
            if getattr(options, name) is not None:
                raise InputError(f"--scenario does not go together with --{name}")
        return [read_scenario(options.scenario)]
    numbers = _day_numbers("0" if options.days is None else options.days)
    layouts = [parse_layout(text) for text in options.site or SITES]
    house = read_house(options.house or HOUSE)
    visits = {path: read_visits(path) for path in {_sessions(one, options) for one in layouts}}
    return [
        make_day(layout, visits[_sessions(layout, options)], house, number)
        for layout in layouts
        for number in numbers
    ]


def _sessions(layout: Layout, options: argparse.Namespace) -> Path:
    given: Path | None = options.sessions
    return given or SESSIONS[layout.name.partition(":")[0]]


def _day_numbers(text: str) -> list[int]:
    return [_whole("--days", part, least=0) for part in text.split(",")]


def _whole(option: str, text: str, *, least: int) -> int:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) < least:
        raise InputError(f"{option}: {text!r} is not a whole number from {least} on")
    return int(text)


def _amperes(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value < 0:
        raise InputError(f"{option}: {text!r} is no current")
    return value
