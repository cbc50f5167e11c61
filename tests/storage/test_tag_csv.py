"""Tags come and go as CSV: nothing is lost, nothing runs in a spreadsheet, nothing is guessed."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.storage.tag_csv import (
    MAX_BYTES,
    MAX_ERRORS,
    RowError,
    TagFileError,
    read_tags,
    write_tags,
)
from custom_components.balanz.storage.tags import Tag, TagStatus

UPSTREAM = """id_tag,user_name,parent_id_tag,description,status,priority
AB12CD34,Company car,ACME,Tag of the first car,Activated,1
DE56FA78,Jane Doe,,Her own tag,Blocked,
"""
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=36)
NAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" '=+-@;,\""), max_size=30
).map(str.strip)
TAGS = st.builds(
    Tag,
    id=IDS.filter(lambda text: text.lower() not in ("balanz", "parent")),
    name=NAMES,
    person=st.sampled_from([None, "person.anne"]),
    status=st.sampled_from(TagStatus),
    expires_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    parent=st.sampled_from([None, "PARENT"]),
    priority=st.none() | st.integers(0, 10),
    places=st.frozensets(st.sampled_from(["charger:CP=1", "group:garage"])),
    sessions=st.none() | st.integers(1, 9),
)


@given(st.lists(TAGS, min_size=1, unique_by=lambda tag: tag.key))
def test_what_is_exported_can_be_imported(tags: list[Tag]) -> None:
    read = read_tags(write_tags(tags).encode())

    assert sorted(read, key=lambda tag: tag.key) == sorted(tags, key=lambda tag: tag.key)


@given(st.lists(TAGS, min_size=1, unique_by=lambda tag: tag.key))
def test_no_exported_cell_is_a_formula(tags: list[Tag]) -> None:
    for row in csv.reader(io.StringIO(write_tags(tags), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("start", list("=+-@"))
def test_a_name_that_looks_like_a_formula_is_text_in_a_spreadsheet(start: str) -> None:
    tag = Tag(id="A", name=f"{start}1+cmd|' /C calc'!A0")

    assert f"A,'{start}1+cmd" in write_tags([tag])
    assert read_tags(write_tags([tag])) == [tag]


def test_the_tags_of_upstream_balanz_are_read() -> None:
    assert read_tags(UPSTREAM) == [
        Tag(id="AB12CD34", name="Company car", parent="ACME", priority=1),
        Tag(id="DE56FA78", name="Jane Doe", status=TagStatus.BLOCKED),
    ]


def test_what_spreadsheets_write_is_read() -> None:
    content = '\ufeffID;Name;Expires;Sessions\r\nA;"Anne; Bob";2027-01-01\r\n;;;\r\n\r\nB;;;2\r\n'

    assert read_tags(content.encode()) == [
        Tag(id="A", name="Anne; Bob", expires_at=datetime(2027, 1, 1, tzinfo=UTC)),
        Tag(id="B", sessions=2),
    ]


def test_a_tag_that_is_its_own_parent_has_none() -> None:
    assert read_tags("id,parent\nAb,aB\n") == [Tag(id="Ab")]


def test_each_wrong_line_is_told_with_its_number() -> None:
    content = (
        "id,name,status,priority,expires,valid_in,sessions\n"
        "A,Anne,lost,,,,\n"
        'B,"two\nlines",,,,,\n'
        "C,,,11,,,\n"
        "D,,,-1,,,\n"
        "E,,,,soon,,\n"
        "F,,,,,charger:gone,\n"
        "G,,,,,,many\n"
        "H,,,,,,,,,more\n"
        "I,,,,,,\n"
        "i,,,,,,\n"
        ",Nobody,,,,,\n"
    )
    with pytest.raises(TagFileError) as error:
        read_tags(content, places={"charger:CP1"})

    assert error.value.code == "csv_rows_wrong"
    assert [(row.line, row.code) for row in error.value.rows] == [
        (2, "tag_status_invalid"),
        (3, "tag_name_invalid"),
        (5, "tag_priority_invalid"),
        (6, "tag_priority_invalid"),
        (7, "tag_expiry_invalid"),
        (8, "tag_place_unknown"),
        (9, "tag_sessions_invalid"),
        (10, "csv_row_too_long"),
        (12, "tag_twice"),
        (13, "tag_id_invalid"),
    ]


def test_a_file_that_is_wrong_throughout_is_not_told_line_by_line() -> None:
    with pytest.raises(TagFileError) as error:
        read_tags("id,status\n" + "A,lost\n" * 10_000)

    assert len(error.value.rows) == MAX_ERRORS


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "tag_file_no_id"),
        (b"name,status\nAnne,accepted\n", "tag_file_no_id"),
        (b"id,id_tag\nA,B\n", "csv_column_twice"),
        (b"id,name\n", "tag_file_empty"),
        (b"id,name\nA,\xff\xfe\n", "csv_encoding"),
        ("id,name\nA,Änne\n".encode("utf-16"), "csv_encoding"),
        ("id,name\nA,Änne\n".encode("latin-1"), "csv_encoding"),
        (b"id,name\nA,\0\n", "csv_encoding"),
        (b"x" * (MAX_BYTES + 1), "csv_too_large"),
        ("x" * (MAX_BYTES + 1), "csv_too_large"),
    ],
)
def test_a_file_that_is_no_list_of_tags_is_refused(content: bytes | str, code: str) -> None:
    with pytest.raises(TagFileError) as error:
        read_tags(content)

    assert error.value.code == code


def test_a_broken_quote_is_told_with_its_line() -> None:
    with pytest.raises(TagFileError) as error:
        read_tags('id,name\nA,"Anne"x\n')

    assert error.value.rows == (RowError(2, "csv_row_unreadable", ""),)
