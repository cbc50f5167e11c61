"""`script/benchmark soak`: what it prints, and that its seed decides."""

import json
import logging

import pytest

from benchmarks import soak
from benchmarks.soak import main

FIELDS = {
    "hours",
    "seed",
    "faults",
    "steps",
    "violations",
    "overloads",
    "overload_clear_median_s",
    "overload_clear_p95_s",
    "writes_per_charger_day",
}


def figures(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, float]:
    assert main([*options, "--json"]) == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


def test_an_hour_with_faults_breaks_no_rule(
    socket_enabled: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "FAULTS_PER_HOUR", 60.0)
    monkeypatch.setattr(soak, "CARS_PER_CHARGER_DAY", 48.0)
    found = figures(capsys, "--hours", "1", "--seed", "7")
    assert set(found) == FIELDS
    assert found["violations"] == 0
    assert found["faults"] > 20
    assert found["steps"] >= 3600


def test_the_seed_decides_and_without_faults_there_are_none(
    socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--hours", "0.2", "--seed", "3", "--no-faults")
    found = figures(capsys, *options)
    assert found == figures(capsys, *options)
    assert found["faults"] == 0


def test_it_leaves_the_log_as_it_was(
    socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("custom_components.balanz")
    before = logger.level
    figures(capsys, "--hours", "0.01")
    assert logger.level == before < logging.CRITICAL
