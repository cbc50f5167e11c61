"""What charging profiles allow together, exactly (OCPP 1.6, sections 3.13 and 5.16).

Within a purpose the highest stack level that runs at a moment rules. A TxProfile overrules the
default, and a connector's own default overrules that of connector 0. A ChargePointMaxProfile caps
all. Where none runs there is no limit, which is None.

Decided where the standard leaves it open:

- A schedule runs from its start on and up to, not including, its end; validTo is not included.
  Times are those of whole seconds.
- Without a transaction, what counts from the start of one counts as if one began at that moment,
  so that the limit is known before it is needed.
- A ChargePointMaxProfile that tells no start counts from when it was installed.
- A transaction that begins in the future by our clock has begun.
- minChargingRate is a hint to the charger (section 7.14) and limits nothing.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..capabilities import RateUnit
from ..charging_profile import ChargingProfile
from ..command_values import ProfilePurpose, SchedulePeriod
from ..profiles import NOMINAL_VOLTAGE_V

MOST_STEPS_AHEAD = 50
"""How many changes that change nothing are looked past for the next one that does."""
MOST_STEPS_TOLD = 200
"""The same for a composite schedule."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER_S = math.inf
_ROUNDS_S = {"Daily": 86_400.0, "Weekly": 604_800.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTransaction:
    """What profiles need to know of a transaction; its id is None until that is known."""

    id: int | None
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledProfile:
    """A profile, where it was set, and when."""

    connector: int
    profile: ChargingProfile
    installed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The lines that a charger's watts go through. Raises ValueError for what no charger has."""

    wired: int = 3
    in_use: int | None = None
    """How many the car is seen to use; None where that is not known."""

    def __post_init__(self) -> None:
        """Check that these are lines of a charger."""
        if not 1 <= self.wired <= 3 or self.in_use not in (None, 1, 2, 3):
            raise ValueError(f"no charger has such lines: {self.wired}, {self.in_use}")

    @classmethod
    def of_all(cls, lines: Iterable[Lines]) -> Lines:
        """Return the lines of a charger, given those of its connectors.

        Watts of the sum of all are kept by what keeps them for the connector with the most lines.
        """
        known = tuple(lines)
        in_use = [it.in_use for it in known if it.in_use is not None]
        return cls(
            wired=max((it.wired for it in known), default=3),
            in_use=max(in_use) if in_use and len(in_use) == len(known) else None,
        )

    def sharing(self, number_phases: int | None) -> int:
        """Return how many lines share a limit in watts, given the numberPhases of its period.

        Those in use where that is known, since then the sum is kept exactly. Else as section 7.14
        has it: three where nothing is told, and never more than there are.
        """
        return self.in_use or min(number_phases or 3, self.wired)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedLimit:
    """What is allowed from one moment on."""

    limit_a: float | None
    """A per line; None where nothing limits."""
    phases: int | None = None
    """How many lines may be used, where a profile tells that."""
    until: datetime | None = None
    """When this ends, or may end; None where nothing ends it."""


type Allowed = tuple[float | None, int | None]
"""A per line and lines; None is no limit."""


class Composition:
    """What a set of profiles allows one connector, or for connector 0 the whole charger.

    Ask at ascending moments: what has not changed since is not worked out again.
    """

    def __init__(
        self,
        profiles: Iterable[InstalledProfile],
        connector: int,
        *,
        transaction: RunningTransaction | None,
        lines: Lines,
    ) -> None:
        """Sort the profiles that concern the connector, the one that rules over others first."""
        profiles = tuple(profiles)
        own = _ranked(it for it in profiles if _rules(it, connector, transaction))
        caps = _ranked(it for it in profiles if it.profile.purpose is _MAX)
        started_at = None if transaction is None else transaction.started_at
        self._layers = tuple(
            tuple(_Track(it, started_at) for it in layer) for layer in (own, caps) if layer
        )
        self._lines = lines

    def at(self, moment_s: float) -> tuple[Allowed, float]:
        """Return what is allowed at a moment, s since 1970, and until when nothing changes it."""
        limit_a: float | None = None
        phases: int | None = None
        until_s = NEVER_S
        for layer in self._layers:
            for track in layer:
                period = track.at(moment_s)
                until_s = min(until_s, track.until_s)
                if period is not None:
                    limit_a = _least(limit_a, track.in_amperes(period, self._lines))
                    phases = _least(phases, period.phases)
                    break
        return (limit_a, phases), until_s


def limit_at(
    profiles: Iterable[InstalledProfile],
    connector: int,
    moment: datetime,
    *,
    transaction: RunningTransaction | None,
    lines: Lines,
) -> ComposedLimit:
    """Return what profiles allow a connector at a moment; connector 0 is the whole charger."""
    composition = Composition(profiles, connector, transaction=transaction, lines=lines)
    now_s = seconds_of(moment)
    now, ends_s = composition.at(now_s)
    for start_s, allowed, until_s in steps(composition.at, now_s, MOST_STEPS_AHEAD):
        if allowed != now:
            ends_s = start_s
            break
        ends_s = until_s
    return ComposedLimit(limit_a=now[0], phases=now[1], until=moment_of(ends_s))


def composite_schedule[V](
    at: Callable[[float], tuple[V, float]],
    begin: datetime,
    duration_s: int,
    *,
    most_periods: int,
) -> tuple[tuple[tuple[int, V], ...], int]:
    """Return from how many s after a moment on what is allowed, and how many s are told.

    `at` returns that and until when it holds, both for s since 1970. The moment is taken in whole
    seconds. Less is told than was asked for where there are more periods than may be told, or far
    too many changes that change nothing.
    """
    begin_s = math.floor(seconds_of(begin))
    told_s: float = duration_s
    periods: list[tuple[int, V]] = []
    for start_s, allowed, until_s in steps(at, begin_s, MOST_STEPS_TOLD):
        if start_s >= begin_s + duration_s:
            break
        if not periods or periods[-1][1] != allowed:
            if len(periods) == most_periods:
                told_s = start_s - begin_s
                break
            periods.append((int(start_s - begin_s), allowed))
        told_s = min(until_s - begin_s, duration_s)
    return tuple(periods), int(told_s)


def steps[V](
    at: Callable[[float], tuple[V, float]], moment_s: float, most_steps: int
) -> Iterator[tuple[float, V, float]]:
    """Yield from when on what is allowed until when, beginning with a moment; both s since 1970."""
    for _ in range(most_steps):
        allowed, until_s = at(moment_s)
        yield moment_s, allowed, until_s
        if until_s == NEVER_S:
            return
        moment_s = until_s


def seconds_of(moment: datetime) -> float:
    """Return a moment as s since 1970. Unlike a moment it can be reckoned with in every year."""
    return (moment - _EPOCH).total_seconds()


def _whole_seconds(moment: datetime | None, absent_s: float) -> float:
    return absent_s if moment is None else math.floor(seconds_of(moment))


def moment_of(moment_s: float) -> datetime | None:
    """Return s since 1970 as a moment; None for never, and what is after the year 9999 is never."""
    try:
        return _EPOCH + timedelta(seconds=moment_s)
    except OverflowError:
        return None


_MAX = ProfilePurpose.CHARGE_POINT_MAX


def _rules(
    installed: InstalledProfile, connector: int, transaction: RunningTransaction | None
) -> bool:
    """Return whether a profile of a transaction, or a default for them, concerns a connector."""
    if connector == 0:
        return False
    profile = installed.profile
    if profile.purpose is ProfilePurpose.TX:
        return (
            installed.connector == connector
            and transaction is not None
            and profile.transaction_id in (None, transaction.id)
        )
    return profile.purpose is ProfilePurpose.TX_DEFAULT and installed.connector in (0, connector)


def _ranked(profiles: Iterable[InstalledProfile]) -> Sequence[InstalledProfile]:
    return sorted(
        profiles,
        key=lambda it: (
            it.profile.purpose is ProfilePurpose.TX,
            it.connector,
            it.profile.stack_level,
        ),
        reverse=True,
    )


def _least[N: (int, float)](one: N | None, other: N | None) -> N | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


class _Track:
    """Where a profile stands, at ascending moments in s since 1970."""

    def __init__(self, installed: InstalledProfile, transaction_start: datetime | None) -> None:
        profile = installed.profile
        self._profile = profile
        self._valid_from_s = _whole_seconds(profile.valid_from, -math.inf)
        self._valid_to_s = _whole_seconds(profile.valid_to, NEVER_S)
        self._duration_s = NEVER_S if profile.duration_s is None else profile.duration_s
        self._round_s = _ROUNDS_S.get(profile.recurrency or "", NEVER_S)
        start = None if profile.kind == "Relative" else profile.starts_at
        self._is_dated = start is not None
        if start is None:
            start = installed.installed_at if profile.purpose is _MAX else transaction_start
        self._start_s = None if start is None else _whole_seconds(start, 0.0)
        self._period: SchedulePeriod | None = None
        self.until_s = -math.inf
        """Until when what was last returned holds."""

    def at(self, moment_s: float) -> SchedulePeriod | None:
        """Return the period that runs; None if none does."""
        if moment_s >= self.until_s:
            self._period, self.until_s = self._look(moment_s)
        return self._period

    def in_amperes(self, period: SchedulePeriod, lines: Lines) -> float:
        """Return what a period allows, A per line."""
        if self._profile.unit is RateUnit.AMPERE:
            return period.limit
        return period.limit / (NOMINAL_VOLTAGE_V * lines.sharing(period.phases))

    def _look(self, moment_s: float) -> tuple[SchedulePeriod | None, float]:
        if moment_s < self._valid_from_s:
            return None, self._valid_from_s
        if moment_s >= self._valid_to_s:
            return None, NEVER_S
        # Without a start, one begins at this moment.
        start_s = math.floor(moment_s) if self._start_s is None else self._start_s
        if moment_s < start_s and self._is_dated:
            return None, start_s
        if moment_s >= start_s + self._round_s:
            start_s += (moment_s - start_s) // self._round_s * self._round_s
        offset_s = max(moment_s - start_s, 0.0)
        if offset_s >= self._duration_s:
            return None, start_s + self._round_s
        periods = self._profile.periods
        if self._start_s is None:
            return periods[0], self._valid_to_s
        number = bisect_right(periods, offset_s, key=lambda period: period.start_s)
        lasts_s = min(self._duration_s, self._round_s)
        if number < len(periods):
            lasts_s = min(lasts_s, periods[number].start_s)
        return periods[number - 1], min(start_s + lasts_s, self._valid_to_s)
