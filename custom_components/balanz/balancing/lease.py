"""Leases: limits that fall back by themselves unless they are renewed."""

from dataclasses import dataclass

LEASE_S = 900.0
SHORT_LEASE_S = 90.0
"""For chargers that keep their limits in memory that does not wear, or may wear it."""
LEASES_WITHIN = 1.45
"""Times its rating is the most that a fuse may come to carry should leases run on with nobody there
while the house takes what it is known to: a miniature circuit breaker carries it for up to an hour
(IEC 60898-1), and leases last a quarter of one."""
RENEWED_AT = 1 / 3
"""Of the lease. Two tries more are left then, and minutes for each: at two thirds a single answer
that fails to come would leave one, and a lease that lapses throws a car that charges down to its
fallback. Each renewal is a write to flash memory; an hour of charging costs twelve."""
RENEWED_AT_LATEST = 2 / 3
"""The same where writes are scarce."""
RENEWED_BEFORE_S = 60.0
"""How long before its end a lease is renewed that nobody would miss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """When a limit ends by itself, and what is left of it then."""

    at: float
    """From when on it has surely been followed (monotonic seconds)."""
    to_a: float
    """What the charger falls back to, A per line."""

    def has_come(self, now: float) -> bool:
        """Return whether the limit is over."""
        return now >= self.at


def latest(one: Lapse | None, other: Lapse | None) -> Lapse | None:
    """Return when both of two limits have lapsed, whichever is in force; None if not both do."""
    if one is None or other is None:
        return None
    return Lapse(at=max(one.at, other.at), to_a=max(one.to_a, other.to_a))


def stays_s(lease_s: float) -> float:
    """Return how long a limit stays where a change matters little: then it is written anyway."""
    return lease_s * RENEWED_AT


def renewed_after_s(lease_s: float, *, missed: bool, scarcity: float) -> float:
    """Return how long after it was accepted a limit is to be told again, s.

    `missed` tells whether a lapse would take current away from a car; `scarcity` is 1 while there
    are enough writes left, and more the fewer there are.
    """
    latest_s = lease_s * RENEWED_AT_LATEST
    if not missed:
        return max(lease_s - RENEWED_BEFORE_S, latest_s)
    return min(lease_s * RENEWED_AT * scarcity, latest_s)
