"""Whoever comes from ocpp-balanz brings the files of its groups and chargers along."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.balancing.schedule_text import parse_schedule
from custom_components.balanz.flows.ocpp_balanz import (
    MOST_CHARACTERS,
    MOST_ERRORS,
    FileError,
    ImportedCharger,
    ImportedGroup,
    read_chargers,
    read_groups,
)

EVENING = "00:00-16:59>0=16:3=32;17:00-20:59>0=0:5=48;21:00-23:59>0=32:5=48"
GROUPS = f"""group_id,description,max_allocation
HQ,Offices,{EVENING}
ALL,The same for all,00:00-23:59>0=63
Default,Without a limit,
"""
CHARGERS = """charger_id,alias,group_id,no_connectors,priority,description,conn_max,auth_sha
TACW1,HQ-01,HQ,2,5,By the door,16.07,0a1b
TACW2,,,,,,,
"""


def wrong_groups(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FileError) as error:
        read_groups(text)
    return [(line.line, line.code) for line in error.value.lines]


def wrong_chargers(text: str) -> list[tuple[int, str]]:
    with pytest.raises(FileError) as error:
        read_chargers(text)
    return [(line.line, line.code) for line in error.value.lines]


def test_a_group_carries_at_most_what_its_schedule_ever_allows() -> None:
    assert read_groups(GROUPS) == [
        ImportedGroup(name="HQ", rating_a=48, schedule=EVENING),
        ImportedGroup(name="ALL", rating_a=63, schedule=None),
        ImportedGroup(name="Default", rating_a=None, schedule=None),
    ]


def test_a_limit_for_part_of_the_day_or_by_priority_stays_a_schedule() -> None:
    for limit in ("08:00-15:59>0=20", "00:00-23:59>0=24:3=40"):
        [group] = read_groups(f"group_id,max_allocation\nHQ,{limit}\n")
        assert group.schedule == limit


def test_a_charger_brings_its_name_its_place_and_its_upper_bound() -> None:
    assert read_chargers(CHARGERS) == [
        ImportedCharger(
            line=2,
            identity="TACW1",
            name="HQ-01",
            group="HQ",
            connectors=2,
            priority=5,
            maximum_a=16.0,
        ),
        ImportedCharger(
            line=3,
            identity="TACW2",
            name="TACW2",
            group=None,
            connectors=1,
            priority=1,
            maximum_a=None,
        ),
    ]


def test_columns_may_stand_in_any_order_and_be_cut_by_semicolons() -> None:
    [charger] = read_chargers("\ufeffalias; group_id ;Charger_ID\r\nLeft;HQ;CP-1\r\n\r\n")

    assert (charger.name, charger.group, charger.identity) == ("Left", "HQ", "CP-1")


def test_no_text_is_no_file() -> None:
    assert read_groups(" \n ") == []
    assert read_chargers("") == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("group_id,limit\nHQ,\n", [(1, "import_columns")]),
        ("\ngroup_id,max_allocation\n", [(1, "import_columns")]),
        ("group_id,max_allocation,group_id\n", [(1, "import_columns")]),
        ("group_id,max_allocation\n,\nHQ,\n,00:00-23:59>0=1\n", [(4, "import_name")]),
        (f"group_id,max_allocation\n{'x' * 101},\n", [(2, "import_name")]),
        ("group_id,max_allocation\nHQ,\nhq,\n", [(3, "import_twice")]),
        ("group_id,max_allocation\nHQ,63\n", [(2, "import_schedule")]),
        ("group_id,max_allocation\nHQ,25:00-26:00>0=63\n", [(2, "import_schedule")]),
        ("group_id,max_allocation\nHQ,00:00-23:59>0=0\n", [(2, "import_rating")]),
        ("group_id,max_allocation\nHQ,00:00-23:59>0=2001\n", [(2, "import_rating")]),
        ('group_id,max_allocation\n"HQ,\n', [(2, "import_unreadable")]),
        ("x" * (MOST_CHARACTERS + 1), [(1, "import_too_long")]),
    ],
)
def test_a_wrong_line_of_groups_is_named(text: str, wrong: list[tuple[int, str]]) -> None:
    assert wrong_groups(text) == wrong


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("a/b,,,,", "import_identity"),
        (",Left,,,", "import_identity"),
        (f"{'c' * 10_000},,,,", "import_identity"),
        ("CP-2,\x07,,,", "import_name"),
        ("CP-1,,,,", "import_twice"),
        ("CP-2,,0,,", "import_number"),
        ("CP-2,,17,,", "import_number"),
        ("CP-2,,1.5,,", "import_not_whole"),
        ("CP-2,,two,,", "import_number"),
        ("CP-2,,,0,", "import_number"),
        ("CP-2,,,11,", "import_number"),
        ("CP-2,,,,5.9", "import_number"),
        ("CP-2,,,,nan", "import_number"),
        ("CP-2,,,,1e400", "import_number"),
    ],
)
def test_a_wrong_line_of_chargers_is_named(cells: str, code: str) -> None:
    header = "charger_id,alias,no_connectors,priority,conn_max,group_id"

    assert wrong_chargers(f"{header}\nCP-1,,,,,\n{cells},\n") == [(3, code)]


def test_a_schedule_that_means_nothing_is_told_with_its_place() -> None:
    with pytest.raises(FileError) as error:
        read_groups("group_id,max_allocation\nHQ,00:00-07:59>0=63;08:00-16:59>0=a\n")

    [line] = error.value.lines
    assert line.values == {"wrong": "a", "column": "32"}


def test_a_file_that_is_wrong_throughout_is_told_once() -> None:
    assert len(wrong_groups("group_id,max_allocation\n" + "HQ,63\n" * 1000)) == MOST_ERRORS


CELLS = (
    st.sampled_from(["HQ", "HQ2", "", EVENING, "00:00-23:59>0=63", "63", '"', "1e9"]) | st.text()
)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6))
def test_whatever_a_file_says_it_is_taken_over_or_refused(rows: list[list[str]]) -> None:
    text = "group_id,max_allocation\n" + "\n".join(",".join(row) for row in rows)
    groups: list[ImportedGroup] = []
    with suppress(FileError):
        groups = read_groups(text)

    assert all(group.rating_a is None or group.rating_a >= 1 for group in groups)
    assert all(group.schedule is None or parse_schedule(group.schedule).bands for group in groups)
