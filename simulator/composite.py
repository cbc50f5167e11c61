"""The composite schedule that a charger reports (OCPP 1.6, GetCompositeSchedule)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from .profile_set import ProfileSet


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositePeriod:
    """A current from `start_s` seconds after the begin of the schedule on."""

    start_s: int
    limit_a: float


def composite_periods(
    profiles: ProfileSet,
    limit_a_at: Callable[[datetime], float],
    *,
    begin: datetime,
    duration_s: int,
    transactions_started: Iterable[datetime] = (),
) -> tuple[CompositePeriod, ...]:
    """What `limit_a_at` gives from `begin` on, in as few periods as it takes."""
    end = begin + timedelta(seconds=duration_s)
    found: list[CompositePeriod] = []
    for moment in (begin, *profiles.boundaries(begin, end, transactions_started)):
        limit_a = limit_a_at(moment)
        if not found or limit_a != found[-1].limit_a:
            start_s = int((moment - begin).total_seconds())
            found.append(CompositePeriod(start_s=start_s, limit_a=limit_a))
    return tuple(found)
