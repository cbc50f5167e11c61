"""Follows the sessions that run, and tells what happens to them without telling every twitch."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..balancing.model import ConnectorKey
from ..balancing.reasons import Rule
from ..csms.events import (
    ConnectorStatus,
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from ..storage.tags import Tag
from .live import LiveConnector
from .session_events import SessionEvent, SessionKind

_LOGGER = logging.getLogger(__name__)

type ConnectorEvent = StatusChanged | MeterValuesReceived | TransactionStarted | TransactionStopped
type SessionListener = Callable[[SessionEvent], None]

SUSPENDED_FOR_S = 15.0
"""Longer than the ten seconds in which a car is woken by withdrawing its offer."""
RESUMED_FOR_S = 15.0
LIMITED_FOR_S = 30.0
"""While a session gets going, its limit is on its way up."""
UNLIMITED_FOR_S = 900.0
"""Where limits come and go, the first of them is told, and the next one after a quarter hour."""
SUSPENDED = frozenset({ConnectorStatus.SUSPENDED_EV, ConnectorStatus.SUSPENDED_EVSE})
LIMITING = frozenset(
    {
        Rule.ALL_IN_USE,
        Rule.OVERLOAD,
        Rule.PAST_PEAK,
        Rule.RESTING,
        Rule.SCHEDULE,
        Rule.SHARED,
        Rule.STORAGE_FAILING,
        Rule.SUPPLY_UNKNOWN,
        Rule.SURPLUS,
        Rule.UNATTENDED,
        Rule.UNBALANCE,
        Rule.WAITING,
        Rule.WRITES_SPENT,
    }
)
"""What leaves a car less than it could use."""
PASSING = frozenset({Rule.CONFIRMING, Rule.NOT_CONNECTED, Rule.SPACING, Rule.STARTING})
"""What is over soon, so that it tells neither that a car is limited nor that it is not."""


@dataclass(slots=True, kw_only=True)
class _Settled:
    """A yes or no that counts once it has lasted. Times are monotonic seconds."""

    told: bool | None
    """None where nobody knows yet; the first answer that lasts is taken without telling it."""
    yes_after_s: float
    no_after_s: float
    due: bool = False
    """The answer that counts next, if it lasts."""
    due_at: float | None = None
    """When it does; None while no other answer than the last is given."""

    def settles(self, answer: bool | None, now: float) -> bool:
        """Take in an answer, None for none; return whether it counts from now on and is news."""
        if answer is None:
            return False
        if answer is self.told:
            self.due_at = None
            return False
        if self.due_at is None or answer is not self.due:
            self.due = answer
            self.due_at = now + (self.yes_after_s if answer else self.no_after_s)
        if now < self.due_at:
            return False
        is_news = self.told is not None
        self.told, self.due_at = answer, None
        return is_news


@dataclass(slots=True, kw_only=True)
class _Session:
    """A session that runs."""

    start: TransactionStarted
    started_told: bool
    """Whether it was told that it started; that waits for the verdict on its tag."""
    suspended: _Settled
    limited: _Settled

    @classmethod
    def begun(cls, start: TransactionStarted, *, known: bool) -> _Session:
        """Return a session; where it is known, what happened to it before is not told again."""
        told = None if known else False
        return cls(
            start=start,
            started_told=known,
            suspended=_Settled(told=told, yes_after_s=SUSPENDED_FOR_S, no_after_s=RESUMED_FOR_S),
            limited=_Settled(told=told, yes_after_s=LIMITED_FOR_S, no_after_s=UNLIMITED_FOR_S),
        )


class Sessions:
    """The sessions of all connectors."""

    def __init__(
        self,
        *,
        live: Mapping[ConnectorKey, LiveConnector],
        tag_of: Callable[[str], Tag | None],
    ) -> None:
        """Follow none yet; `tag_of` returns the tag with an id."""
        self._live = live
        self._tag_of = tag_of
        self._open: dict[ConnectorKey, _Session] = {}
        self._listeners: dict[ConnectorKey, set[SessionListener]] = {}

    def listen(self, key: ConnectorKey, listener: SessionListener) -> Callable[[], None]:
        """Call the listener with each event of a connector, until what is returned is called."""
        listeners = self._listeners.setdefault(key, set())
        listeners.add(listener)
        return lambda: listeners.discard(listener)

    def take(self, event: ConnectorEvent, live: LiveConnector, now: float) -> None:
        """Have a connector take in what its charger said, and tell what came of its session."""
        last_id = live.energy.transaction_id
        live.take(event, now)
        if isinstance(event, TransactionStarted):
            self._started(event, live, known=event.transaction_id == last_id)
        elif isinstance(event, TransactionStopped):
            self._stopped(event, live)

    def refused(self, live: LiveConnector, transaction_id: int) -> None:
        """Take in that the tag of a session that runs may not charge."""
        live.refused(transaction_id)
        session = self._open.get(live.connector.key)
        if session is not None and session.start.transaction_id == transaction_id:
            del self._open[live.connector.key]
            self._tell(SessionKind.REFUSED, live, session.start)

    def look(self, now: float) -> None:
        """Find out after a step how the sessions go on (monotonic seconds)."""
        for key, session in tuple(self._open.items()):
            live = self._live.get(key)
            if live is None:
                del self._open[key]
                continue
            self._tell_start(session, live)
            status, rule = live.status, live.reason.rule
            suspended = None if status is None else status in SUSPENDED
            if session.suspended.settles(suspended, now):
                kind = SessionKind.SUSPENDED if suspended else SessionKind.RESUMED
                self._tell(kind, live, session.start)
            limited = None if suspended or rule in PASSING else rule in LIMITING
            if session.limited.settles(limited, now) and limited:
                self._tell(SessionKind.LIMITED, live, session.start)

    def next_change(self, now: float) -> float | None:
        """Return when time alone settles something (monotonic seconds).

        What was due already waits for an answer, such as that of a car that is suspended whether
        it is limited; no step before that would settle it.
        """
        times = (
            settled.due_at
            for session in self._open.values()
            for settled in (session.suspended, session.limited)
            if settled.due_at is not None and settled.due_at > now
        )
        return min(times, default=None)

    def _started(self, start: TransactionStarted, live: LiveConnector, *, known: bool) -> None:
        key = live.connector.key
        session = self._open.get(key)
        if session is not None and session.start.transaction_id == start.transaction_id:
            return
        if not start.refused:
            self._open[key] = _Session.begun(start, known=known)

    def _stopped(self, stop: TransactionStopped, live: LiveConnector) -> None:
        session = self._open.get(live.connector.key)
        if session is None or session.start.transaction_id != stop.transaction_id:
            return
        del self._open[live.connector.key]
        self._tell_start(session, live)
        self._tell(SessionKind.ENDED, live, session.start, stop)

    def _tell_start(self, session: _Session, live: LiveConnector) -> None:
        if not session.started_told:
            session.started_told = True
            self._tell(SessionKind.STARTED, live, session.start)

    def _tell(
        self,
        kind: SessionKind,
        live: LiveConnector,
        start: TransactionStarted,
        stop: TransactionStopped | None = None,
    ) -> None:
        until = datetime.now(UTC) if stop is None else stop.stopped_at
        event = SessionEvent(
            key=live.connector.key,
            kind=kind,
            transaction_id=start.transaction_id,
            tag=self._tag_of(start.id_tag),
            energy_wh=live.session_energy_wh,
            duration_s=max((until - start.started_at).total_seconds(), 0.0),
            reason=live.reason,
            limit_a=live.commanded_a,
            by_car=live.status is ConnectorStatus.SUSPENDED_EV
            if kind is SessionKind.SUSPENDED
            else None,
            stop_reason="" if stop is None else stop.reason,
        )
        for listener in tuple(self._listeners.get(event.key, ())):
            try:
                listener(event)
            except Exception:
                # Whoever listens must not keep a charger from being heard.
                _LOGGER.exception("A listener failed")
