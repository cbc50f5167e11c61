"""Watching a simulated site for overloads, and telling which of them could have been prevented."""

from dataclasses import dataclass, field

from .house import Amperes

CHAIN_S = 20.0
"""How long a rise of the house's load, or a cut of a capacity, may take to be followed: a second
for the meter, one for OCPP, up to 5 s in the charger and 5 s in the car (IEC 61851-1), and as much
again for a car that had just been raised."""
BREACH_S = 60.0
"""The same where a charger does not do as it should: 10 s to its next reading, 15 s before it
counts as disobedient, and what the others need to follow."""
TOLERANCE_A = 0.5
RISE_A = 0.5
"""A change of the house's load below this is noise."""


@dataclass(slots=True, kw_only=True)
class Circuit:
    """A fuse that is watched, and what has been seen of it."""

    name: str
    limit_a: float
    overload_s: float = 0.0
    """Seconds above the limit, whatever the cause."""
    preventable_s: float = 0.0
    """Of these, the seconds that balanz had time to prevent."""
    worst_a: float = 0.0
    """The largest current seen on any phase."""
    excused_until_s: float = 0.0
    last_base_a: Amperes | None = field(default=None)

    def set_limit(self, limit_a: float, now_s: float) -> None:
        """Take over a changed limit; a lower one takes its time to be followed."""
        if limit_a < self.limit_a:
            self.excused_until_s = now_s + CHAIN_S
        self.limit_a = limit_a

    def breached(self, now_s: float) -> None:
        """Take in that something broke; the others take their time to make room for it."""
        self.excused_until_s = now_s + BREACH_S

    def observe(self, base_a: Amperes, chargers_a: Amperes, now_s: float, for_s: float) -> None:
        """Take in what flows now, and has for `for_s` seconds; base and chargers apart."""
        before = self.last_base_a or base_a
        if any(now - then > RISE_A for now, then in zip(base_a, before, strict=True)):
            self.excused_until_s = now_s + CHAIN_S
        self.last_base_a = base_a
        total_a = [base + charger for base, charger in zip(base_a, chargers_a, strict=True)]
        self.worst_a = max(self.worst_a, *total_a)
        above = [
            charger
            for total, charger in zip(total_a, chargers_a, strict=True)
            if total > self.limit_a + TOLERANCE_A
        ]
        if not above:
            return
        self.overload_s += for_s
        # Where no charger draws, the house alone is too much, and nothing could be cut.
        if any(charger > TOLERANCE_A for charger in above) and now_s > self.excused_until_s:
            self.preventable_s += for_s

    def verdict(self) -> str:
        """Tell in a sentence whether balanz has kept the fuse so far."""
        held = "has held" if not self.preventable_s else "could have been spared"
        return f"{self.name} {held}: {self.overload_s:.0f} s above {self.limit_a:g} A so far."

    def summary(self) -> str:
        """Return one line for people."""
        return (
            f"{self.name}: {self.overload_s:.0f} s above its limit of {self.limit_a:g} A, "
            f"{self.preventable_s:.0f} s of them preventable; at most {self.worst_a:.1f} A"
        )
