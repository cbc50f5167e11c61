"""`script/benchmark site_day`: what it prints, and how it refuses."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.site_day import main

REPOSITORY = Path(__file__).resolve().parents[2]
FIELDS = {
    "site",
    "day",
    "policy",
    "energy_kwh",
    "energy_pct_of_ideal",
    "worst_served_pct",
    "jain",
    "over_limit_s",
    "preventable_over_limit_s",
    "over_limit_as",
    "switches_per_car",
    "writes_per_charger_hour",
    "step_us",
}
SCENARIO = {
    "limit_schedule": "00:00-23:59>0=16",
    "conn_max": 32,
    "evs": [
        {"charger": "C0", "arrive": 3600, "leave": 7200, "max_a": 16, "need_wh": 9000},
        {"charger": "C1", "arrive": 4000, "leave": 7200, "max_a": 10, "need_wh": 20000},
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """One run of the command: what it printed, and the chart that it drew."""
    folder = tmp_path_factory.mktemp("site_day")
    scenario, chart = folder / "two_cars.json", folder / "day.svg"
    scenario.write_text(json.dumps(SCENARIO))
    command = [sys.executable, "-m", "benchmarks.site_day", "--scenario", str(scenario)]
    command += ["--policies", "fair,ideal,optimum", "--jobs", "1", "--json", "--chart", str(chart)]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return done.stdout, chart


def test_json_has_a_row_for_each_policy_with_all_fields(run: tuple[str, Path]) -> None:
    rows = json.loads(run[0])["rows"]

    assert [(row["site"], row["day"], row["policy"]) for row in rows] == [
        ("two_cars", 0, "fair"),
        ("two_cars", 0, "ideal"),
        ("two_cars", 0, "optimum"),
    ]
    assert all(row.keys() >= FIELDS for row in rows)
    assert rows[0]["over_limit_s"] == 0


def test_the_chart_is_a_drawing_that_says_what_it_shows(run: tuple[str, Path]) -> None:
    drawing = ElementTree.parse(run[1]).getroot()

    assert drawing.tag.endswith("svg")
    assert drawing.get("aria-label") == "two_cars, day 0, fair: current on L1"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--site", "hut:25"], "no such site"),
        (["--days", "1,x"], "--days"),
        (["--days", "99999"], "no day 99999"),
        (["--sessions", "/does/not/exist"], "No such file"),
        (["--house", "/does/not/exist"], "No such file"),
        (["--policies", "best"], "no such policy"),
        (["--scenario", "x.json", "--site", "home:25"], "does not go together"),
        (["--meter-period-s", "0"], "--meter-period-s"),
        (["--margin-a", "nan"], "--margin-a"),
        (["--chart", "/does/not/exist/day.svg"], "no such folder"),
        (["--frobnicate"], "--frobnicate"),
        (["--days"], "--days"),
        (["--days", ""], "--days"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert complaint in said.err
