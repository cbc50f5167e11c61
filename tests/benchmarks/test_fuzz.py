"""`script/benchmark fuzz`: what it prints, and that bad input breaks nothing."""

import asyncio
import json
import logging
import sys
import threading
import time
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest

from benchmarks import fuzz
from benchmarks.fuzz import main
from benchmarks.fuzzing import stalls
from benchmarks.fuzzing.central_thread import CentralThread
from benchmarks.fuzzing.mutator import Mutator
from benchmarks.fuzzing.stalls import StallWatch
from benchmarks.fuzzing.visit import Presence, Visit
from benchmarks.fuzzing.visitors import Visitors
from custom_components.balanz.csms.rpc import RpcConnection

FIELDS = {
    "minutes",
    "seed",
    "frames",
    "handshakes",
    "longest_stall_ms",
    "longest_own_stall_ms",
    "longest_repeated_stall_ms",
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
    assert (
        0
        < figures["longest_repeated_stall_ms"]
        <= figures["longest_own_stall_ms"]
        <= figures["longest_stall_ms"]
    )
    assert figures["state_changes_from_refused"] == 0
    assert figures["unserved"] == 0
    assert figures["errors_logged"] == 0


@pytest.mark.parametrize(("times", "repeated"), [(sys.maxsize, True), (1, False)])
def test_a_stall_is_a_failure_only_when_the_same_frame_brings_it_about_again(
    socket_enabled: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    repeated: bool,
) -> None:
    _take_long(monkeypatch, over="sentinel-0-0", held_ms=80, times=times)

    assert main(["--minutes", "0.02", "--json"]) == (1 if repeated else 0)

    printed = capsys.readouterr()
    figures = json.loads(printed.out)
    assert figures["longest_own_stall_ms"] >= 80
    assert (figures["longest_repeated_stall_ms"] >= 80) == repeated
    assert ("Visit(number=0, talks=True)" in printed.err) == repeated


def _take_long(monkeypatch: pytest.MonkeyPatch, *, over: str, held_ms: int, times: int) -> None:
    """Have the central system compute for so long when it reads a text, the first few times."""
    take = RpcConnection._take
    left = iter(range(times))

    async def take_long(connection: RpcConnection, message: str | bytes) -> None:
        if over in str(message) and next(left, None) is not None:
            _compute(held_ms)
        await take(connection, message)

    monkeypatch.setattr(RpcConnection, "_take", take_long)


def _compute(held_ms: float) -> None:
    until_s = time.thread_time() + held_ms / 1e3
    while time.thread_time() < until_s:
        pass


def test_of_many_stalls_the_longest_are_kept() -> None:
    watch = StallWatch(Presence())
    loop = asyncio.new_event_loop()

    with (
        patch.object(stalls, "MOST_NOTED", 2),
        watch.over(loop, threading.current_thread()),
    ):
        for held_ms in (20, 60, 10, 40):
            loop.call_soon(_compute, held_ms)
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()

    assert len(watch.noted) == 2
    assert all(stall.own_ms >= 40 for stall in watch.noted)


def test_a_charger_that_comes_again_is_heard_again(socket_enabled: None, tmp_path: Path) -> None:
    central = CentralThread(tmp_path, ["CP-0"])
    heard = []
    with central.running():
        visitors = Visitors(central, ["CP-0"], 1)
        for number in range(2):
            asyncio.run(visitors.come(Visit(number=number, talks=True)))
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
