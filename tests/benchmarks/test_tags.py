"""`script/benchmark tags`: what it prints, and that what it measures is what it says."""

import json
from typing import Any

import pytest

from benchmarks.tags import Charger, NotServed, Shown, main, make_tags

FEW = ["--tags", "300", "--samples", "20"]


def test_json_has_how_long_an_authorize_takes(
    socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*FEW, "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert (figures["tags"], figures["samples"]) == (300, 20)
    assert 0 < figures["authorize_p50_ms"] <= figures["authorize_p99_ms"]
    assert figures["authorize_p99_ms"] <= figures["authorize_max_ms"]


def test_the_table_has_a_line_for_each_figure(
    socket_enabled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(FEW) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines][-3:] == [
        "authorize_p50_ms",
        "authorize_p99_ms",
        "authorize_max_ms",
    ]


def test_tags_of_each_kind_are_shown_and_strangers_too() -> None:
    tags = make_tags(10_000)
    shown = Shown(tags, seed=1)

    seen = [shown.next() for _ in range(400)]

    assert len({tag.key for tag in tags}) == 10_000
    assert {status for _, status in seen} == {"Accepted", "Blocked", "Invalid"}
    assert sum(status == "Invalid" for _, status in seen) == 100


class _Wire:
    """A central system that accepts everything, and asks something in between."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self._frames = [[2, "theirs", "Reset", {}], [3, "1", {"idTagInfo": {"status": "Accepted"}}]]

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def recv(self) -> str:
        return json.dumps(self._frames.pop(0))


async def test_a_wrong_answer_makes_no_figure() -> None:
    wire: Any = _Wire()

    with pytest.raises(NotServed, match="in place of Blocked"):
        await Charger(wire).show("A", "Blocked")

    assert wire.sent[-1] == [4, "theirs", "NotImplemented", "", {}]
