"""What the end-to-end tests take for an error in Home Assistant's log."""

from tests.e2e.error_log import errors

WELL = "2026-01-05 12:00:00.100+00:00 INFO (MainThread) [custom_components.balanz] All is well\n"
WRONG = """\
2026-01-05 12:00:01.200+00:00 ERROR (MainThread) [custom_components.balanz] A step failed
Traceback (most recent call last):
ValueError: nothing
"""
LEFT = """\
2026-01-05 12:00:02.300+00:00 ERROR (MainThread) [homeassistant] Error doing job
Traceback (most recent call last):
aiohttp.client_exceptions.ClientConnectionResetError: Cannot write to closing transport
"""


def test_an_error_is_found_with_its_traceback() -> None:
    assert errors(WELL + WRONG + WELL) == [WRONG]


def test_an_error_in_colour_is_found_too() -> None:
    assert errors(f"{WELL}\x1b[31m{WRONG}") == [f"\x1b[31m{WRONG}"]


def test_a_browser_that_left_is_no_error_and_hides_none() -> None:
    assert errors(LEFT + WRONG + LEFT) == [WRONG]
