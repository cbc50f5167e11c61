"""How well a connector has kept its limits so far; kept over restarts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite
from typing import Any

from ..balancing.lag import CUTS_KEPT, LearntLag
from ..balancing.obedience import Rung
from ..balancing.resolution import Resolution, Seen
from ..csms.station import LimitAnswer
from .snapshot import ReportCardSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCard:
    """What was counted at one connector since it was set up."""

    lag: LearntLag = field(default_factory=LearntLag)
    resolution: Resolution = field(default_factory=Resolution)
    refusals: int = 0
    """Limits that were refused."""
    time_outs: int = 0
    """Limits that were not answered."""
    disobediences: int = 0
    """How often it began to draw more than it had accepted."""
    highest: Rung | None = None
    """The hardest step that had to be taken."""
    highest_at: datetime | None = None
    """When it was last taken, in UTC."""

    def answered(self, answer: LimitAnswer) -> ReportCard:
        """Count an answer to a limit, or the lack of one."""
        match answer:
            case LimitAnswer.REJECTED:
                return replace(self, refusals=self.refusals + 1)
            case LimitAnswer.TIMED_OUT:
                return replace(self, time_outs=self.time_outs + 1)
            case _:
                return self

    def climbed(self, rung: Rung, at: datetime) -> ReportCard:
        """Take down a step that was taken."""
        counted = self.disobediences + (rung is Rung.REMINDED)
        if self.highest is not None and rung < self.highest:
            return replace(self, disobediences=counted)
        return replace(
            self, disobediences=counted, highest=rung, highest_at=at.replace(microsecond=0)
        )

    def snapshot(self) -> ReportCardSnapshot:
        """Return what to show of it."""
        return ReportCardSnapshot(
            cuts_seen=len(self.lag.cuts_s),
            lag_p50_s=self.lag.quantile_s(0.5),
            lag_p95_s=self.lag.quantile_s(0.95),
            resolution_a=self.resolution.step_a,
            refusals=self.refusals,
            time_outs=self.time_outs,
            disobediences=self.disobediences,
            highest_step=None if self.highest is None else self.highest.name.lower(),
            highest_step_at=self.highest_at,
        )

    def as_record(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {
            "cuts_s": list(self.lag.cuts_s),
            "currents_a": [list(seen) for seen in self.resolution.seen],
            "refusals": self.refusals,
            "time_outs": self.time_outs,
            "disobediences": self.disobediences,
            "highest": None if self.highest is None else int(self.highest),
            "highest_at": None if self.highest_at is None else self.highest_at.isoformat(),
        }

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> ReportCard:
        """Read a record. Raises KeyError, TypeError or ValueError if it is none."""
        cuts_s = tuple(float(took_s) for took_s in record["cuts_s"])
        if not all(isfinite(took_s) and took_s >= 0 for took_s in cuts_s):
            raise ValueError("no time")
        seen = tuple(
            Seen(float(limit_a), float(current_a))
            for limit_a, current_a in record.get("currents_a", ())
        )
        if not all(isfinite(current_a) for it in seen for current_a in it):
            raise ValueError("no current")
        highest, at = record["highest"], record["highest_at"]
        return ReportCard(
            lag=LearntLag(cuts_s=cuts_s[-CUTS_KEPT:]),
            resolution=Resolution(seen=seen),
            refusals=int(record["refusals"]),
            time_outs=int(record["time_outs"]),
            disobediences=int(record["disobediences"]),
            highest=None if highest is None else Rung(highest),
            highest_at=None if at is None else datetime.fromisoformat(at),
        )
