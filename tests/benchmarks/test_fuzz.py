"""`script/benchmark fuzz`: what it prints, and that bad input breaks nothing."""

import asyncio
import json
import logging
from pathlib import Path
from random import Random

import pytest

from benchmarks import fuzz
from benchmarks.fuzz import main
from benchmarks.fuzzing.central_thread import CentralThread
from benchmarks.fuzzing.mutator import Mutator
from benchmarks.fuzzing.visitors import Visitors

FIELDS = {
    "minutes",
    "seed",
    "frames",
    "handshakes",
    "longest_stall_ms",
    "longest_own_stall_ms",
    "memory_growth_mib",
    "state_changes_from_refused",
    "unserved",
    "errors_logged",
}


@pytest.mark.parametrize("seed", [1, 2])
def test_some_seconds_of_bad_input_break_nothing(
    socket_enabled: None, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    assert main(["--minutes", "0.05", "--seed", str(seed), "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == FIELDS
    assert figures["frames"] > 100
    assert figures["handshakes"] > 10
    assert 0 < figures["longest_own_stall_ms"] <= figures["longest_stall_ms"]
    assert figures["state_changes_from_refused"] == 0
    assert figures["unserved"] == 0
    assert figures["errors_logged"] == 0


def test_a_charger_that_comes_again_is_heard_again(socket_enabled: None, tmp_path: Path) -> None:
    central = CentralThread(tmp_path, ["CP-0"])
    heard = []
    with central.running():
        visitors = Visitors(central, ["CP-0"], Random(1))
        for _ in range(2):
            asyncio.run(visitors.talk("CP-0"))
            heard.append(visitors.frames)
    assert 0 < heard[0] < heard[1]


def test_an_error_that_is_logged_is_a_failure(
    socket_enabled: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> float:
        await asyncio.sleep(0)
        logging.getLogger("custom_components.balanz").error("a fault")
        return 0.0

    monkeypatch.setattr(fuzz, "_visit", fail)

    assert main(["--minutes", "0.01"]) == 1
    assert "errors_logged                1" in capsys.readouterr().out


def test_the_seed_decides_what_is_sent() -> None:
    one, two, other = (Mutator(Random(seed)) for seed in (1, 1, 2))

    calls = [[mutator.call("1") for _ in range(50)] for mutator in (one, two, other)]
    requests = [[mutator.request("CP") for _ in range(50)] for mutator in (one, two, other)]

    assert calls[0] == calls[1] != calls[2]
    assert requests[0] == requests[1] != requests[2]
