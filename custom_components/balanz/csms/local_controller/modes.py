"""Two ways to keep the limits of balanz and those of another central system at one charger.

A TxProfile of the central system overrules balanz's TxDefaultProfile, so that both cannot simply
lie side by side. Either is chosen by what the charger proves able to do:

**Cap.** balanz's limit is the one ChargePointMaxProfile of the charger, which takes the smaller of
it and of all others by itself (OCPP 1.6, section 3.13). What the central system sends goes on to
the charger untouched, but for ids that are balanz's and for its own ChargePointMaxProfiles: of
these only the highest stack level would count, so balanz keeps them and has them bound its own.
Chosen where a charger has one connector, since the profile is one for the sum of all, has room for
a second profile, was seen to cap others by it and not to draw more than it allows.

**Merge.** The central system's profiles stay with balanz, which answers as the charger would and
writes the smaller limit as the only profile there is, in any form that the charger takes. Chosen
everywhere else, also before anything is proven: it asks the least of a charger.

In both modes the allocation is bounded by all profiles, also by those that the charger has itself:
what it would not use is left for others.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from ..capabilities import Capabilities
from ..charging_profile import ProfileError
from ..command_values import ProfilePurpose
from ..lenient import number
from ..profiles import FALLBACK_PROFILE_IDS, TX_PROFILE_IDS, own_profile_ids
from ..rpc_frames import Payload
from ..wording import ocpp_name
from .composition import InstalledProfile
from .limit_digits import in_tenths
from .profile_reading import LARGEST_LIMIT, PURPOSES, read_profile

_MOVED_BY = TX_PROFILE_IDS + FALLBACK_PROFILE_IDS
_OF_TRANSACTIONS = (ProfilePurpose.TX, ProfilePurpose.TX_DEFAULT)


class Mode(StrEnum):
    """How the limits of both are kept."""

    CAP = "cap"
    MERGE = "merge"


def may_cap(capabilities: Capabilities, *, connectors: int | None) -> bool:
    """Return whether a charger may hold both, once it is proven to cap.

    The cap is one for the sum of all connectors; None where their number is not known.
    """
    has_room = capabilities.max_profiles is None or capabilities.max_profiles > 1
    return connectors == 1 and has_room


def moved_id(profile_id: int) -> int:
    """Return the id under which a charger with one connector holds a profile beside balanz's own.

    Those that balanz uses are moved out of the way, and whatever is there in turn, so that no two
    become one and none becomes balanz's. All others stay as they are.
    """
    is_in_the_way = any(
        profile_id >= own and (profile_id - own) % _MOVED_BY == 0 for own in own_profile_ids(1)
    )
    return profile_id + _MOVED_BY if is_in_the_way else profile_id


def set_to_forward(payload: Payload) -> Payload | None:
    """Return the SetChargingProfile that the charger is sent in a cap; None: balanz answers.

    It is not sent what can mean anything, and limits as OCPP 1.6 has them.
    """
    goes_on = _purpose(payload.get("csChargingProfiles")) in _OF_TRANSACTIONS
    return in_tenths(payload) if goes_on else None


def start_to_forward(payload: Payload) -> Payload | None:
    """Return the RemoteStartTransaction that the charger is sent in a cap; None if it is none."""
    goes_on = _purpose(payload.get("chargingProfile")) is ProfilePurpose.TX
    return in_tenths(payload) if goes_on else None


def clears_to_forward(payload: Payload, *, kept_here: Collection[int]) -> tuple[Payload, ...]:
    """Return the ClearChargingProfiles that the charger is sent in a cap; none can match ours.

    `kept_here` are the ids of the profiles that the charger does not have.
    """
    profile_id = payload.get("id")
    if profile_id is not None:
        return () if profile_id in kept_here else (payload,)
    match payload.get("chargingProfilePurpose"):
        case None:
            names = [ocpp_name(purpose) for purpose in _OF_TRANSACTIONS]
            return tuple(payload | {"chargingProfilePurpose": name} for name in names)
        case name if PURPOSES.get(str(name)) in _OF_TRANSACTIONS:
            return (payload,)
        case _:
            return ()


def handed_over(one: InstalledProfile) -> Payload:
    """Return the SetChargingProfile by which a charger is given a profile that was kept here."""
    return in_tenths({"connectorId": one.connector, "csChargingProfiles": one.profile.as_v16()})


def _purpose(raw: Any) -> ProfilePurpose | None:
    """Return what a profile is for; None where no charger could make anything of it."""
    try:
        read = read_profile(raw)
    except ProfileError:
        return None
    limits = (number(it["limit"]) for it in raw["chargingSchedule"]["chargingSchedulePeriod"])
    return read.purpose if all((it or 0.0) <= LARGEST_LIMIT for it in limits) else None
