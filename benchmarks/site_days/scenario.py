"""Days that are made up: cars by number, under a limit of the whole site that changes by the clock.

There is no house, and so no meter. All cars use three phases unless `phases` says otherwise.
"""

import json
import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

from .cars import CarKind
from .days import SiteDay, Stay
from .errors import InputError
from .layouts import Layout

DAY_S = 24 * 3600
_BAND = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)>(\d+=\d+(?:\.\d+)?(?::\d+=\d+(?:\.\d+)?)*)")


def read_scenario(path: Path) -> SiteDay:
    """Return the day that a file describes. Raises InputError."""
    try:
        scenario = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    try:
        return _day(scenario, path.stem)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _day(scenario: object, name: str) -> SiteDay:
    if not isinstance(scenario, dict):
        raise InputError("not an object")
    entries = scenario.get("evs")
    if not isinstance(entries, list) or not entries:
        raise InputError("no list of cars under evs")
    begins_s = _clock(scenario.get("start", "00:00"))
    rating_a = _number(scenario, "conn_max", "the scenario", default=32.0)
    chargers: dict[str, int] = {}
    stays = [
        _stay(entry, f"car {place}", rating_a, chargers) for place, entry in enumerate(entries)
    ]
    _check_chargers(stays)
    changes = _capacity_changes(scenario.get("limit_schedule"), begins_s)
    layout = Layout(
        name=name,
        main_a=max(capacity_a for _, capacity_a in changes),
        chargers=len(chargers),
        group_count=0,
        group_a=0.0,
        houses=0,
        begins_s=begins_s,
        length_s=max(DAY_S, *(stay.leaves_s for stay in stays)),
        charger_rating_a=rating_a,
    )
    if layout.main_a == 0:
        raise InputError("limit_schedule never allows any current")
    return SiteDay(
        layout=layout,
        day=0,
        stays=tuple(sorted(stays, key=lambda stay: (stay.arrives_s, stay.charger))),
        house=(),
        capacity_changes=changes,
    )


def _stay(entry: object, where: str, rating_a: float, chargers: dict[str, int]) -> Stay:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: not an object")
    name = entry.get("charger")
    if not isinstance(name, str):
        raise InputError(f"{where}: charger is missing")
    arrives_s = int(_number(entry, "arrive", where))
    leaves_s = int(_number(entry, "leave", where))
    if leaves_s <= arrives_s:
        raise InputError(f"{where}: leaves at {leaves_s}, before it arrives at {arrives_s}")
    if leaves_s > 7 * DAY_S:
        raise InputError(f"{where}: leaves at {leaves_s}, after more than a week")
    lines = entry.get("phases", 3)
    if lines not in (1, 2, 3):
        raise InputError(f"{where}: phases is {lines!r}, not 1, 2 or 3")
    maximum_a = _number(entry, "max_a", where)
    if maximum_a == 0:
        raise InputError(f"{where}: max_a is 0")
    return Stay(
        charger=chargers.setdefault(name, len(chargers)),
        arrives_s=arrives_s,
        leaves_s=leaves_s,
        energy_wh=_number(entry, "need_wh", where),
        kind=CarKind(lines=lines, maximum_a=min(maximum_a, rating_a)),
    )


def _check_chargers(stays: list[Stay]) -> None:
    last_s: dict[int, int] = {}
    for stay in sorted(stays, key=lambda stay: stay.arrives_s):
        if last_s.get(stay.charger, -1) >= stay.arrives_s:
            raise InputError(f"two cars stand at one charger at second {stay.arrives_s}")
        last_s[stay.charger] = stay.leaves_s


def _capacity_changes(schedule: object, begins_s: int) -> tuple[tuple[int, float], ...]:
    """Return which capacity begins when: that of the highest band, 0 in a gap."""
    if not isinstance(schedule, str):
        raise InputError("limit_schedule is missing")
    minutes = [0.0] * (24 * 60)
    for part in schedule.split(";"):
        match = _BAND.fullmatch(part.strip())
        if match is None:
            raise InputError(f"limit_schedule: cannot read {part!r}")
        hour, minute, last_hour, last_minute = (int(match[number]) for number in range(1, 5))
        capacity_a = max(float(band.partition("=")[2]) for band in match[5].split(":"))
        first, last = hour * 60 + minute, last_hour * 60 + last_minute
        if minute > 59 or last_minute > 59 or not first <= last < len(minutes):
            raise InputError(f"limit_schedule: {part!r} is no time of the day")
        minutes[first : last + 1] = [capacity_a] * (last + 1 - first)
    changes: list[tuple[int, float]] = []
    for minute in range(8 * len(minutes)):
        capacity_a = minutes[(begins_s // 60 + minute) % len(minutes)]
        if not changes or capacity_a != changes[-1][1]:
            changes.append((minute * 60, capacity_a))
    return tuple(changes)


def _clock(text: object) -> int:
    match = re.fullmatch(r"(\d\d):(\d\d)", text) if isinstance(text, str) else None
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise InputError(f"start: {text!r} is no time of the day")
    return int(match[1]) * 3600 + int(match[2]) * 60


def _number(
    entry: Mapping[str, object], key: str, where: str, default: float | None = None
) -> float:
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{where}: {key} is {value!r}, not a number")
    if not isfinite(value) or value < 0:
        raise InputError(f"{where}: {key} is {value}, which cannot be")
    return float(value)
