"""How chargers in the field differ from OCPP 1.6, as data that a simulated one follows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .profiles import Profile


@dataclass(frozen=True, slots=True)
class Asked:
    """A CALL of the peer: its action, and what its payload has to contain as compact JSON."""

    action: str
    containing: str = ""

    def matches(self, action: object, payload: object) -> bool:
        """Return whether this CALL is meant."""
        text = json.dumps(payload, separators=(",", ":"))
        return action == self.action and self.containing in text


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a charger does that others do not; without any, it does as OCPP 1.6 says."""

    refuses: tuple[Asked, ...] = ()
    """Answers with a CALLERROR."""
    shrugs_off: tuple[Asked, ...] = ()
    """Answers Accepted, and that is all."""
    ignores: tuple[Asked, ...] = ()
    """Gives no answer."""
    hangs_up_on: tuple[Asked, ...] = ()
    """Closes the connection."""
    hangs_up_on_ping: bool = False
    """Closes the connection when it is pinged, and never pings."""
    restarts_on: tuple[Asked, ...] = ()
    """Restarts without an answer."""
    tells: Mapping[str, str] = field(default_factory=dict)
    """What it says of its configuration, whatever is true."""
    left_behind: tuple[tuple[int, Profile], ...] = ()
    """Profiles that another central system has set before, and their connectors."""
    takes_steps_a: tuple[float, ...] = ()
    """The only currents that it offers; it takes the next lower one."""
    defaults_wait: bool = False
    """A TxDefaultProfile counts from the next transaction on."""
    needs_number_phases: bool = False
    """A limit has no effect unless it says for how many phases it is."""
    zero_is_no_limit: bool = False
    locks_at_zero: bool = False
    """Once it was told 0, it offers nothing any more, whatever else it is told."""
    forgets_after_zero: bool = False
    """Accepts the first limit after 0, and stays at 0."""
    ends_below_a: float = 0.0
    """Ends its transaction by itself at limits below this."""
    one_line_below_w: float = 0.0
    """Below this power it offers all of it on one line."""
    spreads_current: bool = False
    """Reports the current of its one line as if it were that of three."""
    calls_import_export: bool = False
    """Calls the current that flows into the car Current.Export."""
    offline_a: float | None = None
    """What it offers, whatever profiles say, once its link is gone; None: what they say."""
    offline_key: str = ""
    """Its configuration key for that, in A, if it has one."""
    offline_after_s: float = 120.0
    """How long it takes to notice that."""
    meters_when_asked: bool = False
    """Sends no meter values unless it is triggered to."""

    def reaction(self, text: str) -> str | None:
        """Return the name of the field that tells what it does with a frame; None as others do."""
        try:
            frame: Any = json.loads(text)
        except ValueError:
            return None
        if not isinstance(frame, list) or len(frame) != 4 or frame[0] != 2:
            return None
        for name in ("restarts_on", "hangs_up_on", "ignores", "refuses", "shrugs_off"):
            if any(asked.matches(frame[2], frame[3]) for asked in getattr(self, name)):
                return name
        return None
