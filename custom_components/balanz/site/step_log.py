"""The last hour's steps, so that a developer can take them again.

A step is a function of the site, its inputs, the state before it and the time. So it is enough to
keep what each step saw that the one before had not seen, and to begin anew now and then.
"""

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..balancing.commands import Command
from ..balancing.control import Result, State
from ..balancing.inputs import ConnectorInput, Inputs
from ..balancing.model import ConnectorKey, Site
from ..balancing.reasons import Rule

KEPT_S = 3600.0
SEGMENT_S = 300.0
"""After so long a new segment begins, so that old ones can be forgotten as a whole."""
MOST_CHANGES = 5_000
"""What is kept in all, at some 600 bytes each: an hour of a few chargers, a minute of a thousand.

More would not cost memory so much as time: the garbage collector looks at all of it.
"""
SEGMENTS = 10
"""At least so many make up what is kept, so that little is forgotten at once."""
_CONNECTORS = "connectors"
_OTHERS = tuple(one.name for one in fields(Inputs) if one.name != _CONNECTORS)
_NOTHING: Mapping[Any, Any] = {}
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedStep:
    """What a step saw and decided that the one before it had not."""

    now: float
    """Monotonic seconds."""
    connectors: Mapping[ConnectorKey, ConnectorInput]
    others: Mapping[str, Any]
    """The other inputs, by name."""
    commands: tuple[Command, ...]
    """All that were to be sent."""
    rules: Mapping[ConnectorKey, Rule]
    """Why connectors have the limits that they have, where that is not as it was."""


@dataclass(slots=True, kw_only=True)
class Segment:
    """Steps in a row, from a known state on."""

    site: Site
    state: State
    """What the first step was handed on."""
    inputs: Inputs
    """What the first step saw."""
    started: float
    steps: list[LoggedStep] = field(default_factory=list)
    changes: int
    """How much it keeps."""


class StepLog:
    """Keeps the steps of the last hour, or of as much of it as there is room for."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._segments: deque[Segment] = deque()
        self._failed = False
        self._next_state: State | None = None
        self._seen: Mapping[ConnectorKey, ConnectorInput] = _NOTHING
        self._others: dict[str, Any] = {}
        self._rules: dict[ConnectorKey, Rule] = {}

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What is kept, oldest first; the last one still grows."""
        return tuple(self._segments)

    def note(self, site: Site, inputs: Inputs, state: State, result: Result, now: float) -> None:
        """Keep a step that was just taken. It never fails: what was decided must be sent."""
        if self._failed:
            return
        try:
            self._note(site, inputs, state, result, now)
        except Exception:
            self._failed = True
            self._segments.clear()
            _LOGGER.exception("Steps are not kept any more")

    def _note(self, site: Site, inputs: Inputs, state: State, result: Result, now: float) -> None:
        segment = self._segment(site, inputs, state, now)
        seen, rules = self._seen, self._rules
        connectors = {
            key: known for key, known in inputs.connectors.items() if seen.get(key) is not known
        }
        others = {
            name: value
            for name in _OTHERS
            if (value := getattr(inputs, name)) != self._others.get(name, _NOTHING)
        }
        changed = {
            key: reason.rule
            for key, reason in result.reasons.items()
            if rules.get(key) is not reason.rule
        }
        segment.steps.append(
            LoggedStep(
                now=now,
                connectors=connectors or _NOTHING,
                others=others or _NOTHING,
                commands=result.commands,
                rules=changed or _NOTHING,
            )
        )
        if len(segment.steps) > 1:
            segment.changes += 1 + len(connectors) + len(others) + len(changed)
        self._seen = inputs.connectors
        self._others.update(others)
        self._rules.update(changed)
        self._next_state = result.state

    def _segment(self, site: Site, inputs: Inputs, state: State, now: float) -> Segment:
        """Return the segment that a step belongs to."""
        last = self._segments[-1] if self._segments else None
        if (
            last is not None
            and last.site is site
            and state is self._next_state
            and now - last.started < SEGMENT_S
            and last.changes < MOST_CHANGES / SEGMENTS
        ):
            return last
        # What a first step saw is kept as references, which take a fifth of the room.
        segment = Segment(
            site=site,
            state=state,
            inputs=inputs,
            started=now,
            changes=1 + len(inputs.connectors) // 5,
        )
        self._segments.append(segment)
        self._seen = inputs.connectors
        self._others = {name: getattr(inputs, name) for name in _OTHERS}
        self._rules = {}
        self._forget(now)
        return segment

    def _forget(self, now: float) -> None:
        """Forget what is too old or too much, but not the segment that grows."""
        kept = sum(segment.changes for segment in self._segments)
        while len(self._segments) > 1 and (
            now - self._segments[1].started > KEPT_S or kept > MOST_CHANGES
        ):
            kept -= self._segments.popleft().changes
