"""What is known of one connector while the site runs."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import override

from ..balancing.commitments import READING_MAX_AGE_S, TOLERANCE_A, Commitment
from ..balancing.demand import Appetite
from ..balancing.inputs import ConnectorInput, Draw, Line
from ..balancing.lease import Lapse
from ..balancing.model import Connector
from ..balancing.need import Need
from ..balancing.obedience import Ladder
from ..balancing.phase_use import PhaseUse
from ..balancing.reasons import Reason, Rule
from ..balancing.resolution import ResolutionWatch
from ..csms.events import (
    UNKNOWN_LINES,
    ConnectorStatus,
    MeterValues,
    MeterValuesReceived,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from ..csms.reported_codes import ErrorCode, StopReason
from ..storage.plans import BOOST_LASTS
from ..storage.tags import Tag
from .bound import Bound, BoundName, lowest
from .draws import AT_REST_BELOW_A, NOMINAL_VOLTAGE_V, RegisterPower, drawn
from .energy import ConnectorEnergy
from .lines_in_use import LinesInUse
from .report_card import ReportCard
from .settings import ChargerSettings

BOOST_PRIORITY = 1_000_000
"""Above every priority that a charger or a tag can have."""
WANTING = frozenset(
    {
        ConnectorStatus.PREPARING,
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
    }
)
_LIMIT_IGNORED = Reason(rule=Rule.LIMIT_IGNORED)
_OUT_OF_SERVICE = Reason(rule=Rule.OUT_OF_SERVICE)
_SWITCHED_OFF = Reason(rule=Rule.SWITCHED_OFF)
_TAG_REFUSED = Reason(rule=Rule.TAG_REFUSED)
_NO_CAR = Reason(rule=Rule.NO_CAR)
_NEVER_SET = object()


type _InputParts = tuple[
    Line,
    bool,
    Reason,
    float,
    Reason,
    Commitment,
    Appetite,
    Draw | None,
    float | None,
    float | None,
    float,
    int,
    PhaseUse,
    Need,
    int | None,
]


@dataclass(slots=True, kw_only=True)
class _Views:
    """What was last made of a connector's state, and how long each of it holds."""

    parts: _InputParts | None = None
    """What the input was made of."""
    told: ConnectorInput | None = None
    version: int = -1
    line: Line = Line.OFFLINE
    since: float = inf
    until: float = -inf
    booked: tuple[Commitment, Connector, float, float, float] | None = None
    """From what, since when and until when the last of these holds: what was booked, A."""


