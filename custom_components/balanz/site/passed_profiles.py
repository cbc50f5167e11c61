"""The profiles of a back office that lie in the charger itself, while nobody balances it.

A TxProfile overrules the limit of balanz. So what the charger takes is remembered, and is booked
from the moment in which it is balanced, until it has been cleared.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from ..csms.charging_profile import ProfileError
from ..csms.command_values import CommandStatus, ProfileCriteria, ProfilePurpose
from ..csms.lenient import integer
from ..csms.local_controller.profile_desk import StoredProfiles
from ..csms.local_controller.profile_reading import PURPOSES, read_profile
from ..csms.rpc_frames import Payload
from ..csms.station import Station
from ..csms.station_errors import (
    CommandInvalid,
    CommandRejected,
    StationError,
    StationOffline,
)
from ..storage.journal import StorageError
from .foreign_profiles import ForeignProfile, ForeignProfiles, ProfileRefused

_REJECTED: Payload = {"status": "Rejected"}

_LOGGER = logging.getLogger(__name__)


class PassedProfiles:
    """Passes on the profiles of one charger's back office, and clears them for balancing."""

    def __init__(
        self, station: Station, profiles: StoredProfiles, foreign: ForeignProfiles
    ) -> None:
        """Keep what the charger has accepted in `profiles`, and have `foreign` book it."""
        self._station = station
        self._profiles = profiles
        self._foreign = foreign

    @property
    def left(self) -> frozenset[int]:
        """The ids of those that the charger may still have."""
        return self._profiles.ids & self._foreign.ids(self._station.identity)

    async def pass_on(
        self, action: str, payload: Payload, own: Payload, ask: Callable[[], Awaitable[Payload]]
    ) -> Payload:
        """Return the charger's answer, once it was asked. Raises StationError."""
        identity = self._station.identity
        raw = own.get("csChargingProfiles", own.get("chargingProfile"))
        expected = self._expected(own, raw) if isinstance(raw, dict) else None
        if expected is not None:
            try:
                await self._foreign.expect(identity, expected)
            except (ProfileRefused, StorageError) as error:
                _LOGGER.warning("%s was sent no profile: %s", identity, error)
                return _REJECTED
        accepted = False
        try:
            answer = await ask()
            accepted = answer.get("status") == "Accepted"
        except CommandInvalid, CommandRejected, StationOffline:
            if expected is not None:
                self._foreign.settled(identity, expected, accepted=False)
            raise
        # Without an answer, what was sent may be in force.
        if expected is not None:
            self._foreign.settled(identity, expected, accepted=accepted)
        if accepted:
            self._profiles.mirror(action, payload)
            if action == "ClearChargingProfile":
                self._foreign.cleared(identity, _criteria(own))
        return answer

    async def take_over(self) -> None:
        """Clear what the charger has of the back office, now that its limits are kept here."""
        identity = self._station.identity
        for profile_id in sorted(self.left):
            criteria = ProfileCriteria(profile_id=profile_id)
            try:
                status = await self._foreign.clear(identity, criteria, force=True)
            except (ProfileRefused, StationError, StorageError) as error:
                _LOGGER.debug("%s keeps a profile of its back office: %s", identity, error)
                return
            if status is CommandStatus.UNKNOWN:
                self._foreign.cleared(identity, criteria)

    def _expected(self, own: Payload, raw: Mapping[str, Any]) -> ForeignProfile:
        connector = integer(own.get("connectorId"))
        try:
            profile = read_profile(raw)
        except ProfileError:
            # A charger may make anything of it.
            return ForeignProfile(
                id=integer(raw.get("chargingProfileId")) or 0,
                connector=connector,
                purpose=ProfilePurpose.TX_DEFAULT,
                stack_level=integer(raw.get("stackLevel")) or 0,
                largest_a=inf,
            )
        if profile.purpose is ProfilePurpose.TX and profile.transaction_id is None and connector:
            running = self._station.transaction_id(connector)
            profile = replace(profile, transaction_id=running)
        return ForeignProfile.of(profile, connector)


def _criteria(payload: Payload) -> ProfileCriteria:
    purpose = payload.get("chargingProfilePurpose")
    return ProfileCriteria(
        profile_id=integer(payload.get("id")),
        connector=integer(payload.get("connectorId")),
        purpose=PURPOSES.get(purpose) if isinstance(purpose, str) else None,
        stack_level=integer(payload.get("stackLevel")),
    )
