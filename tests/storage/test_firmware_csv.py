"""Firmwares come and go as CSV, also those of upstream; wrong lines are told one by one."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.storage.firmware_csv import (
    MAX_BYTES,
    MAX_ERRORS,
    FirmwareFileError,
    FirmwareRowError,
    read_firmwares,
    write_firmwares,
)
from custom_components.balanz.storage.firmware_entry import FirmwareEntry, InstalledFirmware

UPSTREAM = (
    "firmware_id,charge_point_vendor,charge_point_model,firmware_version,meter_type,url,"
    "upgrade_from_versions\r\n"
    "Garo-1,Garo,GLB,1.5.2,,http://files.example/garo.bin,1.4|1.5.0\r\n"
    "Alfen-6,Alfen.*,,6.1.0,,ftp://files.example/alfen.fw,\r\n"
)
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
LINES = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" \n=+-@;,'\""), max_size=60
).map(str.strip)
ENTRIES = st.builds(
    FirmwareEntry,
    id=WORDS,
    version=WORDS,
    url=st.sampled_from(["https://example.com/a.bin", "local:a.bin"]),
    vendor=st.sampled_from(["", "Alfen.*", "=SUM|A"]),
    from_versions=st.sampled_from(["", r"1\..*"]),
    release_notes=LINES,
)


@given(st.lists(ENTRIES, min_size=1, unique_by=lambda entry: entry.key))
def test_what_is_exported_can_be_imported(entries: list[FirmwareEntry]) -> None:
    read = read_firmwares(write_firmwares(entries).encode())

    assert sorted(read, key=lambda one: one.key) == sorted(entries, key=lambda one: one.key)


@given(st.lists(ENTRIES, min_size=1, unique_by=lambda entry: entry.key))
def test_no_exported_cell_is_a_formula(entries: list[FirmwareEntry]) -> None:
    for row in csv.reader(io.StringIO(write_firmwares(entries), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_signed_firmware_keeps_the_lines_of_its_certificate() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    signed = FirmwareEntry(version="2", url="https://a.b/c", certificate=pem, signature="c2ln")

    assert read_firmwares(write_firmwares([signed])) == [signed]


def test_the_file_of_upstream_means_what_it_means_there() -> None:
    garo, alfen = read_firmwares(UPSTREAM)
    on_garo = {
        version: garo.fits(InstalledFirmware(vendor="Garo AB", model="GLB-X", version=version))
        for version in ("1.4", "1.4.9", "1.5.0", "1.5.1", "1.5.2")
    }

    # As there, patterns look at how a text begins.
    assert on_garo == {"1.4": True, "1.4.9": True, "1.5.0": True, "1.5.1": False, "1.5.2": False}
    assert (garo.id, garo.version, garo.url) == ("Garo-1", "1.5.2", "http://files.example/garo.bin")
    assert alfen.fits(InstalledFirmware(vendor="Alfen BV", model="NG910", version="6.0.9"))
    assert not alfen.fits(InstalledFirmware(vendor="Alfen BV", model="NG910", version="7.0"))


def test_each_wrong_line_is_told_with_its_number() -> None:
    text = (
        "version;url;vendor\n"
        "1.0;https://a.b/c;A\n"
        '"";https://a.b/c;B\n'
        "\n"
        "2.0;nowhere;C\n"
        "3.0;https://a.b/c;(\n"
        "1.0;https://a.b/other;A\n"
        "4.0;https://a.b/c;D;too;much\n"
    )
    with pytest.raises(FirmwareFileError) as error:
        read_firmwares(text)

    assert error.value.code == "csv_rows_wrong"
    assert error.value.rows == (
        FirmwareRowError(3, "firmware_version_invalid", ""),
        FirmwareRowError(5, "firmware_url_invalid", "nowhere"),
        FirmwareRowError(6, "firmware_pattern_invalid", "("),
        FirmwareRowError(7, "firmware_twice", "A 1.0"),
        FirmwareRowError(8, "csv_row_too_long", "5"),
    )


def test_a_file_that_is_wrong_throughout_is_told_once() -> None:
    with pytest.raises(FirmwareFileError) as error:
        read_firmwares("version,url\n" + "1,nowhere\n" * 1000)

    assert len(error.value.rows) == MAX_ERRORS


@pytest.mark.parametrize(
    ("content", "code", "value"),
    [
        ("", "firmware_file_columns", ""),
        ("id,vendor\n1,2\n", "firmware_file_columns", ""),
        ("version,url\n", "firmware_file_empty", ""),
        ("version,firmware_version,url\n1,1,x\n", "csv_column_twice", ""),
        (b"version,url\n1,\xff\n", "csv_encoding", "2"),
        ("version,url\n1,\0\n", "csv_encoding", "2"),
        (b"x" * (MAX_BYTES + 1), "csv_too_large", "5"),
        ('version,url\n1,"never closed\n', "csv_rows_wrong", ""),
    ],
)
def test_a_file_that_is_none_says_why(content: bytes | str, code: str, value: str) -> None:
    with pytest.raises(FirmwareFileError) as error:
        read_firmwares(content)

    assert (error.value.code, error.value.value) == (code, value)