class LiveConnector:
    """One connector's state, moved on by events. Times are monotonic seconds.

    Its attributes are values that are replaced when they change, never changed in place.
    """

    version = 0
    """Higher after each change of an attribute."""

    def __init__(self, connector: Connector, charger: ChargerSettings, maximum_a: float) -> None:
        """Start with nothing known: the commitment then books the rating."""
        self.connector = connector
        self.charger = charger
        self.maximum_a = maximum_a
        self.bounds: tuple[Bound, ...] = ()
        """Those besides the maximum."""
        self.enabled = True
        self.commitment = Commitment()
        self.commanded_a: float | None = None
        self.writes = 0
        self.reason = Reason(rule=Rule.NOT_CONNECTED)
        self.status: ConnectorStatus | None = None
        self.error_code: ErrorCode | None = None
        self.values: MeterValues | None = None
        self.transaction: TransactionStarted | None = None
        self.stop_reason: StopReason | None = None
        """Why the last transaction ended; None while one runs."""
        self.energy = ConnectorEnergy()
        self.register = RegisterPower()
        self.held = False
        """Whether control leaves it alone for now, and books it at its rating."""
        self.balanced = True
        """Whether its limits are balanz's to set."""
        self._ignored_since: float | None = None
        self.ladder = Ladder()
        """How far balanz has gone because it did not keep its limit."""
        self.card = ReportCard()
        self._resolution_watch = ResolutionWatch()
        self.seen_plugged_in = False
        """Whether a car has come since someone last looked."""
        self.need = Need()
        self.boosted = False
        """Whether it goes before all others for now."""
        self.boost_lasts = BOOST_LASTS
        """How long it is to do so when the user asks for it."""
        self.tag: Tag | None = None
        """That of the running transaction, if it is known."""
        self.session_priority: int | None = None
        """What the user has set for the running transaction, over the tag and the charger."""
        self._appetite = Appetite()
        self._phase_use = PhaseUse()
        self.lines_in_use = LinesInUse()
        self.lines_told: int | None = None
        """How many lines the watts that it was last sent are for; None where it takes amperes."""
        self._draw: Draw | None = None
        self._may_rise_since: float | None = None
        self._raised_at: float | None = None
        self._waiting_since = 0.0
        self._own_bound = Bound(name=BoundName.MAXIMUM, limit_a=maximum_a)
        self._views = _Views()

    @override
    def __setattr__(self, name: str, value: object) -> None:
        """Count each change, whoever makes it: most connectors are as the step before left them."""
        if getattr(self, name, _NEVER_SET) is not value:
            object.__setattr__(self, name, value)
            object.__setattr__(self, "version", self.version + 1)

    # Events

    def restored(self, limit_a: float | None) -> None:
        """Take in the largest limit that an earlier run may have left in force."""
        self.commitment = replace(self.commitment, uncertain_a=limit_a)

    def configured(self, connector: Connector, charger: ChargerSettings) -> None:
        """Take over changed settings."""
        if connector.phase_map is not self.connector.phase_map:
            self._draw = None
            self._phase_use = PhaseUse()
        self.connector = connector
        self.charger = charger
        self.maximum_a = min(self.maximum_a, connector.rating_a)

    def take(
        self,
        event: StatusChanged | MeterValuesReceived | TransactionStarted | TransactionStopped,
        now: float,
    ) -> None:
        """Take in what the charger said of this connector."""
        match event:
            case StatusChanged():
                self.error_code = ErrorCode.of(event.error_code)
                self._status_changed(event.status, now)
            case MeterValuesReceived():
                self._metered(event.values, now)
            case TransactionStarted():
                self._transaction_started(event, now)
            case TransactionStopped():
                self._transaction_stopped(event)

    def _status_changed(self, status: ConnectorStatus, now: float) -> None:
        """Take in a status. A new car starts with no history."""
        before, self.status = self.status, status
        if status in WANTING and before not in WANTING:
            self._waiting_since = now
            self._may_rise_since = now
            self._appetite = Appetite(offer_a=self._appetite.offer_a, since=now)
            self._phase_use = PhaseUse()
            self.lines_in_use = LinesInUse()
            self._resolution_watch = ResolutionWatch()
        if status in WANTING and before is ConnectorStatus.AVAILABLE:
            self.seen_plugged_in = True
        if status is ConnectorStatus.CHARGING and before is not status:
            self._may_rise_since = now
        if status is ConnectorStatus.AVAILABLE and before is not status:
            # Nothing is plugged in, so nothing flows; many chargers meter only during sessions.
            self._draw = None
            self.values = _at_rest(self.values)
            self.register = self.register.stopped()
            self.commitment = self.commitment.vacated(now)

    def _metered(self, values: MeterValues, now: float) -> None:
        """Take in a reading of the connector's meter."""
        self.values = _merged(self.values, values)
        if values.per_phase and values.currents_a is not None:
            self.lines_in_use = self.lines_in_use.took(values.currents_a, now)
        if values.energy_wh is not None:
            tells_more = values.currents_a is not None or values.power_w is not None
            # Who tells a current or a power need not be asked what its register says of them.
            self.register = (
                self.register.stopped() if tells_more else self.register.read(values.energy_wh, now)
            )
            self.energy = self.energy.read(values.energy_wh, values.measured_at, self._most_w)
        seen = drawn(values, self.connector, self.charger.phases, self.register)
        if seen.interval is not None:
            last = None if self._draw is None else self._draw.reading
            self._draw = Draw(reading=seen.interval, at=now, before=last)
            # A line that the charger does not tell of is not one that carries nothing.
            lines = len(values.currents_a or ()) if values.per_phase else 0
            if lines >= self.charger.phases and seen.interval.least == seen.interval.most:
                self._phase_use = self._phase_use.took(seen.interval.most, now)
        line_a, at_most_a = seen.line_a, seen.at_most_a
        if line_a is None and at_most_a is not None and at_most_a < AT_REST_BELOW_A:
            line_a = at_most_a
        if line_a is not None:
            before = self.commitment
            self.commitment = before.measured(line_a, now)
            if not self.ladder.pauses:
                # What fell because its session was stopped does not tell how it follows a limit.
                lag = self.card.lag.measured(before, self.commitment, now)
                if lag is not self.card.lag:
                    self.card = replace(self.card, lag=lag)
            self._resolution_watch, sure = self._resolution_watch.measured(self.commitment, now)
            resolution = self.card.resolution.saw(sure)
            if resolution is not self.card.resolution:
                self.card = replace(self.card, resolution=resolution)
        takes_a = at_most_a if line_a is None else line_a
        if takes_a is not None:
            # That a car may take more than it does costs others something, but starves nobody.
            self._appetite = self._appetite.took(takes_a, self.connector.minimum_a, now)

    def _transaction_started(self, transaction: TransactionStarted, now: float) -> None:
        """Take in the start of a session."""
        if (
            self.transaction is None
            or self.transaction.transaction_id != transaction.transaction_id
        ):
            self.session_priority = None
            if self.status is ConnectorStatus.FINISHING:
                # That was said of the last one, and some chargers never say anything else again.
                self.status = None
        self.transaction = transaction
        self.stop_reason = None
        self.energy = self.energy.began(
            transaction.transaction_id,
            transaction.meter_start_wh,
            transaction.started_at,
            self._most_w,
        )
        self._may_rise_since = now

    def _transaction_stopped(self, transaction: TransactionStopped) -> None:
        """Take in the end of a session; its energy stays to be seen until the next one."""
        open_one = self.transaction
        if open_one is None or open_one.transaction_id != transaction.transaction_id:
            return
        self.energy = self.energy.ended(
            transaction.meter_stop_wh, transaction.stopped_at, self._most_w
        )
        self.transaction = self.session_priority = None
        self.stop_reason = StopReason.of(transaction.reason)

    def refused(self, transaction_id: int) -> None:
        """The tag of a transaction may not charge: from now on it gets nothing."""
        if self.transaction is not None and self.transaction.transaction_id == transaction_id:
            self.transaction = replace(self.transaction, refused=True)

    def sending(self, limit_a: float, now: float, *, lapse: Lapse | None = None) -> None:
        """A limit is about to be written; `lapse` is when it ends by itself."""
        if limit_a > (self.commitment.aim_a(self.connector, now)):
            self._raised_at = now
            self._may_rise_since = now
        self.commitment = self.commitment.sent(limit_a, now, lapse)
        self.commanded_a = limit_a
        self.writes += 1

    def lines_for(self, limit_a: float) -> int:
        """Return how many lines the watts of a limit may be for, however the car takes them.

        Where the limit is the rating, the hardware keeps each of them to it.
        """
        wired = self.charger.phases
        return wired if limit_a >= self.connector.rating_a else min(self.lines_in_use.count, wired)

    def accepted(self, now: float) -> None:
        """The charger accepted the limit on its way."""
        self.commitment = self.commitment.accepted(now, self.connector)
        accepted_a = self.commitment.accepted_a
        if accepted_a is not None:
            self._appetite = self._appetite.offered(accepted_a, now)
        if self._may_rise_since is not None and self._raised_at == self._may_rise_since:
            self._raised_at = self._may_rise_since = now

    @property
    def phase_use(self) -> PhaseUse:
        """Which of its phases the car was seen to use."""
        return self._phase_use

    @property
    def known_lines(self) -> int | None:
        """How many lines the car is known to use; None as long as it may be all of them."""
        return len(self._phase_use.seen) if self._phase_use.is_learnt else None

    @property
    def lines_to_reckon_with(self) -> int:
        """How many lines may share a power: all that are wired until fewer are known."""
        wired = self.charger.phases
        return wired if self.known_lines is None else min(self.known_lines, wired)

    def ready(self) -> None:
        """The charger takes commands; what it has in force has to be set again."""
        self.commitment = self.commitment.connected(keeps_limit=self.connector.keeps_limit)

    def hold(self) -> None:
        """Leave it alone until it is let go; what limits it meanwhile is nobody's to say."""
        self.held = True
        self.commitment = self.commitment.unlimited()

    def overruled(self, foreign_a: float | None, now: float) -> None:
        """Profiles that are not balanz's may allow this much; None: there are none any more."""
        foreign_a = None if foreign_a is None else min(foreign_a, self.connector.rating_a)
        if foreign_a is not None and foreign_a > (self.commitment.foreign_a or 0.0):
            self._may_rise_since = now
        self.commitment = self.commitment.overruled(foreign_a, now)

    def limit_lost(self, now: float) -> None:
        """Its limit may be gone, so that it is booked at its rating until it is set again."""
        self._may_rise_since = now
        self.commitment = self.commitment.unlimited()

    def give_back(self) -> None:
        """Set no more limits: what is in force now, or will be, is nobody's to say."""
        self.balanced = False
        self.commanded_a = None
        self.commitment = self.commitment.unlimited()

    def take_back(self) -> None:
        """Set limits again; until the first one is accepted nothing is known."""
        self.balanced = True
        self.commitment = self.commitment.unlimited()

    def disconnected(self, *, linked: bool = False) -> None:
        """The link is gone, or another one is there, over which nothing was said yet."""
        self.commitment = self.commitment.disconnected(linked=linked)
        self._draw = None
        self._phase_use = PhaseUse()
        self.register = self.register.stopped()
        if self.values is not None:
            # Only the register still tells something; what flows is not known any more.
            self.values = MeterValues(
                currents_a=None,
                per_phase=False,
                power_w=None,
                energy_wh=self.values.energy_wh,
                offered_a=None,
                measured_at=self.values.measured_at,
            )

    # Views

    def ignores_limit_for(self, now: float) -> float:
        """Return for how long, in s, it has drawn more than it accepted; 0 where it obeys.

        A further cut gives it time to follow, yet only a current that obeys ends the count.
        """
        commitment = self.commitment
        reading, obeyed_a = commitment.reading, commitment.obeyed_a
        if (
            not commitment.online
            or reading is None
            or obeyed_a is None
            or reading.current_a <= obeyed_a + TOLERANCE_A
        ):
            self._ignored_since = None
        elif self._ignored_since is None and commitment.disobeys(now):
            self._ignored_since = now
        return 0.0 if self._ignored_since is None else now - self._ignored_since

    def booked_a(self, now: float) -> float:
        """Return the most that it may be drawing, A per line; worked out anew only if it is."""
        commitment, connector, last = self.commitment, self.connector, self._views.booked
        if (
            last is None
            or last[0] is not commitment
            or last[1] is not connector
            or not last[2] <= now < last[3]
        ):
            until = commitment.next_change(now)
            booked_a = commitment.booked_a(connector, now)
            last = (commitment, connector, now, inf if until is None else until, booked_a)
            self._views.booked = last
        return last[4]

    @property
    def plugged_in_and_allowed(self) -> bool:
        """Whether a car is here that may charge."""
        return self._may_charge(self.ceiling)

    def _may_charge(self, ceiling: Bound) -> bool:
        plugged = self.status in WANTING or (self.status is None and self.transaction is not None)
        allowed = self.enabled and not self.tag_refused
        return plugged and allowed and ceiling.limit_a >= self.connector.minimum_a

    @property
    def ceiling(self) -> Bound:
        """The lowest of its upper bounds."""
        if self._own_bound.limit_a != self.maximum_a:
            self._own_bound = Bound(name=BoundName.MAXIMUM, limit_a=self.maximum_a)
        return lowest((self._own_bound, *self.bounds)) if self.bounds else self._own_bound

    @property
    def tag_refused(self) -> bool:
        """Whether a transaction runs whose tag may not charge."""
        return self.transaction is not None and self.transaction.refused

    @property
    def priority(self) -> int | None:
        """What the session or its tag says instead of the charger; None if neither does."""
        if self.session_priority is not None:
            return self.session_priority
        return None if self.tag is None or self.tag_refused else self.tag.priority

    @property
    def session_energy_wh(self) -> float | None:
        """What the session has taken that runs, or was the last to run."""
        return self.energy.session_wh

    @property
    def session_started_at(self) -> datetime | None:
        """When that session began."""
        return self.energy.started_at

    @property
    def power_w(self) -> float | None:
        """What it draws: as the charger tells, or by its register where it tells nothing else."""
        values = self.values
        if values is None or values.power_w is not None:
            return None if values is None else values.power_w
        if values.currents_a is not None:
            return None
        return 0.0 if self.status is ConnectorStatus.AVAILABLE else self.register.power_w

    @property
    def _most_w(self) -> float:
        """What its rating lets flow."""
        return self.connector.rating_a * self.charger.phases * NOMINAL_VOLTAGE_V

    def as_input(self, line: Line, now: float) -> ConnectorInput:
        """Return what a control step needs to know, after the time that has passed."""
        views = self._views
        if (
            views.told is not None
            and views.version == self.version
            and views.line is line
            and views.since <= now < views.until
        ):
            return views.told
        lag_s = self.card.lag.lag_s
        if lag_s != self.commitment.lag_s:
            self.commitment = replace(self.commitment, lag_s=lag_s)
        self.commitment = self.commitment.settled(now)
        if self.status is ConnectorStatus.SUSPENDED_EV and self._draw is None:
            self._appetite = self._appetite.took(0.0, self.connector.minimum_a, now)
        draw = self._draw
        if draw is not None and now - draw.at > READING_MAX_AGE_S:
            draw = None
        ceiling = self.ceiling
        bound = ceiling.reason(datetime.now(UTC), now)
        parts = (
            line,
            self._may_charge(ceiling) and not self.ladder.pauses,
            self._idle_reason(ceiling, bound),
            ceiling.limit_a,
            bound,
            self.commitment,
            self._appetite,
            draw,
            self._may_rise_since,
            self._raised_at,
            self._waiting_since,
            self.writes,
            self._phase_use,
            self.need,
            BOOST_PRIORITY if self.boosted else self.priority,
        )
        told = views.told
        if told is None or views.parts != parts:
            views.parts, views.told = parts, (told := _input_of(parts))
        views.version, views.line = self.version, line
        views.since, views.until = now, self._same_until(ceiling, draw, now)
        return told

    def _same_until(self, ceiling: Bound, draw: Draw | None, now: float) -> float:
        """Return until when time alone changes nothing of what a control step needs to know."""
        falls_asleep = self.status is ConnectorStatus.SUSPENDED_EV and draw is None
        if falls_asleep or ceiling.until is not None or self.commitment.falling is not None:
            return now
        return inf if draw is None else draw.at + READING_MAX_AGE_S

    def _idle_reason(self, ceiling: Bound, bound: Reason) -> Reason:
        """Return why it gets nothing where it may not charge, or has nothing to."""
        if self.ladder.pauses:
            return _LIMIT_IGNORED
        if self.status in {ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE}:
            return _OUT_OF_SERVICE
        if not self.enabled:
            return _SWITCHED_OFF
        if ceiling.limit_a < self.connector.minimum_a:
            return bound
        return _TAG_REFUSED if self.tag_refused else _NO_CAR


