"""A schedule with each mistake that there is, by the key of its error, and its wrong words."""

from collections.abc import Mapping

BAD_SCHEDULES: Mapping[str, tuple[str, str]] = {
    "day": ("Mi 08:00-09:00>0=16", "Mi"),
    "missing_end": ("08:00>0=16", "08:00"),
    "time": ("08:00-25:00>0=16", "25:00"),
    "one_minute": ("00:00-00:00>0=16", "00:00-00:00"),
    "missing_arrow": ("08:00-09:00 0=16", "08:00-09:00 0=16"),
    "missing_equals": ("08:00-09:00>16", "16"),
    "priority": ("08:00-09:00>-1=16", "-1"),
    "priority_order": ("08:00-09:00>5=16:3=32", "3"),
    "amperes": ("08:00-09:00>0=much", "much"),
    "amperes_order": ("08:00-09:00>0=32:5=16", "16"),
    "overlap": ("08:00-10:59>0=16\n10:00-12:00>0=8", "10:00-12:00"),
    "shared_minute": ("08:00-10:00>0=16\n10:00-12:00>0=8", "10:00-12:00"),
}
