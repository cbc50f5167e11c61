"""The worst-case ledger: the most that each connector may be drawing, whatever went wrong.

A limit that was accepted, one that is on its way, one whose answer never came and one that the
car has yet to follow can all be in force. A commitment keeps them apart and books the largest.
"""

from dataclasses import dataclass, field, replace
from math import inf

from .lease import Lapse, latest
from .model import Connector

TOLERANCE_A = 1.0
"""A current this much above a limit still counts as obeying it: neither meters nor cars are
exact. One still higher is booked as it was measured."""
LAG_S = 15.0
"""How long a charger and its car may take to follow a cut: a charger may hold its signal for
5 s, a car has 5 s to follow (IEC 61851-1), and slow chargers need some seconds to begin. What was
learnt of a charger takes its place."""
READING_MAX_AGE_S = 45.0
"""A charger whose last reading is older does not count as metering."""
OFFLINE_AFTER_S = 900.0
"""How long a charger that limits itself without its link may take to notice that it is gone: it may
wait for the answer to some heartbeat, or try to connect again first."""
MOST_CEILINGS = 6
"""How many limits that were cut further in a short time are remembered."""
REMIND_AT_LEAST_EVERY_S = 300.0
"""How seldom a charger that does not obey its limit is given it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A limit on its way, not answered yet."""

    limit_a: float
    sent_at: float
    lapse: Lapse | None = None
    """When it ends by itself, should it come into force; None if it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Falling:
    """A cut that was accepted and that the car has not been seen to follow."""

    from_a: float
    since: float
    drew_a: float | None
    """The last reading before; None where there was none."""
    defied: bool = False
    """Whether it did not keep the limit before either, so that nobody may rely on this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """A limit that nothing has lifted since it was accepted."""

    limit_a: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The largest of a connector's line currents, and when it was received."""

    current_a: float
    at: float
    vacant: bool = False
    """Whether it is 0 because nothing is plugged in, so that the meter may tell no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """All limits that could be in force at one connector. Immutable; each event makes a new one.

    Times are monotonic seconds, currents A per line.
    """

    online: bool = False
    accepted_a: float | None = None
    """The last accepted limit; None: none is known to be in force."""
    accepted_at: float | None = None
    ceilings: tuple[Ceiling, ...] = ()
    """Accepted limits that have not been raised since, the newest and lowest last."""
    lapse: Lapse | None = None
    """When all that was accepted or may have come into force ends by itself; None if not all."""
    pending: Pending | None = None
    uncertain_a: float | None = None
    """The largest limit whose write was never answered, or that an earlier run left behind."""
    falling: Falling | None = None
    reading: Reading | None = None
    foreign_a: float | None = None
    """The largest limit of profiles that are not balanz's and may rule in place of its own."""
    refusals: int = 0
    """Writes refused in a row."""
    failed_at: float | None = None
    """When a write last failed; None once one was accepted."""
    failed_a: float | None = None
    """The limit of that write."""
    lag_s: float = LAG_S
    """How long the charger and its car may take to follow a cut."""
    offline_since: float | None = None
    """Since when it is known to have no link; None while it has one, and at first."""
    linked: bool = False
    """Whether it has a link again over which it has said nothing: it is neither alone nor told."""
    exceeds: bool = field(init=False, repr=False, compare=False)
    """Whether it was last seen, however long ago, to draw more than it should by then."""
    defies: bool = field(init=False, repr=False, compare=False)
    """Whether it was seen to draw more than it should, and not to keep a limit since.

    A further cut gives it time to follow, but is nothing that others may rely on.
    """

    def __post_init__(self) -> None:
        """Work out what each step asks many times."""
        since = self.accepted_at if self.falling is None else self.falling.since
        obeyed_a = self.obeyed_a
        exceeds = (
            self.reading is not None
            and obeyed_a is not None
            and since is not None
            and self.reading.current_a > obeyed_a + TOLERANCE_A
            and self.reading.at >= since + self.lag_s
        )
        object.__setattr__(self, "exceeds", exceeds)
        defies = exceeds or (self.falling is not None and self.falling.defied)
        object.__setattr__(self, "defies", defies)

    # What happens to it

    def connected(self, *, keeps_limit: bool) -> Commitment:
        """The link is back. Only a charger that keeps its limit still has an old one in force."""
        if not keeps_limit:
            return Commitment(online=True, foreign_a=self.foreign_a, lag_s=self.lag_s)
        return Commitment(
            online=True,
            foreign_a=self.foreign_a,
            lag_s=self.lag_s,
            uncertain_a=self.largest_possible_a(),
            # One that did not obey its limit does not obey its lapse.
            lapse=None if self.defies else self._unanswered().lapse,
        )

    def overruled(self, foreign_a: float | None, now: float) -> Commitment:
        """Profiles of others may allow this much from now on; None: there are none any more."""
        was_a = self.foreign_a
        updated = replace(self, foreign_a=foreign_a)
        rules_a = updated.obeyed_a
        if was_a is None or rules_a is None or rules_a >= was_a:
            return updated
        # What ends is a limit like others: the car has to be seen to follow.
        reading = self._fresh_reading(now)
        falling = Falling(
            from_a=was_a if self.falling is None else max(was_a, self.falling.from_a),
            since=now,
            drew_a=None if reading is None else reading.current_a,
        )
        return replace(updated, falling=falling)

    def unlimited(self) -> Commitment:
        """Its limit may be gone, with nothing known of when: it has to be set again."""
        return Commitment(online=self.online, foreign_a=self.foreign_a, lag_s=self.lag_s)

    def without_lapse(self) -> Commitment:
        """Nothing proves any more that what was set, or is on its way, ends by itself."""
        pending = None if self.pending is None else replace(self.pending, lapse=None)
        return replace(self, lapse=None, pending=pending)

    def disconnected(self, *, linked: bool = False) -> Commitment:
        """The link is gone, or another one is there: the answer to what is on its way won't come.

        `linked` tells which. With a link again, a charger no longer does what it does alone.
        """
        # One that did not obey cannot be seen any more, and does not obey for that.
        return replace(
            self._unanswered(),
            online=False,
            linked=linked,
            offline_since=None if linked else self.offline_since,
            reading=self.reading if self.defies else None,
            failed_at=None,
            failed_a=None,
        )

    def sent(self, limit_a: float, now: float, lapse: Lapse | None = None) -> Commitment:
        """A limit is about to be written to the wire; `lapse` is when it ends by itself."""
        pending = Pending(limit_a=limit_a, sent_at=now, lapse=lapse)
        return replace(self._unanswered(), pending=pending)

    def not_sent(self, now: float) -> Commitment:
        """The pending limit provably never left."""
        return replace(self, pending=None, failed_at=now, failed_a=self._pending_a)

    def accepted(self, now: float, before: Connector) -> Commitment:
        """The charger accepted the pending limit; `before` tells what bounded it until now."""
        if self.pending is None:
            return self
        limit_a = self.pending.limit_a
        # What others allow is booked for as long as they do, and not for as long as a cut takes.
        was_a = replace(self, foreign_a=None).booked_a(before, now)
        falling = self.falling
        if was_a > limit_a:
            falling = Falling(
                from_a=was_a,
                since=self._fall_began(limit_a, now),
                drew_a=self._drew_before(limit_a, now),
                defied=self.defies,
            )
        elif falling is not None and falling.from_a <= limit_a:
            falling = None
        return replace(
            self,
            accepted_a=limit_a,
            accepted_at=now,
            ceilings=self._ceilings_with(limit_a, now),
            lapse=self.pending.lapse,
            pending=None,
            uncertain_a=None,
            falling=falling,
            refusals=0,
            failed_at=None,
            failed_a=None,
        )

    def rejected(self, now: float) -> Commitment:
        """The charger refused the pending limit: the old one stays."""
        refusals = self.refusals + 1
        return replace(
            self, pending=None, refusals=refusals, failed_at=now, failed_a=self._pending_a
        )

    def timed_out(self, now: float) -> Commitment:
        """No answer came: the old and the pending limit may both be in force."""
        return replace(self._unanswered(), failed_at=now, failed_a=self._pending_a)

    def vacated(self, now: float) -> Commitment:
        """Nothing is plugged in any more: nothing flows, and many meters tell no more of it."""
        vacated = self.measured(0.0, now)
        return replace(vacated, reading=Reading(current_a=0.0, at=now, vacant=True))

    def measured(self, current_a: float, now: float) -> Commitment:
        """A reading of the connector's largest line current arrived."""
        updated = replace(self, reading=Reading(current_a=current_a, at=now))
        falling = self.falling
        if falling is None or self.accepted_a is None:
            return updated
        obeys = current_a <= (self.obeyed_a or 0.0) + TOLERANCE_A
        seen_to_fall = falling.drew_a is not None and falling.drew_a > self.accepted_a + TOLERANCE_A
        if obeys and (seen_to_fall or now >= falling.since + self.lag_s):
            return replace(updated, falling=None)
        return updated

    def settled(self, now: float) -> Commitment:
        """Time has passed: a cut that no meter can confirm counts as followed after the lag."""
        if not (self.online or self.linked) and self.offline_since is None:
            return replace(self, offline_since=now).settled(now)
        if self.falling is None or now < self.falling.since + self.lag_s:
            return self
        reading = self._fresh_reading(now)
        unseen = not self.defies if reading is None else reading.vacant
        return replace(self, falling=None) if unseen else self

    # What it amounts to

    def booked_a(self, connector: Connector, now: float) -> float:
        """Return the most that the connector may be drawing now, A per line."""
        # One that was last seen to draw too much does not draw less for having fallen silent.
        reading = self.reading if self.defies else self._fresh_reading(now)
        booked_a = self._allowed_a(connector, now)
        if reading is not None and reading.current_a > booked_a + TOLERANCE_A:
            return reading.current_a
        return booked_a

    def measured_a(self, now: float) -> float:
        """Return what it was last seen to draw, A per line; 0 where nothing tells."""
        reading = self.reading if self.defies else self._fresh_reading(now)
        return 0.0 if reading is None else reading.current_a

    def aim_a(self, connector: Connector, now: float) -> float:
        """Return what the connector may draw once all that was sent is answered and obeyed."""
        if self.online and self.pending is not None:
            return self.pending.limit_a
        if self.online and self.accepted_a is not None and self.uncertain_a is None:
            if self.lapse is not None and self._has_lapsed(connector, now):
                # Others may have what it gave up, so that it comes back to its limit by a raise.
                return min(self.accepted_a, self.lapse.to_a)
            return self.accepted_a
        return self.booked_a(connector, now)

    def followed_a(self, now: float, within_s: float) -> float | None:
        """Return the lowest limit that had this long to be obeyed; None before or in doubt.

        A further cut does not lift the one before: what that allowed still bounds the current.
        """
        if self.accepted_a is None or self.defies or self.uncertain_a is not None:
            return None
        if self.foreign_a is not None:
            return None
        if self.pending is not None and self.pending.limit_a > self.accepted_a:
            return None
        obeyed = (it.limit_a for it in self.ceilings if now >= it.since + within_s)
        return min(obeyed, default=None)

    def follows_at(self, now: float, within_s: float) -> float:
        """Return when time alone makes another limit the one that is followed; inf if never."""
        return min((at for it in self.ceilings if (at := it.since + within_s) > now), default=inf)

    def disobeys(self, now: float) -> bool:
        """Return whether it draws more than it accepted, longer than its lag explains."""
        return self.exceeds and self._fresh_reading(now) is not None

    @property
    def obeyed_a(self) -> float | None:
        """The largest limit that it may be obeying: its own, or one of others; None if unknown."""
        if self.accepted_a is None:
            return None
        return max(self.accepted_a, self.foreign_a or 0.0)

    @property
    def remind_at(self) -> float | None:
        """Return when one that does not obey is to be told again; None where it obeys.

        The longer it has not, the less often: it may have lost its limit, or never obey at all.
        """
        if not self.exceeds or self.accepted_at is None:
            return None
        since = self.accepted_at if self.falling is None else self.falling.since
        return self.accepted_at + min(
            max(self.accepted_at - since, self.lag_s), REMIND_AT_LEAST_EVERY_S
        )

    @property
    def in_doubt(self) -> bool:
        """Whether it is not known which limit is in force, and nothing is on its way."""
        return self.pending is None and (self.accepted_a is None or self.uncertain_a is not None)

    def next_change(self, now: float) -> float | None:
        """Return when time alone may change what is booked; None if it does not."""
        times: list[float] = []
        if self.falling is not None:
            times.append(self.falling.since + self.lag_s)
        if self.reading is not None:
            times.append(self.reading.at + READING_MAX_AGE_S)
        if self.lapse is not None:
            times.append(self.lapse.at)
        if self.offline_since is not None:
            times.append(self.offline_since + OFFLINE_AFTER_S)
        return min((time for time in times if time > now), default=None)

    def largest_possible_a(self) -> float | None:
        """Return the largest limit that could be in force; None where nothing is known."""
        return max(self._possible()) if self._known else None

    # Details

    def _allowed_a(self, connector: Connector, now: float) -> float:
        set_a = self._set_a(connector, now)
        if connector.offline_a is None or self.online or self.defies:
            return set_a
        if self.offline_since is not None and now >= self.offline_since + OFFLINE_AFTER_S:
            return min(connector.offline_a, connector.rating_a)
        # Whether it has noticed that its link is gone, nobody knows.
        return max(set_a, connector.offline_a)

    def _set_a(self, connector: Connector, now: float) -> float:
        """Return the most that what was set allows, or may allow."""
        trusted = connector.keeps_limit or (self.online and self.accepted_a is not None)
        if not self._known or not trusted:
            return connector.rating_a
        allowed_a = max(self._possible())
        if self.lapse is not None and self._has_lapsed(connector, now):
            return min(allowed_a, max(self.lapse.to_a, self.foreign_a or 0.0))
        return allowed_a

    def _has_lapsed(self, connector: Connector, now: float) -> bool:
        """Whether what was set has surely ended by itself."""
        # One that keeps no limit may have started anew without any, and so without a lapse.
        proven = connector.keeps_limit and connector.lapses and not self.defies
        ended = self.lapse is not None and self.lapse.has_come(now)
        return proven and self.pending is None and ended

    @property
    def _known(self) -> bool:
        """Whether anything bounds it; a limit that is on its way does not yet."""
        return self.accepted_a is not None or self.uncertain_a is not None

    @property
    def limits_a(self) -> list[float]:
        """The limits that were set and of which each may be the one in force."""
        candidates = (self.accepted_a, self.uncertain_a, self._pending_a)
        return [limit_a for limit_a in candidates if limit_a is not None]

    def _possible(self) -> list[float]:
        candidates = (
            *self.limits_a,
            self.foreign_a,
            self.falling.from_a if self.falling is not None else None,
            self.reading.current_a if self.reading is not None and self.defies else None,
        )
        return [limit_a for limit_a in candidates if limit_a is not None]

    @property
    def _pending_a(self) -> float | None:
        return None if self.pending is None else self.pending.limit_a

    def _unanswered(self) -> Commitment:
        if self.pending is None or not self._known:
            return replace(self, pending=None)
        return replace(
            self,
            pending=None,
            uncertain_a=max(self.pending.limit_a, self.uncertain_a or 0.0),
            lapse=latest(self.lapse, self.pending.lapse),
        )

    def _fresh_reading(self, now: float) -> Reading | None:
        if self.reading is None or now >= self.reading.at + READING_MAX_AGE_S:
            return None
        return self.reading

    def _ceilings_with(self, limit_a: float, now: float) -> tuple[Ceiling, ...]:
        if self.accepted_a is None or self.uncertain_a is not None:
            return (Ceiling(limit_a=limit_a, since=now),)
        kept = tuple(it for it in self.ceilings if it.limit_a >= limit_a)
        if kept and kept[-1].limit_a == limit_a:
            return kept
        return (*kept[1 - MOST_CEILINGS :], Ceiling(limit_a=limit_a, since=now))

    def _fall_began(self, limit_a: float, now: float) -> float:
        """Return since when the charger has known that it must not exceed the new limit."""
        lower = self.accepted_a is None or limit_a < self.accepted_a
        if lower or self.uncertain_a is not None:
            return now
        if self.falling is not None:
            return self.falling.since
        return self.accepted_at if self.exceeds and self.accepted_at is not None else now

    def _drew_before(self, limit_a: float, now: float) -> float | None:
        """Return the reading that a fall can be told from, None where it would prove nothing.

        A later fall may be that of an earlier cut, with a raise in between yet to be followed.
        """
        if self.falling is not None:
            further = self.accepted_a is not None and limit_a <= self.accepted_a
            return self.falling.drew_a if further and self.uncertain_a is None else None
        reading = self._fresh_reading(now)
        if reading is None or self.uncertain_a is not None:
            return None
        if self.accepted_at is not None and reading.at <= self.accepted_at:
            return None
        return reading.current_a
