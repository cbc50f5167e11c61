"""What a step shows of each group: its loads, and whether its limit holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from .group import Group
from .headroom import Headroom
from .inputs import Line
from .model import ConnectorKey, Site
from .phases import EPSILON_A, Phase, PhaseCurrents
from .routes import Resource
from .standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group as the step saw it; currents in A per phase."""

    base_load: PhaseCurrents | None
    """None where its meter does not tell."""
    assumed: PhaseCurrents
    """What is reckoned with in any case."""
    available: PhaseCurrents | None
    booked: PhaseCurrents
    allocated: PhaseCurrents
    within_limit: bool
    overloaded_on: tuple[Phase, ...]
    """Where everything that can be cut is cut, and the limit still does not hold."""

    @property
    def overloaded(self) -> bool:
        """Whether that is so anywhere."""
        return bool(self.overloaded_on)


def group_views(
    site: Site,
    standings: Mapping[ConnectorKey, Standing],
    headroom: Headroom,
    limits_a: Mapping[ConnectorKey, float],
    booked: Sequence[float],
) -> dict[str, GroupView]:
    """Return each group's view.

    `limits_a` is what each connector is left with, A per line; `booked` is what is booked at each
    limit of the site.
    """
    allocated = headroom.loads(standings, limits_a.items())
    differs = any(one.defies or one.foreign_a for one in standings.values())
    ledger = _Ledger(
        site=site,
        headroom=headroom,
        booked=booked,
        allocated=allocated,
        # What is left once everything that was sent is answered, and obeyed where that may be
        # relied upon; what others' profiles allow is not obeyed.
        expected=allocated
        if not differs
        else headroom.loads(
            standings,
            (
                (key, max(one.booked_a if one.defies else limits_a[key], one.foreign_a))
                for key, one in standings.items()
            ),
        ),
        cuttable=cache(
            lambda: headroom.loads(
                standings,
                (
                    (key, limits_a[key])
                    for key, one in standings.items()
                    if one.known.line is not Line.OFFLINE and one.retry_at is None
                ),
            )
        ),
    )
    return {group.id: ledger.view(group) for group in site.groups.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ledger:
    """What chargers add up to at each limit of the site, A."""

    site: Site
    headroom: Headroom
    booked: Sequence[float]
    allocated: Sequence[float]
    expected: Sequence[float]
    cuttable: Callable[[], Sequence[float]]
    """What could still be cut, bookings that nobody can cut included."""

    def view(self, group: Group) -> GroupView:
        """Return the view of one group."""
        headroom = self.headroom
        told = not group.metered or (
            group.id not in headroom.blind and headroom.base_loads[group.id].latest is not None
        )
        return GroupView(
            base_load=headroom.assumed[group.id] if told else None,
            assumed=headroom.assumed[group.id],
            available=headroom.available[group.id] if told else None,
            booked=self._of_phases(group, self.booked),
            allocated=self._of_phases(group, self.allocated),
            within_limit=not self._over(group, self.booked),
            # What flows through a circuit that its own hardware protects is no overload of it.
            overloaded_on=self._overloaded_on(group) if told and not group.enforced else (),
        )

    def _overloaded_on(self, group: Group) -> tuple[Phase, ...]:
        over = {
            number
            for number in self._over(group, self.expected)
            if self.cuttable()[number] <= self.headroom.booked[number] + EPSILON_A
        }
        numbers = self._numbers(group)
        on = tuple(phase for phase, number in numbers if number in over)
        # What is too much for all phases together may be taken off any of them.
        return tuple(phase for phase, _ in numbers) if over and not on else on

    def _of_phases(self, group: Group, loads: Sequence[float]) -> PhaseCurrents:
        currents = {phase: loads[number] for phase, number in self._numbers(group)}
        return PhaseCurrents(
            l1=currents.get(Phase.L1, 0.0),
            l2=currents.get(Phase.L2, 0.0),
            l3=currents.get(Phase.L3, 0.0),
        )

    def _over(self, group: Group, loads: Sequence[float]) -> list[int]:
        """Return the limits of a group that carry more than they should, margins aside."""
        routes, margin_a = self.site.routes, group.margin_a if group.metered else 0.0
        over = [
            number
            for _, number in self._numbers(group)
            if loads[number] > self.headroom.limits[number] + margin_a + EPSILON_A
        ]
        power = routes.numbers.get(Resource(group.id, None))
        if power is not None:
            most_a = self.headroom.limits[power] + margin_a * len(group.phases)
            if loads[power] > most_a + EPSILON_A:
                over.append(power)
        return over

    def _numbers(self, group: Group) -> tuple[tuple[Phase, int], ...]:
        return self.site.routes.numbers_of[group.id]
