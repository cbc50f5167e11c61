"""A car at a charger: what it draws, given what it is offered."""

from dataclasses import dataclass, replace

from .profiles import NOMINAL_VOLTAGE_V

MINIMUM_OFFER_A = 6.0
"""The least that IEC 61851-1 lets a charger offer; less is no offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """What a car is like."""

    name: str = "car"
    phases: int = 3
    maximum_a: float = 16.0
    minimum_a: float = MINIMUM_OFFER_A
    draws_at_most_a: float | None = None
    """Takes no more than this although it could, such as for a setting in the car."""
    needed_wh: float = 30_000.0
    """What is missing to full when it is plugged in."""
    taper_wh: float = 1_500.0
    """From this much before full on, it draws less and less."""
    start_lag_s: float = 3.0
    """From an offer to the first current."""
    reaction_lag_s: float = 2.0
    """From a changed offer to the changed current; IEC 61851-1 allows 5 s."""
    asleep: tuple[tuple[float, float], ...] = ()
    """When it draws nothing, though not full: from and until, s after it was plugged in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferChange:
    """An offer that the car will follow from `due_s` on."""

    due_s: float
    offered_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CarState:
    """A car at one moment, plugged in."""

    plugged_s: float = 0.0
    """How long it has been plugged in."""
    offered_a: float = 0.0
    """The last offer seen, A per line."""
    followed_a: float = 0.0
    """The offer that it follows by now, A per line."""
    changes: tuple[OfferChange, ...] = ()
    current_a: float = 0.0
    """What it draws on each line that it uses."""
    lines: int = 0
    """How many lines carry that current."""
    delivered_wh: float = 0.0

    @property
    def power_w(self) -> float:
        """What it draws in all."""
        return self.current_a * self.lines * NOMINAL_VOLTAGE_V

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """What it draws on the charger's L1, L2 and L3."""
        one, two, three = (self.current_a if line < self.lines else 0.0 for line in range(3))
        return one, two, three


def advance(
    car: Car, state: CarState, *, seconds: float, offered_a: float, phases: int
) -> CarState:
    """Let time pass with the current as it was, then show the car the offer of now."""
    offered_a = offered_a if offered_a >= MINIMUM_OFFER_A else 0.0
    plugged_s = state.plugged_s + seconds
    changes = state.changes
    if offered_a != state.offered_a:
        starting = offered_a > 0 and state.followed_a == 0
        due_s = plugged_s + (car.start_lag_s if starting else car.reaction_lag_s)
        # An offer that is withdrawn before the car has come to follow it is never followed.
        pending = (change for change in changes if change.due_s < due_s)
        changes = (*pending, OfferChange(due_s=due_s, offered_a=offered_a))
    due = [change for change in changes if change.due_s <= plugged_s]
    after = replace(
        state,
        plugged_s=plugged_s,
        offered_a=offered_a,
        followed_a=due[-1].offered_a if due else state.followed_a,
        changes=tuple(change for change in changes if change.due_s > plugged_s),
        delivered_wh=min(car.needed_wh, state.delivered_wh + state.power_w * seconds / 3600),
    )
    current_a = wanted_a(car, after)
    return replace(
        after, current_a=current_a, lines=min(car.phases, phases) if current_a > 0 else 0
    )


def contactor_opened(state: CarState) -> CarState:
    """The charger has cut the car off; no current flows whatever the car thinks."""
    return replace(state, offered_a=0.0, followed_a=0.0, changes=(), current_a=0.0, lines=0)


def wanted_a(car: Car, state: CarState) -> float:
    """What the car draws per line from the offer that it follows."""
    if state.followed_a < car.minimum_a or is_full(car, state) or is_asleep(car, state):
        return 0.0
    current_a = min(state.followed_a, car.maximum_a)
    if car.draws_at_most_a is not None:
        current_a = min(current_a, car.draws_at_most_a)
    missing_wh = car.needed_wh - state.delivered_wh
    if missing_wh < car.taper_wh:
        current_a = min(current_a, max(car.minimum_a, car.maximum_a * missing_wh / car.taper_wh))
    return current_a


def is_full(car: Car, state: CarState) -> bool:
    """Whether the car has all that it needs."""
    return state.delivered_wh >= car.needed_wh


def is_asleep(car: Car, state: CarState) -> bool:
    """Whether the car sleeps now."""
    return any(begin <= state.plugged_s < end for begin, end in car.asleep)
