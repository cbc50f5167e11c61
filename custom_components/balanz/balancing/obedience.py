"""What to do next with a charger that has accepted a limit and does not keep it.

Each step is given time to work before the next, harder one, and none is skipped. From the pause on
they are taken only where something is at stake: a group's limit, or what the others would have if
the charger kept its own. Where it merely takes a little too much, and nobody has less for it,
nothing harder than a reminder is called for.
"""

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from .commitments import LAG_S, READING_MAX_AGE_S, TOLERANCE_A, Commitment
from .control import Result
from .model import Connector, Site

PATIENCE_S = 10.0
"""How much longer than its lag a charger is given to follow each step."""
REMINDED_COMES_DOWN_S = 60.0
"""How long one that was reminded has to obey before that is forgotten."""
COMES_DOWN_S = 600.0
"""The same for each harder step that ends by itself: a car is not to be switched on and off."""


class Rung(IntEnum):
    """The steps, the mildest first."""

    REMINDED = 1
    """Its limit is sent again."""
    PAUSED = 2
    """It is given 0 A."""
    STOPPED = 3
    """Its transaction is stopped."""
    OUT_OF_SERVICE = 4
    """Its connector is taken out of service."""
    SWITCHED_OFF = 5
    """The switch that the user has named cuts its power."""


LAST_TO_END_BY_ITSELF = Rung.STOPPED


class Conduct(StrEnum):
    """What the last reading says of how a charger keeps its limit."""

    OBEYS = "obeys"
    DISOBEYS = "disobeys"
    UNKNOWN = "unknown"
    """Nothing is measured, or it has yet to follow a cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What is seen of a connector at one moment. Times are monotonic seconds."""

    conduct: Conduct
    read_at: float
    """When the reading behind it arrived; 0 where there is none."""
    at_stake: bool
    """Whether others have less for it, or a group carries too much that only it can end."""
    highest: Rung = Rung.OUT_OF_SERVICE
    """The hardest step that can be taken."""
    lag_s: float = LAG_S
    """How long the charger may take to follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How far balanz has gone with one connector. Immutable; each sighting makes a new one."""

    rung: Rung | None = None
    """The hardest step in force; None while the charger obeys."""
    since: float = 0.0
    obeys_since: float | None = None
    """Since when it has been seen to obey without a break; None if it does not."""
    has_obeyed: bool = False
    """Whether it was seen to obey since the last step was taken."""

    @staticmethod
    def restored(rung: int | None, now: float) -> Ladder:
        """Return what an earlier run had come to; the charger is given its time anew."""
        return Ladder(rung=Rung(rung), since=now) if rung in tuple(Rung) else Ladder()

    @property
    def pauses(self) -> bool:
        """Whether the connector gets nothing for now."""
        return self.rung is not None and self.rung >= Rung.PAUSED

    def saw(self, seen: Sighting, now: float) -> Ladder:
        """Take in what is seen, and climb or come down by one step at the most."""
        match seen.conduct:
            case Conduct.DISOBEYS:
                return self._defied(seen, now)
            case Conduct.OBEYS:
                return self._obeyed(now)
            case Conduct.UNKNOWN:
                # Silence is no obedience: nothing comes back to a charger for saying nothing.
                return replace(self, obeys_since=None)

    def asked_back(self) -> Ladder:
        """Someone wants to charge there again: a plug-in, or the user.

        A charger that has not been seen to obey since is left where it is.
        """
        return Ladder() if self.pauses and self.has_obeyed else self

    def _defied(self, seen: Sighting, now: float) -> Ladder:
        stays = replace(self, obeys_since=None, has_obeyed=False)
        if self.rung is None:
            return Ladder(rung=Rung.REMINDED, since=now)
        if self.rung >= seen.highest or not seen.at_stake:
            return stays
        if seen.read_at < self.since + seen.lag_s + PATIENCE_S:
            return stays
        return Ladder(rung=Rung(self.rung + 1), since=now)

    def _obeyed(self, now: float) -> Ladder:
        if self.rung is None:
            return self
        obeys = replace(
            self,
            obeys_since=now if self.obeys_since is None else self.obeys_since,
            has_obeyed=True,
        )
        if self.obeys_since is None or self.rung > LAST_TO_END_BY_ITSELF:
            return obeys
        reminded = self.rung is Rung.REMINDED
        wait_s = REMINDED_COMES_DOWN_S if reminded else COMES_DOWN_S
        if now < self.obeys_since + wait_s:
            return obeys
        if reminded:
            return Ladder()
        return replace(obeys, rung=Rung(self.rung - 1), since=now, obeys_since=now)


def conduct(commitment: Commitment, now: float) -> Conduct:
    """Return how a connector keeps its limit (monotonic seconds)."""
    reading, obeyed_a = commitment.reading, commitment.obeyed_a
    if not commitment.online or obeyed_a is None or reading is None:
        return Conduct.UNKNOWN
    if commitment.disobeys(now):
        return Conduct.DISOBEYS
    fresh = now < reading.at + READING_MAX_AGE_S
    if fresh and reading.current_a <= obeyed_a + TOLERANCE_A:
        return Conduct.OBEYS
    return Conduct.UNKNOWN


def at_stake(site: Site, result: Result, connector: Connector) -> bool:
    """Return whether others have less for it, or a group on its way still carries too much.

    In a group whose supply is not known, that its chargers alone carry too much is enough.
    """
    if connector.key in result.in_the_way:
        return True
    phases = set(connector.phase_map.phases)
    for group_id in site.routes.paths[connector.group_id]:
        view = result.groups[group_id]
        if phases.intersection(view.overloaded_on):
            return True
        unseen = view.available is None and not site.groups[group_id].enforced
        if unseen and not view.within_limit:
            return True
    return False
