"""OCPP-J frames: text to values and back (OCPP-J 1.6, chapter 4)."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from .repeated_json import read_json

type MessageId = str | int | float
type Payload = dict[str, Any]

MAX_MESSAGE_ID_LENGTH = 255
SPECIFIED_ID_LENGTH = 36
MAX_DEPTH = 32
MAX_NODES = 20_000
"""More elements would hold up the event loop for some ten milliseconds."""
_CALL, _CALL_RESULT, _CALL_ERROR = 2, 3, 4
_NUMBER = (int, float)
_HEAD = re.compile(r'\s*\[\s*2\s*,\s*("(?:[^"\\]|\\.){0,255}")\s*,')
"""How a CALL begins, up to its id; read where the rest must not or cannot be."""
_PAYLOAD_OF_CALL = re.compile(
    r'\s*\[\s*2[^,]*,\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*,\s*"(?:[^"\\]|\\.)*"\s*,'
)
_PAYLOAD_OF_RESULT = re.compile(r'\s*\[\s*3[^,]*,\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*,')
"""All that comes before the payload."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class Verbatim(dict[str, Any]):
    """A payload as it was read, which is passed on to the letter; not to be changed in place.

    A changed copy, such as `payload | {...}`, is a plain one, and is written anew.
    """

    __slots__ = ("_head", "_text")
    _text: str
    _head: re.Pattern[str] | None
    """What stands before the payload in the text; None once the text is that of it alone."""

    @classmethod
    def of(cls, values: Payload, text: str) -> Verbatim:
        """Return the values that a text was read as, together with it."""
        payload = cls(values)
        payload._text, payload._head = text, None
        return payload

    @classmethod
    def within(cls, values: Payload, head: re.Pattern[str], text: str) -> Verbatim:
        """Return the payload of a frame, which stands behind what the head matches.

        Few are passed on, so that their part of the frame is only looked for when it is wanted.
        """
        payload = cls(values)
        payload._text, payload._head = text, head
        return payload

    @property
    def text(self) -> str:
        """The JSON text of the payload alone."""
        if self._head is not None:
            match = self._head.match(self._text)
            # Of a message type that is spelt as nobody does, such as 0.2e1, only the values count.
            self._text = (
                orjson.dumps(self).decode()
                if match is None
                else self._text[match.end() : self._text.rindex("]")].strip()
            )
            self._head = None
        return self._text


