"""The profiles of a back office that lie in the charger itself.

That is where nobody balances it, or where balanz's limit is a cap on them. Elsewhere a TxProfile
overrules the limit of balanz: what the charger has taken is booked then, until it has been cleared.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any

import orjson

from ..csms.charging_profile import ProfileError
from ..csms.command_values import CommandStatus, ProfileCriteria, ProfilePurpose
from ..csms.lenient import integer
from ..csms.local_controller.composition import InstalledProfile
from ..csms.local_controller.modes import Mode, handed_over, moved_id
from ..csms.local_controller.profile_desk import StoredProfiles
from ..csms.local_controller.profile_reading import PURPOSES, read_profile
from ..csms.rpc_frames import Payload, Verbatim
from ..csms.station import Station
from ..csms.station_errors import (
    CommandInvalid,
    CommandRejected,
    StationError,
    StationOffline,
)
from ..storage.journal import StorageError
from .foreign_profiles import ForeignProfile, ForeignProfiles, ProfileRefused

_ID = "chargingProfileId"
_REJECTED: Payload = {"status": "Rejected"}

_LOGGER = logging.getLogger(__name__)


class PassedProfiles:
    """Passes on the profiles of one charger's back office, and clears them for balancing."""

    def __init__(
        self,
        station: Station,
        profiles: StoredProfiles,
        foreign: ForeignProfiles,
        is_free: Callable[[], bool],
    ) -> None:
        """Keep what the charger has accepted in `profiles`, and have `foreign` book it.

        `is_free` tells whether it has no profile of balanz.
        """
        self._station = station
        self._profiles = profiles
        self._foreign = foreign
        self._is_free = is_free
        self._not_taken: set[InstalledProfile] = set()
        """Those that the charger was to be given, and refused."""

    @property
    def left(self) -> frozenset[int]:
        """The ids in the charger of those that it may still have and must not."""
        profiles = self._profiles
        moved = {it: moved_id(it) for it in profiles.ids}
        must_not = set(moved if profiles.mode is Mode.MERGE else profiles.kept_here)
        must_not |= {moved[it] for it in must_not}
        # What came to the letter while nothing of balanz's was there has one of its ids.
        must_not |= {it for it in moved if it != moved[it]} - set(moved.values())
        return frozenset(must_not) & self._in_charger

    def missing(self, *, caps: bool) -> tuple[InstalledProfile, ...]:
        """Return those that the charger has neither got nor refused, as it is to be given them.

        `caps` tells whether limits of the whole charger are among them.
        """
        profiles = self._profiles
        present = {it for it in profiles.ids if self._at_charger(it) in self._in_charger}
        without = present if caps else present | profiles.kept_here
        return tuple(it for it in profiles.others(without) if it not in self._not_taken)

    async def pass_on(self, action: str, payload: Payload, own: Payload) -> Payload:
        """Return the charger's answer, once it was asked. Raises StationError.

        `own` is the same with the transaction ids of balanz.
        """
        answer = await self._send(action, self._moved(own))
        if answer.get("status") == "Accepted":
            self._profiles.mirror(action, payload)
        return answer

    async def hand_over(self, *, caps: bool) -> None:
        """Give the charger what it is missing; what it refuses counts here all the same."""
        self._not_taken &= set(self._profiles.others(()))
        for one in self.missing(caps=caps):
            if not self._may_have(caps=caps):
                return
            try:
                answer = await self._send("SetChargingProfile", self._moved(handed_over(one)))
            except CommandInvalid, CommandRejected:
                self._not_taken.add(one)
            except StationError as error:
                _LOGGER.debug("%s was given no profile: %s", self._station.identity, error)
                return
            else:
                if answer.get("status") != "Accepted":
                    self._not_taken.add(one)

    async def take_over(self) -> None:
        """Clear what the charger has of the back office and must not have.

        balanz's own limits are in force, so that what had their ids is gone.
        """
        identity = self._station.identity
        self._foreign.own_limits_set(identity)
        for profile_id in sorted(self.left):
            criteria = ProfileCriteria(profile_id=profile_id)
            try:
                status = await self._foreign.clear(identity, criteria, force=True)
            except (ProfileRefused, StationError, StorageError) as error:
                _LOGGER.debug("%s keeps a profile of its back office: %s", identity, error)
                return
            if status is CommandStatus.UNKNOWN:
                self._foreign.cleared(identity, criteria)

    def _may_have(self, *, caps: bool) -> bool:
        """Return whether it is left to itself, or capped and given no limit of all of it."""
        return self._is_free() or (self._profiles.mode is Mode.CAP and not caps)

    # Ids

    @property
    def _in_charger(self) -> frozenset[int]:
        return self._foreign.ids(self._station.identity)

    def _at_charger(self, profile_id: int) -> int:
        """Return the id under which the charger has a profile, or will have it."""
        moved = moved_id(profile_id)
        # Once moved it stays where it is, also when nothing of balanz's is there any more.
        is_moved = not self._is_free() or moved in self._in_charger
        return moved if is_moved else profile_id

    def _moved(self, payload: Payload) -> Payload:
        """Return a call with the ids under which the charger has profiles, else to the letter."""
        for name in ("csChargingProfiles", "chargingProfile"):
            profile = payload.get(name)
            if not isinstance(profile, dict):
                continue
            profile_id = integer(profile.get(_ID))
            if profile_id is not None and profile_id != self._at_charger(profile_id):
                return _changed(payload, name, profile | {_ID: self._at_charger(profile_id)})
        profile_id = integer(payload.get("id"))
        if profile_id is not None and profile_id != self._at_charger(profile_id):
            return _changed(payload, "id", self._at_charger(profile_id))
        return payload

    # Details

    async def _send(self, action: str, payload: Payload) -> Payload:
        """Send what is booked before, and as long as it may be in force. Raises StationError."""
        identity = self._station.identity
        raw = payload.get("csChargingProfiles", payload.get("chargingProfile"))
        expected = self._expected(payload, raw) if isinstance(raw, dict) else None
        if expected is not None:
            try:
                await self._foreign.expect(identity, expected)
            except (ProfileRefused, StorageError) as error:
                _LOGGER.warning("%s was sent no profile: %s", identity, error)
                return _REJECTED
        try:
            answer = await self._station.request(action, payload)
        except CommandInvalid, CommandRejected, StationOffline:
            if expected is not None:
                self._foreign.settled(identity, expected, accepted=False)
            raise
        # Without an answer, what was sent may be in force.
        accepted = answer.get("status") == "Accepted"
        if expected is not None:
            self._foreign.settled(identity, expected, accepted=accepted)
        if accepted and action == "ClearChargingProfile":
            self._foreign.cleared(identity, _criteria(payload))
        return answer

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


def _changed(payload: Payload, name: str, value: object) -> Payload:
    changed = payload | {name: value}
    return Verbatim.of(changed, orjson.dumps(changed).decode())
