"""`script/benchmark proxy`: what it prints, and what its figures mean."""

import json

import pytest

from benchmarks import proxy
from benchmarks.proxy import figures_of, main

pytestmark = pytest.mark.usefixtures("socket_enabled")
FEW = ["--chargers", "2", "--seconds", "1"]


def test_json_has_the_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "SETTLED_S", 0.1)

    assert main([*FEW, "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures.keys() == {"median_ms", "p99_ms", "straight_median_ms", "messages"}
    assert figures["messages"] >= 2


def test_what_it_would_take_anyway_does_not_count() -> None:
    through = [2.0] * 98 + [10.0, 20.0]

    assert figures_of(through, [0.5, 0.5, 0.5]) == {
        "median_ms": 1.5,
        "p99_ms": 9.5,
        "straight_median_ms": 0.5,
        "messages": 100,
    }
