"""Brings one charger in line with how the limits of its back office are kept.

They are merged here until its firmware is proven to cap them, and again as soon as anything speaks
against that. A cap begins between two sessions, and only once it is in force.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial

from ..balancing.model import ConnectorKey
from ..csms.events import ConnectorStatus
from ..csms.local_controller.modes import Mode, may_cap
from ..csms.local_controller.profile_desk import StoredProfiles
from ..csms.profile_forms import Purpose
from ..csms.station import Station
from ..storage.journal import StorageError
from .foreign_profiles import ForeignProfiles
from .live import LiveConnector
from .passed_profiles import PassedProfiles
from .proofs import ProofRefused, Proofs

IN_LINE_EVERY_S = 60.0
"""How often it is tried to give a charger, or take from it, what it is to have or not to."""
TELL_AGAIN_S = 5.0
UNCAP_AFTER_S = 30.0
"""How long a cap is kept where what it caps cannot be cleared: others have made room by then."""
PROVE_AGAIN_S = 600.0
MOST_PROOFS = 3
"""Of a charger since the start: one that does not show what it offers will not later."""

_LOGGER = logging.getLogger(__name__)


class UpstreamMode:
    """Who holds the profiles of one charger's back office."""

    def __init__(
        self,
        station: Station,
        profiles: StoredProfiles,
        *,
        foreign: ForeignProfiles,
        proofs: Proofs,
        is_free: Callable[[ConnectorKey], bool],
        send_again: Callable[[ConnectorKey, float], None],
        spawn: Callable[[Coroutine[object, object, None]], asyncio.Task[None]],
    ) -> None:
        """Go on as before a restart.

        `is_free` tells whether a connector is left to itself, `send_again` has its limit told.
        """
        first = ConnectorKey(station.identity, 1)
        self.passed = PassedProfiles(station, profiles, foreign, partial(is_free, first))
        self.look_again_at: float | None = None
        """When time alone makes something due (monotonic s)."""
        self._station = station
        self._profiles = profiles
        self._foreign = foreign
        self._proofs = proofs
        self._is_free = is_free
        self._send_again = send_again
        self._spawn = spawn
        self._refused_since_boot: int | None = None
        """The number of the boot since which it takes no cap."""
        self._told_at = -TELL_AGAIN_S
        self._uncap_at = asyncio.get_running_loop().time() + UNCAP_AFTER_S
        """When limits are caps no longer, whatever is left beneath them (monotonic s)."""
        self._proven_at = -PROVE_AGAIN_S
        self._proofs_left = MOST_PROOFS
        self._in_line_at = -IN_LINE_EVERY_S
        self._rule: tuple[bool, bool, bool] | None = None
        """Who rules the charger, as it was brought in line with last."""
        self._work: asyncio.Task[None] | None = None
        # That of an earlier back office may still be needed.
        station.capped = station.capped or self.capped
        foreign.cap(station.identity, capped=self.capped)

    @property
    def capped(self) -> bool:
        """Whether the charger holds them."""
        return self._profiles.mode is Mode.CAP

    def look(self, live: Sequence[LiveConnector], now: float) -> None:
        """Do what is due (monotonic seconds)."""
        self.look_again_at = None
        if not live or any(one.held for one in live):
            return
        if all(one.balanced for one in live):
            self._choose(live, now)
        self._bring_in_line(live, now)

    def leave(self, without_mode: Callable[[], Sequence[LiveConnector]]) -> None:
        """Book what the charger has of the back office, which nobody answers for any more.

        `without_mode` returns its connectors; none once it has another mode, which ends a cap
        itself.
        """
        live = without_mode()
        was_capped = self.capped
        if was_capped:
            self._merge()
        is_tried_out = not was_capped and any(one.held for one in live)
        if self._station.capped and not is_tried_out:
            self._spawn(self._leave_cap(without_mode))
        elif self.passed.left and _are_ruled(live):
            self._spawn(self.passed.take_over())

    async def _leave_cap(self, without_mode: Callable[[], Sequence[LiveConnector]]) -> None:
        """End the cap once nothing is beneath it, or others have made room."""
        loop, identity = asyncio.get_running_loop(), self._station.identity
        uncap_at = loop.time() + UNCAP_AFTER_S
        if self.passed.left and _are_ruled(without_mode()):
            await self.passed.take_over()
        if self._foreign.ids(identity):
            await asyncio.sleep(max(uncap_at - loop.time(), 0.0))
        if live := without_mode():
            self._uncap(live, loop.time())

    def _choose(self, live: Sequence[LiveConnector], now: float) -> None:
        station = self._station
        if station.capped and any(one.commitment.refusals for one in live):
            self._refused_since_boot = station.boots
        proven = self._proofs.caps(station.identity)
        if self.capped and not station.capped:
            _LOGGER.warning("%s has drawn more than its cap", station.identity)
            self._proofs.cap_ignored(station.identity)
            proven = False
        connectors = station.connector_count
        if connectors is None and self.capped:
            connectors = 1
        can_cap = (
            len(live) == 1
            and live[0].charger.quirks.purpose in (None, Purpose.CHARGE_POINT_MAX)
            and self._refused_since_boot != station.boots
            and may_cap(station.capabilities, connectors=connectors)
        )
        wanted = can_cap and proven is True
        if wanted and not self.capped:
            self._cap(live[0], now)
        elif not wanted and self.capped:
            self._merge()
            self._uncap_at = now + UNCAP_AFTER_S
            if not station.capped:
                self._tell(live, now)
        elif not wanted and station.capped:
            is_bare = not self._foreign.ids(station.identity)
            if is_bare or self._is_due(self._uncap_at, now):
                self._uncap(live, now)
        if can_cap and proven is None:
            self._prove(live[0], now)

    def _cap(self, one: LiveConnector, now: float) -> None:
        """Go over to a cap: first the limit of balanz, then what it is for."""
        station = self._station
        if one.transaction is not None:
            return
        station.capped = True
        if not station.is_cap_in_force:
            if self._is_due(self._told_at + TELL_AGAIN_S, now):
                self._tell([one], now)
            return
        self._foreign.cap(station.identity, capped=True)
        self._profiles.mode = Mode.CAP

    def _merge(self) -> None:
        """Go back to a merge: what is in the charger is booked until it has been cleared.

        The cap stays meanwhile, since without it the charger could draw what others still have.
        """
        self._profiles.mode = Mode.MERGE
        self._foreign.cap(self._station.identity, capped=False)

    def _uncap(self, live: Sequence[LiveConnector], now: float) -> None:
        """Have limits told as usual from now on."""
        self._station.capped = False
        if self._station.is_cap_in_force:
            self._tell(live, now)

    def _tell(self, live: Sequence[LiveConnector], now: float) -> None:
        """Tell the limits again, in the form that they are to have now."""
        self._told_at = now
        for one in live:
            self._send_again(one.connector.key, now)

    def _prove(self, one: LiveConnector, now: float) -> None:
        is_idle = one.status is ConnectorStatus.AVAILABLE and one.transaction is None
        is_asked = self._station.ready and not self._station.capabilities.unread
        # What others have left in the charger would be taken for what it makes of the cap.
        is_alone = not self._foreign.ids(self._station.identity)
        is_settled = is_asked and is_alone and one.commitment.accepted_a is not None
        if not (is_idle and is_settled and self._proofs_left > 0):
            return
        if self._is_due(self._proven_at + PROVE_AGAIN_S, now):
            self._proven_at = now
            self._spawn(self._start_proof())

    async def _start_proof(self) -> None:
        with suppress(ProofRefused, StorageError):
            await self._proofs.start_cap(self._station.identity)
            self._proofs_left -= 1

    def _bring_in_line(self, live: Sequence[LiveConnector], now: float) -> None:
        """Give the charger what it is to have, or clear what it must not have."""
        if not self._profiles.any or not self._station.ready:
            return
        is_free = all(self._is_free(one.connector.key) for one in live)
        is_ruled = _are_ruled(live)
        rule = (is_free, is_ruled, self.capped)
        if rule != self._rule:
            self._rule, self._in_line_at = rule, -IN_LINE_EVERY_S
        is_busy = self._work is not None and not self._work.done()
        if is_busy or not self._is_due(self._in_line_at + IN_LINE_EVERY_S, now):
            return
        self._in_line_at = now
        if is_ruled and self.passed.left:
            self._work = self._spawn(self.passed.take_over())
        elif (is_free or (is_ruled and self.capped)) and self.passed.missing(caps=is_free):
            self._work = self._spawn(self.passed.hand_over(caps=is_free))

    def _is_due(self, at: float, now: float) -> bool:
        """Return whether a time has come; if not, look again then."""
        if at > now:
            self.look_again_at = min(at, self.look_again_at or at)
        return at <= now


def _are_ruled(live: Sequence[LiveConnector]) -> bool:
    """Return whether balanz's own limits are in force."""
    return all(one.balanced and one.commitment.accepted_a is not None for one in live)
