"""The answer to a GetCompositeSchedule of another central system (OCPP 1.6, section 5.7)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..capabilities import RateUnit
from ..command_values import CommandStatus
from ..lenient import require_integer
from ..profiles import NOMINAL_VOLTAGE_V
from ..rpc_frames import Payload
from ..v16 import utc_text
from ..wording import ocpp_name, told
from .composition import (
    Composition,
    InstalledProfile,
    Lines,
    RunningTransaction,
    composite_schedule,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What balanz lets a connector draw at this moment, A per line."""

    limit_a: float
    lines: Lines = field(default_factory=Lines)


type _Offer = tuple[float, int | None]
"""A limit in the unit that was asked for, and the number of lines where a profile tells it."""
type _Offers = Callable[[float], tuple[_Offer, float]]
"""From s since 1970 to an offer, and until when it holds."""


def composite_answer(
    payload: Payload,
    connector: int,
    *,
    begin: datetime,
    profiles: Sequence[InstalledProfile],
    transactions: Mapping[int, RunningTransaction],
    in_force: Mapping[int, InForce],
    most_periods: int,
) -> Payload:
    """Return what a car gets from a moment on: the smaller of profiles and of what is in force.

    The latter is by connector and assumed to stay; Rejected where it is not known. Without a
    transaction it is what one that begins at that moment would get. Raises CallError.
    """
    duration_s = require_integer(payload, "duration")
    unit = payload.get("chargingRateUnit", RateUnit.AMPERE.value)
    wanted = tuple(in_force) if connector == 0 else (connector,)
    is_known = bool(wanted) and all(number in in_force for number in wanted)
    if not is_known or duration_s < 0 or unit not in tuple(RateUnit):
        return {"status": ocpp_name(CommandStatus.REJECTED)}
    begin = begin.astimezone(UTC).replace(microsecond=0)
    offers = [
        _offers(
            profiles,
            number,
            transactions.get(number) or RunningTransaction(id=None, started_at=begin),
            in_force[number],
            unit,
        )
        for number in wanted
    ]
    offered = offers[0]
    if connector == 0:
        lines = Lines.of_all(it.lines for it in in_force.values())
        offered = _total(profiles, offers, lines, unit)
    periods, told_s = composite_schedule(
        offered, begin, max(duration_s, 1), most_periods=most_periods
    )
    return {
        "status": ocpp_name(CommandStatus.ACCEPTED),
        "connectorId": connector,
        "scheduleStart": utc_text(begin),
        "chargingSchedule": {
            "duration": min(told_s, duration_s),
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [
                told(startPeriod=start_s, limit=_tenths(limit), numberPhases=phases)
                for start_s, (limit, phases) in periods
            ],
        },
    }


def _offers(
    profiles: Sequence[InstalledProfile],
    connector: int,
    transaction: RunningTransaction,
    in_force: InForce,
    unit: str,
) -> _Offers:
    """Return what a car at a connector is offered."""
    lines = in_force.lines
    composition = Composition(profiles, connector, transaction=transaction, lines=lines)

    def at(moment_s: float) -> tuple[_Offer, float]:
        (limit_a, phases), until_s = composition.at(moment_s)
        least_a = in_force.limit_a if limit_a is None else min(limit_a, in_force.limit_a)
        return (_in_unit(least_a, unit, lines.sharing(phases)), phases), until_s

    return at


def _total(
    profiles: Sequence[InstalledProfile], offers: Sequence[_Offers], lines: Lines, unit: str
) -> _Offers:
    """Return what the whole charger may take from the grid."""
    caps = Composition(profiles, 0, transaction=None, lines=lines)

    def at(moment_s: float) -> tuple[_Offer, float]:
        (limit_a, phases), until_s = caps.at(moment_s)
        total = 0.0
        for offer in offers:
            (limit, _), ends_s = offer(moment_s)
            total += limit
            until_s = min(until_s, ends_s)
        if limit_a is not None:
            total = min(total, _in_unit(limit_a, unit, lines.sharing(phases)))
        return (total, phases), until_s

    return at


def _in_unit(limit_a: float, unit: str, phases: int) -> float:
    return limit_a if unit == RateUnit.AMPERE else limit_a * NOMINAL_VOLTAGE_V * phases


def _tenths(limit: float) -> float:
    """Round down to the one decimal that OCPP takes, but not for what binary fractions do."""
    return math.floor(round(limit * 10, 6)) / 10
