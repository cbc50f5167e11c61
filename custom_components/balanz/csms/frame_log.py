"""The last frames of a charger, for whoever looks into what went wrong."""

import re
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime

MOST_FRAMES = 20
MOST_CHARACTERS = 400
"""What is kept of each: a thousand chargers keep some eight megabytes in all."""
REDACTED = "**REDACTED**"
_SECRET_NAMES = (
    "idTag",
    "parentIdTag",
    "data",
    "csr",
    "chargeBoxSerialNumber",
    "chargePointSerialNumber",
    "meterSerialNumber",
    "iccid",
    "imsi",
)
"""`data` is what a vendor exchanges with its chargers, whatever that may be."""
_TEXT = r"""(?:"(?:[^"\\]|\\.)*(?:"|$)|'[^']*(?:'|$)|[^\s,}\]]+)"""
"""A value of a broken frame may have no quotes, or those of another language; or it was cut off."""
_SECRET = re.compile(rf"""(?i)(["']?\b(?:{"|".join(_SECRET_NAMES)})\b["']?\s*[:=]\s*){_TEXT}""")
_VALUE = re.compile(rf"""(?i)(["']?\bvalue\b["']?\s*[:=]\s*){_TEXT}""")
_SECRET_KEYS = re.compile(r"(?i)authorization\s*_?key|password|passwd|secret")
_CALL_ERROR = re.compile(r"""\s*\[\s*["']?4["']?\s*,[^,]*,\s*(?:"(?:[^"\\]|\\.)*"|[^\s,\]]*)""")
"""A refusal up to its code. What chargers say behind that may repeat what they were sent."""
_LOGIN = re.compile(r"://[^/\s\"'@]*@")
_CALL = re.compile(r'\s*\[\s*2\s*,\s*("(?:[^"\\]|\\.)*")')
_ANSWER = re.compile(r'\s*\[\s*[34]\s*,\s*("(?:[^"\\]|\\.)*")')
_RECEIVED = 1
_ANSWERS_SECRET = 2
"""What is kept of the kind of each frame, in bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    """One frame."""

    at: datetime
    received: bool
    """Whether the other side sent it."""
    text: str
    """Its beginning, as it went over the wire."""
    peer: str = "charger"
    """Who is at the other side."""
    answers_secret: bool = False
    """Whether it is the answer to a call with a secret in it, which it may repeat."""

    def told(self) -> str:
        """Return its text without what nobody else may know."""
        if self.answers_secret and (head := _ANSWER.match(self.text)):
            return f'{head[0]},"{REDACTED}"'
        if refusal := _CALL_ERROR.match(self.text):
            return f"{refusal.group()},{REDACTED}]"
        text = _LOGIN.sub(f"://{REDACTED}@", self.text)
        text = _SECRET.sub(rf'\1"{REDACTED}"', text)
        if _SECRET_KEYS.search(text):
            # Which of the values belongs to the key is not sure in a frame that was cut off.
            text = _VALUE.sub(rf'\1"{REDACTED}"', text)
        return text


class FrameLog:
    """Keeps the last frames of one charger, or its back office, over all its connections."""

    def __init__(self, peer: str = "charger") -> None:
        """Start with none; `peer` is what the other side is called."""
        self._peer = peer
        # What kept frames are made of, side by side: they are put together for who looks at them.
        self._texts: list[str] = []
        self._noted_s = array("d")
        """When they went over the wire, s since the epoch."""
        self._kinds = bytearray()
        self._oldest = 0
        """Which of them is the oldest; the next one takes its place once there are enough."""
        self._heard_s: float | None = None
        self._secret_call: str | None = None
        """The id of the last call that had a secret in it."""

    @property
    def heard_at(self) -> datetime | None:
        """When the charger said something last; None before it has."""
        return None if self._heard_s is None else datetime.fromtimestamp(self._heard_s, UTC)

    def copy(self) -> FrameLog:
        """Return one with the same frames, which stay whatever is said from now on."""
        copy = FrameLog(self._peer)
        copy._texts = self._texts.copy()
        copy._noted_s = self._noted_s[:]
        copy._kinds = self._kinds[:]
        copy._oldest = self._oldest
        copy._heard_s = self._heard_s
        return copy

    @property
    def frames(self) -> tuple[KeptFrame, ...]:
        """The frames that are kept, oldest first."""
        in_order = (*range(self._oldest, len(self._texts)), *range(self._oldest))
        return tuple(
            KeptFrame(
                at=datetime.fromtimestamp(self._noted_s[place], UTC),
                received=bool(self._kinds[place] & _RECEIVED),
                text=self._texts[place],
                peer=self._peer,
                answers_secret=bool(self._kinds[place] & _ANSWERS_SECRET),
            )
            for place in in_order
        )

    def note(self, text: str, at_s: float, *, received: bool) -> None:
        """Keep the beginning of a frame; `at_s` is the time, s since the epoch."""
        text = text[:MOST_CHARACTERS]
        kind = 0
        if received:
            kind = _RECEIVED
            self._heard_s = at_s
            # What chargers say themselves is by far the most, and is looked at when it is told.
            if self._secret_call is not None and (answer := _ANSWER.match(text)):
                kind |= _ANSWERS_SECRET if answer[1] == self._secret_call else 0
        elif (call := _CALL.match(text)) and _SECRET_KEYS.search(text):
            self._secret_call = call[1]
        if len(self._texts) < MOST_FRAMES:
            self._texts.append(text)
            self._noted_s.append(at_s)
            self._kinds.append(kind)
            return
        place = self._oldest
        self._texts[place], self._noted_s[place], self._kinds[place] = text, at_s, kind
        self._oldest = (place + 1) % MOST_FRAMES
