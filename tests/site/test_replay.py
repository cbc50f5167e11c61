"""What a site decided can be decided again from a file, and comes to the same."""

import json
import logging
import sys
import zlib
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from time import thread_time
from typing import Any

import pytest

from custom_components.balanz.balancing.commands import Command, Kind
from custom_components.balanz.balancing.control import Result, State, step
from custom_components.balanz.balancing.inputs import ConnectorInput, Inputs
from custom_components.balanz.balancing.model import ConnectorKey, Site
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.site import BalanzSite, step_log
from custom_components.balanz.site.bound import BoundName
from custom_components.balanz.site.replay import (
    RecordedStep,
    ReplayError,
    lines_of,
    packed,
    replay,
    unpacked,
)
from custom_components.balanz.site.step_log import Segment, StepLog
from custom_components.balanz.site.value_codec import CodecError, Decoder, Encoder
from script import replay_steps
from simulator.car import Car

from .build import accepted_a, amperes, charger, group, pass_s, settings, until
from .conftest import Bench

A = ConnectorKey("A", 1)


async def session(bench: Bench) -> BalanzSite:
    """Two cars share a metered fuse, the house takes more for a while, and one car leaves."""
    garage = group("garage", rating_a=20.0)
    site = await bench.start(
        settings(
            charger("A", group_id="garage"),
            charger("B", group_id="garage"),
            charger("C"),
            groups=(garage,),
            rating_a=32.0,
            metered=True,
        )
    )
    site.report_meter("root", amperes(2.0))
    one = await bench.dial_in(site, "A", car=Car())
    await bench.dial_in(site, "B", car=Car())
    await until(lambda: (accepted_a(site, "A") or 0) >= 6.0)
    for house_a in (12.0, 30.0, 25.0, 10.0):
        site.report_meter("root", amperes(house_a))
        await pass_s(15.0)
    await site.set_capacity("garage", 12.0)
    await pass_s(30.0)
    one.unplug()
    await pass_s(60.0)
    return site


def replayed(segments: tuple[Segment, ...]) -> list[RecordedStep]:
    return [one for segment in segments for one in replay(segment)]


async def test_a_session_is_decided_again_to_the_same_end(bench: Bench) -> None:
    site = await session(bench)
    kept = site.evidence().segments

    read = unpacked(packed(kept))

    steps = replayed(read)
    assert {command.kind for one in steps for command in one.decided} >= {Kind.CUT, Kind.RAISE}
    assert len({rule for one in steps for rule in one.rules.values()}) > 3
    assert [one for one in steps if not one.is_equal] == []


async def test_nothing_of_what_was_kept_is_lost_in_the_file(bench: Bench) -> None:
    site = await session(bench)
    kept = site.evidence().segments

    read = unpacked(packed(kept))

    assert [(it.site, it.state, it.inputs, it.steps) for it in read] == [
        (it.site, it.state, it.inputs, it.steps) for it in kept
    ]


async def test_what_a_thousand_chargers_did_is_taken_down_between_two_events(bench: Bench) -> None:
    many = (charger(f"CP-{number}") for number in range(1000))
    site = await bench.start(settings(*many, rating_a=1000.0))

    def takes_s() -> float:
        began = thread_time()
        site.evidence()
        return thread_time() - began

    # What other programs and the garbage collector take is not its doing.
    assert min(takes_s() for _ in range(5)) < 0.01


async def test_what_was_taken_down_does_not_change_any_more(bench: Bench) -> None:
    site = await bench.start(settings(charger("A")))
    await site.ceilings.set(A, BoundName.LIMIT, 8.0)
    evidence = site.evidence()
    before = list(evidence.records())
    await site.ceilings.set(A, BoundName.LIMIT, 7.0)
    await site.ceilings.set(A, BoundName.PAUSE, 0.0)
    await site.set_enabled(A, enabled=False)

    assert list(evidence.records()) == before