def _input_of(parts: _InputParts) -> ConnectorInput:
    """Return what a control step needs to know; the same object is used while nothing is new."""
    return ConnectorInput(
        line=parts[0],
        wants=parts[1],
        idle_reason=parts[2],
        maximum_a=parts[3],
        maximum_reason=parts[4],
        commitment=parts[5],
        appetite=parts[6],
        draw=parts[7],
        may_rise_since=parts[8],
        raised_at=parts[9],
        waiting_since=parts[10],
        writes=parts[11],
        phase_use=parts[12],
        need=parts[13],
        priority=parts[14],
    )


def _merged(old: MeterValues | None, new: MeterValues) -> MeterValues:
    """Return the newest of everything: some chargers spread their values over messages."""
    if old is None:
        return new
    has_currents = new.currents_a is not None
    return MeterValues(
        currents_a=new.currents_a if has_currents else old.currents_a,
        per_phase=new.per_phase if has_currents else old.per_phase,
        power_w=_newer(old.power_w, new.power_w),
        energy_wh=_newer(old.energy_wh, new.energy_wh),
        offered_a=_newer(old.offered_a, new.offered_a),
        measured_at=new.measured_at,
        neutral_a=_newer(old.neutral_a, new.neutral_a),
        voltages_v=old.voltages_v if new.voltages_v == UNKNOWN_LINES else new.voltages_v,
        powers_w=old.powers_w if new.powers_w == UNKNOWN_LINES else new.powers_w,
        power_factor=_newer(old.power_factor, new.power_factor),
        frequency_hz=_newer(old.frequency_hz, new.frequency_hz),
        state_of_charge_pct=_newer(old.state_of_charge_pct, new.state_of_charge_pct),
        temperature_c=_newer(old.temperature_c, new.temperature_c),
    )


def _newer(old: float | None, new: float | None) -> float | None:
    return old if new is None else new


def _at_rest(values: MeterValues | None) -> MeterValues | None:
    """Return the last values of a connector that nothing is plugged into any more."""
    if values is None:
        return None
    currents_a = None if values.currents_a is None else tuple(0.0 for _ in values.currents_a)
    l1, l2, l3 = (None if power_w is None else 0.0 for power_w in values.powers_w)
    return values._replace(
        currents_a=currents_a,
        power_w=None if values.power_w is None else 0.0,
        neutral_a=None,
        powers_w=(l1, l2, l3),
        power_factor=None,
        state_of_charge_pct=None,
    )
