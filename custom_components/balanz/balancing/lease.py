"""Leases: limits that fall back by themselves unless they are renewed."""

from dataclasses import dataclass


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
