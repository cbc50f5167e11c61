"""Runs days under policies, as many at once as there are cores."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

from custom_components.balanz.balancing.supply import PEAK_HOLD_S

from .days import SiteDay
from .ideal import run_ideal
from .optimum import optimal_energy_wh
from .policies import HELD_IDEAL, IDEAL, OPTIMUM, REAL, REFERENCES, make_controller
from .record import Outcome
from .rows import ResultRow, result_row
from .trace import Trace
from .world import MeterTiming, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What holds for all days."""

    timing: MeterTiming = field(default_factory=MeterTiming)
    margin_a: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """A day under all policies."""

    day: SiteDay
    rows: Sequence[ResultRow]
    trace: Trace | None
    """What the real controller did, if possible by the policy `fair`; None where it was not run."""


def run_day(day: SiteDay, policy: str, conditions: Conditions) -> tuple[Outcome, Trace]:
    """Let a day pass under a policy."""
    trace = Trace(day, policy)
    controller = make_controller(policy, day, conditions.margin_a)
    outcome = World(day, controller, conditions.timing).run(trace.watch)
    return outcome, trace


def run_held_ideal(day: SiteDay, margin_a: float) -> Outcome:
    """Let a day pass without delays, and yet with the real controller's margin and calm."""
    if not day.metered:
        return run_ideal(day)
    return run_ideal(day, margin_a=margin_a, hold_s=int(PEAK_HOLD_S))


def run_days(
    days: Sequence[SiteDay], policies: Sequence[str], conditions: Conditions, jobs: int
) -> list[DayResult]:
    """Let each day pass under each policy."""
    simulated = [policy for policy in policies if policy not in REFERENCES]
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        # The real controller takes longest, and the largest sites do: they begin first.
        tasks = sorted(
            ((day, policy) for day in days for policy in simulated),
            key=lambda task: (task[1] not in REAL, -task[0].layout.chargers),
        )
        outcomes = {
            (id(day), policy): pool.submit(run_day, day, policy, conditions)
            for day, policy in tasks
        }
        ideals = {id(day): pool.submit(run_ideal, day) for day in days}
        held_ideals = {
            id(day): pool.submit(run_held_ideal, day, conditions.margin_a) for day in days
        }
        optima = {id(day): pool.submit(optimal_energy_wh, day) for day in days}
        return [
            _result(
                day,
                policies,
                {policy: outcomes[id(day), policy] for policy in simulated},
                {
                    IDEAL: ideals[id(day)].result(),
                    HELD_IDEAL: held_ideals[id(day)].result(),
                },
                optima[id(day)].result(),
            )
            for day in days
        ]


def _result(
    day: SiteDay,
    policies: Iterable[str],
    futures: dict[str, Future[tuple[Outcome, Trace]]],
    ideals: Mapping[str, Outcome],
    optimum_wh: float,
) -> DayResult:
    rows = []
    for policy in policies:
        if policy == OPTIMUM:
            row = ResultRow(
                site=day.layout.name,
                day=day.day,
                policy=policy,
                energy_kwh=round(optimum_wh / 1000, 3),
            )
        else:
            outcome = ideals[policy] if policy in ideals else futures[policy].result()[0]
            row = result_row(
                day.layout.name,
                day.day,
                policy,
                outcome,
                ideal=ideals[IDEAL],
                optimum_wh=optimum_wh,
            )
        rows.append(row)
    traced = [policy for policy in REAL if policy in futures]
    trace = futures[traced[0]].result()[1] if traced else None
    return DayResult(day=day, rows=rows, trace=trace)
