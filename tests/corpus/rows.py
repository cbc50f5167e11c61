"""What a row of the corpus is: something bad that is sent, and what must come of it."""

from dataclasses import dataclass, field
from typing import Any

from custom_components.balanz.csms.security_events import RefusalCause
from custom_components.balanz.csms.security_profile import SecurityProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpStatus:
    """The request is answered with this status, and nothing else comes of it."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """The request becomes a WebSocket that speaks OCPP 1.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The socket is closed, or lost, without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The WebSocket is closed with one of these codes."""

    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """No reply, and the next call on the same socket is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A CALLERROR with this code, and the next call on the same socket is served."""

    code: str
    id: Any = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A CALLRESULT that has at least these fields, whatever their values where they are `...`."""

    has: dict[str, Any] = field(default_factory=dict)
    id: Any = "1"


type Outcome = HttpStatus | Upgraded | HungUp | Closed | Ignored | Refused | Served
type Piece = bytes | float
"""Bytes to write, or s to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesRow:
    """Bytes on a socket: a handshake, or frames after a good one."""

    id: str
    case: str
    sent: tuple[Piece, ...]
    then: Outcome
    times: int = 1
    """On so many sockets at once; what must come is said of the last one."""
    upgraded: bool = False
    """Whether a good handshake goes before."""
    reads: bool = True
    """Whether the other side takes what is sent to it."""
    resets: bool = False
    """Whether the other side resets the socket in the end."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What the central system is set up with, different from others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesRow:
    """Messages on the WebSocket of a charger that has booted."""

    id: str
    case: str
    sent: tuple[str | bytes, ...]
    then: Outcome
    times: int = 1
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """What a charger answers to a call."""

    id: str
    case: str
    ask: str
    """What is asked: trigger, limit, schedule or settings."""
    reply: str | None
    """The frame, with %s for the id of the call; None for silence until it is too late."""
    becomes: str
    """What comes back to who has asked, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A well-formed call of a charger that has booted, with something wrong in it."""

    id: str
    case: str
    action: str
    payload: Any
    then: Outcome
    before: tuple[tuple[str, Any], ...] = ()
    """Calls that go before it; all are served."""
    emits: tuple[str, ...] = ()
    """Names of the events that tell of a status, a measurement or a transaction."""
    times: int = 1
    """So many are sent without waiting for the answers; all are answered, and in their order."""
    pending: bool = False
    """Whether the charger is one that waits to be accepted."""
    boots: bool = True
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """How somebody comes who says to be CP1."""

    password: str | bytes | None = None
    user: str | None = "CP1"
    header: str | None = None
    """The whole Authorization header, in place of the password."""
    encrypted: bool = False
    version: str | None = None
    """The only version of TLS that it knows; None: those of today."""
    certificate: str | None = None
    """Which certificate it shows."""
    address: str | None = None
    """Where it comes from, if not from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRow:
    """Somebody who says to be CP1, of which a security profile is asked."""

    id: str
    case: str
    asks: SecurityProfile
    comes: tuple[Coming, ...]
    """One after the other; what must come is said of the last one."""
    then: Outcome
    told: RefusalCause | None
    """The only cause of a refusal that is told, and once; None: none is."""


type Row = DoorRow | BytesRow | FramesRow | AnswerRow | MessageRow