def test_a_site_that_has_taken_no_step_has_nothing_to_replay() -> None:
    assert unpacked(packed(())) == ()


async def test_only_what_has_changed_is_kept_of_a_step(bench: Bench) -> None:
    site = await session(bench)
    steps = [one for segment in site.evidence().segments for one in segment.steps]

    # Three connectors, of which one never connects.
    kept = sum(len(one.connectors) for one in steps)
    assert kept < len(steps) * 2
    assert not any(ConnectorKey("C", 1) in one.connectors for one in steps[5:])


def decided(log: StepLog, site: Site, known: Inputs, state: State, now: float) -> Result:
    result = step(site, known, state, now)
    log.note(site, known, state, result, now)
    return result


@pytest.fixture
async def last_step(bench: Bench) -> tuple[Site, Inputs, State]:
    site = await bench.start(settings(charger("A"), charger("B")))
    evidence = site.evidence()
    assert evidence.inputs is not None
    assert evidence.result is not None
    return evidence.segments[-1].site, evidence.inputs, evidence.result.state


async def test_the_log_forgets_what_is_older_than_an_hour(
    last_step: tuple[Site, Inputs, State],
) -> None:
    site, known, state = last_step
    log = StepLog()
    for minute in range(150):
        state = decided(log, site, known, state, 1000.0 + 60.0 * minute).state

    kept_s = 60.0 * 150 + 1000.0 - log.segments[0].started
    assert 3600.0 <= kept_s <= 3600.0 + 2 * step_log.SEGMENT_S
    assert all(one.is_equal for one in replayed(log.segments))


async def test_the_log_has_a_bound_however_much_changes(
    last_step: tuple[Site, Inputs, State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_log, "MOST_CHANGES", 200)
    site, known, state = last_step
    log = StepLog()
    for second in range(1000):
        maximum_a = 6.0 + second % 10
        connectors = {
            key: replace(one, maximum_a=maximum_a) for key, one in known.connectors.items()
        }
        state = decided(
            log, site, replace(known, connectors=connectors), state, 1000.0 + second
        ).state

    assert sum(segment.changes for segment in log.segments) <= 230
    assert len(log.segments) > 5
    assert all(one.is_equal for one in replayed(log.segments))


async def test_a_log_that_fails_keeps_no_step_from_being_taken(
    last_step: tuple[Site, Inputs, State], caplog: pytest.LogCaptureFixture
) -> None:
    site, known, state = last_step
    log = StepLog()
    result = decided(log, site, known, state, 1000.0)
    broken: Any = None
    with caplog.at_level(logging.ERROR):
        log.note(site, broken, state, result, 1001.0)
        log.note(site, known, state, result, 1002.0)

    assert log.segments == ()
    assert [record.message for record in caplog.records] == ["Steps are not kept any more"]


# What a developer sees


def longest(segments: tuple[Segment, ...]) -> Segment:
    return max(segments, key=lambda segment: len(segment.steps))


def different(segment: Segment) -> Segment:
    """The same steps, had balanz then decided something else."""
    number, cut = next((number, one) for number, one in enumerate(segment.steps) if one.commands)
    other = Command(key=A, limit_a=99.0, kind=Kind.RAISE)
    segment.steps[number] = replace(cut, commands=(other,), rules={**cut.rules, A: Rule.FULL})
    return segment


async def test_what_would_be_decided_otherwise_now_is_told(bench: Bench) -> None:
    site = await session(bench)
    segment = longest(unpacked(packed(site.evidence().segments)))
    changed = [one for one in replay(different(segment)) if not one.is_equal]
    lines = "\n".join(lines_of(changed[0], segment))

    assert "was only: raise A/1 to 99 A" in lines
    assert "now only: " in lines
    assert "A/1: the reason was full, and is" in lines


def as_diagnostics(folder: Path, text: str) -> Path:
    path = folder / "diagnostics.json"
    path.write_text(json.dumps({"data": {"replay": text}}))
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["replay", *arguments])
    return replay_steps.main()


