"""JSON of which nearly all was read before: sampled values that differ in nothing but numbers.

They are most of what a central system reads (OCPP 1.6, section 7.43). What stands between the
numbers is the same for hours, so only the numbers are taken out of the text; what was found out of
the rest goes along with them. Unfolded, they are what reading all of it would have come to.
"""

import re
from typing import Any
from uuid import uuid4

import orjson

MOST_OUTLINES = 32
MOST_VALUES = 50
MOST_CHARACTERS = 10_000
"""What has more is read each time anew, lest it fill the memory."""
_LIST = re.compile(r'"sampledValue"\s*:\s*\[')
_NUMBER = re.compile(r'("value"\s*:\s*")([^"\\]*)')
_STAND_IN = str(uuid4())
"""What stands for a list while the text around it is read; nobody else can have written it."""


class Outline:
    """What a list of sampled values says besides their numbers."""

    __slots__ = ("_end", "_pieces", "meaning")

    def __init__(self, pieces: list[str]) -> None:
        """Take over the text between the numbers, from behind the opening bracket on."""
        *before, self._end = pieces
        self._pieces = [(piece, len(piece)) for piece in before]
        self.meaning: Any = None
        """What whoever reads such values has found out of them; None as long as nobody has."""

    def find(self, text: str, at: int) -> tuple[Sampled, int] | None:
        """Return the list that begins there, if it has this outline, and where it is over."""
        numbers: list[str] = []
        for piece, length in self._pieces:
            if not text.startswith(piece, at):
                return None
            at += length
            end = text.find('"', at)
            numbers.append(text[at:end])
            at = end
        if not text.startswith(self._end, at) or not _are_plain(numbers):
            return None
        return Sampled(self, numbers), at + len(self._end)

    def filled(self, numbers: list[str]) -> list[Any]:
        """Return the list with these numbers."""
        parts = [
            f"{piece}{number}" for (piece, _), number in zip(self._pieces, numbers, strict=True)
        ]
        values: list[Any] = orjson.loads(f"[{''.join(parts)}{self._end}")
        return values


class Sampled:
    """A list of sampled values, folded up."""

    __slots__ = ("numbers", "outline")

    def __init__(self, outline: Outline, numbers: list[str]) -> None:
        """Have these numbers, as they are written, in an outline."""
        self.outline = outline
        self.numbers = numbers

    def unfolded(self) -> list[Any]:
        """Return the list."""
        return self.outline.filled(self.numbers)


class _Outlines:
    """The outlines that came last."""

    def __init__(self) -> None:
        self._outlines: list[Outline] = []
        """The one that was asked for last comes first."""

    def find(self, text: str, at: int) -> tuple[Sampled, int] | None:
        """Return the list that begins there, and where it is over; None for an odd one."""
        outlines = self._outlines
        for outline in outlines:
            found = outline.find(text, at)
            if found is not None:
                break
        else:
            learnt = _outline_of(text, at)
            if learnt is None:
                return None
            outline, found = learnt, learnt.find(text, at)
            outlines.append(outline)
        if outline is not outlines[0]:
            outlines.remove(outline)
            outlines.insert(0, outline)
            del outlines[MOST_OUTLINES:]
        return found


_find = _Outlines().find


def read_json(text: str) -> tuple[Any, str]:
    """Return what a text says, and the part of it that had to be read for that.

    In a call with meter values the first list of them may be folded up. Raises
    orjson.JSONDecodeError, as `orjson.loads` does.
    """
    opening = _LIST.search(text)
    if opening is None or not text.startswith("[2,"):
        return orjson.loads(text), text
    begin = opening.end()
    found = _find(text, begin)
    if found is not None:
        sampled, end = found
        rest = f'{text[: begin - 1]}"{_STAND_IN}"{text[end:]}'
        frame = orjson.loads(rest)
        try:
            holder = frame[3]["meterValue"][0]
            if frame[2] == "MeterValues" and holder["sampledValue"] == _STAND_IN:
                holder["sampledValue"] = sampled
                return frame, rest
        except LookupError, TypeError:
            pass
    return orjson.loads(text), text


def unfold(payload: dict[str, Any]) -> None:
    """Have nothing folded up in a payload that was read, for those who do not know of that."""
    meter_values = payload.get("meterValue")
    for meter_value in meter_values if isinstance(meter_values, list) else ():
        if isinstance(meter_value, dict):
            sampled = meter_value.get("sampledValue")
            if isinstance(sampled, Sampled):
                meter_value["sampledValue"] = sampled.unfolded()


def _are_plain(numbers: list[str]) -> bool:
    """Return whether numbers may stand in any JSON string, which they leave as it is."""
    written = "".join(numbers)
    return written.isascii() and written.isprintable() and "\\" not in written


def _outline_of(text: str, at: int) -> Outline | None:
    """Return the outline of a list that begins there.

    None where it is not one of objects with a number each, or too much to be remembered.
    """
    end = text.find("]", at, at + MOST_CHARACTERS)
    parts = _NUMBER.split(text[at:end])
    count = len(parts) // 3
    if end < 0 or not 0 < count <= MOST_VALUES:
        return None
    behind = parts[::3]
    pieces = [f"{piece}{opening}" for piece, opening in zip(behind, parts[1::3], strict=False)]
    outline = Outline([*pieces, f"{behind[-1]}]"])
    try:
        samples = outline.filled([str(number) for number in range(count)])
    except orjson.JSONDecodeError:
        return None
    fits = len(samples) == count and all(
        isinstance(sample, dict)
        and sample.get("value") == str(number)
        and all(isinstance(field, str) for field in sample.values())
        for number, sample in enumerate(samples)
    )
    return outline if fits and _are_plain(parts[2::3]) else None
