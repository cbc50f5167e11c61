"""The controllers that a day can be given to, by the names of their rows."""

from collections.abc import Callable

from custom_components.balanz.balancing.policies import Policy

from .balanz import Balanz
from .controllers import Controller
from .days import SiteDay
from .errors import InputError
from .simple import EqualShare, Uncontrolled
from .upstream_like import UpstreamLike

IDEAL = "ideal"
HELD_IDEAL = "held_ideal"
"""The ideal with the margin and the calm of the real controller."""
OPTIMUM = "optimum"
REAL = tuple(policy.value for policy in Policy)
"""The rows of the real controller."""
DEFAULT = (
    "uncontrolled",
    "equal_share",
    "upstream_like",
    Policy.FIRST_COME.value,
    Policy.FAIR.value,
    Policy.NEED.value,
    HELD_IDEAL,
    IDEAL,
    OPTIMUM,
)

_MAKERS: dict[str, Callable[[SiteDay, float], Controller]] = {
    "uncontrolled": lambda day, _: Uncontrolled(day),
    "equal_share": lambda day, _: EqualShare(day),
    "upstream_like": lambda day, margin_a: UpstreamLike(day, margin_a=margin_a),
}
REFERENCES = (HELD_IDEAL, IDEAL, OPTIMUM)
KNOWN = (*_MAKERS, *REAL, *REFERENCES)


def make_controller(policy: str, day: SiteDay, margin_a: float) -> Controller:
    """Return a controller that knows nothing of the day yet."""
    if policy in _MAKERS:
        return _MAKERS[policy](day, margin_a)
    return Balanz(day.layout, metered=day.metered, policy=Policy(policy), margin_a=margin_a)


def parse_policies(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas. Raises InputError for one that is unknown."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in KNOWN:
            raise InputError(f"no such policy: {name!r} (known: {', '.join(KNOWN)})")
    return tuple(dict.fromkeys(names))
