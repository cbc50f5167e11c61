"""What the groups' meters have reported, and how far each can be trusted."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from math import inf, isfinite

from ..balancing.base_load_memory import BaseLoadMemory
from ..balancing.control import Result
from ..balancing.meter_watch import MeterStage, MeterWatch
from ..balancing.phases import PhaseCurrents
from ..balancing.supply import MeterReading
from .snapshot import MeterSnapshot


class Meters:
    """The last readings of the metered groups. Times are monotonic seconds."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self._readings: dict[str, MeterReading | None] = {}
        self._shown: dict[str, MeterSnapshot] = {}
        self.voltages_v: dict[str, float] = {}
        """The highest of each group's phases."""
        self.battery_discharge_a: dict[str, float | None] = {}
        """What batteries give, A over all phases; None where one does not tell."""

    def report(
        self,
        group_id: str,
        currents: PhaseCurrents | None,
        now: float,
        *,
        age_s: float = 0.0,
        fresh_for_s: float = inf,
    ) -> None:
        """Take in a reading; None, or what is no number: the meter tells nothing now."""
        reading = None
        if currents is not None and all(map(isfinite, currents)):
            reading = MeterReading(
                currents=currents, at=now, age_s=max(age_s, 0.0), fresh_for_s=fresh_for_s
            )
        self._readings[group_id] = reading

    def reading(self, group_id: str) -> MeterReading | None:
        """Return the last reading of a group; None where its meter tells nothing now."""
        return self._readings.get(group_id)

    def measured(self, group_id: str) -> PhaseCurrents | None:
        """Return what a meter tells; None where it does not tell what flows now."""
        reading, shown = self._readings.get(group_id), self._shown.get(group_id)
        if reading is None or shown is None or shown.stage is not MeterStage.FRESH:
            return None
        return reading.currents

    def snapshots(self, result: Result) -> dict[str, MeterSnapshot]:
        """Return how the meters stand after a step."""
        shown: dict[str, MeterSnapshot] = {}
        for group_id, watch in result.state.meters.items():
            if watch.stage is None:
                continue
            before = self._shown.get(group_id)
            # Told once, so that what is shown does not tremble with the clocks.
            if before is not None and before.stage is watch.stage:
                since = before.since
            else:
                since = datetime.now(UTC).replace(microsecond=0)
            shown[group_id] = MeterSnapshot(
                stage=watch.stage,
                since=since,
                assumed=None if watch.fresh else result.groups[group_id].assumed,
            )
        self._shown = shown
        return shown


def remembered(
    worst_hours: Mapping[str, Mapping[int, PhaseCurrents]], heard_at: Mapping[str, float]
) -> dict[str, MeterWatch]:
    """Return what to begin with, given what earlier runs have learnt of hours of the week.

    `heard_at` is when the last of them heard of a meter, where that was a short while ago.
    """
    return {
        group_id: MeterWatch(
            memory=BaseLoadMemory(hours=dict(worst_hours.get(group_id, {}))),
            told_at=heard_at.get(group_id),
            missed_from=heard_at.get(group_id),
        )
        for group_id in {**worst_hours, **heard_at}
    }


def hour_of_week(time_zone: tzinfo) -> int:
    """Return the hour of the week by the wall clock of a time zone; 0 is Monday after midnight."""
    local = datetime.now(time_zone)
    return local.weekday() * 24 + local.hour
