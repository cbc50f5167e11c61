"""The sites of the benchmark: how many chargers, in which groups, behind which fuse."""

from dataclasses import dataclass
from math import isfinite

from .errors import InputError

HOUR_S = 3600
NOON_S = 12 * HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A site without its people."""

    name: str
    main_a: float
    chargers: int
    group_count: int
    """Sub-groups with the same number of chargers each; 0: all hang in the main group."""
    group_a: float
    houses: int
    begins_s: int
    """When its day begins, s after midnight."""
    length_s: int
    charger_rating_a: float = 32.0

    def group_of(self, charger: int) -> int | None:
        """Return the number of the sub-group that a charger hangs in; None for the main group."""
        if not self.group_count:
            return None
        return charger * self.group_count // self.chargers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    chargers: int
    group_count: int
    group_share: float
    houses: int
    begins_s: int
    length_s: int


_KINDS = {
    "home": _Kind(
        chargers=2,
        group_count=0,
        group_share=1.0,
        houses=1,
        begins_s=NOON_S,
        length_s=24 * HOUR_S,
    ),
    "garage": _Kind(
        chargers=30,
        group_count=3,
        group_share=0.6,
        houses=4,
        begins_s=NOON_S,
        length_s=24 * HOUR_S,
    ),
    "work": _Kind(
        chargers=48,
        group_count=4,
        group_share=0.5,
        houses=4,
        begins_s=4 * HOUR_S,
        length_s=20 * HOUR_S,
    ),
}


def parse_layout(text: str) -> Layout:
    """Return the site that a text such as `garage:63` means. Raises InputError."""
    kind_name, separator, ampere_text = text.partition(":")
    kind = _KINDS.get(kind_name)
    if kind is None or not separator:
        known = ", ".join(f"{name}:AMPERES" for name in _KINDS)
        raise InputError(f"no such site: {text!r} (known: {known})")
    try:
        main_a = float(ampere_text)
    except ValueError:
        raise InputError(f"site {text!r}: {ampere_text!r} is no current") from None
    if not isfinite(main_a) or not 0 < main_a <= 10_000:
        raise InputError(f"site {text!r}: no main fuse has {ampere_text} A")
    return Layout(
        name=f"{kind_name}:{main_a:g}",
        main_a=main_a,
        chargers=kind.chargers,
        group_count=kind.group_count,
        group_a=main_a * kind.group_share,
        houses=kind.houses,
        begins_s=kind.begins_s,
        length_s=kind.length_s,
    )
