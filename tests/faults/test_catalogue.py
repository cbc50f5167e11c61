"""The page of faults says what is tested, no more and no less."""

from pathlib import Path

from . import test_scenarios
from .catalogue import FAULTS, PAGE, page

REPOSITORY = Path(__file__).parents[2]


def shown() -> set[str]:
    """The faults that a scenario is marked with."""
    return {
        mark.args[0]
        for test in vars(test_scenarios).values()
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "fault"
    }


def test_each_fault_that_is_said_to_be_shown_has_a_scenario() -> None:
    assert shown() == {fault.id for fault in FAULTS if fault.promise}


def test_each_fault_is_told_once_and_in_one_way() -> None:
    assert len({fault.id for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert bool(fault.promise) is not bool(fault.elsewhere)


def test_tests_elsewhere_exist() -> None:
    for fault in FAULTS:
        assert not fault.elsewhere or (REPOSITORY / fault.elsewhere).is_file()


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.faults.catalogue"
