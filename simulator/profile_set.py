"""Which of the installed profiles is in force, and what it allows (OCPP 1.6, section 3.13)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from .profiles import NOMINAL_VOLTAGE_V, Kind, Profile, Purpose, RunningTransaction, Schedule, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLimit:
    """What profiles allow now: A per phase, and on how many phases if they say so."""

    limit_a: float
    number_phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledProfile:
    """A profile and the connector it was set on."""

    connector_id: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """The profiles that a charger holds. Changing it makes a new one."""

    installed: tuple[InstalledProfile, ...] = ()

    def with_profile(self, connector_id: int, profile: Profile) -> ProfileSet:
        """Add a profile; it replaces its id, and its purpose and stack level on the connector."""
        new = InstalledProfile(connector_id=connector_id, profile=profile)
        return ProfileSet((*self._without(lambda old: _replaces(new, old)), new))

    def cleared(
        self,
        *,
        profile_id: int | None = None,
        connector_id: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> ProfileSet:
        """Remove what matches all criteria given; an id makes the others void (section 5.4)."""

        def matches(old: InstalledProfile) -> bool:
            if profile_id is not None:
                return old.profile.id == profile_id
            return (
                connector_id in (None, old.connector_id)
                and purpose in (None, old.profile.purpose)
                and stack_level in (None, old.profile.stack_level)
            )

        return ProfileSet(self._without(matches))

    def with_defaults_of(self, earlier: ProfileSet) -> ProfileSet:
        """Take the defaults of transactions from another set, and all else from this one."""
        default = Purpose.TX_DEFAULT
        return ProfileSet(
            (
                *(it for it in self.installed if it.profile.purpose is not default),
                *(it for it in earlier.installed if it.profile.purpose is default),
            )
        )

    def without_transaction(self, connector_id: int) -> ProfileSet:
        """Remove the TxProfiles of a connector, whose transaction has ended."""
        return self.cleared(connector_id=connector_id, purpose=Purpose.TX)

    def connector_limit(
        self,
        connector_id: int,
        now: datetime,
        transaction: RunningTransaction | None,
        *,
        phases: int,
    ) -> ActiveLimit | None:
        """What TxProfiles, or else TxDefaultProfiles, allow a connector; None is no limit."""
        candidates = [
            *self._on(connector_id, Purpose.TX, _transaction_id(transaction)),
            *self._on(connector_id, Purpose.TX_DEFAULT),
            *self._on(0, Purpose.TX_DEFAULT),
        ]
        # The TxProfile overrules the default, and a connector's own default overrules that of
        # connector 0; within each, the highest stack level that is running now wins.
        candidates.sort(
            key=lambda it: (
                it.profile.purpose is Purpose.TX,
                it.connector_id,
                it.profile.stack_level,
            ),
            reverse=True,
        )
        started = None if transaction is None else transaction.started
        return _first_running(candidates, now, started, phases)

    def charger_limit(self, now: datetime, *, phases: int) -> ActiveLimit | None:
        """What ChargePointMaxProfiles allow all connectors together; None is no limit."""
        candidates = sorted(
            self._on(0, Purpose.CHARGE_POINT_MAX),
            key=lambda it: it.profile.stack_level,
            reverse=True,
        )
        return _first_running(candidates, now, None, phases)

    def boundaries(
        self, begin: datetime, end: datetime, started: Iterable[datetime]
    ) -> list[datetime]:
        """All times in (begin, end) at which a limit may change, given the transactions' starts."""
        starts = [None, *started]
        moments = {
            moment
            for it in self.installed
            for transaction_started in starts
            for moment in _boundaries(it.profile, begin, end, transaction_started)
            if begin < moment < end
        }
        return sorted(moments)

    def _without(self, matches: Callable[[InstalledProfile], bool]) -> tuple[InstalledProfile, ...]:
        return tuple(old for old in self.installed if not matches(old))

    def _on(
        self, connector_id: int, purpose: Purpose, transaction_ids: tuple[int | None, ...] = (None,)
    ) -> Iterator[InstalledProfile]:
        for it in self.installed:
            if it.connector_id == connector_id and it.profile.purpose is purpose:
                if purpose is Purpose.TX and it.profile.transaction_id not in transaction_ids:
                    continue
                yield it


def merged(one: ActiveLimit | None, other: ActiveLimit | None) -> ActiveLimit | None:
    """The lower of two limits; None is no limit."""
    if one is None or other is None:
        return one or other
    phases = [it.number_phases for it in (one, other) if it.number_phases is not None]
    return ActiveLimit(
        limit_a=min(one.limit_a, other.limit_a),
        number_phases=min(phases, default=None),
    )


def _transaction_id(transaction: RunningTransaction | None) -> tuple[int | None, ...]:
    return () if transaction is None else (None, transaction.id)


def _replaces(new: InstalledProfile, old: InstalledProfile) -> bool:
    if new.profile.id == old.profile.id:
        return True
    return (
        new.connector_id == old.connector_id
        and new.profile.purpose is old.profile.purpose
        and new.profile.stack_level == old.profile.stack_level
    )


def _first_running(
    candidates: Iterable[InstalledProfile],
    now: datetime,
    transaction_started: datetime | None,
    phases: int,
) -> ActiveLimit | None:
    for it in candidates:
        offset_s = _offset_s(it.profile, now, transaction_started)
        if offset_s is not None:
            return _limit_at(it.profile.schedule, offset_s, phases)
    return None


def _start(profile: Profile, transaction_started: datetime | None) -> datetime | None:
    if profile.kind is Kind.RELATIVE:
        return transaction_started
    return profile.schedule.start or transaction_started


def _offset_s(
    profile: Profile, now: datetime, transaction_started: datetime | None
) -> float | None:
    """How far into its schedule a profile is, s; None if it is not running."""
    if profile.valid_from is not None and now < profile.valid_from:
        return None
    if profile.valid_to is not None and now >= profile.valid_to:
        return None
    start = _start(profile, transaction_started)
    if start is None or now < start:
        return None
    offset_s = (now - start).total_seconds()
    if profile.kind is Kind.RECURRING and profile.recurrency is not None:
        offset_s %= profile.recurrency.seconds
    duration_s = profile.schedule.duration_s
    return offset_s if duration_s is None or offset_s < duration_s else None


def _limit_at(schedule: Schedule, offset_s: float, phases: int) -> ActiveLimit:
    period = [it for it in schedule.periods if it.start_s <= offset_s][-1]
    limit_a = period.limit
    if schedule.unit is Unit.W:
        # Three phases are meant if none are named, but a charger cannot use more than it has.
        limit_a /= NOMINAL_VOLTAGE_V * min(period.number_phases or 3, phases)
    return ActiveLimit(limit_a=limit_a, number_phases=period.number_phases)


def _boundaries(
    profile: Profile, begin: datetime, end: datetime, transaction_started: datetime | None
) -> Iterator[datetime]:
    yield from (it for it in (profile.valid_from, profile.valid_to) if it is not None)
    start = _start(profile, transaction_started)
    if start is None:
        return
    offsets = [period.start_s for period in profile.schedule.periods]
    if profile.schedule.duration_s is not None:
        offsets.append(profile.schedule.duration_s)
    if profile.kind is not Kind.RECURRING or profile.recurrency is None:
        yield from (start + timedelta(seconds=offset) for offset in offsets)
        return
    round_s = profile.recurrency.seconds
    first = max(0, int((begin - start).total_seconds() // round_s))
    last = int((end - start).total_seconds() // round_s)
    for number in range(first, last + 1):
        for offset in offsets:
            yield start + timedelta(seconds=number * round_s + offset)