async def test_the_command_prints_each_decision_with_its_reason(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site = await session(bench)
    path = as_diagnostics(tmp_path, packed(site.evidence().segments))
    assert run(monkeypatch, str(path)) == 0

    printed = capsys.readouterr().out
    assert "= cut A/1 to 6 A, " in printed or "= raise A/1 to " in printed
    assert "keeps its limit, " in printed
    assert "0 of them come to something else now" in printed


async def test_the_command_can_print_only_what_differs(
    bench: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site = await session(bench)
    segment = longest(unpacked(packed(site.evidence().segments)))
    path = as_diagnostics(tmp_path, packed([different(segment)]))
    assert run(monkeypatch, "--quiet", str(path)) == 1
    quiet = capsys.readouterr().out.splitlines()
    assert run(monkeypatch, str(path)) == 1
    loud = capsys.readouterr().out.splitlines()

    assert set(quiet) < set(loud)
    assert any("was only: raise A/1 to 99 A" in line for line in quiet)


@pytest.mark.parametrize("text", ["{}", "no json", '{"data": {"replay": "!"}}', '{"data": 1}'])
def test_a_file_without_a_replay_is_told_apart(
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)

    assert run(monkeypatch, str(path)) == 2
    assert "holds no replay" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, str(tmp_path / "gone.json")) == 2
    assert "No such file" in capsys.readouterr().err


# What cannot be read


def whole(**changes: Any) -> str:
    told = {"format": 1, "types": {}, "objects": [], "segments": [], **changes}
    return b64encode(zlib.compress(json.dumps(told).encode())).decode()


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        b64encode(b"not zlib").decode(),
        b64encode(zlib.compress(b"[")).decode(),
        b64encode(zlib.compress(b"[]")).decode(),
        whole(format=2),
        whole(segments=[{}]),
        whole(objects=[["Popen", "ls"]], types={"Popen": ["args"]}),
        whole(objects=[["Command", 1]], types={"Command": ["limit_a"]}),
        whole(objects=[["Command"]], types={}),
        whole(segments=[{"site": ["o", 0]}]),
        whole(segments=[{"site": ["?", 0]}]),
        whole(segments=[{"site": ["e", "Rule", "unheard_of"]}]),
    ],
)
def test_what_is_no_recording_is_refused(text: str) -> None:
    with pytest.raises(ReplayError):
        unpacked(text)


def test_a_value_of_another_kind_is_not_written() -> None:
    class Other:
        """Nothing that balancing knows."""

    with pytest.raises(CodecError):
        Encoder().encode(Other())


def test_each_kind_of_value_comes_back_as_it_was() -> None:
    value = {
        A: (1, 2.5, None, True, "text", float("inf")),
        Rule.FULL: frozenset({"b", "a"}),
        "command": Command(key=A, limit_a=0.1 + 0.2, kind=Kind.CUT),
    }
    encoder = Encoder()
    told = json.loads(encoder.encode(value))
    objects = [json.loads(one) for one in encoder.objects]

    assert Decoder(encoder.types, objects).decode(told) == value


def test_an_object_that_is_used_twice_is_written_once() -> None:
    command = Command(key=A, limit_a=6.0, kind=Kind.CUT)
    encoder = Encoder()
    encoder.encode((command, command, A))

    assert [json.loads(one)[0] for one in encoder.objects] == ["ConnectorKey", "Command"]


async def test_a_connector_of_which_nothing_is_new_is_the_same_input(
    last_step: tuple[Site, Inputs, State], bench: Bench
) -> None:
    assert isinstance(last_step[1].connectors[A], ConnectorInput)
    site = await bench.start(settings(charger("A")), folder=bench.folder / "other")
    rooms = site._rooms
    now = rooms.timer.now()

    assert rooms.control.inputs(now).connectors[A] is rooms.control.inputs(now + 1).connectors[A]
