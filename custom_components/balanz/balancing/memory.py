"""What the step before has worked out of connectors, since of most of them nothing is new."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .claims import Claim, Share, Target
from .model import ConnectorKey, Site
from .reasons import Reason
from .standing import Standing
from .supply import DrawInterval


class _Known[Value](NamedTuple):
    """What follows from where a connector stands, and while it does (monotonic seconds)."""

    standing: Standing
    at: float | None
    since: float
    until: float
    value: Value


class Recall[Value]:
    """Remembers what follows from where each connector stands, for as long as it does."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._known: dict[ConnectorKey, _Known[Value]] = {}

    def of(
        self,
        standing: Standing,
        now: float,
        work_out: Callable[[Standing, float], tuple[Value, float]],
        at: float | None = None,
    ) -> Value:
        """Return what follows from where a connector stands now (monotonic seconds).

        `work_out` returns it, and until when it holds should the connector go on standing there;
        `at` is another time that it is told for.
        """
        known = self._known.get(standing.key)
        if (
            known is not None
            and known.standing is standing
            and known.at == at
            and known.since <= now < known.until
        ):
            return known.value
        value, until = work_out(standing, now)
        self._known[standing.key] = _Known(standing, at, now, until, value)
        return value


class Sharing(NamedTuple):
    """What was shared among whom; their order made no difference to it."""

    claims: Sequence[Claim]
    room: Sequence[float]
    shares: Mapping[ConnectorKey, Share]


class Grounds(NamedTuple):
    """What decides on a connector's target, besides where it stands."""

    share: Share | None
    due_at: float | None
    restraint: Reason | None
    blind: frozenset[str]


class Aim(NamedTuple):
    """What a connector should have, and all that this follows from."""

    standing: Standing
    grounds: Grounds
    target: Target


class Recollection:
    """All that is remembered of the connectors of one site."""

    def __init__(self, site: Site | None = None) -> None:
        """Remember nothing yet."""
        self.site = site
        self.standings: Mapping[ConnectorKey, Standing] = {}
        self.draws: Recall[DrawInterval] = Recall()
        """What they may be drawing."""
        self.past_draws: Recall[DrawInterval] = Recall()
        """What they may have drawn when a meter told last."""
        self.claims: Recall[tuple[Claim, float | None]] = Recall()
        """What they ask for whoever's turn it is, and when time alone changes that."""
        self.sharing: Sharing | None = None
        """What was shared last."""
        self.aims: Mapping[ConnectorKey, Aim] = {}
        """What they should have."""


class StepMemory:
    """Remembers what steps have worked out. It changes how long a step takes, nothing else of it.

    The next step may begin while one that nobody waits for any more still goes on in another
    thread. So no piece that is remembered ever changes, and each tells what it holds for.
    """

    def __init__(self) -> None:
        """Remember nothing."""
        self._recollection = Recollection()

    def of(self, site: Site) -> Recollection:
        """Return what is remembered of a site; nothing if it is another one than before."""
        recollection = self._recollection
        if recollection.site is not site:
            recollection = self._recollection = Recollection(site)
        return recollection
