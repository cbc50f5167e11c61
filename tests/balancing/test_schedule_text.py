"""Schedules as text, and the place of what is wrong in one."""

from datetime import time

import pytest

from custom_components.balanz.balancing.schedule import (
    Band,
    PriorityCap,
    Schedule,
    ScheduleState,
)
from custom_components.balanz.balancing.schedule_text import (
    ScheduleTextError,
    parse_schedule,
    render_schedule,
)


def state(capacity_a: float, **caps_a: float) -> ScheduleState:
    """Return a state with the caps of lower priorities given as p3=24."""
    return ScheduleState(
        capacity_a=capacity_a,
        priority_caps=tuple(
            PriorityCap(below_priority=int(name[1:]), capacity_a=cap_a)
            for name, cap_a in caps_a.items()
        ),
    )


def test_the_usual_text_is_understood() -> None:
    text = "00:00-05:59>0=48;06:00-16:59>0=16:3=32:5=48;17:00-20:59>0=0:5=48;21:00-23:59>0=32:5=48"

    assert parse_schedule(text) == Schedule(
        bands=(
            Band(start=time(0), end=time(6), state=state(48)),
            Band(start=time(6), end=time(17), state=state(48, p3=16, p5=32)),
            Band(start=time(17), end=time(21), state=state(48, p5=0)),
            Band(start=time(21), end=time(0), state=state(48, p5=32)),
        )
    )


@pytest.mark.parametrize(
    ("days", "weekdays", "holidays"),
    [
        ("", range(7), True),
        ("Mo ", [0], False),
        ("Mo-Fr ", range(5), False),
        ("Fr-Mo ", [4, 5, 6, 0], False),
        ("Mo-Su ", range(7), False),
        ("Sa,Su,PH ", [5, 6], True),
        ("PH ", [], True),
        ("mo-we, FR , ph", [0, 1, 2, 4], True),
    ],
)
def test_a_band_may_start_on_certain_days_only(
    days: str, weekdays: list[int], holidays: bool
) -> None:
    (band,) = parse_schedule(f"{days}08:00-17:59>0=16").bands

    assert band.weekdays == frozenset(weekdays)
    assert band.holidays is holidays


@pytest.mark.parametrize(
    ("hours", "start", "end"),
    [
        ("08:00-17:59", time(8), time(18)),
        ("8:00-9:00", time(8), time(9, 1)),
        ("22:00-05:59", time(22), time(6)),
        ("00:00-23:59", time(0), time(0)),
        ("00:00-24:00", time(0), time(0)),
        ("07:00-06:59", time(7), time(7)),
    ],
)
def test_the_last_minute_belongs_to_the_band(hours: str, start: time, end: time) -> None:
    (band,) = parse_schedule(f"{hours}>0=16").bands

    assert (band.start, band.end) == (start, end)


def test_a_priority_below_the_first_one_named_has_nothing() -> None:
    (band,) = parse_schedule("08:00-17:59>3=40:5=48").bands

    assert band.state == state(48, p3=0, p5=40)


def test_tenths_of_an_ampere_are_understood() -> None:
    (band,) = parse_schedule("08:00-17:59>0=16.5").bands

    assert band.state == state(16.5)


def test_bands_may_stand_one_to_a_line() -> None:
    lines = "\r\n 00:00 - 05:59 > 0 = 48 \r\n\r\n Sa 06:00-23:59 > 0=16 : 3=32;\n"

    assert parse_schedule(lines) == parse_schedule("00:00-05:59>0=48;Sa 06:00-23:59>0=16:3=32")


@pytest.mark.parametrize("text", ["", "  ", "\n", ";"])
def test_a_blank_text_is_a_schedule_without_bands(text: str) -> None:
    assert parse_schedule(text) == Schedule()


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("0:00-5:59>0=48.0;6:00-24:00>3=16", "00:00-05:59>0=48; 06:00-23:59>0=0:3=16"),
        ("su,sa,ph 22:00-05:59>0=16.5", "Sa,Su,PH 22:00-05:59>0=16.5"),
        ("Fr-Mo 07:00-06:59>0=0:5=8", "Mo,Fr-Su 07:00-06:59>0=0:5=8"),
        ("Mo-Su,PH 08:00-17:59>0=16", "08:00-17:59>0=16"),
    ],
)
def test_a_schedule_is_written_in_one_way(text: str, rendered: str) -> None:
    assert render_schedule(parse_schedule(text)) == rendered


