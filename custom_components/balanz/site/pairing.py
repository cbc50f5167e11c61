"""Chargers that are not set up: who introduced itself, who was refused, and until when."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ..csms.events import StationPending, StationRefused
from ..csms.server import CentralSystem
from .snapshot import PendingCharger, Problem, ProblemKind

REMEMBERED = 50
"""Unknown chargers to list; strangers must not fill the memory."""
MOST_NAMED = 5
"""So many of them are told of; they could go on for ever with new names."""


class Pairing:
    """Opens the door to unknown chargers for a while, and lists those that came."""

    def __init__(self, *, central: CentralSystem, on_change: Callable[[], None]) -> None:
        """Start closed. `on_change` is called after each opening and closing."""
        self.until: datetime | None = None
        """When the door closes; None while it is closed."""
        self._central = central
        self._on_change = on_change
        self._pending: dict[str, PendingCharger] = {}
        self._refused: dict[str, None] = {}
        self._passed_over: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pending(self) -> tuple[PendingCharger, ...]:
        """The chargers that introduced themselves, oldest first."""
        return tuple(self._pending.values())

    @property
    def refused(self) -> tuple[str, ...]:
        """The identities of refused chargers, oldest first."""
        return tuple(self._refused)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Who is kept out by the closed door, if anybody is."""
        named = [one for one in self._refused if one not in self._passed_over][-MOST_NAMED:]
        if self.until is not None or not named:
            return ()
        return (
            Problem(
                kind=ProblemKind.UNKNOWN_CHARGERS,
                subject="",
                placeholders={"chargers": ", ".join(named)},
            ),
        )

    def open(self, duration_s: float) -> None:
        """Let unknown chargers introduce themselves for a while."""
        self.cancel_timer()
        self._passed_over.clear()
        self._central.pairing_open = True
        self._timer = asyncio.get_running_loop().call_later(duration_s, self.close)
        until = datetime.now(UTC) + timedelta(seconds=duration_s)
        self.until = until.replace(microsecond=0)
        self._on_change()

    def close(self) -> None:
        """Refuse unknown chargers again."""
        self.cancel_timer()
        self._central.pairing_open = False
        self._pending.clear()
        self._on_change()

    def cancel_timer(self) -> None:
        """Let nothing close by itself any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self.until = None

    def take(self, event: StationPending | StationRefused) -> None:
        """List a charger that came."""
        match event:
            case StationPending():
                self._pending[event.identity] = PendingCharger(
                    identity=event.identity, boot=event.boot, address=event.address
                )
                _forget_oldest(self._pending)
            case StationRefused():
                self._refused[event.identity] = None
                _forget_oldest(self._refused)

    def pass_over(self, identity: str) -> None:
        """Take a charger that the user has just removed for no problem, until the door opens."""
        self._passed_over.add(identity)

    def forget(self, identities: Iterable[str]) -> None:
        """List these no longer; they are set up now."""
        for identity in identities:
            self._pending.pop(identity, None)
            self._refused.pop(identity, None)


def _forget_oldest(remembered: dict[str, Any]) -> None:
    while len(remembered) > REMEMBERED:
        del remembered[next(iter(remembered))]