class ErrorCode(StrEnum):
    """Why a CALL was not served; two are misspelt in OCPP 1.6 itself (table 7)."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMATION_VIOLATION = "FormationViolation"
    OCCURENCE_CONSTRAINT_VIOLATION = "OccurenceConstraintViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"


class Call(NamedTuple):
    """The peer asks for something. Most frames are calls, and a tuple is the quickest to make."""

    id: MessageId
    action: str
    payload: Payload
    text: str
    """The whole frame; equal for calls that are the same to the letter, as one sent again is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """The peer's answer; the payload is None where it cannot be read."""

    id: MessageId
    payload: Payload | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    """The peer's refusal."""

    id: MessageId
    code: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadCall:
    """A CALL that cannot be served but can be answered, since its id is known."""

    id: MessageId
    code: ErrorCode
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Nothing that could be answered."""

    reason: str


type Frame = Call | CallResult | CallFailure | BadCall | Unreadable


def parse(text: str) -> Frame:
    """Read a frame. Whatever the peer sends, this raises nothing."""
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_NODES and _separators(text) > MAX_NODES:
        return _refuse_unread(text, "too many elements")
    try:
        frame, read = read_json(text)
    except orjson.JSONDecodeError:
        repaired, replaced = _SURROGATE.subn(r"\\ufffd", text)
        if replaced and _is_readable(repaired):
            return _refuse_unread(text, "text that is no Unicode")
        return Unreadable(reason="not JSON")
    if not isinstance(frame, list) or len(frame) < 2:
        return Unreadable(reason="not an OCPP frame")
    kind, message_id = frame[0], frame[1]
    if isinstance(kind, bool) or not isinstance(kind, _NUMBER):
        return Unreadable(reason="no message type")
    if not _is_message_id(message_id):
        return Unreadable(reason="no usable message id")
    if kind == _CALL:
        return _parse_call(message_id, frame, text, read)
    if kind == _CALL_RESULT:
        readable = len(frame) == 3 and isinstance(frame[2], dict) and _is_shallow(frame, text)
        payload = Verbatim.within(frame[2], _PAYLOAD_OF_RESULT, text) if readable else None
        return CallResult(id=message_id, payload=payload)
    if kind == _CALL_ERROR:
        code, description = [*frame[2:4], None, None][:2]
        return CallFailure(
            id=message_id,
            code=code[:64] if isinstance(code, str) else ErrorCode.GENERIC_ERROR,
            description=description[:255] if isinstance(description, str) else "",
        )
    return Unreadable(reason="unknown message type")


def encode_call(message_id: str, action: str, payload: Payload) -> str:
    """Return the text of a CALL."""
    if isinstance(payload, Verbatim):
        head = orjson.dumps([_CALL, message_id, action]).decode()
        return f"{head[:-1]},{payload.text}]"
    return orjson.dumps([_CALL, message_id, action, payload]).decode()


def encode_result(message_id: MessageId, payload: Payload) -> str:
    """Return the text of a CALLRESULT."""
    if isinstance(payload, Verbatim):
        head = orjson.dumps([_CALL_RESULT, message_id]).decode()
        return f"{head[:-1]},{payload.text}]"
    return orjson.dumps([_CALL_RESULT, message_id, payload]).decode()


def encode_error(message_id: MessageId, code: str, description: str) -> str:
    """Return the text of a CALLERROR; the description is cut to 255 characters."""
    return orjson.dumps([_CALL_ERROR, message_id, code, description[:255], {}]).decode()


def _parse_call(message_id: MessageId, frame: list[Any], text: str, read: str) -> Call | BadCall:
    """Return a CALL; `read` is the part of its text that was not read before."""
    problem = ""
    if len(frame) != 4:
        problem = "a CALL has four elements"
    elif not isinstance(frame[2], str):
        problem = "the action is no string"
    elif not _is_shallow(frame, read):
        problem = "too deep"
    elif not isinstance(frame[3], dict) and frame[3] not in (None, []):
        problem = "the payload is no object"
    elif read.count('"transactionId"') > 1 and _contradicts_itself(read):
        problem = "two different transaction ids"
    if problem:
        return BadCall(id=message_id, code=ErrorCode.FORMATION_VIOLATION, description=problem)
    # Some chargers send null or an empty list where the message has no fields.
    payload = (
        Verbatim.within(frame[3], _PAYLOAD_OF_CALL, text) if frame[3] else Verbatim.of({}, "{}")
    )
    return Call(message_id, frame[2], payload, text)


def _is_message_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_MESSAGE_ID_LENGTH
    return isinstance(value, _NUMBER) and not isinstance(value, bool)


def _separators(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _is_shallow(frame: list[Any], text: str) -> bool:
    """Return whether a frame is nested no deeper than can be worked with."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return True
    level: list[Any] = [frame]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def _refuse_unread(text: str, problem: str) -> BadCall | Unreadable:
    """Return the refusal of a CALL of which only the beginning is looked at."""
    head = _HEAD.match(text)
    if head is None or not _is_readable(head[1]):
        return Unreadable(reason=problem)
    return BadCall(
        id=orjson.loads(head[1]), code=ErrorCode.FORMATION_VIOLATION, description=problem
    )


def _is_readable(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _contradicts_itself(text: str) -> bool:
    """Return whether an object names its transaction twice, and differently.

    Of fields that come twice the last one holds; a transaction must not be a matter of that.
    """
    contradictions = 0

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal contradictions
        values = [value for name, value in pairs if name == "transactionId"]
        contradictions += any(value != values[0] for value in values)

    json.loads(text, object_pairs_hook=look)
    return contradictions > 0
