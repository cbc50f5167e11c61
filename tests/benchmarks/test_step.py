"""`script/benchmark step`: what it prints, and that what it measures is what it says."""

import json

import pytest

from benchmarks import step
from benchmarks.step import STAGES, main

pytestmark = pytest.mark.usefixtures("socket_enabled")
FEW = ["--connectors", "3", "--seconds", "5"]


@pytest.fixture(autouse=True)
def short_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "WARM_UP_S", 10)


def test_json_has_what_each_stage_takes_at_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--connectors", "1", "3", "--seconds", "5", "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {"1", "3"}
    for of_size in figures.values():
        assert of_size.keys() == {"step", *STAGES, "begin_max", "part_max"}
        assert all(ms > 0 for ms in of_size.values())


def test_a_step_is_how_it_begins_what_is_decided_and_what_follows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main([*FEW, "--json"])

    took = json.loads(capsys.readouterr().out)["3"]
    parts = took["begin"] + took["decide"] + took["carry_out"] + took["tell"]
    assert took["step"] == pytest.approx(parts, rel=0.5)
    assert took["snapshot"] < took["tell"]


def test_the_table_has_a_line_for_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    main(FEW)

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "ms",
        "step",
        *STAGES,
        "begin_max",
        "part_max",
    ]
