"""Which firmware is an update for which charger, and which patterns are let in at all."""

from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.balanz.storage.firmware_entry import (
    FirmwareEntry,
    FirmwareError,
    InstalledFirmware,
    check_pattern,
    pattern_fits,
    version_order,
)

URL = "https://example.com/firmware.bin"


def entry(version: str = "2.0", **changes: Any) -> FirmwareEntry:
    return FirmwareEntry(**({"version": version, "url": URL} | changes))


def installed(version: str = "1.0", **changes: Any) -> InstalledFirmware:
    fields: dict[str, Any] = {"vendor": "ACME GmbH", "model": "Box 11", "version": version}
    return InstalledFirmware(**(fields | changes))


def test_versions_are_put_in_order_as_people_count() -> None:
    mixed = ["2", "1.10", "v1.2", "1.10.1", "1.10-rc1", "1.9", "1.10b"]

    assert sorted(mixed, key=version_order) == [
        "v1.2",
        "1.9",
        "1.10-rc1",
        "1.10",
        "1.10b",
        "1.10.1",
        "2",
    ]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), st.integers(1, 10))
def test_a_higher_number_anywhere_is_a_newer_version(numbers: list[int], more: int) -> None:
    for place in range(len(numbers)):
        raised = [*numbers[:place], numbers[place] + more]
        old, new = ".".join(map(str, numbers)), ".".join(map(str, raised))
        assert version_order(new) > version_order(old)


@pytest.mark.parametrize(
    ("firmware", "charger", "fits"),
    [
        (entry("2.0"), installed("1.0"), True),
        (entry("2.0"), installed("2.0"), False),
        (entry("2.0"), installed("3.0"), False),
        (entry("2.0"), installed(""), False),
        (entry("2.0", vendor="acme.*"), installed(), True),
        (entry("2.0", vendor="acme"), installed(), False),
        (entry("2.0", model="Box (11|22)"), installed(), True),
        (entry("2.0", model="Box 22"), installed(), False),
        (entry("2.0", vendor="ACME.*"), installed(vendor=""), False),
        (entry("2.0", meter_type="M1"), installed(), False),
        (entry("2.0", meter_type="M1"), installed(meter_type="M1"), True),
        (entry("2.0", from_versions=r"1\..*"), installed("1.5"), True),
        (entry("2.0", from_versions=r"1\.2"), installed("1.20"), False),
        (entry("5.0", from_versions=r"2021\..*"), installed("2021.4"), True),
    ],
)
def test_a_firmware_is_for_those_chargers_that_its_patterns_name(
    firmware: FirmwareEntry, charger: InstalledFirmware, fits: bool
) -> None:
    assert firmware.fits(charger) is fits


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"version": ""}, "firmware_version_invalid"),
        ({"version": "1\n2"}, "firmware_version_invalid"),
        ({"id": " x"}, "firmware_id_invalid"),
        ({"url": "file:///etc/passwd"}, "firmware_url_invalid"),
        ({"url": "https://[broken"}, "firmware_url_invalid"),
        ({"url": "https://a b/"}, "firmware_url_invalid"),
        ({"url": "local:../secret"}, "firmware_url_invalid"),
        ({"vendor": "("}, "firmware_pattern_invalid"),
        ({"vendor": "x" * 201}, "firmware_pattern_invalid"),
        ({"model": "(a+)+"}, "firmware_pattern_too_complex"),
        ({"release_notes": "x" * 10_001}, "firmware_notes_too_long"),
        ({"certificate": "PEM"}, "firmware_signature_incomplete"),
        ({"signature": "c2ln"}, "firmware_signature_incomplete"),
        ({"signature": "c2ln", "certificate": "x" * 5501}, "firmware_certificate_too_long"),
        ({"signature": "x" * 801, "certificate": "PEM"}, "firmware_signature_too_long"),
    ],
)
def test_a_firmware_that_cannot_be_says_why(wrong: dict[str, str], code: str) -> None:
    with pytest.raises(FirmwareError) as error:
        entry(**wrong)

    assert error.value.code == code
    assert len(error.value.value) <= 41


def test_a_firmware_is_named_by_what_it_is_for_unless_the_user_names_it() -> None:
    assert entry(vendor="ACME.*", model="Box").id == "ACME.* Box 2.0"
    assert entry(id="Mine").key == "mine"


def test_a_file_in_the_folder_is_named_by_its_url() -> None:
    assert entry(url="local:box-2.0.bin").local_name == "box-2.0.bin"
    assert entry().local_name is None


@pytest.mark.parametrize(
    "pattern",
    ["", "Alfen.*", r"[0-9]+\.[0-9]+\.[0-9]+.*", "(a|b)?c", "[]*+]*", "a{2,3}", "a{", "(?:a|b)"],
)
def test_patterns_that_people_write_are_taken(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|aa)*", r"(a)\1", "(?=a)", "a*a*a*a*a*", "(a|aa)" * 20, "(ab){9}"]
)
def test_patterns_that_could_take_for_ever_are_refused(pattern: str) -> None:
    with pytest.raises(FirmwareError, match="firmware_pattern_too_complex"):
        check_pattern(pattern)


PIECES = ["a", ".", "[ab]", "*", "+", "?", "(", ")", "|", "{1,9}", "(?:", "b", "[^b]", "\\d"]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_no_pattern_that_is_taken_keeps_the_loop_waiting(pattern: str) -> None:
    try:
        check_pattern(pattern)
    except FirmwareError:
        return
    pattern_fits(pattern, "x")
    took_s = min(_time_of(pattern) for _ in range(3))

    assert took_s < 0.02


def _time_of(pattern: str) -> float:
    began = perf_counter()
    pattern_fits(pattern, "a" * 49 + "!")
    return perf_counter() - began


def test_order_is_strict_over_the_forms_that_vendors_use() -> None:
    for older, newer in pairwise(["R4", "R5", "R5.1", "R10"]):
        assert version_order(older) < version_order(newer)
