"""The last frames of a charger, for whoever looks into what went wrong."""

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime

MOST_FRAMES = 24
MOST_CHARACTERS = 400
"""What is kept of each: a thousand chargers keep some ten megabytes in all."""
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
_LOGIN = re.compile(r"://[^/\s\"'@]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFrame:
    """One frame."""

    at: datetime
    received: bool
    """Whether the charger sent it."""
    text: str
    """Its beginning, as it went over the wire."""

    def told(self) -> str:
        """Return its text without what nobody else may know."""
        text = _LOGIN.sub(f"://{REDACTED}@", self.text)
        text = _SECRET.sub(rf'\1"{REDACTED}"', text)
        if _SECRET_KEYS.search(text):
            # Which of the values belongs to the key is not sure in a frame that was cut off.
            text = _VALUE.sub(rf'\1"{REDACTED}"', text)
        return text


class FrameLog:
    """Keeps the last frames of one charger, over all its connections."""

    def __init__(self) -> None:
        """Start with none."""
        self._frames: deque[KeptFrame] = deque(maxlen=MOST_FRAMES)

    @property
    def frames(self) -> tuple[KeptFrame, ...]:
        """The frames that are kept, oldest first."""
        return tuple(self._frames)

    def note(self, text: str, at: datetime, *, received: bool) -> None:
        """Keep the beginning of a frame."""
        frame = KeptFrame(at=at, received=received, text=text[:MOST_CHARACTERS])
        self._frames.append(frame)
