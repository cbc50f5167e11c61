"""Keeping the garbage collector away from what is here to stay.

The entities and registry entries of a large site are so many that looking at all of them takes
hundreds of milliseconds, again and again, in which nobody could be cut. And since it looks at all
only once there is a quarter more, garbage in cycles, which each state written in Home Assistant is
in the end, would grow to a quarter of all that.
"""

import gc
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

NEWEST = 500
YOUNG_ROUNDS = 2
"""After so many new objects there is a round over them, and after so many of those one over what
they have left. Each object is looked at as often as with more of both, but in pauses of a few ms
instead of some thirty."""
SETTLED_AFTER_S = 60.0
"""How long after the start all that is here to stay has been made."""


class GarbageRelief:
    """Puts aside what is there before the chargers come, and once more when all has settled.

    Garbage that is put aside stays for ever, so that it has to go before, which takes a full round.
    The second one comes once: the collector would make it anyway, later, and garbage would grow
    until then. More often would be worse: what is only on its way, such as states that the recorder
    has not written yet, is put aside with the rest, and becomes garbage that stays.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Put nothing aside yet."""
        self._hass = hass
        self._cancel: CALLBACK_TYPE | None = None
        self._thresholds_before: tuple[int, int, int] | None = None

    @callback
    def begin(self) -> None:
        """Put aside all that is there now; it takes as long as a full round."""
        self._shorten_pauses()
        gc.collect()
        gc.freeze()
        # The collector waits until there is a quarter more than the last round has left, and what
        # is put aside is counted in that until the next one, which has little to look at.
        gc.collect()

    @callback
    def started(self) -> None:
        """Learn that Home Assistant has started: soon there will be no more to put aside."""
        self._cancel = async_call_later(self._hass, SETTLED_AFTER_S, self._settled)

    @callback
    def end(self) -> None:
        """Have it all looked at again."""
        if self._cancel is not None:
            self._cancel()
        if self._thresholds_before is not None:
            gc.set_threshold(*self._thresholds_before)
            self._thresholds_before = None
        gc.unfreeze()

    def _shorten_pauses(self) -> None:
        """Have rounds over what is not quite new come more often, and full ones as often as before.

        A collector that works in small steps anyway tells a third threshold of zero.
        """
        newest, young_rounds, full_after = before = gc.get_threshold()
        if full_after > 0 and newest > NEWEST and young_rounds > YOUNG_ROUNDS:
            self._thresholds_before = before
            until_full = newest * young_rounds * full_after
            gc.set_threshold(NEWEST, YOUNG_ROUNDS, until_full // (NEWEST * YOUNG_ROUNDS))

    @callback
    def _settled(self, _now: datetime) -> None:
        self._cancel = None
        self.begin()
