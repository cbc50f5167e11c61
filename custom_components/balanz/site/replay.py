"""The steps of a running site as a text that fits into a file, and taken again from there."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..balancing.commands import Command
from ..balancing.control import Result, step
from ..balancing.inputs import Inputs
from ..balancing.model import ConnectorKey
from ..balancing.reasons import Reason, Rule
from .packed_text import PackedTextError, Packer, unpack
from .step_log import LoggedStep, Segment
from .value_codec import CodecError, Decoder, Encoder

FORMAT = 1


class ReplayError(ValueError):
    """A recording that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """A step of a recording, and what came of it when it was taken again."""

    now: float
    """Monotonic seconds of the machine that recorded it."""
    decided: tuple[Command, ...]
    rules: Mapping[ConnectorKey, Rule]
    """Where they changed, as they were recorded."""
    result: Result
    """What it comes to now."""
    other_rules: Mapping[ConnectorKey, tuple[Rule | None, Rule]]
    """Where another rule holds now: the one that was recorded, and the one of now."""

    @property
    def is_equal(self) -> bool:
        """Whether the same was decided, for the same reasons."""
        return self.decided == self.result.commands and not self.other_rules


def packed(segments: Iterable[Segment]) -> str:
    """Return steps as a text without line breaks. It takes a second for a log that is full."""
    packer = Packer()
    packer.add(_texts(segments))
    return packer.finish()


def _texts(segments: Iterable[Segment]) -> Iterator[str]:
    """Yield the pieces of a JSON object."""
    encoder = Encoder()
    yield f'{{"format": {FORMAT}, "segments": '
    yield from _listed(_told(encoder, segment) for segment in segments)
    yield f', "types": {json.dumps(encoder.types)}, "objects": '
    yield from _listed([one] for one in encoder.objects)
    yield "}"


def _told(encoder: Encoder, segment: Segment) -> Iterator[str]:
    yield f'{{"started": {segment.started!r}'
    for name, value in (
        ("site", segment.site),
        ("state", segment.state),
        ("inputs", segment.inputs),
    ):
        yield f', "{name}": {encoder.encode(value)}'
    yield ', "steps": '
    # The last segment of a running site grows while it is read.
    yield from _listed([_step(encoder, one)] for one in tuple(segment.steps))
    yield "}"


def _step(encoder: Encoder, one: LoggedStep) -> str:
    seen = (one.now, one.connectors, one.others, one.commands, one.rules)
    return f"[{','.join(map(encoder.encode, seen))}]"


def _listed(items: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the pieces of a JSON array whose items come in pieces themselves."""
    between = "["
    for pieces in items:
        yield between
        yield from pieces
        between = ","
    yield "]" if between == "," else "[]"


def unpacked(text: str) -> tuple[Segment, ...]:
    """Return the steps of a text. Raises ReplayError."""
    try:
        whole = json.loads(unpack(text))
        if whole["format"] != FORMAT:
            raise ReplayError(f"its format is {whole['format']}, not {FORMAT}")
        decoder = Decoder(whole["types"], whole["objects"])
        return tuple(_segment(decoder, segment) for segment in whole["segments"])
    except json.JSONDecodeError as error:
        raise ReplayError("it is cut off, or something else") from error
    except (CodecError, KeyError, TypeError, PackedTextError) as error:
        raise ReplayError(str(error)) from error


def _segment(decoder: Decoder, told: Mapping[str, Any]) -> Segment:
    return Segment(
        site=decoder.decode(told["site"]),
        state=decoder.decode(told["state"]),
        inputs=decoder.decode(told["inputs"]),
        started=told["started"],
        changes=0,
        steps=[
            LoggedStep(
                now=now,
                connectors=decoder.decode(connectors),
                others=decoder.decode(others),
                commands=decoder.decode(commands),
                rules=decoder.decode(rules),
            )
            for now, connectors, others, commands, rules in told["steps"]
        ],
    )


def replay(segment: Segment) -> Iterator[RecordedStep]:
    """Take the steps of a segment again."""
    inputs, state = segment.inputs, segment.state
    rules: dict[ConnectorKey, Rule] = {}
    for one in segment.steps:
        inputs = _next(inputs, one)
        result = step(segment.site, inputs, state, one.now)
        state = result.state
        rules.update(one.rules)
        yield RecordedStep(
            now=one.now,
            decided=one.commands,
            rules=one.rules,
            result=result,
            other_rules={
                key: (rules.get(key), reason.rule)
                for key, reason in result.reasons.items()
                if rules.get(key) is not reason.rule
            },
        )


def _next(inputs: Inputs, one: LoggedStep) -> Inputs:
    """Return what a step saw, given what the one before it saw."""
    return replace(inputs, connectors={**inputs.connectors, **one.connectors}, **one.others)


def lines_of(one: RecordedStep, segment: Segment) -> Iterator[str]:
    """Yield what a person reads of a step; nothing where nothing happened in it."""
    at = f"{one.now - segment.started:9.2f} s"
    for command in one.result.commands:
        mark = "=" if command in one.decided else "now only:"
        reason = one.result.reasons.get(command.key)
        yield f"{at}  {mark} {_command(command)}, {_reason(reason)}"
    for command in one.decided:
        if command not in one.result.commands:
            yield f"{at}  was only: {_command(command)}"
    sent = {command.key for command in one.result.commands}
    for key in one.rules:
        if key not in sent and key in one.result.reasons and key not in one.other_rules:
            yield f"{at}  = {_name(key)} keeps its limit, {_reason(one.result.reasons[key])}"
    for key, (was, now) in one.other_rules.items():
        yield f"{at}  {_name(key)}: the reason was {was}, and is {now} now"


def _command(command: Command) -> str:
    return f"{command.kind} {_name(command.key)} to {command.limit_a:g} A"


def _reason(reason: Reason | None) -> str:
    if reason is None:
        return "no reason"
    where = " ".join(part for part in (reason.group_id, reason.phase) if part)
    return f"{reason.rule} ({where})" if where else str(reason.rule)


def _name(key: ConnectorKey) -> str:
    return f"{key.charger}/{key.connector}"
