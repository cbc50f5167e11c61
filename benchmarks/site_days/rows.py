"""One line of the result: a site, a day, a policy, and its figures."""

from collections.abc import Iterable
from dataclasses import dataclass

from .record import Outcome

LONG_STAY_S = 3600
"""Who leaves sooner does not count as badly served."""
LEAST_SERVED_WH = 100.0
"""Less than this in the ideal is nothing to be held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """The figures of one day under one policy; None where one does not apply."""

    site: str
    day: int
    policy: str
    energy_kwh: float
    energy_pct_of_ideal: float | None = None
    energy_pct_of_optimum: float | None = None
    worst_served_pct: float | None = None
    """The energy of the worst-served car that stays an hour, % of what the ideal gives it."""
    jain: float | None = None
    """Of what the cars got of what they asked for."""
    first_current_s_max: int | None = None
    over_limit_s: int | None = None
    preventable_over_limit_s: int | None = None
    over_limit_as: float | None = None
    switches_per_car: float | None = None
    writes_per_charger_hour: float | None = None
    """Limits sent for each hour in which a car charged."""
    step_us: float | None = None


def result_row(
    site: str, day: int, policy: str, outcome: Outcome, *, ideal: Outcome, optimum_wh: float
) -> ResultRow:
    """Return the figures of an outcome, held against the references."""
    cars = max(len(outcome.served), 1)
    over = outcome.over
    writes = None
    if over is not None and outcome.charging_s:
        writes = outcome.writes * 3600 / outcome.charging_s
    return ResultRow(
        site=site,
        day=day,
        policy=policy,
        energy_kwh=round(outcome.energy_wh / 1000, 3),
        energy_pct_of_ideal=_percent(outcome.energy_wh, ideal.energy_wh),
        energy_pct_of_optimum=_percent(outcome.energy_wh, optimum_wh),
        worst_served_pct=worst_served_percent(outcome, ideal),
        jain=jain(one.energy_wh / one.asked_wh for one in outcome.served if one.asked_wh),
        first_current_s_max=max((one.waited_s for one in outcome.served), default=None),
        over_limit_s=None if over is None else over.seconds,
        preventable_over_limit_s=None if over is None else over.preventable_s,
        over_limit_as=None if over is None else round(over.ampere_seconds, 1),
        switches_per_car=round(outcome.switches / cars, 2),
        writes_per_charger_hour=None if writes is None else round(writes, 2),
        step_us=None if outcome.step_us is None else round(outcome.step_us, 1),
    )


def worst_served_percent(outcome: Outcome, ideal: Outcome) -> float | None:
    """Return what the worst-served long stay got, % of the ideal; None where there is none."""
    shares = (
        100 * one.energy_wh / best.energy_wh
        for one, best in zip(outcome.served, ideal.served, strict=True)
        if one.stay_s >= LONG_STAY_S and best.energy_wh >= LEAST_SERVED_WH
    )
    worst = min(shares, default=None)
    return None if worst is None else round(worst, 1)


def jain(shares: Iterable[float]) -> float | None:
    """Return Jain's index: 1 where all got the same; None where nobody got anything."""
    shares = tuple(shares)
    squares = sum(share * share for share in shares)
    return round(sum(shares) ** 2 / (len(shares) * squares), 4) if squares else None


def _percent(energy_wh: float, of_wh: float) -> float | None:
    return round(100 * energy_wh / of_wh, 2) if of_wh else None
