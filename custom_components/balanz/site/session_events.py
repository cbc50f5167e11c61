"""What happens in the course of a charging session, as others are told of it."""

from dataclasses import dataclass
from enum import StrEnum

from ..balancing.model import ConnectorKey
from ..balancing.reasons import Reason
from ..storage.tags import Tag


class SessionKind(StrEnum):
    """What happened to a session."""

    STARTED = "started"
    REFUSED = "refused"
    """It runs, but its tag may not charge; nothing more is told of it."""
    LIMITED = "limited"
    """The car gets less than it could use, for the first time or again after a while."""
    SUSPENDED = "suspended"
    """The car has not been charging for some seconds."""
    RESUMED = "resumed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """Something that happened to the session of a connector."""

    key: ConnectorKey
    kind: SessionKind
    transaction_id: int
    tag: Tag | None
    """None where nobody knows it."""
    energy_wh: float | None
    """What the session has taken so far."""
    duration_s: float
    """How long it has lasted so far, or lasted."""
    reason: Reason
    """Why the connector has the limit that it has."""
    limit_a: float | None
    """The last limit that the charger was sent, A per line."""
    by_car: bool | None = None
    """Whether the car suspends it (True), or its charger; None where it is not suspended."""
    stop_reason: str = ""
    """Why it ended, as OCPP 1.6 section 7.36 names it."""
