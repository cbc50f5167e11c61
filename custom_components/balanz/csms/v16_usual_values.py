"""The meter values of a usual charger: plain numbers that stand at the same places for hours.

They are nearly all that a central system reads. Where they stand is found out once, and what is odd
in any way is left to the general way of reading, which comes to the same.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter, le

from .events import UNKNOWN_LINES, MeterValues, PerLine
from .v16_measurands import LINES, Line, Measurand
from .v16_sampled_value import MAX_LENGTH, Labels

BETWEEN_LINES_ABOVE_V = 330.0
"""No grid has more than this between a line and neutral."""
NO_LOAD_BELOW_W = 200.0
"""Less may as well be meant as kW."""

type _Places = Mapping[tuple[Measurand, Line], int]
type _OfLines = Callable[[Sequence[float]], tuple[float, float, float]]


class UsualValues:
    """Where the currents, powers, voltages and the register stand among a message's values.

    The currents are told for each of three lines, and so are voltages, if there are any. The power
    may be that of all lines together.
    """

    __slots__ = (
        "_currents_a",
        "_energy",
        "_highest",
        "_least",
        "_lowest",
        "_power",
        "_powers_w",
        "_voltages_v",
    )

    def __init__(self, labels: Labels, currents_a: _OfLines, places: _Places) -> None:
        """Find out where they stand; nothing else is among them."""
        in_place = [label for _, label in sorted(labels, key=itemgetter(0))]
        self._lowest = [label.minimum for label in in_place]
        self._least = max(self._lowest, default=0.0)
        """What none of them may be below, where all are above it."""
        self._highest = [
            BETWEEN_LINES_ABOVE_V if label.measurand is Measurand.VOLTAGE else label.maximum
            for label in in_place
        ]
        self._currents_a = currents_a
        self._powers_w = _of_lines(places, Measurand.POWER_IMPORT)
        self._voltages_v = _of_lines(places, Measurand.VOLTAGE)
        self._power = places.get((Measurand.POWER_IMPORT, Line.ALL))
        self._energy = places.get((Measurand.ENERGY_IMPORT, Line.ALL))

    @staticmethod
    def among(labels: Labels, count: int) -> UsualValues | None:
        """Return where they stand among so many values; None where these are not the usual ones."""
        places = {(label.measurand, label.line): index for index, label in labels}
        currents_a = _of_lines(places, Measurand.CURRENT_IMPORT)
        if currents_a is None or len(places) != count:
            return None
        if not all(label.is_plain for _, label in labels):
            return None
        lines_of: defaultdict[Measurand, set[Line]] = defaultdict(set)
        for measurand, line in places:
            lines_of[measurand].add(line)
        if all(lines in _USUAL_LINES.get(it, ()) for it, lines in lines_of.items()):
            return UsualValues(labels, currents_a, places)
        return None

    def read(self, written: Sequence[str], measured_at: datetime) -> MeterValues | None:
        """Return what the values say; None where any of them is not what it usually is."""
        if "_" in "".join(written) or max(map(len, written)) > MAX_LENGTH:
            return None
        try:
            numbers = list(map(float, written))
        except ValueError:
            return None
        if not min(numbers) >= self._least and not all(map(le, self._lowest, numbers, strict=True)):
            return None
        if not all(map(le, numbers, self._highest, strict=True)):
            return None
        powers_w: PerLine = UNKNOWN_LINES
        power_w = None if self._power is None else numbers[self._power]
        if self._powers_w is not None:
            powers_w = of_lines_w = self._powers_w(numbers)
            power_w = sum(of_lines_w)
        if power_w and power_w < NO_LOAD_BELOW_W:
            return None
        return MeterValues(
            self._currents_a(numbers),
            True,
            power_w,
            None if self._energy is None else numbers[self._energy],
            None,
            measured_at,
            None,
            UNKNOWN_LINES if self._voltages_v is None else self._voltages_v(numbers),
            powers_w,
        )


_THREE, _TOGETHER = set(LINES), {Line.ALL}
_USUAL_LINES = {
    Measurand.CURRENT_IMPORT: (_THREE,),
    Measurand.ENERGY_IMPORT: (_TOGETHER,),
    Measurand.POWER_IMPORT: (_THREE, _TOGETHER),
    Measurand.VOLTAGE: (_THREE,),
}


def _of_lines(places: _Places, measurand: Measurand) -> _OfLines | None:
    """Return what takes the values of the three lines from all numbers; None if one is missing."""
    indices = [places[measurand, line] for line in LINES if (measurand, line) in places]
    return itemgetter(*indices) if len(indices) == len(LINES) else None
