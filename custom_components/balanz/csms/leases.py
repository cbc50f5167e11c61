"""The ways in which a limit can be told to end by itself (OCPP 1.6, sections 3.13 and 5.16).

Whoever ignores one of them may know another. None leaves a charger without a profile.
"""

from dataclasses import dataclass
from enum import StrEnum

from .capabilities import Capabilities, RateUnit
from .profile_forms import Kind, ProfileForm, Purpose


class LeaseMechanism(StrEnum):
    """What brings the fallback, in the order in which it is to be tried."""

    TAIL = "tail"
    """A second period of the same profile."""
    STACK = "stack"
    """Another profile at stack level 0, without an end; the one with the limit ends above it."""
    TRANSACTION = "transaction"
    """The default, without an end; one of the transaction that runs ends above it.

    Only for as long as a transaction runs, so that it cannot be tried without a car.
    """


def possible_leases(form: ProfileForm, capabilities: Capabilities) -> tuple[LeaseMechanism, ...]:
    """Return what a charger could do by its own words, given the form that it takes."""
    found: list[LeaseMechanism] = []
    if form.kind is not Kind.ABSOLUTE:
        return ()
    if (capabilities.max_periods or 1) >= 2:
        found.append(LeaseMechanism.TAIL)
    needed = 2 * (capabilities.connectors or 1)
    has_room = capabilities.max_profiles is None or capabilities.max_profiles >= needed
    if form.purpose is Purpose.TX_DEFAULT and form.stack_level >= 1 and has_room:
        found.append(LeaseMechanism.STACK)
    if form.purpose is not Purpose.CHARGE_POINT_MAX and not form.whole_charger and has_room:
        found.append(LeaseMechanism.TRANSACTION)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What lies beneath limits that end above it."""

    form: ProfileForm
    """That of the limits."""
    current_a: float
    phases: int
    unit: RateUnit
    lease: LeaseMechanism
    """In which way they end."""


class Leases:
    """How the limits of one charger are told to end, and what is known to lie beneath them."""

    def __init__(self) -> None:
        """Use what needs nothing beneath it."""
        self.mechanism = LeaseMechanism.TAIL
        self._laid: dict[int, Fallback] = {}
        self._refused: set[Fallback] = set()

    def forget(self) -> None:
        """Learn that it is not known any more what the charger has kept."""
        self._laid.clear()
        self._refused.clear()

    def usable(self, connector: int, fallback: Fallback) -> LeaseMechanism | None:
        """Return how a limit with this fallback may be told to end; None where it must not."""
        if self.mechanism is LeaseMechanism.TAIL or self._laid.get(connector) == fallback:
            return self.mechanism
        return None

    def lacks(self, connector: int, fallback: Fallback) -> bool:
        """Return whether a fallback has to be set first, and may be taken."""
        return self.usable(connector, fallback) is None and fallback not in self._refused

    def has_laid(self, connector: int) -> bool:
        """Return whether a fallback is known to lie there."""
        return connector in self._laid

    def unknown(self, connector: int) -> None:
        """Learn that it is not known what lies beneath, or that nothing does any more."""
        self._laid.pop(connector, None)

    def laid(self, connector: int, fallback: Fallback) -> None:
        """Learn that a fallback was accepted."""
        self._laid[connector] = fallback

    def refused(self, fallback: Fallback) -> None:
        """Learn that a fallback was refused."""
        self._refused.add(fallback)
