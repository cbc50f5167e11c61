"""When the source of a group's sensors last showed that it lives, and how long that counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import State

from .balancing.report_rhythm import ReportRhythm
from .supply import Supply

CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The signs of life of all sensors of a group together."""

    last_heard: datetime
    """Of the sensor that was heard of the longest ago."""
    fresh_until: datetime
    """Of the sensor that ages first, should none be heard of again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    rhythm: ReportRhythm
    last_reported: datetime


class SignsOfLife:
    """Learns the rhythm of each entity from its reports; a repeated value is a report, too."""

    def __init__(self, supply: Supply) -> None:
        """Start with nothing heard."""
        self._supply = supply
        self._signs: dict[str, _Sign] = {}

    def heard(self, state: State | None) -> None:
        """Take in a report. That an entity is gone or says nothing is no sign of life."""
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return
        known = self._signs.get(state.entity_id)
        rhythm = ReportRhythm() if known is None else known.rhythm
        self._signs[state.entity_id] = _Sign(
            rhythm=rhythm.reported(state.last_reported.timestamp()),
            last_reported=state.last_reported,
        )

    def of_sensors(self, now: datetime) -> Life | None:
        """Return the signs of life of the sensors; None where one has never given any.

        What the user named as their heartbeat speaks for all of them.
        """
        beat = self._signs_of(self._supply.heartbeat, now)
        lives: list[Life] = []
        for entity_id in self._supply.sensors.values():
            signs = [sign for sign in (self._signs_of(entity_id, now), beat) if sign is not None]
            if not signs:
                return None
            lives.append(
                Life(
                    last_heard=max(sign.last_heard for sign in signs),
                    fresh_until=max(sign.fresh_until for sign in signs),
                )
            )
        if not lives:
            return None
        return Life(
            last_heard=min(life.last_heard for life in lives),
            fresh_until=min(life.fresh_until for life in lives),
        )

    def _signs_of(self, entity_id: str | None, now: datetime) -> Life | None:
        sign = None if entity_id is None else self._signs.get(entity_id)
        # A report from the future means that the clock was set back: its age is not known.
        if sign is None or sign.last_reported - now > CLOCK_TOLERANCE:
            return None
        patience_s = self._supply.max_age_s
        if patience_s is None:
            patience_s = sign.rhythm.patience_s
        return Life(
            last_heard=sign.last_reported,
            fresh_until=sign.last_reported + timedelta(seconds=patience_s),
        )