@pytest.mark.parametrize(
    ("text", "marks", "key"),
    [
        ("Mx 08:00-09:00>0=16", "^^", "day"),
        ("Mo-Tu-We 08:00-09:00>0=16", "^^^^^^^^", "day"),
        ("Mo, 08:00-09:00>0=16", "  ^", "day"),
        ("PH-Mo 08:00-09:00>0=16", "^^", "day"),
        ("08:00>0=16", "^^^^^", "missing_end"),
        ("Mo>0=16", " ^", "missing_end"),
        ("garbage", "^^^^^^^", "missing_arrow"),
        ("08:00-09:00>0=16; 0=4", "                  ^^^", "missing_arrow"),
        ("25:00-09:00>0=16", "^^^^^", "time"),
        ("08:60-09:00>0=16", "^^^^^", "time"),
        ("24:00-09:00>0=16", "^^^^^", "time"),
        ("08:00-24:01>0=16", "      ^^^^^", "time"),
        ("08:00-9>0=16", "      ^", "time"),
        ("08:00-٠٩:00>0=16", "      ^^^^^", "time"),
        ("08:00->0=16", "     ^", "time"),
        ("-09:00>0=16", "^", "time"),
        ("00:00-00:00>0=16", "^^^^^^^^^^^", "one_minute"),
        ("23:59-24:00>0=16", "^^^^^^^^^^^", "one_minute"),
        ("08:00-09:00>", "           ^", "missing_equals"),
        ("08:00-09:00>0", "            ^", "missing_equals"),
        ("08:00-09:00>0=16:", "                ^", "missing_equals"),
        ("08:00-09:00>x=16", "            ^", "priority"),
        ("08:00-09:00>-1=16", "            ^^", "priority"),
        ("08:00-09:00>=16", "           ^", "priority"),
        ("08:00-09:00>3=8:1=16", "                ^", "priority_order"),
        ("08:00-09:00>0=8:0=16", "                ^", "priority_order"),
        ("08:00-09:00>0=", "             ^", "amperes"),
        ("08:00-09:00>0=-6", "              ^^", "amperes"),
        ("08:00-09:00>0=nan", "              ^^^", "amperes"),
        ("08:00-09:00>0=16,5", "              ^^^^", "amperes"),
        ("08:00-09:00>0=16.55", "              ^^^^^", "amperes"),
        ("08:00-09:00>0=999999", "              ^^^^^^", "amperes"),
        ("08:00-09:00>0=48:3=32", "                   ^^", "amperes_order"),
        ("08:00-09:00>0=16;08:30-10:00>0=8", "                 ^^^^^^^^^^^", "overlap"),
        ("22:00-05:59>0=16;05:00-06:59>0=8", "                 ^^^^^^^^^^^", "overlap"),
        ("06:00-08:00>0=16;08:00-10:00>0=8", "                 ^^^^^^^^^^^", "shared_minute"),
        ("22:00-06:00>0=16;06:00-22:00>0=8", "                 ^^^^^^^^^^^", "shared_minute"),
    ],
)
def test_what_is_wrong_is_marked(text: str, marks: str, key: str) -> None:
    with pytest.raises(ScheduleTextError) as raised:
        parse_schedule(text)

    error = raised.value
    assert " " * error.position + "^" * error.length == marks
    assert error.key == key
    assert error.text == text


def test_an_error_tells_the_words_that_are_wrong() -> None:
    with pytest.raises(ScheduleTextError, match="amperes: 'many' at 14") as raised:
        parse_schedule("08:00-09:00>0=many")

    assert raised.value.marked == "many"


@pytest.mark.parametrize(
    "text",
    [
        "Mo 22:00-05:59>0=16; Mo 05:00-09:00>0=8",
        "Mo,We 22:00-05:59>0=16; Mo,We 05:00-09:00>0=8",
        "00:00-24:00>0=16; Mo 05:00-09:00>0=8",
    ],
)
def test_bands_that_share_no_minute_or_are_for_different_days_may_stand_together(
    text: str,
) -> None:
    assert len(parse_schedule(text).bands) == 2


def test_holidays_may_follow_each_other() -> None:
    with pytest.raises(ScheduleTextError) as raised:
        parse_schedule("PH 22:00-05:59>0=16; PH 05:00-09:00>0=8")

    assert raised.value.key == "overlap"
